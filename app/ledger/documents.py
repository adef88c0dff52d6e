"""The post-mortems as they are on their branches, and when their items were opened and closed. Made from git.

Opened is when an item was first seen; for what was there at the first look at a repository, its document's date. Closed
is when a run finished it, else the day that the document's own record says, else when it was first seen closed.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import todos
from app.ledger.schema_documents import document_items, document_looks, documents

_MOST_WORDS = 100_000
# PostgreSQL's integers end here, after 68 years: such a document has a year that somebody mistyped.
_MOST_SECONDS = 2**31 - 1


@dataclass(frozen=True)
class Tracked:
    """An action item as its document says it. `due` is YYYY-MM-DD or empty.

    `closed_on` (YYYY-MM-DD) and `closed_by` (run, people) are what the document's own record tells, empty for nothing.
    """

    id: str
    action: str
    type: str
    is_open: bool
    due: str = ""
    closed_on: str = ""
    closed_by: str = ""


@dataclass(frozen=True)
class Seen:
    """A post-mortem at a branch's tip. `date` is YYYY-MM-DD or empty; `items` is what is shown of its items.

    `failure` says why it could not be read; then it has no items, and those that were known stay as they are.
    """

    repository: str
    path: str
    blob: str
    commit: str
    text: str
    title: str = ""
    date: str = ""
    severity: str = ""
    items: Sequence[Mapping[str, Any]] = ()
    tracked: Sequence[Tracked] = ()
    failure: str = ""


class Documents:
    """The post-mortems of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def looked(self, repository: str) -> str:
        """The commit whose post-mortems are kept, empty before the first look."""
        query = sa.select(document_looks.c.commit).where(document_looks.c.repository == repository)
        with self._engine.connect() as db:
            return db.execute(query).scalar() or ""

    def blobs(self, repository: str) -> dict[str, str]:
        """The blob of each document that is on the branch, by path."""
        here = (documents.c.repository == repository) & (documents.c.gone_at == "")
        with self._engine.connect() as db:
            return {row.path: row.blob for row in db.execute(sa.select(documents.c.path, documents.c.blob).where(here))}

    def keep(self, seen: Seen, first: bool) -> bool:
        """Keep a document as it is now; False when somebody else was about it. `first`: at the repository's first look.

        One that was moved, known by its title and date, keeps what is known of its items.
        """
        seen = replace(seen, text=_storable(seen.text), title=_storable(seen.title), severity=_storable(seen.severity))
        try:
            with self._engine.begin() as db:
                at = now()
                known = db.execute(sa.select(documents.c.path).where(_of(documents, seen))).first() is not None
                if not known and seen.title:
                    _take_over(db, seen)
                _put(db, seen, known, at)
                if not seen.failure:
                    _follow_items(db, seen, at, first)
        except IntegrityError:
            return False
        return True

    def gone(self, repository: str, paths: Collection[str]) -> None:
        """These documents are not on the branch any more, and neither are their items."""
        for path in paths:
            with self._engine.begin() as db:
                for table in (documents, document_items):
                    here = (table.c.repository == repository) & (table.c.path == path) & (table.c.gone_at == "")
                    db.execute(sa.update(table).where(here).values(gone_at=now()))

    def note_look(self, repository: str, commit: str) -> None:
        """The post-mortems of this commit are kept."""
        values = {"commit": commit, "at": now()}
        with self._engine.begin() as db:
            same = document_looks.c.repository == repository
            if not db.execute(sa.update(document_looks).where(same).values(**values)).rowcount:
                db.execute(sa.insert(document_looks).values(repository=repository, **values))

    def find(self, repository: str, path: str) -> dict[str, Any] | None:
        """A document with its items, as `Seen` has them; None when there is none, or none any more."""
        here = (documents.c.repository == repository) & (documents.c.path == path) & (documents.c.gone_at == "")
        with self._engine.connect() as db:
            row = db.execute(sa.select(documents).where(here)).mappings().first()
        return None if row is None else {**row, "items": json.loads(row["items"])}

    def history(self, repository: str, path: str) -> dict[str, dict[str, Any]]:
        """When each item of a document was opened and closed, by its id."""
        here = (document_items.c.repository == repository) & (document_items.c.path == path)
        with self._engine.connect() as db:
            return {row["id"]: dict(row) for row in db.execute(sa.select(document_items).where(here)).mappings()}


def folded(text: str) -> str:
    """Text as a search compares it."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _put(db: Connection, seen: Seen, known: bool, at: str) -> None:
    values: dict[str, Any] = {"blob": seen.blob, "commit": seen.commit, "text": seen.text, "failure": seen.failure}
    values |= {"seen_at": at, "gone_at": ""}
    if not seen.failure:
        open_due = [one.due for one in seen.tracked if one.is_open and one.due]
        actions = [one.action for one in seen.tracked]
        values |= {"title": seen.title, "date": seen.date, "severity": seen.severity}
        values |= {"items": json.dumps(list(seen.items)), "next_due": min(open_due, default="")}
        values |= {"open": sum(one.is_open for one in seen.tracked)}
        values |= {"done": len(seen.tracked) - values["open"]}
        values["words"] = _words(seen.repository, seen.path, seen.title, *actions)
    if known:
        db.execute(sa.update(documents).where(_of(documents, seen)).values(**values))
        return
    blank = {"title": "", "date": "", "severity": "", "items": "[]", "open": 0, "done": 0, "next_due": ""}
    blank |= {"repository": seen.repository, "path": seen.path, "words": _words(seen.repository, seen.path)}
    db.execute(sa.insert(documents).values(**{**blank, **values}))


def _words(*texts: str) -> str:
    return _storable(folded("\n".join(texts)))[:_MOST_WORDS]


def _take_over(db: Connection, seen: Seen) -> None:
    """What is known of the items of a document that lay elsewhere and is gone from there."""
    alike = (documents.c.title == seen.title) & (documents.c.date == seen.date) & (documents.c.gone_at != "")
    query = sa.select(documents.c.path).where((documents.c.repository == seen.repository) & alike)
    earlier = db.execute(query.order_by(documents.c.gone_at.desc())).scalars().first()
    if earlier is None:
        return
    for table in (documents, document_items):
        there = (table.c.repository == seen.repository) & (table.c.path == earlier)
        if table is documents:
            db.execute(sa.delete(table).where(there))
        else:
            db.execute(sa.update(table).where(there).values(path=seen.path))


def _follow_items(db: Connection, seen: Seen, at: str, first: bool) -> None:
    here = _of(document_items, seen)
    known = {row["id"]: dict(row) for row in db.execute(sa.select(document_items).where(here)).mappings()}
    done = (todos.c.repository == seen.repository) & (todos.c.post_mortem == seen.path) & (todos.c.outcome == "done")
    query = sa.select(todos.c.id, sa.func.max(todos.c.finished_at).label("at")).where(done).group_by(todos.c.id)
    by_run = {row.id: row.at for row in db.execute(query)}
    began = min(_midnight(seen.date) or at, at) if first else at
    for item in seen.tracked:
        before = known.pop(item.id, None)
        opened = before["opened_at"] if before else began
        facts = {"type": item.type, "is_open": item.is_open, "due": item.due, "gone_at": ""}
        if before is None or before["is_open"] or item.is_open:
            facts |= _closing(item, opened, by_run.get(item.id, ""), "" if before is None and first else at)
        if before is None:
            whose = {"repository": seen.repository, "path": seen.path, "id": item.id, "opened_at": opened}
            db.execute(sa.insert(document_items).values(**whose, **facts))
        elif any(before[name] != value for name, value in facts.items()):
            db.execute(sa.update(document_items).where(here & (document_items.c.id == item.id)).values(**facts))
    left = [item_id for item_id, row in known.items() if not row["gone_at"]]
    if left:
        db.execute(sa.update(document_items).where(here & document_items.c.id.in_(left)).values(gone_at=at))


def _closing(item: Tracked, opened: str, by_run: str, seen_at: str) -> dict[str, Any]:
    """When an item was closed, by whom and how long after it was opened, by the first of these that knows."""
    if item.is_open:
        return {"closed_at": "", "closed_by": "", "lead_seconds": None}
    if by_run:
        closed, who = by_run, "run"
    else:
        told = _midnight(item.closed_on)
        closed, who = (told, item.closed_by or "people") if told else (seen_at, "people" if seen_at else "")
    lead = None
    if closed:
        took = datetime.fromisoformat(closed) - datetime.fromisoformat(opened)
        lead = min(max(int(took.total_seconds()), 0), _MOST_SECONDS)
    return {"closed_at": closed, "closed_by": who, "lead_seconds": lead}


def _midnight(day: str) -> str:
    """A day of the calendar as a time of the ledger; empty for what is none."""
    try:
        # Not strftime: it writes the year 206 with three digits, which is read as no time.
        return f"{date.fromisoformat(day)}T00:00:00Z"
    except ValueError:
        return ""


def _of(table: sa.Table, seen: Seen) -> sa.ColumnElement[bool]:
    return (table.c.repository == seen.repository) & (table.c.path == seen.path)


def _storable(text: str) -> str:
    """PostgreSQL's text has no NUL."""
    return text.replace("\0", "\ufffd")
