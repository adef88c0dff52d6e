"""`followthrough export`: the audit trail as JSON lines. The facts and their fields are in `app/ledger/audit.py`.

Each line is one object, plain ASCII: control characters are made visible, and what is or looks like a secret is
[redacted]. The trail is read and written piece by piece, so it may be longer than memory.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from app.cli.console import console
from app.cli.written import whole_file
from app.errors import BadInput
from app.main import compose
from app.redact import redact
from app.settings import Settings

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def export(settings: Settings, since: str | None, until: str | None, output: Path | None, yes: bool) -> int:
    """Write the facts of these days (YYYY-MM-DD, UTC, both included) to a file, or to standard output. Returns 0.

    Raises BadInput: `date-malformed`, `file-exists`, `not-writable`.
    """
    first, end = _midnight("--since", since, 0), _midnight("--until", until, 1)
    facts = compose(settings).audit.facts(first, end)
    lines = (line_of(fact, settings.secrets()) for fact in facts)
    if output is None:
        sys.stdout.writelines(lines)
        return 0
    written = 0
    with whole_file(output, yes) as made, made.open("w", encoding="ascii", newline="\n") as file:
        for written, line in enumerate(lines, 1):  # noqa: B007 - how many there were is said below
            file.write(line)
    console.print(f"{written} facts in {output}", markup=False, soft_wrap=True)
    return 0


def line_of(fact: dict[str, Any], known: Sequence[str]) -> str:
    """A fact as one line of JSON, without the secrets in `known` and what looks like one."""
    return json.dumps(_hidden(fact, known), ensure_ascii=True) + "\n"


def _hidden(value: Any, known: Sequence[str]) -> Any:
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, dict):
        return {name: _hidden(inner, known) for name, inner in value.items()}
    return [_hidden(inner, known) for inner in value] if isinstance(value, list) else value


def _midnight(option: str, text: str | None, later: int) -> str:
    """The beginning of a day, so many days later, as the ledger writes times; empty for no day."""
    if text is None:
        return ""
    try:
        if _DAY.fullmatch(text):
            return f"{date.fromisoformat(text) + timedelta(days=later)}T00:00:00Z"
    except (ValueError, OverflowError) as error:
        raise BadInput("date-malformed", f"{option} {text}: {error}") from None
    raise BadInput("date-malformed", f"{option} {text!r}: write a day as YYYY-MM-DD")
