"""Every rule in one table: those that judge an edit or a plan, and those that are held where something is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.guard import change, plan
from app.guard.model import Decision, Rule


@dataclass(frozen=True)
class Row:
    """One rule as people read it. `code` is where it is decided."""

    id: str
    reads: str
    decision: Decision
    why: str
    through: str
    code: str


_HELD: tuple[Row, ...] = (
    Row(
        "TODO-01",
        "the declared type",
        "block",
        "only what was declared to be for a machine is done by one",
        "Declare exactly Alert, Config or Monitor in the Type cell",
        "app/guard/todo.py",
    ),
    Row(
        "AGENT-01",
        "the agent's calls",
        "block",
        "an agent that only tried what it may not has not done the TODO",
        "Word the TODO so that it asks for a change in the stacks",
        "pipelines/agent_work.py",
    ),
    Row(
        "LIVE-01",
        "new and changed alerts, asked of promtool, and of Prometheus where one is configured",
        "block",
        "a rule that Prometheus refuses takes its whole file with it, and every alert in it",
        "Mend what promtool or Prometheus names",
        "app/guard/alerts/live.py, pipelines/alerts.py",
    ),
    Row(
        "LIVE-02",
        "the metrics of new and changed alerts, asked of Prometheus",
        "block",
        "an alert on a metric that nobody scrapes never fires",
        "Name a metric that had a series within a day or that a target describes; else a person has it scraped first",
        "app/guard/alerts/live.py, pipelines/alerts.py",
    ),
    Row(
        "LIVE-03",
        "what new and changed alerts give now, asked of Prometheus",
        "needs-approval",
        "an alert that fires as soon as it is there wakes people, or is too sharp",
        "Choose a limit that holds today, or approve it when what it says is true",
        "app/guard/alerts/live.py, pipelines/alerts.py",
    ),
    Row(
        "ENV-01",
        "the environment of plan, show and apply",
        "block",
        "a variable can change what a judged plan does",
        "Set other variables under repository.environment; TF_*, TG_*, GIT_*, LD_*, PATH and HOME are fixed",
        "app/settings/values.py, app/edges/terraform.py",
    ),
    Row(
        "ENV-02",
        "the stack's folder at the base commit",
        "block",
        "a committed .terraform or terraform.d folder decides which programs a plan runs",
        "Remove .terraform and terraform.d from the repository",
        "pipelines/landing.py",
    ),
    Row(
        "ENV-03",
        "provider installation",
        "block",
        "a provider is a program that runs while terraform plans",
        "Name a mirror in repository.provider_mirror; only what is in it is installed then",
        "app/edges/terraform.py",
    ),
    Row(
        "ENV-06",
        "the plan of the base commit",
        "block",
        "what is pending there would be applied in the TODO's name",
        "Apply or take back what is pending first",
        "pipelines/landing.py",
    ),
    Row(
        "APP-01",
        "the SHA-256 of the plan file",
        "block",
        "only the very file that was judged is applied",
        "Nothing: somebody changed the file on the DevVM",
        "app/edges/terraform.py",
    ),
    Row(
        "APP-03",
        "the ledger, before apply",
        "block",
        "an apply happens once; one that was cut short is looked at by a person",
        "Look at the stack, then push the post-mortem with the TODO reworded",
        "pipelines/landing.py",
    ),
    Row(
        "APP-04",
        "terraform's own check of the saved plan",
        "block",
        "a state that moved on since is planned anew",
        "Push the post-mortem again",
        "app/edges/terraform.py",
    ),
    Row(
        "APP-05",
        "the plan after apply",
        "block",
        "what was applied has to be what the commit says",
        "Look at the stack: more or less was done than planned",
        "pipelines/landing.py",
    ),
    Row(
        "GIT-01",
        "the commit's own diff",
        "block",
        "a commit holds exactly the judged files, as the judged blobs",
        "Nothing: this is held by construction",
        "app/edges/branch.py",
    ),
    Row(
        "GIT-02",
        "the branch at the forge",
        "block",
        "nothing is forced, nothing that was removed is brought back, no applied work is lost",
        "Let the DevVM's user push followthrough/* and the branch",
        "app/edges/branch.py",
    ),
    Row(
        "GIT-03",
        "the branch, when the stacks of a change are held",
        "block",
        "an edit of files as they were before would undo what somebody has landed since",
        "Push the post-mortem again when both tries met with changes of others",
        "pipelines/holding.py",
    ),
    Row(
        "MONEY-01",
        "the money ledger",
        "block",
        "an agent costs money; it is set aside before it starts",
        "Raise agent.todo_budget_usd, budget_usd or day_budget_usd, or wait for tomorrow",
        "app/guard/money.py",
    ),
)


def rows() -> Iterator[Row]:
    """Every rule, in the order in which they are asked."""
    yield from _HELD[:2]
    yield from map(_row, change.RULES)
    yield from _HELD[2:9]
    yield from map(_row, plan.RULES)
    yield from _HELD[9:]


def _row(rule: Rule[Any]) -> Row:
    code = f"{rule.check.__module__.replace('.', '/')}.py"
    return Row(rule.id, rule.reads, rule.decision, rule.why, rule.through, code)
