"""Which DevVM takes a run, and what the ledger knows of each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from pydantic import ValidationError

from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run
from app.ledger.schema import devvms
from app.pool import REST_SECONDS, Standing, order
from app.settings import DevVMSettings, Settings

LONG_AGO = REST_SECONDS + 1
A_KEY = {"host": "127.0.0.1", "user": "me", "host_key": "ssh-ed25519 AAAA"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize(
    ("standings", "expected"),
    [
        ([], []),
        ([Standing("a")], ["a"]),
        ([Standing("b"), Standing("a")], ["b", "a"]),
        ([Standing("a", open_runs=2), Standing("b", open_runs=1), Standing("c", open_runs=1)], ["b", "c", "a"]),
        ([Standing("a", failed_ago=LONG_AGO), Standing("b", open_runs=9)], ["b", "a"]),
        ([Standing("a", failed_ago=1.0), Standing("b", failed_ago=LONG_AGO, open_runs=9)], ["b", "a"]),
        ([Standing("a", failed_ago=1.0), Standing("b", failed_ago=2.0)], ["a", "b"]),
        ([Standing("a", is_drained=True), Standing("b", failed_ago=1.0, open_runs=9)], ["b"]),
        ([Standing("a", is_drained=True)], []),
        # The clock was set back: what it says of the failure is not known to be lately.
        ([Standing("a", failed_ago=1.0), Standing("b", failed_ago=-3600.0, open_runs=1)], ["b", "a"]),
    ],
)
def test_those_that_work_come_first_then_those_with_fewer_runs(standings: list[Standing], expected: list[str]) -> None:
    assert order(standings) == expected


@pytest.mark.parametrize(("ago", "is_resting"), [(0.0, True), (REST_SECONDS - 0.1, True), (REST_SECONDS, False)])
def test_one_that_failed_is_left_alone_for_a_time(ago: float, is_resting: bool) -> None:
    assert Standing("a", failed_ago=ago).is_resting is is_resting
    assert not Standing("a").is_resting


def test_how_a_devvm_is_changes_with_each_try_and_since_when_only_with_the_state(ledger: Ledger) -> None:
    assert (ledger.devvms.health("a").state, ledger.devvms.health("a").checked_ago) == ("", None)
    ledger.devvms.failed("a", "devvm-unreachable", "nobody listens")
    old = {"since": "2026-04-14T17:12:00Z", "checked_at": "2026-04-14T17:13:00Z"}
    with ledger.engine.begin() as db:
        db.execute(sa.update(devvms).values(**old))
    ledger.devvms.failed("a", "devvm-key-refused", "not this key")
    down = ledger.devvms.health("a")
    assert (down.state, down.since, down.reason, down.message) == (
        "down",
        old["since"],
        "devvm-key-refused",
        "not this key",
    )
    assert down.checked_at > old["checked_at"]
    ledger.devvms.answered("a")
    up = ledger.devvms.health("a")
    assert (up.state, up.reason) == ("up", "devvm-key-refused"), "the last failure stays known"
    assert up.since > old["since"]
    assert ledger.devvms.health("b").state == ""


def test_a_good_answer_is_not_written_down_at_every_step(ledger: Ledger) -> None:
    writes: list[str] = []
    sa.event.listen(ledger.engine, "before_cursor_execute", lambda _, __, said, *___: writes.append(said))
    for _ in range(5):
        ledger.devvms.answered("a")
    assert sum(said.startswith("UPDATE") for said in writes) == 1
    with ledger.engine.begin() as db:
        db.execute(sa.update(devvms).values(checked_at="2026-04-14T17:13:00Z"))
    ledger.devvms.answered("a")
    assert ledger.devvms.health("a").checked_at > "2026-04-14T17:13:00Z"


def test_a_drain_lasts_until_it_is_lifted_whatever_the_state(ledger: Ledger) -> None:
    assert ledger.devvms.drain("a", "me", "a new disk")
    assert not ledger.devvms.drain("a", "you", "again")
    ledger.devvms.answered("a")
    drained = ledger.devvms.health("a")
    assert (drained.state, drained.drained_by, drained.drained_why) == ("up", "me", "a new disk")
    assert ledger.devvms.undrain("a")
    assert not ledger.devvms.undrain("a")
    assert (ledger.devvms.health("a").drained_at, ledger.devvms.health("a").state) == ("", "up")


def test_runs_that_are_over_are_not_counted(ledger: Ledger) -> None:
    for name, devvm in (("one", "a"), ("two", "a"), ("three", "b"), ("waits", ""), ("over", "c")):
        ledger.runs.add(Run(name, "o/r", "p.md", "0" * 40))
        ledger.runs.describe(name, devvm=devvm)
    ledger.runs.close("over")
    assert ledger.devvms.open_runs() == {"a": 2, "b": 1}


def test_two_devvms_of_one_name_are_refused() -> None:
    """A run finds its DevVM again by name: it would go on on the other one."""
    twice = [DevVMSettings(name="a", **A_KEY), DevVMSettings(name="a", **A_KEY)]
    with pytest.raises(ValidationError, match="the name a stands twice"):
        Settings(devvm=twice)
    assert len(Settings(devvm=[twice[0], DevVMSettings(name="b", **A_KEY)]).devvm) == 2
