"""`followthrough verify`: whether what a post-mortem claims as done is still so."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.cli.files import documents_in, read_file
from app.documents.model import Document
from app.documents.parse import parse
from app.errors import BadInput
from app.ledger import Ledger
from app.main import compose
from app.redact import redact
from app.settings import RepositorySettings, Settings
from pipelines import claims, drift
from pipelines.claims import Looked

_STYLES = {"holds": "green", "gone": "red", "unwell": "red", "not-checked": "yellow"}


def verify_files(settings: Settings, paths: Sequence[Path], repository: str, as_json: bool) -> int:
    """Ask about every claim of these post-mortems, keep and print the answers. Returns the exit code.

    0: all hold; 1: something is gone or unwell; 4: something could not be checked; 2: a file cannot be read.
    """
    chosen = _repository(settings, repository)
    ledger = compose(settings)
    found: list[tuple[Path, list[Looked]]] = []
    problems = 0
    for path in documents_in(paths):
        try:
            document = parse(read_file(path), str(path), settings.documents.vocabulary)
        except BadInput as error:
            problems += 1
            print(f"followthrough: {error} ({error.reason})", file=sys.stderr)  # noqa: T201
            continue
        looked = claims.look_at(_claims(ledger, chosen, path, document), chosen, settings)
        drift.keep(looked)
        found.append((path, looked))
    if as_json:
        print(json.dumps([_plain(path, looked) for path, looked in found], indent=2, ensure_ascii=False))  # noqa: T201
    else:
        for path, looked in found:
            _print_table(path, looked)
    states = {one.state for _, looked in found for one in looked}
    if problems:
        return 2
    return 1 if states & {"gone", "unwell"} else 4 if "not-checked" in states else 0


def _repository(settings: Settings, name: str) -> RepositorySettings:
    if name:
        found = settings.repository_named(name)
        if found is None:
            raise BadInput("unknown-repository", f"verifying: no [[repository]] is named {name!r} in the configuration")
        return found
    if len(settings.repository) != 1:
        count = len(settings.repository) or "none"
        raise BadInput(
            "which-repository", f"verifying: {count} repositories are configured; name one with --repository"
        )
    return settings.repository[0]


def _claims(ledger: Ledger, repository: RepositorySettings, path: Path, document: Document) -> list[claims.Claim]:
    """What a file claims. It is known by its path in the repository, or by its name where no other has that name."""
    name = _path_in_repository(path)
    rows = ledger.checks.claimed(repository.name, name)
    if not rows:
        alike = [row for row in ledger.checks.claimed(repository.name) if Path(row["post_mortem"]).name == path.name]
        if len({row["post_mortem"] for row in alike}) == 1:
            rows, name = alike, alike[0]["post_mortem"]
    return claims.of_document(document, name, rows)


def _path_in_repository(path: Path) -> str:
    whole = path.resolve()
    root = next((folder for folder in whole.parents if (folder / ".git").exists()), None)
    return whole.relative_to(root).as_posix() if root else path.as_posix()


def _plain(path: Path, looked: Sequence[Looked]) -> dict[str, Any]:
    return {
        "file": str(path),
        "claims": [
            {
                "id": one.claim.todo_id,
                "action": redact(one.claim.action),
                "kind": one.claim.kind,
                "subject": redact(one.check.subject) if one.check else "",
                "by_hand": not one.claim.run_id,
                "state": one.state,
                "sentence": redact(one.sentence),
                "link": one.check.link if one.check else "",
            }
            for one in looked
        ],
    }


def _print_table(path: Path, looked: Sequence[Looked]) -> None:
    table = Table("claim", "now", "what was seen", title=Text(redact(str(path))), title_justify="left")
    for one in looked:
        state = Text(one.state, style=_STYLES[one.state])
        table.add_row(Text(redact(one.claim.action)), state, Text(redact(one.sentence)))
    console.print(table if looked else Text(redact(f"{path}: nothing is claimed as done")))
