"""The soak itself: it notices what it is there to notice, and a short one comes out well."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.chaos.soak import Count, soak


@pytest.mark.parametrize(
    "count",
    [
        Count(lost=["x"]),
        Count(applied_twice=["apply web plan"]),
        Count(committed_twice=["x"]),
        Count(runs=Counter({"None": 1})),
    ],
)
def test_what_went_wrong_is_not_well(count: Count) -> None:
    assert not count.ok
    assert Count(runs=Counter({"done": 3})).ok


@pytest.mark.thorough
@pytest.mark.parametrize("workers", [0, 2])
def test_a_short_soak_loses_nothing_and_does_nothing_twice(workers: int) -> None:
    count = soak(4, 11, lambda _: None, workers)
    assert count.kills == 4
    assert count.ok, count
