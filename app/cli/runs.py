"""`followthrough runs`: what runs there were and what came of them."""

from __future__ import annotations

import re
from typing import Any

from rich.table import Table
from rich.text import Text

from app.checks import of_row
from app.cli.console import console
from app.cli.desk import Desk
from app.cli.shown import age, outcome, print_json, say, say_event, text, warn
from app.errors import BadInput

LAST_EVENTS = 20
_GONE_WELL = ("done", "nothing-to-do")


def must_fit(run_id: str, follow: bool, watch: bool, wanted: str, repository: str) -> None:
    """Raises BadInput for options that have nothing to say together, or of what cannot be."""
    if follow and not run_id:
        raise BadInput("which-run", "following a run: name it; followthrough runs lists them")
    if run_id and (watch or wanted or repository):
        raise BadInput("one-run", f"showing {run_id}: --watch, --outcome and --repository are for the list of runs")
    if not re.fullmatch(r"[A-Za-z0-9._/-]*", repository):
        raise BadInput("bad-repository", "listing runs: --repository must be OWNER/NAME")


def list_runs(desk: Desk, limit: int, wanted: str, repository: str, as_json: bool) -> int:
    """Print the last runs, newest first. Returns 0."""
    rows = desk.runs(limit, wanted, repository)
    if as_json:
        print_json(rows)
    else:
        console.print(table_of(rows) if rows else "there was no run yet" if not wanted + repository else "no such run")
    return 0


def table_of(rows: list[dict[str, Any]]) -> Table:
    """Runs, one a line."""
    table = Table("run", "outcome", "document", "TODOs", "cost", "age")
    for row in rows:
        document = f"{row['repository']} {row['post_mortem']}"
        cells = (row["id"], outcome(row), document, counted(row), f"${row['cost_usd']:.2f}", age(row["created_at"]))
        table.add_row(*(text(cell) for cell in cells))
    return table


def counted(row: dict[str, Any]) -> str:
    """What came of a run's TODOs, as in `1 done, 2 open`."""
    return ", ".join(f"{count} {name}" for name, count in sorted(row["todos"].items()))


def show_run(desk: Desk, run_id: str, as_json: bool) -> int:
    """Print one run with its TODOs and its last events. Returns 0."""
    _print_one(desk.run(run_id), as_json, events=True)
    return 0


def follow_run(desk: Desk, run_id: str, as_json: bool) -> int:
    """Print what happens in a run until it is over, then the run. Returns 0, or 1 when it did not end well."""
    for event in desk.follow(run_id, warn):
        if not as_json:
            say_event(event)
    row = desk.run(run_id)
    _print_one(row, as_json, events=False)
    return 0 if row["outcome"] in _GONE_WELL else 1


def _print_one(row: dict[str, Any], as_json: bool, events: bool) -> None:
    last = row["events"][-LAST_EVENTS:]
    if as_json:
        print_json({**row, "events": last})
        return
    commit = f"{row['repository']} {row['post_mortem']} at {row['commit'][:12]}"
    say(f"{row['id']}: {outcome(row)}, ${row['cost_usd']:.2f}, {age(row['created_at'])} old")
    say(commit + (f", started by delivery {row['delivery']}" if row["delivery"] else ""))
    if row["message"]:
        say(f"{row['reason']}: {row['message']}")
    table = Table("priority", "type", "action", "outcome", "commit", "cost", "why, and what was seen")
    for todo in row["todos"]:
        table.add_row(*_cells(todo))
    if row["todos"]:
        console.print(table)
    for event in last if events else ():
        say_event(event)


def _cells(todo: dict[str, Any]) -> list[Text]:
    why = " ".join(part for part in (todo["reason"], todo["message"]) if part)
    seen = [f"{'holds' if c['ok'] else 'does not hold'}: {of_row(c).said}" for c in todo["checks"]]
    kind = (todo["priority"], todo["type"], todo["action"], todo["outcome"] or "open")
    cells = (*kind, todo["commit"][:7], f"${todo['cost_usd']:.2f}", "\n".join(filter(None, (why, *seen))))
    return [text(cell) for cell in cells]
