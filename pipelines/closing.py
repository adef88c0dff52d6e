"""The end of a TODO and of a run: outcomes, Slack, and nothing left behind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from app.edges import slack
from app.errors import Failed, FollowthroughError, Refused, Unknown
from app.guard.model import Finding
from app.messages import TodoLine, run_outcome, slack_message
from app.redact import redact
from pipelines.bench import commit_url, ledger, opened, repository_of, say, settings
from pipelines.values import AgentChange, StackPlan

# A refusal of these kinds is not a rule's verdict on the change: the agent could not do it, so a person is asked.
_FOR_PEOPLE = ("agent-made-no-change",)


def outcome_of(error: FollowthroughError) -> str:
    """The outcome of a TODO that ended with this failure."""
    if isinstance(error, Unknown):
        return "unknown"
    if error.reason in _FOR_PEOPLE:
        return "needs-human"
    return "refused" if isinstance(error, Refused) else "failed"


def refusal(change: AgentChange, plans: Sequence[StackPlan]) -> FollowthroughError:
    """The failure that a change with findings after its last try ends with."""
    findings = [*change.findings, *(f for plan in plans for f in plan.findings)]
    told = "; ".join(f"{rule} {', '.join(where)}: {why}" for (rule, why), where in _by_reason(findings).items())
    if change.findings:
        own = all(f.rule.startswith("AGENT") for f in change.findings)
        return Refused("agent-out-of-scope" if own else "change-refused", told)
    if any(plan.job and not plan.sha256 for plan in plans):
        return Failed("plan-failed", told)
    return Refused("changes-pending" if any(f.rule == "ENV-06" for f in findings) else "plan-refused", told)


def _told(finding: Finding) -> dict[str, str]:
    return {name: redact(value, settings().secrets()) for name, value in asdict(finding).items()}


def _by_reason(findings: Sequence[Finding]) -> dict[tuple[str, str], list[str]]:
    """Where each rule objected for the same reason."""
    found: dict[tuple[str, str], list[str]] = {}
    for finding in findings:
        found.setdefault((finding.rule, finding.why), []).append(finding.where)
    return found


def finish(run_id: str, todo_id: str, outcome: str, reason: str, message: str, findings: Sequence[Finding]) -> None:
    """Record what came of a TODO."""
    told = redact(message, settings().secrets())
    ledger().runs.finish_todo(run_id, todo_id, outcome, reason, told, [_told(f) for f in findings])
    say(run_id, "outcome", f"{outcome} {reason} {message}".strip(), todo_id)


def conclude(run_id: str, reason: str, message: str) -> str:
    """Record what came of the run; TODOs without an outcome share the run's trouble. Returns the run's outcome."""
    message = redact(message, settings().secrets())
    todos = ledger().runs.todos(run_id)
    stopped = any(t["outcome"] == "unknown" for t in todos)
    for todo in todos:
        if todo["outcome"] is None and stopped:
            why = "an apply before it may have happened in part; nothing more was done in this run"
            ledger().runs.finish_todo(run_id, todo["id"], "cancelled", "stopped-after-unknown", why)
        elif todo["outcome"] is None:
            ledger().runs.finish_todo(run_id, todo["id"], "failed", reason, message)
    outcome = run_outcome([t["outcome"] for t in ledger().runs.todos(run_id) if t["safe"]])
    if reason:
        outcome = {"nothing-to-do": "failed", "done": "partial"}.get(outcome, outcome)
    ledger().runs.finish(run_id, outcome, reason, message)
    say(run_id, "outcome", f"run {outcome} {message}".strip())
    return outcome


def tell(run_id: str) -> None:
    """Send the run's one Slack message. Slack's failures are noted and never change a run's outcome."""
    url = settings().slack.webhook_url.get_secret_value()
    if not url:
        return
    names = TodoLine.__dataclass_fields__
    lines = [TodoLine(**{name: row[name] for name in names}) for row in ledger().runs.todos(run_id)]
    link = commit_url(repository_of(ledger().runs.get(run_id)), "").rstrip("/")
    message = slack_message(ledger().runs.row(run_id), lines, link, settings().server.public_url)
    slack.post(url, message)
    say(run_id, "slack", "told")


def clean_up(run_id: str) -> None:
    """End what still runs for this run on the DevVM and remove its folders. Nothing was opened: nothing to do."""
    if not ledger().runs.row(run_id)["devvm"]:
        return
    with opened(run_id) as bench:
        for folder in bench.workspace.jobs():
            if "-apply-" in folder.rpartition("/")[2]:
                # An apply is never cut short by us: it has a limit of its own, and half of one is worse than late.
                bench.machine.follow(folder, lambda _: None)
            bench.machine.kill(folder)
        bench.workspace.remove()
