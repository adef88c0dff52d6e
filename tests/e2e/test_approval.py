"""What is legitimate but large waits for a person, and what they approve is landed as it was planned, or not at all."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import (
    FIX,
    FOLLOW_UP,
    NFS,
    PATH,
    command,
    decided,
    deliver,
    eventually,
    log,
    name_of,
    plans_empty,
    post_mortem,
    push,
)
from tests.world.world import World

pytestmark = pytest.mark.configured(policy={"most_updates": 0})


def test_what_is_large_waits_with_nothing_applied(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    (todo,) = run["todos"]
    assert (run["outcome"], todo["outcome"], todo["reason"]) == ("needs-human", "awaiting-approval", "approval-needed")
    assert "PLAN-10" in todo["message"]
    assert plans_empty(world, "nfs")
    assert world.forge.run("log", "-1", "--format=%s", f"followthrough/{name_of(run)}") == FIX
    assert f"followthrough approve {name_of(run)}" in str(run["events"])
    assert "awaiting-approval" in world.slack.texts[0]
    listed = command(world, "approvals").stdout
    assert "Let the backup" in listed


def test_an_approved_change_is_landed_as_it_was_planned(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    since = world.forge.head()
    sessions = len(world.model.requests)
    ended = decided(world, run, "approve", "--why", "looked at it")
    assert (ended["todos"][0]["outcome"], ended["outcome"]) == ("done", "done"), ended["events"]
    assert log(world, since) == [FIX, FOLLOW_UP]
    assert plans_empty(world, "nfs")
    assert len(world.model.requests) == sessions, "the agent is not asked again"
    eventually(lambda: list((world.devvm.workspace / "runs").iterdir()) == [])
    assert world.forge.run("branch", "--list", "followthrough/*") == ""
    with closing(sqlite3.connect(world.database)) as database:
        kept = database.execute("SELECT decision, why FROM approvals").fetchone()
    assert kept == ("landed", "looked at it"), "what the person said stays"
    again = command(world, "approve", name_of(run))
    assert again.returncode == 1
    assert "already-decided" in again.stderr


def test_a_declined_change_is_dropped_for_good(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    ended = decided(world, run, "decline", "--why", "not now")
    assert (ended["todos"][0]["outcome"], ended["todos"][0]["reason"]) == ("refused", "approval-declined")
    assert "not now" in ended["todos"][0]["message"]
    assert world.forge.run("branch", "--list", "followthrough/*") == ""
    deliver(world, push(world, {PATH: post_mortem() + "\nMore.\n"}, "docs: more"))
    later = eventually(lambda: [r for r in world.get("/api/runs")["runs"] if r["id"] != run["id"] and r["outcome"]])
    assert later[0]["outcome"] == "nothing-to-do"


def test_what_nobody_approves_in_a_day_is_void_and_planned_anew(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    with closing(sqlite3.connect(world.database)) as database, database:
        database.execute("UPDATE approvals SET asked_at = '2026-01-01T00:00:00Z'")
    done = command(world, "approve", name_of(run))
    assert done.returncode == 1
    assert "approval-expired" in done.stderr
    deliver(world, push(world, {PATH: post_mortem() + "\nMore.\n"}, "docs: more"))
    later = eventually(lambda: [r for r in world.get("/api/runs")["runs"] if r["id"] != run["id"] and r["outcome"]])
    assert world.get(f"/api/runs/{later[0]['id']}")["todos"][0]["outcome"] == "awaiting-approval"
    assert plans_empty(world, "nfs")


def test_an_approval_is_void_when_the_stack_has_changed_since(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    theirs = world.forge.file(NFS).decode() + "\n# meanwhile\n"
    _, tip = push(world, {NFS: theirs}, "meanwhile")
    ended = decided(world, run, "approve")
    assert (ended["todos"][0]["outcome"], ended["todos"][0]["reason"]) == ("cancelled", "approval-void")
    assert plans_empty(world, "nfs")
    assert FIX not in log(world, tip)
