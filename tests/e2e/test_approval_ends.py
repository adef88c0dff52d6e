"""A person's decision when something is gone meanwhile, or the service dies: it has its effect, once, and no other."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    PATH,
    command,
    decided,
    deliver,
    eventually,
    finished,
    log,
    name_of,
    phases,
    plans_empty,
    post_mortem,
    push,
)
from tests.e2e.test_apply import plan_file
from tests.world.world import World

pytestmark = [pytest.mark.thorough, pytest.mark.configured(policy={"most_updates": 0})]
Waiting = tuple[World, dict[str, Any]]


def said(run: dict[str, Any]) -> tuple[str, str]:
    (todo,) = run["todos"]
    return todo["outcome"], todo["reason"]


def waits(run: dict[str, Any]) -> list[str]:
    return [event["text"] for event in run["events"] if event["phase"] == "waiting"]


def test_a_no_stands_when_the_branch_that_kept_the_change_is_gone(parked: Waiting) -> None:
    world, run = parked
    world.forge.run("branch", "--delete", "--force", f"followthrough/{name_of(run)}")
    ended = decided(world, run, "decline")
    assert said(ended) == ("refused", "approval-declined")
    assert waits(ended) == []


def test_a_no_stands_when_the_worktree_is_gone(parked: Waiting) -> None:
    """Another run swept it, or the DevVM is another."""
    world, run = parked
    shutil.rmtree(world.devvm.workspace / "runs" / run["id"])
    ended = decided(world, run, "decline")
    assert said(ended) == ("refused", "approval-declined")
    assert waits(ended) == []
    assert world.forge.run("branch", "--list", "followthrough/*") == ""


def test_a_no_whose_command_was_cut_short_has_its_effect_at_the_next_start(parked: Waiting) -> None:
    world, run = parked
    world.stop_service()
    with closing(sqlite3.connect(world.database)) as database, database:
        database.execute("UPDATE approvals SET decision = 'declined', decided_by = 'me'")
    world.serve()
    eventually(lambda: said(world.get(f"/api/runs/{run['id']}")) == ("refused", "approval-declined"), 30)


@pytest.mark.parametrize("gone", ["worktree", "plan"])
def test_a_yes_is_void_when_what_was_approved_is_gone(parked: Waiting, gone: str) -> None:
    world, run = parked
    if gone == "plan":
        plan_file(world).unlink()
    else:
        shutil.rmtree(world.devvm.workspace / "runs" / run["id"])
    ended = decided(world, run, "approve")
    assert said(ended) == ("cancelled", "approval-void")
    assert waits(ended) == []
    assert plans_empty(world, "nfs")
    assert world.forge.run("branch", "--list", "followthrough/*") == ""
    deliver(world, push(world, {PATH: post_mortem() + "\nMore.\n"}, "docs: more"))
    later = eventually(lambda: [r for r in world.get("/api/runs")["runs"] if r["id"] != run["id"] and r["outcome"]])
    assert said(world.get(f"/api/runs/{later[0]['id']}"))[0] == "awaiting-approval", "it is planned anew"


@pytest.mark.parametrize("phase", ["approval", "apply", "verify", "push", "outcome", "write-back"])
def test_a_crash_in_each_phase_of_an_approved_landing_is_survived(parked: Waiting, phase: str) -> None:
    world, run = parked
    since, service = world.forge.head(), world.service
    assert service is not None
    told = phases(run).count(phase)
    assert command(world, "approve", name_of(run)).returncode == 0
    eventually(lambda: phases(world.get(f"/api/runs/{run['id']}")).count(phase) > told)
    service.kill()
    world.serve()
    eventually(lambda: "cleaned" in phases(world.get(f"/api/runs/{run['id']}")), 90)
    ended = finished(world, run["id"])
    assert (ended["outcome"], said(ended)[0]) == ("done", "done"), ended["events"]
    assert log(world, since) == [FIX, FOLLOW_UP]
    assert plans_empty(world, "nfs")
    assert world.forge.run("branch", "--list", "followthrough/*") == ""


def test_two_changes_of_one_run_are_approved_at_once_and_land_one_after_the_other(fresh: World) -> None:
    rows = (("P1", CONFIG, "Config"), ("P1", "Alert on NFS clients that retransmit", "Alert"))
    commits = push(fresh, {PATH: post_mortem(*rows)})
    fresh.serve()
    deliver(fresh, commits)
    run = finished(fresh)
    for todo in run["todos"]:
        assert command(fresh, "approve", f"{run['id']}/{todo['id']}").returncode == 0
    eventually(lambda: [t["outcome"] for t in fresh.get(f"/api/runs/{run['id']}")["todos"]] == ["done", "done"], 60)
    eventually(lambda: list((fresh.devvm.workspace / "runs").iterdir()) == [], 60)
    assert finished(fresh, run["id"])["outcome"] == "done"
    assert plans_empty(fresh, "nfs")
    assert plans_empty(fresh, "monitoring")
    assert fresh.forge.run("branch", "--list", "followthrough/*") == ""
    assert "| TODO |" not in fresh.forge.file(PATH).decode()
