"""Post-mortems found by words and by what is open in them, a page at a time, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.clock import today
from app.ledger.documents import folded
from app.ledger.schema import runs, todos
from app.ledger.schema_documents import document_items, documents

PAGE = 30
_MOST_TERMS = 8
_LONGEST_TERM = 100
_SHOWN = ("repository", "path", "title", "date", "severity", "failure", "open", "done", "next_due")
_KEY = (documents.c.date, documents.c.repository, documents.c.path)


@dataclass(frozen=True)
class Listed:
    """A page of documents: rows with `overdue`; the keys that the pages beside it begin after, empty for no page."""

    rows: Sequence[dict[str, Any]]
    older: str = ""
    newer: str = ""


class DocumentList:
    """The documents of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def page(self, words: str = "", only: str = "", before: str = "", after: str = "", limit: int = PAGE) -> Listed:
        """The documents that hold each of the words in repository, path, title or actions.

        `only` is open, overdue or unread (could not be read), anything else for all. `before` is a key: older ones than
        that; `after`: newer ones. A key is `DATE REPOSITORY PATH`; one that is none counts as none.
        """
        wanted = sa.and_(documents.c.gone_at == "", _only(only), *_holding(words))
        back = not before and _parts(after)
        edge = back or _parts(before)
        query = sa.select(*(documents.c[name] for name in _SHOWN)).where(wanted)
        if edge:
            here, there = sa.tuple_(*_KEY), sa.tuple_(*map(sa.literal, edge))
            query = query.where(here > there if back else here < there)
        order = [column.asc() if back else column.desc() for column in _KEY]
        with self._engine.connect() as db:
            rows = [dict(row) for row in db.execute(query.order_by(*order).limit(limit + 1)).mappings()]
            more, rows = len(rows) > limit, rows[:limit]
            if back:
                rows.reverse()
            _add_overdue(db, rows)
        older = _key(rows[-1]) if rows and (more or back) else ""
        newer = _key(rows[0]) if rows and ((more and back) or (edge and not back)) else ""
        return Listed(rows, older, newer)

    def totals(self) -> dict[str, int]:
        """How many documents there are, and how many items are open and overdue in them."""
        here = (document_items.c.gone_at == "") & document_items.c.is_open.is_(True)
        late = sa.func.coalesce(sa.func.sum(sa.case((_is_late(), 1), else_=0)), 0)
        with self._engine.connect() as db:
            count = db.execute(sa.select(sa.func.count()).where(documents.c.gone_at == "")).scalar_one()
            opened, overdue = db.execute(sa.select(sa.func.count(), late).where(here)).one()
        return {"documents": count, "open": opened, "overdue": int(overdue)}

    def states(self, repository: str, path: str) -> dict[str, dict[str, Any]]:
        """What came of each item of a document in the last run that took it on, by its id; run_id says in which."""
        here = (todos.c.repository == repository) & (todos.c.post_mortem == path)
        columns = (todos.c.id, todos.c.run_id, todos.c.outcome, todos.c.reason, todos.c.message, todos.c.commit)
        query = sa.select(*columns, todos.c.safe, todos.c.finished_at).join(runs, runs.c.id == todos.c.run_id)
        query = query.where(here).order_by(runs.c.created_at, todos.c.run_id)
        found: dict[str, dict[str, Any]] = {}
        with self._engine.connect() as db:
            for row in db.execute(query).mappings():
                # A later run that only found an item settled tells nothing new of it.
                if row["id"] not in found or not row["reason"].startswith("already-"):
                    found[row["id"]] = dict(row)
        return found

    def runs_of(self, repository: str, path: str, limit: int = 10) -> list[dict[str, Any]]:
        """The last runs of a document, newest first: id, created_at, finished_at, outcome, commit."""
        here = (runs.c.repository == repository) & (runs.c.post_mortem == path)
        columns = (runs.c.id, runs.c.created_at, runs.c.finished_at, runs.c.outcome, runs.c.commit)
        query = sa.select(*columns).where(here).order_by(runs.c.created_at.desc(), runs.c.id).limit(limit)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]


def _only(word: str) -> sa.ColumnElement[bool]:
    if word == "open":
        return documents.c.open > 0
    if word == "overdue":
        return (documents.c.next_due != "") & (documents.c.next_due < today())
    return documents.c.failure != "" if word == "unread" else sa.true()


def _holding(words: str) -> list[sa.ColumnElement[bool]]:
    """Each term somewhere in the folded words. Reads each document's row once: there are thousands at most."""
    terms = folded(words.replace("\0", " ")).split()[:_MOST_TERMS]
    return [documents.c.words.contains(term[:_LONGEST_TERM], autoescape=True) for term in terms]


def _is_late() -> sa.ColumnElement[bool]:
    return (document_items.c.due != "") & (document_items.c.due < today())


def _add_overdue(db: Connection, rows: Sequence[dict[str, Any]]) -> None:
    whose = sa.tuple_(document_items.c.repository, document_items.c.path)
    late = (document_items.c.gone_at == "") & document_items.c.is_open.is_(True) & _is_late()
    shown = [(row["repository"], row["path"]) for row in rows if row["next_due"]]
    counted: dict[tuple[str, str], int] = {}
    if shown:
        query = sa.select(document_items.c.repository, document_items.c.path, sa.func.count()).where(late)
        query = query.where(whose.in_(shown)).group_by(document_items.c.repository, document_items.c.path)
        counted = {(repository, path): count for repository, path, count in db.execute(query)}
    for row in rows:
        row["overdue"] = counted.get((row["repository"], row["path"]), 0)


def _key(row: dict[str, Any]) -> str:
    return f"{row['date']} {row['repository']} {row['path']}"


def _parts(key: str) -> list[str]:
    parts = key.replace("\0", "").split(" ", 2)
    return parts if len(parts) == 3 else []
