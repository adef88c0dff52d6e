"""What people say to stop is heeded within seconds, and before anything is applied."""

from __future__ import annotations

import time

import psutil

from tests.e2e.conftest import (
    CONFIG,
    PATH,
    command,
    deliver,
    eventually,
    finished,
    plans_empty,
    post_mortem,
    push,
    script,
)
from tests.world.model import Attempt
from tests.world.world import World

DEAD_SECONDS = 30


def begun(world: World) -> str:
    """The id of a run that a delivery has started."""
    deliver(world, push(world, {PATH: post_mortem()}))
    return str(eventually(lambda: [r["id"] for r in world.get("/api/runs")["runs"]])[0])


def test_a_cancelled_run_ends_its_agent_and_says_who_did_it(fresh: World) -> None:
    """Thirty seconds is what is promised: from the word to the last process of the agent."""
    script(fresh, CONFIG, Attempt(fault="hang"))
    fresh.serve()
    run_id = begun(fresh)
    eventually(lambda: fresh.model.requests)
    said = time.monotonic()
    done = command(fresh, "cancel", run_id, "--why", "wrong repository")
    assert done.returncode == 0, done.stderr
    workspace = str(fresh.devvm.workspace)

    def left() -> list[psutil.Process]:
        return [p for p in psutil.process_iter(["environ", "cmdline"]) if workspace in str(p.info)]

    eventually(lambda: not left(), DEAD_SECONDS - (time.monotonic() - said))
    ended = finished(fresh)
    (todo,) = ended["todos"]
    assert (ended["outcome"], todo["outcome"], todo["reason"]) == ("cancelled", "cancelled", "cancelled")
    assert "wrong repository" in todo["message"]
    assert len(fresh.slack.messages) == 1
    assert list((fresh.devvm.workspace / "runs").iterdir()) == []
    again = command(fresh, "cancel", run_id)
    assert again.returncode == 1
    assert "it is over" in again.stderr


def phases(world: World, run_id: str) -> list[str]:
    return [event["phase"] for event in world.get(f"/api/runs/{run_id}")["events"]]


def test_no_agent_begins_while_everything_is_paused(fresh: World) -> None:
    fresh.serve()
    assert command(fresh, "pause", "--why", "maintenance").returncode == 0
    run_id = begun(fresh)
    eventually(lambda: "waiting" in phases(fresh, run_id))
    assert fresh.model.requests == []
    assert "maintenance" in str(fresh.get(f"/api/runs/{run_id}")["events"])
    assert command(fresh, "resume").returncode == 0
    assert finished(fresh)["outcome"] == "done"
    assert command(fresh, "resume").stdout.strip() == "it was not paused"


def test_nothing_is_applied_while_everything_is_paused(fresh: World) -> None:
    """The pause comes while the stack is planned, which takes a while here."""
    slow = (
        fresh.forge.file("scripts/tg")
        .decode()
        .replace("exec terraform", 'test "$command" != plan || sleep 3\nexec terraform')
    )
    push(fresh, {"scripts/tg": slow}, "slower")
    fresh.serve()
    run_id = begun(fresh)
    eventually(lambda: "diff" in phases(fresh, run_id))
    assert command(fresh, "pause").returncode == 0
    eventually(lambda: "waiting" in phases(fresh, run_id))
    told = str(fresh.get(f"/api/runs/{run_id}")["events"])
    assert "applying the plan of nfs waits" in told or "planning nfs waits" in told
    assert plans_empty(fresh, "nfs"), "nothing is applied"
    assert command(fresh, "resume").returncode == 0
    assert finished(fresh)["outcome"] == "done"


def test_a_run_that_is_not_there_cannot_be_cancelled(fresh: World) -> None:
    done = command(fresh, "cancel", "nothing")
    assert done.returncode == 2
    assert "there is no such run" in done.stderr
