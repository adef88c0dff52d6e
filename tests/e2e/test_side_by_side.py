"""TODOs of one run: on stacks that differ at once, on the same stack in the order of priority, each landed once."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.e2e.conftest import (
    CONFIG,
    NFS,
    PATH,
    deliver,
    eventually,
    finished,
    log,
    phases,
    plans_empty,
    post_mortem,
    push,
    script,
)
from tests.world.answers import WEB
from tests.world.model import Attempt, edit, read
from tests.world.world import World

LONGER = "Let the media mounts wait longer"
ONE_MORE = "Let the wiki run on one more"
OUTDATED = "changed on the branch after the agent had begun"
_MEDIA = '    path          = "/srv/nfs/media"\n    mount_options = '


def subject(action: str) -> str:
    return f"fix(post-mortem): {action} [PM-2026-04-14]"


def gated(world: World, *actions: str) -> dict[str, threading.Event]:
    world.model.gates = {action: threading.Event() for action in actions}
    return world.model.gates


def at_the_model(world: World, action: str) -> bool:
    return any(task["todo"]["action"] == action for task in world.model.tasks())


def outcomes(run: dict[str, Any]) -> dict[str, tuple[str, str]]:
    return {todo["action"]: (todo["outcome"], todo["reason"]) for todo in run["todos"]}


def nfs_edit(old: str, new: str, text: str = "Done.") -> Attempt:
    return Attempt([read(NFS), edit(NFS, old, new)], text)


@pytest.fixture
def two_stacks(fresh: World) -> World:
    script(fresh, ONE_MORE, Attempt([read(WEB), edit(WEB, "replicas             = 3\n", "replicas             = 4\n")]))
    return fresh


def test_agents_of_different_stacks_work_at_the_same_time(two_stacks: World) -> None:
    """Neither is answered before both have asked."""
    gates = gated(two_stacks, CONFIG, ONE_MORE)
    _, after = push(two_stacks, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", ONE_MORE, "Config"))})
    two_stacks.serve()
    deliver(two_stacks, (_, after))
    eventually(lambda: at_the_model(two_stacks, CONFIG) and at_the_model(two_stacks, ONE_MORE))
    for gate in gates.values():
        gate.set()
    ended = finished(two_stacks)
    assert outcomes(ended) == {CONFIG: ("done", ""), ONE_MORE: ("done", "")}
    *changes, last = log(two_stacks, after)
    assert sorted(changes) == sorted([subject(CONFIG), subject(ONE_MORE)])
    assert last.startswith("docs: update post-mortem follow-up")
    assert plans_empty(two_stacks, "nfs")
    assert plans_empty(two_stacks, "web")
    assert list((two_stacks.devvm.workspace / "runs").iterdir()) == []


def test_the_same_stack_is_planned_and_applied_in_the_order_of_priority(fresh: World) -> None:
    """Their words do not tell that both touch nfs: the less urgent agent is ready first, and must not land first."""
    script(fresh, LONGER, nfs_edit(f'{_MEDIA}"nfsvers=4.2,hard,timeo=600"', f'{_MEDIA}"nfsvers=4.2,hard,timeo=900"'))
    gates = gated(fresh, CONFIG)
    commits = push(fresh, {PATH: post_mortem(("P2", LONGER, "Config"), ("P0", CONFIG, "Config"))})
    fresh.serve()
    deliver(fresh, commits)
    (run_id,) = eventually(lambda: [run["id"] for run in fresh.get("/api/runs")["runs"]])
    eventually(lambda: any("waits:" in e["text"] for e in fresh.get(f"/api/runs/{run_id}")["events"]))
    assert "plan" not in phases(fresh.get(f"/api/runs/{run_id}"))
    gates[CONFIG].set()
    ended = finished(fresh)
    assert outcomes(ended) == {CONFIG: ("done", ""), LONGER: ("done", "")}
    assert log(fresh, commits[1])[:2] == [subject(CONFIG), subject(LONGER)]
    text = fresh.forge.file(NFS).decode()
    assert "timeo=100" in text, "the first change was not taken back by the second"
    assert "timeo=900" in text
    assert plans_empty(fresh, "nfs")
    findings = [task["findings"] for task in fresh.model.tasks() if task["todo"]["action"] == LONGER]
    assert any(OUTDATED in str(found) for found in findings), "it looked at what had landed, and made its change again"


@pytest.mark.configured(repository={"apply": "scripts/apply-half"})
def test_nothing_begins_after_an_apply_that_may_have_happened_in_part(two_stacks: World) -> None:
    gates = gated(two_stacks, ONE_MORE)
    half = '#!/bin/sh\n"${0%/*}/tg" apply --non-interactive "$1"\nexit 1\n'
    two_stacks.forge.commit({"scripts/apply-half": half}, "a wrapper that fails after it has applied")
    commits = push(two_stacks, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", ONE_MORE, "Config"))})
    two_stacks.serve()
    deliver(two_stacks, commits)
    ended = finished(two_stacks)
    assert outcomes(ended) == {CONFIG: ("unknown", "apply-failed"), ONE_MORE: ("cancelled", "stopped-after-unknown")}
    assert not gates[ONE_MORE].is_set(), "its agent was ended, not waited for"
    assert subject(ONE_MORE) not in log(two_stacks, commits[1])


@pytest.mark.configured(agent={"budget_usd": 2.0})
def test_money_that_a_todo_beside_it_sets_aside_is_waited_for(two_stacks: World) -> None:
    """The first try may cost all that the run has; it costs cents, and the rest is the other's."""
    commits = push(two_stacks, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", ONE_MORE, "Config"))})
    two_stacks.serve()
    deliver(two_stacks, commits)
    assert outcomes(finished(two_stacks)) == {CONFIG: ("done", ""), ONE_MORE: ("done", "")}


def test_a_crash_while_both_work_loses_neither_and_does_neither_twice(two_stacks: World) -> None:
    gates = gated(two_stacks, CONFIG, ONE_MORE)
    commits = push(two_stacks, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", ONE_MORE, "Config"))})
    service = two_stacks.serve()
    deliver(two_stacks, commits)
    eventually(lambda: at_the_model(two_stacks, CONFIG) and at_the_model(two_stacks, ONE_MORE))
    service.kill()
    two_stacks.serve()
    for gate in gates.values():
        gate.set()
    ended = finished(two_stacks)
    assert outcomes(ended) == {CONFIG: ("done", ""), ONE_MORE: ("done", "")}
    assert sorted(log(two_stacks, commits[1])[:2]) == sorted([subject(CONFIG), subject(ONE_MORE)])


@pytest.mark.thorough
@pytest.mark.configured(agent={"side_by_side": 2})
def test_lanes_that_have_begun_go_on_side_by_side_where_fewer_may_begin_from_now_on(fresh: World) -> None:
    """The first lane's second TODO waits for the more urgent one of the second lane, which must not wait for it."""
    look, one_more = "Look at the web stack", "Let the web stack run the wiki on one more"
    script(fresh, look, Attempt([read(WEB)], "Nothing to do."))
    script(fresh, one_more, Attempt([read(WEB), edit(WEB, "replicas             = 3\n", "replicas             = 4\n")]))
    gates = gated(fresh, CONFIG)
    todos = (("P0", look, "Config"), ("P1", CONFIG, "Config"), ("P2", one_more, "Config"))
    commits = push(fresh, {PATH: post_mortem(*todos)})
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: at_the_model(fresh, CONFIG) and at_the_model(fresh, one_more))
    service.kill()
    text = fresh.config.read_text()
    assert "side_by_side = 2" in text
    fresh.config.write_text(text.replace("side_by_side = 2", "side_by_side = 1"))
    # The engine keeps what it was told last: what it begins with at the second start is the lower number.
    fresh.serve().kill()
    fresh.serve()
    gates[CONFIG].set()
    ended = outcomes(finished(fresh, seconds=60))
    assert ended == {look: ("needs-human", "agent-made-no-change"), CONFIG: ("done", ""), one_more: ("done", "")}
