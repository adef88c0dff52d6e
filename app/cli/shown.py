"""How the operator's commands print: text of others made harmless, JSON for programs, one way to end."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import typer
from rich.text import Text

from app.cli.console import console
from app.errors import FollowthroughError
from app.redact import redact

STOPPED = 130


def text(cell: str) -> Text:
    """A text for the terminal in which nothing of it is markup or an escape."""
    return Text(redact(cell))


def say(line: str) -> None:
    """Print a text of whatever length as it is."""
    console.print(text(line), soft_wrap=True)


def warn(line: str) -> None:
    """Tell on standard error what is no part of the answer."""
    print(redact(f"followthrough: {line}"), file=sys.stderr, flush=True)  # noqa: T201


def say_event(event: dict[str, Any]) -> None:
    """Print a line of what happened in a run."""
    say(f"{event['at'][11:19]} {event['phase']:<10} {event['text']}")


def outcome(run: dict[str, Any]) -> str:
    """What came of a run as people read it."""
    return str(run["outcome"] or "goes on")


def age(at: str) -> str:
    """How long ago that was (ISO 8601, UTC), in one unit."""
    seconds = max((datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds(), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit}"
    return f"{seconds:.0f} s"


def print_json(value: Any, indent: int | None = 2) -> None:
    """Print plain data, every text redacted: documents and agents wrote some of it."""
    print(json.dumps(hidden(value), indent=indent, ensure_ascii=False), flush=True)  # noqa: T201


def hidden(value: Any) -> Any:
    """Plain data with every text redacted."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        return {name: hidden(inner) for name, inner in value.items()}
    return [hidden(inner) for inner in value] if isinstance(value, list) else value


@contextmanager
def answering(as_json: bool) -> Iterator[None]:
    """Do a command's work: with --json a failure is printed as {error, message} too; Ctrl-C ends it with 130."""
    try:
        yield
    except FollowthroughError as error:
        if as_json:
            print_json({"error": error.reason, "message": str(error)})
        raise
    except KeyboardInterrupt:
        raise typer.Exit(STOPPED) from None
