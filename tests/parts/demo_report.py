"""What the demo shows at its end, as data and as text."""

from __future__ import annotations

import re
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tests.parts.world import World

_COLOURS = {"done": "green", "refused": "red", "needs-human": "yellow", "failed": "red bold", "unknown": "magenta"}


def summary(
    world: World, run: dict[str, Any], path: str, pushed: str, expected: dict[str, str], seconds: float
) -> dict[str, Any]:
    """Everything worth knowing of the finished run."""
    names = ("priority", "type", "action", "outcome", "reason", "message", "commit", "cost_usd")
    todos = [{name: todo[name] for name in names} for todo in run["todos"]]
    got = {todo["action"]: todo["outcome"] for todo in todos}
    wrong = {action: [want, got.get(action)] for action, want in expected.items() if got.get(action) != want}
    return {
        "model": "the real API" if world.real_model else "scripted",
        "run": run["id"],
        "outcome": run["outcome"],
        "todos": todos,
        "not_as_expected": wrong,
        "as_expected": not wrong and bool(todos),
        "commits": world.forge.log(pushed),
        "post_mortem_diff": world.forge.diff(pushed, path),
        "slack": world.slack.messages,
        "cost_usd": run["cost_usd"],
        "seconds": round(seconds, 1),
        "operator_checkout_untouched": world.operator_is_at(pushed),
    }


def report(console: Console, data: dict[str, Any]) -> None:
    """The same for people."""
    table = Table(title="\nTODOs", title_justify="left", title_style="bold")
    for column in ("", "type", "action", "outcome", "why, or what was applied"):
        table.add_column(column)
    for todo in data["todos"]:
        colour = _COLOURS.get(todo["outcome"], "none")
        why = " ".join(part for part in (todo["reason"], todo["message"]) if part)
        cells = (todo["priority"], todo["type"], todo["action"])
        table.add_row(*map(Text, cells), Text(todo["outcome"] or "", colour), Text(why[:230]))
    console.print(table)
    _section(console, "New commits on the forge", "\n".join(data["commits"]))
    console.print("\n[bold]The post-mortem[/bold]")
    for line in data["post_mortem_diff"].splitlines()[4:]:
        colour = {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "dim")
        console.print(Text(line, colour), soft_wrap=True)
    for message in data["slack"]:
        text = "\n".join(block["text"]["text"] for block in message["blocks"])
        _section(console, "Slack", re.sub(r"<[^|>]+\|([^>]+)>", r"\1", text).replace("*", ""))
    money = f"${data['cost_usd']:.4f} as the CLI counts it"
    console.print(f"\nmodel: {data['model']} · run: {data['outcome']} · {money} · {data['seconds']} s")
    if data["not_as_expected"]:
        console.print(f"[red]not as expected:[/red] {data['not_as_expected']}", markup=True)
    else:
        console.print("every TODO ended as it had to" if data["as_expected"] else "[red]no TODO was found[/red]")


def _section(console: Console, title: str, body: str) -> None:
    console.print(f"\n[bold]{title}[/bold]")
    console.print(Text(body), soft_wrap=True)
