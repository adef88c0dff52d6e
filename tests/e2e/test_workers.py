"""A web side that executes nothing and two workers on machines of their own: one dies in the middle of a run."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import FIX, FOLLOW_UP, PATH, command, deliver, eventually, finished, log, post_mortem, push
from tests.world import asking
from tests.world.database import postgresql
from tests.world.world import Options, World

BEAT, DEAD = 0.5, 3


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A world on a PostgreSQL of its own."""
    with postgresql() as server:
        tables = {
            "database": {"url": server.get_uri()},
            "workers": {"beat_seconds": BEAT, "dead_after_seconds": DEAD},
            "agent": {"cage_test": "off"},
        }
        with World(tmp_path, Options(changes=tables)) as made:
            yield made


def test_a_run_whose_worker_dies_goes_on_at_the_other_one(world: World) -> None:
    world.serve("--no-work")
    commits = push(world, {PATH: post_mortem()})
    assert deliver(world, commits).status_code == 202
    time.sleep(4 * BEAT)
    assert world.get("/api/runs")["runs"] == [], "the web side executes nothing"
    first = world.worker("first")
    eventually(lambda: [r for r in world.model.requests if r.get("tools")])
    world.worker("second")
    first.kill()
    ended = finished(world)
    assert ended["outcome"] == "done", ended["events"]
    assert log(world, commits[1]) == [FIX, FOLLOW_UP]
    sessions = [r for r in world.model.requests if r.get("tools") and len(r["messages"]) == 1]
    assert len(sessions) == 1, "one agent session, whoever follows it"
    told = asking.get(f"{world.url}/metrics", timeout=30).text
    assert 'followthrough_workers{state="alive"} 1.0' in told
    assert 'followthrough_workers{state="dead-with-runs"} 0.0' in told
    said = command(world, "doctor").stdout
    assert "workers: second" in said
    handed = command(world, "run", "--repo", str(world.forge.checkout), "--file", PATH, "--no-wait")
    assert handed.returncode == 0, handed.stderr
    assert "handed to the running service" in handed.stdout
