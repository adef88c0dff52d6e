"""The end of a TODO and of a run: outcomes, Slack, and nothing left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from app.checks import Check, first_problem
from app.edges.workspace import Workspace
from app.errors import Failed, FollowthroughError, Refused
from app.guard.model import Finding, Verdict
from app.messages import run_outcome
from app.redact import redact
from pipelines import approval, notices, telling
from pipelines.bench import Bench, ledger, opened, say, settings
from pipelines.controls import effect
from pipelines.landing import branch_of, forget
from pipelines.values import AgentChange, Kept, StackPlan

# A refusal of these kinds is not a rule's verdict on the change: the agent could not do it, so a person is asked.
_FOR_PEOPLE = ("agent-made-no-change", "metrics-missing", "landed-unverified")
# Nothing to refuse either: it is on the branch, from before the database was lost.
_DONE = ("landed-before",)
# Nor of these: what was asked for is not asked for any more, or nobody said yes in time. A later push may ask again.
_CANCELLED = ("cancelled", "todo-withdrawn", "post-mortem-gone", "approval-expired", "approval-void",
              "stopped-after-unknown")  # fmt: skip
# Failures of an apply, or of bringing a monitor, that were refused before anything was done.
_NOT_APPLIED = ("plan-stale", "plan-file-changed", "state-locked", "uptime-kuma-unknown-notification")


def outcome_of(kind: str, reason: str) -> str:
    """The outcome of a TODO that ended with a failure of this kind (a name of app.errors) and reason."""
    if kind == "Unknown":
        return "unknown"
    if reason in _FOR_PEOPLE:
        return "needs-human"
    if reason in _DONE:
        return "done"
    if reason in _CANCELLED:
        return "cancelled"
    return "refused" if kind == "Refused" else "failed"


def finish(run_id: str, todo_id: str, kind: str, reason: str, message: str, findings: Sequence[Finding]) -> str:
    """Record what stopped a TODO; returns its outcome. `kind` is a name of app.errors.

    Once an apply has begun, every failure is unknown, but the first apply's when it was refused before it did anything.
    """
    begun = _begun(run_id, todo_id)
    if kind != "Unknown" and begun > (1 if reason in _NOT_APPLIED else 0):
        kind, message = "Unknown", f"{message}; an apply had begun before that: look at the stack"
    outcome = outcome_of(kind, reason)
    _record(run_id, todo_id, outcome, reason, message, findings)
    approval.close(run_id, todo_id, "void")
    notices.todo_ended(run_id, todo_id, outcome)
    return outcome


def finish_landed(run_id: str, todo_id: str, plans: Sequence[StackPlan], seen: Sequence[Check]) -> str:
    """Record what came of a TODO whose change is on the branch; returns its outcome.

    It is done when everything that was asked of the running system came out well. What did not is a person's: the
    change stays, since it was judged, and taking it back is a decision of its own.
    """
    does = "; ".join(line for plan in plans for line in plan.does)
    problem = first_problem(seen)
    outcome, reason = ("done", "") if problem is None else ("needs-human", problem.reason)
    message = does if problem is None else f"landed, and not seen to work: {problem.said}"
    _record(run_id, todo_id, outcome, reason, message, ())
    approval.close(run_id, todo_id, "landed")
    notices.todo_ended(run_id, todo_id, outcome)
    return outcome


def park(run_id: str, todo_id: str, kept: Kept, plans: Sequence[StackPlan], findings: Sequence[Finding]) -> str:
    """Ask a person about a change, and say so; returns the TODO's outcome."""
    approval.park(run_id, todo_id, kept, plans)
    _record(run_id, todo_id, "awaiting-approval", "approval-needed", told(findings), findings)
    notices.todo_ended(run_id, todo_id, "awaiting-approval")
    return "awaiting-approval"


def refusal(change: AgentChange, plans: Sequence[StackPlan]) -> FollowthroughError:
    """The failure that a change with findings after its last try ends with."""
    said = told([*change.findings, *(f for plan in plans for f in plan.findings)])
    if change.outdated:
        return Failed("stack-moved", said)
    if Verdict(change.findings).word == "block":
        blocking = [f.rule for f in change.findings if f.decision == "block"]
        if set(blocking) == {"LIVE-02"}:
            return Refused("metrics-missing", said)
        own = all(f.rule.startswith("AGENT") for f in change.findings)
        return Refused("agent-out-of-scope" if own else "change-refused", said)
    if any(not plan.sha256 for plan in plans):
        return Failed("plan-failed", said)
    return Refused("plan-refused", said)


def told(findings: Sequence[Finding]) -> str:
    """Findings as one sentence for people, those with the same reason together."""
    return "; ".join(f"{rule} {', '.join(where)}: {why}" for (rule, why), where in _by_reason(findings).items())


def _plain(finding: Finding) -> dict[str, str]:
    return {name: redact(value, settings().secrets()) for name, value in asdict(finding).items()}


def _by_reason(findings: Sequence[Finding]) -> dict[tuple[str, str], list[str]]:
    """Where each rule objected for the same reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        found.setdefault((finding.rule, finding.why), []).append(finding.where)
    return found


def _record(run_id: str, todo_id: str, outcome: str, reason: str, message: str, findings: Sequence[Finding]) -> None:
    hidden = redact(message, settings().secrets())
    ledger().runs.finish_todo(run_id, todo_id, outcome, reason, hidden, [_plain(f) for f in findings])
    ledger().holds.release(run_id, todo_id)
    say(run_id, "outcome", f"{outcome} {reason} {message}".strip(), todo_id)


def conclude(run_id: str, reason: str, message: str) -> str:
    """Record what came of the run; TODOs without an outcome share the run's trouble. Returns the run's outcome."""
    message = redact(message, settings().secrets())
    todos = ledger().runs.todos(run_id)
    begun = [t["id"] for t in todos if t["outcome"] is None and _begun(run_id, t["id"])]
    stopped = bool(begun) or any(t["outcome"] == "unknown" for t in todos)
    for todo in todos:
        if todo["id"] in begun:
            why = f"{message}; an apply had begun before that: look at the stack"
            ledger().runs.finish_todo(run_id, todo["id"], "unknown", reason, why)
        elif todo["outcome"] is None and stopped:
            why = "an apply before it may have happened in part; nothing more was done in this run"
            ledger().runs.finish_todo(run_id, todo["id"], "cancelled", "stopped-after-unknown", why)
        elif todo["outcome"] is None:
            ledger().runs.finish_todo(run_id, todo["id"], "failed", reason, message)
    ledger().holds.release_run(run_id)
    outcome = run_outcome([t["outcome"] for t in ledger().runs.todos(run_id) if t["safe"]])
    if reason:
        outcome = {"nothing-to-do": "failed", "done": "partial"}.get(outcome, outcome)
    ledger().runs.finish(run_id, outcome, reason, message)
    ledger().runs.conclude_again(run_id, outcome)
    say(run_id, "outcome", f"run {outcome} {message}".strip())
    return outcome


def give_up(flow: str, subject: str) -> None:
    """Conclude what another version of the flow began: a delivery, a run, or what a person decided on."""
    why = "the service was updated meanwhile and cannot go on with it; push the post-mortem again"
    first, _, todo_id = subject.partition(" ")
    if flow == "follow_lane":
        # Part of a run, which is given up as well.
        return
    if flow == "follow_push":
        ledger().deliveries.conclude(first, "internal-error", why)
        return
    if flow == "follow_approval":
        finish(first, todo_id, "Failed", "flow-changed", why, ())
    conclude(first, "flow-changed", why)
    ledger().runs.close(first)
    notices.ended(first)


def tell(run_id: str) -> None:
    """The run's message as it stays. What Slack does not take at once is sent when it does (`telling`)."""
    notices.ended(run_id)
    telling.settle(ledger(), notices.key_of(run_id))


def clean_up(run_id: str) -> None:
    """End what still runs for this run on the DevVM and remove its folders. Nothing was opened: nothing to do.

    While something of it waits for a person, its worktree and plan files stay.
    """
    if not ledger().runs.row(run_id)["devvm"]:
        return
    with opened(run_id) as bench:
        _end_jobs(bench, bench.workspace)
        _forget_dropped(bench)
        if ledger().approvals.kept(run_id):
            bench.workspace.remove_agents()
        else:
            bench.workspace.remove()


def sweep(bench: Bench) -> None:
    """Remove what earlier runs could not, or what nobody approved in time."""
    for run_id in bench.workspace.runs():
        if run_id != bench.run.id and ledger().runs.is_closed(run_id) and not ledger().approvals.kept(run_id):
            left = bench.workspace.of_run(run_id)
            _end_jobs(bench, left)
            left.remove()
            if ledger().runs.get(run_id).repository == bench.run.repository:
                for branch in ledger().approvals.expired(run_id):
                    forget(bench, branch)
            bench.say("workspace", f"removed what run {run_id} had to leave behind")


def _forget_dropped(bench: Bench) -> None:
    """Remove the branches of commits of which nothing was applied and nothing will be."""
    for todo in ledger().runs.todos(bench.run.id):
        branch = branch_of(bench.run.id, todo["id"])
        if todo["outcome"] in ("failed", "refused", "cancelled") and ledger().runs.effects(
            bench.run.id, f"keep {branch}"
        ):
            forget(bench, branch, todo["id"])


def _begun(run_id: str, todo_id: str) -> int:
    """How many applies of a TODO have begun."""
    return ledger().runs.effects(run_id, effect(run_id, todo_id))


def _end_jobs(bench: Bench, workspace: Workspace) -> None:
    for folder in workspace.jobs():
        if "~apply~" in folder.rpartition("/")[2]:
            # An apply is never cut short by us: it has a limit of its own, and half of one is worse than late.
            bench.machine.follow(folder, lambda _: None)
        bench.machine.kill(folder)
