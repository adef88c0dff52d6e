"""Stored deliveries reach the engine in order, a few of each repository at a time, and none is in another's way."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ledger import Ledger, open_ledger
from app.ledger.deliveries import Delivery
from pipelines import handing_over
from pipelines.handing_over import AHEAD, HandOver


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path / 'l.db'}")
    yield made
    made.engine.dispose()


def store(ledger: Ledger, count: int, repository: str = "o/r", first: int = 0, decision: str = "accepted") -> list[str]:
    ids = [f"{repository.replace('/', '-')}-{n:04}" for n in range(first, first + count)]
    facts = ("github", "push", repository, "refs/heads/master", "0" * 40, "1" * 40, "me", decision)
    ledger.deliveries.store_all([Delivery(name, *facts, "" if decision == "accepted" else "x", "") for name in ids])
    return ids


def test_a_few_ahead_in_order_and_the_next_when_those_are_followed(ledger: Ledger) -> None:
    ids, started = store(ledger, AHEAD + 5), list[tuple[str, str]]()
    store(ledger, 3, first=900, decision="ignored")
    handing = HandOver(ledger, ["o/r"], lambda delivery, repository: started.append((delivery, repository)))
    handing.look()
    handing.look()
    assert started == [(name, "o/r") for name in ids[:AHEAD]], "once each"
    for name in ids[:3]:
        ledger.deliveries.conclude(name, "no-post-mortem-changed", "")
    handing.look()
    assert [name for name, _ in started] == ids[: AHEAD + 3]


def test_each_repository_has_its_own(ledger: Ledger) -> None:
    started: list[str] = []
    many, few = store(ledger, AHEAD * 2), store(ledger, 2, "o/other")
    HandOver(ledger, ["o/r", "o/other"], lambda delivery, _: started.append(delivery)).look()
    assert started == [*many[:AHEAD], *few]


def test_those_that_take_long_are_in_nobody_s_way(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ids, started = store(ledger, AHEAD + 4), list[str]()
    handing = HandOver(ledger, ["o/r"], lambda delivery, _: started.append(delivery))
    handing.look()
    monkeypatch.setattr(handing_over, "_LONG_SECONDS", -1.0)
    handing.look()
    assert started == ids


def test_one_that_could_not_be_handed_over_is_tried_again(ledger: Ledger) -> None:
    (name,) = store(ledger, 1)
    started: list[str] = []

    def start(delivery: str, _: str) -> None:
        started.append(delivery)
        if len(started) == 1:
            raise OSError("the database is away")

    handing = HandOver(ledger, ["o/r"], start)
    with pytest.raises(OSError, match="away"):
        handing.look()
    handing.look()
    assert started == [name, name]
