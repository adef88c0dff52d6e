"""What goes wrong and passes: a run waits, says what for, goes on where it was, and does everything once."""

from __future__ import annotations

import time

import pytest

from tests.chaos.faults import aged_token, cut, locked_state
from tests.e2e.conftest import FIX, FOLLOW_UP, PATH, deliver, eventually, finished, log, plans_empty, post_mortem, push
from tests.world.world import World


def said(world: World) -> str:
    """Everything that the newest run told so far."""
    runs = world.get("/api/runs")["runs"]
    return "\n".join(e["text"] for e in world.get(f"/api/runs/{runs[0]['id']}")["events"]) if runs else ""


@pytest.mark.configured(server={"patience_minutes": 2})
def test_one_run_through_every_fault_that_passes(fresh: World) -> None:
    """Vault sealed, a token too early, one too late, an overloaded model, sshd killed, a lock, Slack busy."""
    now = int(time.time())
    commits = push(fresh, {PATH: post_mortem()})
    fresh.model.break_next("overloaded")
    fresh.slack.fail_next(429, 2)
    fresh.serve()
    fresh.bao.seal()
    deliver(fresh, commits)
    eventually(lambda: "Vault is sealed" in said(fresh))
    fresh.jwt_file.write_text(aged_token(fresh, nbf=now + 3600, iat=now + 3600, exp=now + 7200))
    fresh.bao.unseal()
    eventually(lambda: "not valid yet by Vault's clock" in said(fresh))
    fresh.jwt_file.write_text(aged_token(fresh, exp=now - 3600))
    eventually(lambda: "has expired and was not replaced" in said(fresh))
    fresh.jwt_file.write_text(fresh.bao.jwt())
    eventually(lambda: len(fresh.model.requests) > 1)
    assert cut(fresh.devvm)
    with locked_state(fresh, "nfs"):
        eventually(lambda: "the connection was lost" in said(fresh))
        waits = "runs/*/jobs/*~baseline~nfs/out"
        eventually(lambda: any("Acquiring state lock" in out.read_text() for out in fresh.devvm.workspace.glob(waits)))
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]
    sessions = [r for r in fresh.model.requests if r.get("tools") and len(r["messages"]) == 1]
    assert len(sessions) == 2, "one session, whose first request was refused by the model"
    assert len(eventually(lambda: fresh.slack.messages)) == 1
    assert plans_empty(fresh, "nfs")
