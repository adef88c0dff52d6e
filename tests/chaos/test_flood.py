"""The flood itself: it notices what it is there to notice, and a small one comes out well."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos.flood import Count, Flood, table


@pytest.mark.parametrize(
    "wrong", ["lost_runs", "more_runs", "lost_deliveries", "unconcluded", "unfinished"], ids=lambda name: name
)
def test_what_went_wrong_is_not_well(wrong: str) -> None:
    assert not Count(**{wrong: ["x"]}).ok
    assert Count(runs=3).ok


@pytest.mark.parametrize(
    ("deliveries", "kills"), [(160, 3), pytest.param(1000, 8, marks=pytest.mark.thorough)], ids=["small", "large"]
)
def test_every_push_is_followed_once_whatever_is_told_how_often(tmp_path: Path, deliveries: int, kills: int) -> None:
    count = Flood(tmp_path, deliveries, 4, 7, lambda _: None).run(kills)
    assert count.ok, table(count)
    assert (count.kills, count.deliveries, count.pushes) == (kills, deliveries, deliveries // 2)
    assert count.runs > 3
    assert sum(n for said, n in count.answers.items() if said != "202") > 0, "somebody was told while it was down"
