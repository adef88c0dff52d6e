"""Side by side without harm: one TODO at a time plans and applies a stack, and one at a time pushes to the branch."""

from __future__ import annotations

import json
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from app.agent.lanes import Turn, may_go
from app.errors import Failed
from app.guard.change import stack_of
from app.guard.model import Finding, Policy
from app.ledger.runs import Todo, by_priority
from app.settings import RepositorySettings
from pipelines.bench import Bench, ledger, say
from pipelines.controls import must_go_on
from pipelines.durable import fence
from pipelines.landing import touched
from pipelines.values import AgentChange

_LOOK_SECONDS = 0.3


def touches(change: AgentChange, repository: RepositorySettings) -> list[str]:
    """What a change has to hold: the paths of its stacks, and of files outside of them."""
    policy = Policy(repository.stacks, frozenset(), frozenset())
    owners = {entry.path: stack_of(entry.path, policy) for entry in change.entries}
    return sorted({f"{repository.stacks}/{owner}" if owner else path for path, owner in owners.items()})


def hold(bench: Bench, todo: Todo, change: AgentChange) -> AgentChange:
    """Wait until this TODO's turn has come and it alone holds what its change touches; it keeps that until it ends.

    Then the worktree moves to the branch's tip. Returns the change as it is, or outdated when somebody has changed the
    same meanwhile: what they landed would be undone by an edit of the files as they were before (GIT-03). While it
    waits, it raises Refused as every wait does.
    """
    run_id, repository = bench.run.id, bench.repository
    wanted = touches(change, repository)
    if not wanted:
        return change
    ledger().runs.set_touches(run_id, todo.id, wanted)
    told = ""
    while not (_is_next(run_id, todo.id, wanted) and ledger().holds.take(repository.name, run_id, todo.id, wanted)):
        must_go_on(run_id, f"waiting for {', '.join(wanted)}")
        # Whoever waits holds nothing that another waits for.
        ledger().holds.release(run_id, todo.id)
        told = told or _tell(run_id, todo, repository, wanted)
        time.sleep(_LOOK_SECONDS)
    bench.must_be_whole(f"holding {', '.join(wanted)}")
    return _on_tip(bench, change)


@contextmanager
def pushing(bench: Bench, todo: Todo) -> Iterator[None]:
    """Be the only TODO that pushes to the branch while the block lasts: each pushes once, on top of the last."""
    repository, run_id, ref = bench.repository, bench.run.id, f"refs/heads/{bench.repository.branch}"
    while not ledger().holds.take(repository.name, run_id, todo.id, [ref]):
        time.sleep(_LOOK_SECONDS)
        fence()
    try:
        yield
    finally:
        ledger().holds.release(run_id, todo.id, ref)


def _on_tip(bench: Bench, change: AgentChange) -> AgentChange:
    # Since the agent's copy was made, not since the worktree moved last: this step may be done again, and a second try
    # edits the copy of the first.
    before, tip = bench.branch.copied(), bench.branch.to_tip()
    if not bench.branch.contains(before):
        name = f"{bench.repository.branch} of {bench.repository.name}"
        raise Failed("branch-rewound", f"landing on {name}: it was rewound while the agent worked; nothing was applied")
    moved = bench.branch.changed(before, tip)
    theirs = set(moved) & {entry.path for entry in change.entries}
    theirs |= {f"{bench.repository.stacks}/{stack}" for stack in change.stacks if touched(bench, moved, stack)}
    if not theirs:
        return change
    why = "it was changed on the branch after the agent had begun; look at it afresh and make the change again"
    found = tuple(Finding("GIT-03", where, why) for where in sorted(theirs))
    return replace(change, findings=change.findings + found, outdated=True)


def _is_next(run_id: str, todo_id: str, wanted: Collection[str]) -> bool:
    rows = sorted(ledger().runs.todos(run_id), key=by_priority)
    places = {row["id"]: place for place, row in enumerate(rows)}
    others = [_turn(row, places) for row in rows if row["started_at"] and not row["outcome"] and row["id"] != todo_id]
    return may_go(Turn(todo_id, places[todo_id], frozenset(wanted)), others)


def _turn(row: Mapping[str, Any], places: Mapping[str, int]) -> Turn:
    known = None if row["touches"] is None else frozenset(json.loads(row["touches"]))
    return Turn(row["id"], places[row["id"]], known)


def _tell(run_id: str, todo: Todo, repository: RepositorySettings, wanted: Sequence[str]) -> str:
    holder = ledger().holds.holder(repository.name, wanted)
    who = f"{holder[2]} is held by {holder[0]}/{holder[1]}" if holder else "one of higher priority goes first"
    text = f"{', '.join(wanted)} waits: {who}"
    say(run_id, "waiting", text, todo.id)
    return text
