"""`followthrough runs`: what runs there were and what came of them, from the database."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from app.checks import of_row
from app.cli.console import console
from app.errors import BadInput
from app.ledger import Ledger
from app.main import compose
from app.redact import redact
from app.settings import Settings
from pipelines import durable

LAST_EVENTS = 20
# What the run itself says already.
_OF_RUN = ("run_id", "repository", "post_mortem", "position")
_LOOK_SECONDS = 0.3
# A run whose flow broke gets no outcome; that is asked of the engine once in so many rounds.
_ASK_EVERY = 20
_GONE_WELL = ("done", "nothing-to-do")


def show_runs(settings: Settings, run_id: str, as_json: bool, limit: int, follow: bool) -> int:
    """Print the last runs, newest first, or one with its TODOs. Returns the exit code.

    0; 1 for a run that was followed and did not end well. Raises BadInput when there is no such run.
    """
    ledger = compose(settings)
    if not run_id:
        if follow:
            raise BadInput("which-run", "following a run: name it; followthrough runs lists them")
        rows = ledger.runs.newest(limit)
        _print_rows(ledger, rows, as_json)
        return 0
    _row(ledger, run_id)
    if follow:
        _follow(settings, ledger, run_id, as_json)
    row = _row(ledger, run_id)
    _print_one(ledger, row, as_json, events=not follow)
    return 1 if follow and _outcome(row) not in _GONE_WELL else 0


def _print_rows(ledger: Ledger, rows: list[dict[str, Any]], as_json: bool) -> None:
    """Print runs, one a line, or as a JSON list."""
    counts = {row["id"]: Counter(t["outcome"] or "open" for t in ledger.runs.todos(row["id"])) for row in rows}
    if as_json:
        _print_json([{**_plain(row), "todos": counts[row["id"]]} for row in rows])
        return
    table = Table("run", "outcome", "document", "TODOs", "cost", "age")
    for row in rows:
        todos = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts[row["id"]].items()))
        document = f"{row['repository']} {row['post_mortem']}"
        cells = (row["id"], _outcome(row) or "goes on", document, todos, f"${row['cost_usd']:.2f}")
        table.add_row(*(_text(cell) for cell in (*cells, _age(row["created_at"]))))
    console.print(table if rows else "there was no run yet")


def _print_one(ledger: Ledger, row: dict[str, Any], as_json: bool, events: bool) -> None:
    run_id = row["id"]
    checks, todos, happened = ledger.checks.of_run(run_id), ledger.runs.todos(run_id), ledger.runs.events(run_id)
    if as_json:
        of_todos = [{**_without(todo), "checks": checks.get(todo["id"], [])} for todo in todos]
        _print_json({**_plain(row), "todos": of_todos, "events": happened[-LAST_EVENTS:]})
        return
    commit = f"{row['repository']} {row['post_mortem']} at {row['commit'][:12]}"
    _say(f"{run_id}: {_outcome(row) or 'goes on'}, ${row['cost_usd']:.2f}, {_age(row['created_at'])} old")
    _say(commit + (f", started by delivery {row['delivery']}" if row["delivery"] else ""))
    if row["message"]:
        _say(f"{row['reason']}: {row['message']}")
    table = Table("priority", "type", "action", "outcome", "commit", "cost", "why, and what was seen")
    for todo in todos:
        why = " ".join(part for part in (todo["reason"], todo["message"]) if part)
        seen = [f"{'holds' if c['ok'] else 'does not hold'}: {of_row(c).said}" for c in checks.get(todo["id"], [])]
        kind = (todo["priority"], todo["type"], todo["action"], todo["outcome"] or "open")
        cells = (*kind, todo["commit"][:7], f"${todo['cost_usd']:.2f}", "\n".join(filter(None, (why, *seen))))
        table.add_row(*(_text(cell) for cell in cells))
    if todos:
        console.print(table)
    for event in happened[-LAST_EVENTS:] if events else ():
        _say_event(event)


def _follow(settings: Settings, ledger: Ledger, run_id: str, as_json: bool) -> None:
    """Print events as they come until the run is over, or its flow has ended without saying so."""
    seen = 0
    for rounds in itertools.count(1):
        over = ledger.runs.row(run_id)["finished_at"] is not None
        if not over and rounds % _ASK_EVERY == 0:
            over = _is_broken_off(settings, ledger, run_id)
        for event in ledger.runs.events(run_id, seen):
            seen = event["id"]
            if not as_json:
                _say_event(event)
        if over:
            return
        time.sleep(_LOOK_SECONDS)


def _is_broken_off(settings: Settings, ledger: Ledger, run_id: str) -> bool:
    """Whether neither the run nor any decision of a person on it goes on in the engine."""
    subjects = [("follow_through", run_id)]
    subjects += [("follow_approval", f"{run_id} {todo['id']}") for todo in ledger.runs.todos(run_id)]
    return all(durable.is_over(settings.database.url, flow, subject) for flow, subject in subjects)


def _row(ledger: Ledger, run_id: str) -> dict[str, Any]:
    try:
        return ledger.runs.row(run_id)
    except KeyError:
        raise BadInput("no-such-run", f"looking for {run_id}: there is no such run; see followthrough runs") from None


def _outcome(row: dict[str, Any]) -> str:
    """The outcome as people see it: none before they were told and the DevVM is clean."""
    return str(row["outcome"] or "no outcome") if row["finished_at"] else ""


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in row.items() if name != "source"}
    return {**shown, "outcome": _outcome(row) or None}


def _without(todo: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in todo.items() if name not in _OF_RUN}


def _age(at: str) -> str:
    """How long ago that was (ISO 8601, UTC), in one unit."""
    seconds = max((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _print_json(value: Any) -> None:
    print(json.dumps(_hidden(value), indent=2, ensure_ascii=False))  # noqa: T201


def _hidden(value: Any) -> Any:
    """Plain data with every text redacted: documents and agents wrote some of it."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: _hidden(inner) for name, inner in value.items()}
    return [_hidden(inner) for inner in value] if isinstance(value, list) else value


def _say_event(event: dict[str, Any]) -> None:
    _say(f"{event['at'][11:19]} {event['phase']:<10} {event['text']}")


def _say(text: str) -> None:
    console.print(_text(text), soft_wrap=True)


def _text(cell: str) -> Text:
    return Text(redact(cell))
