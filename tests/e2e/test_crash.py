"""kill -9 of the service in the middle: the run goes on after a restart, with nothing lost and nothing done twice."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import FIX, FOLLOW_UP, PATH, deliver, eventually, finished, log, plans_empty, post_mortem, push
from tests.world.world import World

# The soak kills in each of them too; those before which nothing is lost are tried alone in the thorough run.
EASY = ("workspace", "diff", "plan", "commit", "outcome", "slack")
PHASES = (
    "agent",
    "apply",
    "verify",
    "push",
    "write-back",
    *(pytest.param(p, marks=pytest.mark.thorough) for p in EASY),
)


@pytest.mark.parametrize("phase", PHASES)
def test_a_crash_in_each_phase_is_survived(fresh: World, phase: str) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    service = fresh.serve()
    deliver(fresh, commits, "only-once")
    eventually(lambda: phase in _phases(fresh))
    service.kill()
    fresh.serve()
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]
    sessions = [r for r in fresh.model.requests if r.get("tools") and len(r["messages"]) == 1]
    assert len(sessions) == 1, "one agent session, however often the service died"
    assert len(fresh.get("/api/runs")["runs"]) == 1
    assert plans_empty(fresh, "nfs")


def test_a_delivery_that_was_stored_and_not_begun_is_taken_up(fresh: World) -> None:
    """The service dies between the 202 and the first step."""
    commits = push(fresh, {PATH: post_mortem()})
    service = fresh.serve()
    deliver(fresh, commits)
    service.kill()
    fresh.serve()
    assert finished(fresh)["outcome"] == "done"


def _phases(world: World) -> set[str]:
    runs = world.get("/api/runs")["runs"]
    return {e["phase"] for e in world.get(f"/api/runs/{runs[0]['id']}")["events"]} if runs else set()
