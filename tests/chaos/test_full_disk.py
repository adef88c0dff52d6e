"""A disk is full for a while: nothing is acknowledged that is not kept, nothing is applied, and then all goes on."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app.ledger.full import cannot_be_written, engine_that_waits
from tests.chaos.alone import Alone
from tests.chaos.faults import full_devvm, full_disk
from tests.chaos.flood import Push, advance, forge
from tests.e2e.conftest import FIX, PATH, deliver, eventually, finished, log, post_mortem, push
from tests.e2e.test_landing import RETRY
from tests.world.world import World

NAME = "example-org/infra"


class Place:
    """A forge whose pushes each change a post-mortem, and the service."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "infra.git"
        self.pushes = [one for one in forge(self.bare, NAME, 120, random.Random(5)) if one.post_mortem]
        advance(self.bare, self.pushes[-1].after)
        self.alone = Alone(folder, {NAME: self.bare})

    def tell(self, push: Push, name: str) -> int:
        return self.alone.tell(NAME, push.before, push.after, name)

    def rows(self, query: str) -> list[tuple[str, ...]]:
        with closing(sqlite3.connect(self.alone.database, timeout=30)) as db:
            return list(db.execute(query))

    def over(self) -> bool:
        left = self.rows(
            "SELECT id FROM deliveries WHERE reason = '' UNION SELECT id FROM runs WHERE finished_at IS NULL"
        )
        engine = self.rows("SELECT workflow_uuid FROM workflow_status WHERE status <> 'SUCCESS'")
        return not left and not engine


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.alone.stop()


def test_nothing_is_acknowledged_that_is_not_kept_and_all_goes_on_by_itself(place: Place) -> None:
    """Deliveries are being followed when the disk becomes full, and one comes meanwhile."""
    *pushes, late = place.pushes
    child = place.alone.serve()
    for n, one in enumerate(pushes):
        assert place.tell(one, f"d{n}") == 202
    eventually(lambda: place.rows("SELECT id FROM runs"), 30)
    with full_disk(child):
        for _ in range(5):
            assert place.tell(late, "late") == 503
            time.sleep(0.5)
        assert not place.rows("SELECT id FROM deliveries WHERE id = 'late'")
        assert not place.over()
    eventually(lambda: place.tell(late, "late") == 202, 30)
    eventually(place.over, 90)
    assert child.process.poll() is None, "it is the same process"
    outcomes = place.rows('SELECT "commit", outcome FROM runs ORDER BY 1')
    assert outcomes == sorted((one.after, "nothing-to-do") for one in place.pushes)
    assert place.rows("SELECT DISTINCT reason FROM deliveries") == [("runs-started",)]


def test_what_passes_by_itself_is_told_from_what_does_not(tmp_path: Path) -> None:
    engine = engine_that_waits(f"sqlite:///{tmp_path}/l.db")
    assert engine is not None
    with engine.connect() as db:
        db.exec_driver_sql("CREATE TABLE t (x)")
        db.exec_driver_sql("PRAGMA max_page_count = 2")
        with pytest.raises(OperationalError, match=r"database is locked: it cannot be written .*full") as full:
            db.exec_driver_sql("INSERT INTO t VALUES (zeroblob(100000))")
        db.rollback()
        with pytest.raises(OperationalError, match="no such table") as wrong:
            db.exec_driver_sql("SELECT * FROM u")
    engine.dispose()
    assert cannot_be_written(full.value.__cause__)
    assert not cannot_be_written(wrong.value)
    assert engine_that_waits("postgresql://127.0.0.1/x") is None


@pytest.mark.thorough
def test_a_devvm_whose_disk_becomes_full_has_nothing_applied_and_nothing_left_on_it(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    with full_devvm(fresh.devvm):
        ended = finished(fresh)
    (todo,) = ended["todos"]
    assert (todo["outcome"], todo["reason"]) == ("failed", "devvm-command-failed")
    assert "File too large" in todo["message"], "what git said of the disk"
    assert "apply" not in [event["phase"] for event in ended["events"]]
    assert FIX not in log(fresh, commits[1])
    assert list((fresh.devvm.workspace / "runs").iterdir()) == []
    deliver(fresh, push(fresh, {PATH: post_mortem() + RETRY}, "docs: once more"))
    eventually(lambda: [run for run in fresh.get("/api/runs")["runs"] if run["outcome"] == "done"])
    assert log(fresh, commits[1]).count(FIX) == 1
