"""`followthrough parse`: documents in, JSON or a table out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.documents.model import Document, Item
from app.documents.parse import parse
from app.documents.present import to_json
from app.errors import BadInput
from app.redact import redact


def print_documents(paths: Sequence[Path], form: str) -> int:
    """Print one object for one path, an array for several. Returns the exit code."""
    documents, problems = [], 0
    for path in paths:
        try:
            documents.append(parse(_read(path), str(path)))
        except BadInput as error:
            problems += 1
            print(f"followthrough: {error} ({error.reason})", file=sys.stderr)  # noqa: T201
    if form == "table":
        for document in documents:
            Console().print(_table(document))
    elif documents or len(paths) > 1:
        data = [to_json(document) for document in documents]
        print(json.dumps(data[0] if len(paths) == 1 else data, indent=2, ensure_ascii=False))  # noqa: T201
    return 2 if problems else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise BadInput("file-unreadable", f"reading {path}: {error.strerror}") from None


def _table(document: Document) -> Table:
    table = Table(title=redact(document.title or document.file), title_justify="left")
    for column in ("line", "priority", "type", "action", "status", "machine?"):
        table.add_column(column)
    for item in document.items:
        table.add_row(*(Text(redact(cell)) for cell in _cells(item)))
    return table


def _cells(item: Item) -> tuple[str, ...]:
    verdict = "" if item.status == "done" else "yes" if item.safe else item.reason
    return str(item.line), item.priority or "", item.type or "", item.action, item.status, verdict
