"""A service of another version of the flow: what it cannot go on with is concluded, and holds up nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from tests.e2e.conftest import PATH, deliver, eventually, finished, post_mortem, push
from tests.world.world import World


def test_a_run_of_an_earlier_version_ends_and_the_next_one_begins(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    old = fresh.get("/api/runs")["runs"][0]["id"]
    service.kill()
    with closing(sqlite3.connect(fresh.database)) as database, database:
        database.execute("UPDATE workflow_status SET application_version = 'before' WHERE status = 'PENDING'")
    fresh.serve()
    ended = finished(fresh, old, 30)
    assert (ended["outcome"], ended["reason"]) == ("failed", "flow-changed")
    deliver(fresh, push(fresh, {PATH: post_mortem() + "\nMore.\n"}))
    eventually(lambda: [r for r in fresh.get("/api/runs")["runs"] if r["outcome"] == "done"])
