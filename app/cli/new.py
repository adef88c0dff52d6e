"""`followthrough new`: an incident's title and date in, a file to be filled in out."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

from app.documents.templates import Incident, Template, file_name, render
from app.errors import BadInput

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def write_new(template: Template, title: str, day: str | None, severity: str, services: list[str], folder: Path) -> int:
    """Write `folder/YYYY-MM-DD-<slug>.md` and print its path; `day` None is today in UTC. Returns the exit code.

    Raises BadInput: `date-malformed`, `title-unusable`, `file-exists` (nothing is overwritten) or `not-writable`.
    """
    incident = Incident(title, _day(day), severity, tuple(services))
    text, path = render(template, incident), folder / file_name(incident)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # "x" makes the file or fails: nothing can come between a look and the writing, and no link is followed.
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise BadInput("file-exists", f"writing {path}: it is there already; choose another title or date") from None
    except OSError as error:
        raise BadInput("not-writable", f"writing {path}: {error.strerror}") from None
    print(path)  # noqa: T201
    return 0


def _day(text: str | None) -> str:
    if text is None:
        return datetime.now(UTC).date().isoformat()
    try:
        if _DAY.fullmatch(text):
            return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise BadInput("date-malformed", f"--date {text}: {error}") from None
    raise BadInput("date-malformed", f"--date {text!r}: write YYYY-MM-DD, the day on which the incident began")
