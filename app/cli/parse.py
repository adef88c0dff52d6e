"""`followthrough parse`: documents in, JSON or a table out."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.cache import Cache
from app.cli.console import console
from app.cli.files import documents_in, read_file
from app.documents.parse import parse
from app.documents.present import to_json
from app.documents.vocabulary import BUILT_IN, Vocabulary
from app.errors import BadInput
from app.redact import redact


def print_documents(
    paths: Sequence[Path], form: str, vocabulary: Vocabulary = BUILT_IN, cache: Path | None = None
) -> int:
    """Print one object for one file, an array for several or for a folder. Returns the exit code.

    With `cache`, files that have not changed since it was written are not parsed again.
    """
    kept = Cache(cache, "parse", vocabulary.fingerprint)
    single = len(paths) == 1 and not paths[0].is_dir()
    texts, problems = [], 0
    for path in documents_in(paths):
        try:
            texts.append(_answer(path, vocabulary, kept))
        except BadInput as error:
            problems += 1
            print(f"followthrough: {error} ({error.reason})", file=sys.stderr)  # noqa: T201
    kept.save()
    if form == "table":
        for text in texts:
            _print_table(json.loads(text))
    elif texts or not single:
        print(texts[0] if single else _array(texts))  # noqa: T201
    for note in dict.fromkeys(kept.notes):
        print(f"followthrough: {note}", file=sys.stderr)  # noqa: T201
    if cache:
        print(f"{kept.made} parsed, {kept.kept} unchanged", file=sys.stderr)  # noqa: T201
    return 2 if problems else 0


def _answer(path: Path, vocabulary: Vocabulary, kept: Cache) -> str:
    data, name = read_file(path), str(path)
    return kept.answer(name, data, lambda: _dumped(to_json(parse(data, name, vocabulary))))


def _dumped(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False)


def _array(texts: list[str]) -> str:
    """The objects as `json.dumps` indents them in an array; a string in JSON has no line break of its own."""
    return "[" + ",".join("\n  " + text.replace("\n", "\n  ") for text in texts) + ("\n]" if texts else "]")


def _print_table(document: dict[str, Any]) -> None:
    table = Table(title=redact(document["title"] or document["file"]), title_justify="left", caption_justify="left")
    table.caption = redact("; ".join(_facts(document))) or None
    for column in ("line", "priority", "type", "action", "owner", "due", "status", "machine?"):
        table.add_column(column, overflow="fold", ratio=1 if column == "action" else None)
    items = [*document["todos"], *document["skipped"], *document["done"]]
    for item in sorted(items, key=lambda one: one["line"]):
        table.add_row(*(Text(redact(cell)) for cell in _cells(item)))
    console.print(table)


def _facts(document: dict[str, Any]) -> list[str]:
    """What the document says of itself, for the line below the table."""
    named = [(key, document[key]) for key in ("date", "severity", "status", "duration", "published")]
    facts = [f"{key} {value}" for key, value in named if value]
    return facts + ([f"services {', '.join(document['services'])}"] if document["services"] else [])


def _cells(item: dict[str, Any]) -> tuple[str, ...]:
    verdict = "" if item["status"] == "done" else "yes" if item["safe"] else item["reason"]
    said = [item[key] or "" for key in ("priority", "type", "action", "owner", "due", "status")]
    said[2] = "\n".join([said[2], *item["links"]])
    return str(item["line"]), *said, verdict
