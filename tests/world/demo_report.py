"""The demo's end: what came of the run, for people and as JSON."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from app.checks import of_row as check_of_row
from app.redact import redact
from tests.world.demo_follow import COLOURS
from tests.world.world import World

SCRIPTED = (
    "The model in this demo is scripted: no language model was asked and no money was spent. The dollars are what "
    "Claude Code reckons for the tokens of the script. Fakes: the model, "
)
REAL = "The model was the real Messages API, paid for by ANTHROPIC_API_KEY. Fakes: "
FAKES = ("Slack", "the token review", "the sender of the webhook")


@dataclass(frozen=True)
class Report:
    """What came of the run. `mismatches` has a sentence for each outcome that was not the expected one."""

    ok: bool
    model: str
    run: str
    outcome: str
    todos: Sequence[Mapping[str, Any]]
    mismatches: Sequence[str]
    commits: Sequence[Mapping[str, str]]
    post_mortem_diff: str
    slack: Sequence[str]
    cost_usd: float
    seconds: Mapping[str, float]
    fakes: Sequence[str] = FAKES

    def as_json(self) -> dict[str, Any]:
        """The machine-readable summary."""
        return asdict(self)


def save_picture(report: Report, file: Path) -> None:
    """Draw what `print_report` prints. Fonts are the viewer's own: the usual drawing would fetch one."""
    canvas = Console(record=True, width=118, file=io.StringIO(), highlight=False, force_terminal=True)
    print_report(report, canvas)
    drawn = canvas.export_svg(title="scripts/demo")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))


def make_report(
    world: World, run: dict[str, Any], expected: Mapping[str, Sequence[str]], seconds: Mapping[str, float]
) -> Report:
    """Gather everything: the run as the API has it, the forge's new commits, the Slack sink."""
    names = ("priority", "type", "action", "outcome", "reason", "message", "commit", "cost_usd")
    todos = [
        {**{name: todo[name] for name in names}, "seen": [check_of_row(row).said for row in todo["checks"]]}
        for todo in run["todos"]
    ]
    found = {todo["action"]: todo["outcome"] for todo in todos}
    mismatches = [
        f"{action!r} is {found.get(action, 'not among the TODOs')}, expected {' or '.join(outcomes)}"
        for action, outcomes in expected.items()
        if found.get(action) not in outcomes
    ]
    pushed, path = run["commit"], run["post_mortem"]
    log = world.forge.run("log", "--reverse", "--format=%h%x09%s", f"{pushed}..{world.forge.head()}")
    commits = [dict(zip(("commit", "subject"), line.split("\t", 1), strict=True)) for line in log.splitlines()]
    diff = world.forge.run("diff", "--unified=0", pushed, world.forge.head(), "--", path)
    return Report(
        ok=not mismatches,
        model="real" if world.options.api_key else "scripted",
        run=run["id"],
        outcome=run["outcome"],
        todos=todos,
        mismatches=mismatches,
        commits=commits,
        post_mortem_diff=diff,
        slack=world.slack.texts,
        cost_usd=round(run["cost_usd"], 4),
        seconds={name: round(value, 1) for name, value in seconds.items()},
        fakes=(
            *FAKES,
            *(["the metrics that Prometheus scrapes"] if world.prometheus else []),
            *(["the NFS port that Uptime Kuma looks at"] if world.uptime_kuma else []),
        ),
    )


def print_report(report: Report, console: Console) -> None:
    """The report for people."""
    console.print()
    console.print(_todos(report))
    console.print(_commits(report))
    console.print(Panel(_diff(report.post_mortem_diff), title="the post-mortem: what changed"))
    for message in report.slack or ["(no message came)"]:
        console.print(Panel(Text(redact(message)), title="Slack"))
    spent = ", ".join(f"{name} {value:.1f} s" for name, value in report.seconds.items())
    console.print(f"run {report.outcome}: ${report.cost_usd:.2f}; {spent}")
    told = SCRIPTED if report.model == "scripted" else REAL
    console.print(Text(f"{told}{', '.join(report.fakes)}. All else is real.", "bold"))
    for mismatch in report.mismatches:
        console.print(Text(f"not as expected: {redact(mismatch)}", "red"))
    if report.ok:
        console.print(Text("Every outcome is the expected one.", "green"))


def _todos(report: Report) -> Table:
    table = Table(title="TODOs", title_justify="left", expand=True, show_lines=True)
    table.add_column("TODO", ratio=2)
    table.add_column("type")
    table.add_column("outcome", no_wrap=True)
    table.add_column("commit")
    table.add_column("why", ratio=3)
    for todo in report.todos:
        outcome = todo["outcome"] or "(none)"
        why = " ".join(part for part in (todo["reason"], todo["message"]) if part)
        why = "\n".join([*([why] if why else []), *(f"seen: {said}" for said in todo["seen"])])
        table.add_row(
            Text(redact(f"{todo['priority']} {todo['action']}".strip())),
            Text(redact(todo["type"])),
            Text(outcome, COLOURS.get(outcome, "")),
            Text(todo["commit"][:7]),
            Text(redact(why)),
        )
    return table


def _commits(report: Report) -> Table:
    table = Table(title="new commits of the forge, oldest first", title_justify="left", expand=True)
    table.add_column("commit")
    table.add_column("subject", ratio=1)
    for commit in report.commits:
        table.add_row(Text(commit["commit"]), Text(redact(commit["subject"])))
    return table


def _diff(diff: str) -> Text:
    """The changed lines, without git's own words around them."""
    shown = Text()
    for line in redact(diff).split("\n"):
        if line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- ")):
            shown.append(f"{line}\n", "green" if line[0] == "+" else "red")
    shown.rstrip()
    return shown if shown.plain else Text("(unchanged)")
