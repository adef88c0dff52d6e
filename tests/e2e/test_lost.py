"""What a DevVM takes with it when it is rebooted: an agent's try, which is over, and a plan, which is made again."""

from __future__ import annotations

import pytest

from app.ledger import open_ledger
from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    PATH,
    deliver,
    eventually,
    finished,
    log,
    post_mortem,
    push,
    script,
)
from tests.e2e.test_pool_runs import WRAPPER, job, reboot, said, sessions, slowly
from tests.world.model import Attempt
from tests.world.world import World

PATIENT = pytest.mark.configured(server={"patience_minutes": 0.5})


@PATIENT
def test_an_agent_that_is_lost_is_followed_by_the_next_try_and_a_plan_is_made_again(fresh: World) -> None:
    usual = fresh.model.script
    script(fresh, CONFIG, Attempt(fault="hang"))
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: slowly(fresh, "plan")})
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    fresh.model.script = usual
    reboot(fresh.devvm)
    eventually(job(fresh, "plan2"))
    reboot(fresh.devvm)
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert sessions(fresh) == 2
    assert "try 1 is lost, $2.0000 counts for it" in said(ended)
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]
    ledger = open_ledger(f"sqlite:///{fresh.database}")
    spent = ledger.spend.so_far(ended["id"], ended["todos"][0]["id"])
    ledger.engine.dispose()
    assert spent.run > 2 > spent.todo, "all of the lost try counts, and leaves the TODO what the next one takes"


@pytest.mark.thorough
@PATIENT
@pytest.mark.parametrize("phase", ["agent", "plan"])
def test_a_workspace_that_is_gone_costs_a_try(fresh: World, phase: str) -> None:
    usual = fresh.model.script
    if phase == "agent":
        script(fresh, CONFIG, Attempt(fault="hang"))
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: slowly(fresh, "plan")})
    fresh.serve()
    deliver(fresh, commits)
    eventually(job(fresh, "plan1") if phase == "plan" else lambda: fresh.model.requests)
    fresh.model.script = usual
    reboot(fresh.devvm, keeps_files=False)
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert sessions(fresh) == 2
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]


@pytest.mark.thorough
def test_an_apply_whose_workspace_is_gone_is_unknown(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: slowly(fresh, "apply")})
    fresh.serve()
    deliver(fresh, commits)
    eventually(job(fresh, "apply"))
    reboot(fresh.devvm, keeps_files=False)
    (todo,) = finished(fresh)["todos"]
    assert (todo["outcome"], todo["reason"]) == ("unknown", "apply-unknown")
