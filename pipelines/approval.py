"""What waits for a person: parked with its commit and its plan files, landed or dropped when somebody has decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from pydantic import TypeAdapter

from app.errors import Refused
from app.ledger.approvals import Parked, is_over
from pipelines import notices
from pipelines.bench import Bench, ledger, say
from pipelines.controls import effect
from pipelines.landing import forget, touched
from pipelines.values import Approved, Kept, StackPlan

_PLANS = TypeAdapter(list[StackPlan])


def park(run_id: str, todo_id: str, kept: Kept, plans: Sequence[StackPlan]) -> None:
    """Ask a person about one change. What they approve is this commit with these plan files, and no other."""
    told = [asdict(plan) for plan in plans]
    ledger().approvals.ask(Parked(run_id, todo_id, kept.commit, kept.tree, kept.base, kept.branch, told))
    say(run_id, "approval", f"waits for a person: followthrough approve {run_id}/{todo_id}", todo_id)


def expire() -> None:
    """Let go of what nobody approved in time: a later push plans it anew."""
    for run_id, todo_id in ledger().approvals.expire():
        why = "nobody approved it within a day"
        ledger().runs.finish_todo(run_id, todo_id, "cancelled", "approval-expired", why)
        say(run_id, "approval", why, todo_id)
        notices.changed(run_id)


def take_up(bench: Bench, todo_id: str) -> Approved:
    """What was approved, with the worktree on its commit again.

    Raises Refused("approval-declined") when the person said no, and Refused("approval-void") when the approval is not
    for what would happen now: too old, the branch rewound, or the stack changed since.
    """
    run_id = bench.run.id
    asked = ledger().approvals.find(run_id, todo_id)
    doing = f"landing the approved change of {todo_id}"
    if asked is None or asked["decision"] not in ("approved", "declined"):
        raise Refused("approval-void", f"{doing}: nobody has approved it")
    ledger().runs.reopen(run_id)
    is_whole = bench.workspace.is_open()
    if not is_whole:
        # Its branch is looked at and dropped in it all the same.
        bench.workspace.open()
    try:
        return _as_approved(bench, todo_id, asked, is_whole, doing)
    except Refused:
        # Nothing was applied and nothing will be: no work is lost with it.
        if not _is_begun(run_id, todo_id):
            forget(bench, asked["branch"], todo_id)
        raise


def _as_approved(bench: Bench, todo_id: str, asked: Mapping[str, Any], is_whole: bool, doing: str) -> Approved:
    if asked["decision"] == "declined":
        raise Refused("approval-declined", f"{asked['decided_by']} said no: {asked['why'] or 'no reason was given'}")
    plans = _PLANS.validate_python(asked["plans"])
    is_there = is_whole and all(bench.terraform.holds(plan.job) for plan in plans)
    if not is_there and not _is_begun(bench.run.id, todo_id):
        raise Refused("approval-void", f"{doing}: its worktree or plan files are gone from {bench.devvm.name}")
    if is_over(asked["asked_at"]):
        raise Refused("approval-void", f"{doing}: it was planned at {asked['asked_at']} and a day is over")
    kept = Kept(asked["commit"], asked["tree"], asked["base"], asked["branch"])
    moved = bench.branch.resume(kept.commit, kept.base)
    if moved is None or bench.branch.tree_of(kept.commit) != kept.tree:
        raise Refused("approval-void", f"{doing}: {bench.repository.branch} does not contain its base any more")
    inventory = bench.repository.monitors
    if inventory in moved and inventory in bench.branch.changed(kept.base, kept.commit):
        raise Refused("approval-void", f"{doing}: {inventory} was changed on {bench.repository.branch} since")
    for plan in plans:
        if touched(bench, moved, plan.stack):
            raise Refused("approval-void", f"{doing}: {plan.stack} was changed on {bench.repository.branch} since")
    bench.say("approval", f"{asked['decided_by']} approved {kept.commit[:7]}", todo_id)
    return Approved(ledger().runs.todo(bench.run.id, todo_id), kept, plans)


def close(run_id: str, todo_id: str, became: str) -> None:
    """The approval has had its effect, "landed", or has none any more, "void"."""
    asked = ledger().approvals.find(run_id, todo_id)
    if asked is not None and asked["decision"] != "declined":
        ledger().approvals.close(run_id, todo_id, became)


def _is_begun(run_id: str, todo_id: str) -> bool:
    return ledger().runs.effects(run_id, effect(run_id, todo_id)) > 0
