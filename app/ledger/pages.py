"""What pages list: each list in one indexed query, from a row on and so many at once.

A page is named by the key of the last row before it, so that it holds the same rows however many have come since. Keys
are tuples: the time of the list's order, then the row's own id.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, RowMapping
from sqlalchemy.orm import aliased

from app.ledger.approvals import VALID_FOR
from app.ledger.schema import approvals, deliveries, events, runs, todos

Row = dict[str, Any]
Key = tuple[str, ...]
_DECIDED = ("approved", "declined", "void", "landed")
_TROUBLE = ("failed", "unknown", "partial")
_OWN = [todos.c[name] for name in ("action", "priority", "type", "message", "findings", "repository", "post_mortem")]


class Pages:
    """The lists of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def waiting(self) -> int:
        """How many changes a person can approve now."""
        query = sa.select(sa.func.count()).select_from(approvals).where(_open_still())
        with self._engine.connect() as db:
            return db.execute(query).scalar() or 0

    def parked(self, after: Key = (), limit: int = 25) -> list[Row]:
        """What nobody has decided on, oldest first, with its TODO; plans and findings are read. `after`: asked_at, run
        id, TODO id.
        """
        key = (approvals.c.asked_at, approvals.c.run_id, approvals.c.todo_id)
        query = sa.select(approvals, *_OWN).join(todos, _same_todo()).where(approvals.c.decision == "")
        if after:
            query = query.where(sa.tuple_(*key) > after)
        with self._engine.connect() as db:
            return [_read(row) for row in db.execute(query.order_by(*key).limit(limit)).mappings()]

    def decided(self, before: Key = (), limit: int = 25) -> list[Row]:
        """What was decided on or became void, newest question first. `before`: as for `parked`."""
        key = (approvals.c.asked_at, approvals.c.run_id, approvals.c.todo_id)
        found: list[Row] = []
        with self._engine.connect() as db:
            # One walk down the index for each word: it is not in the order of time over all of them.
            for word in _DECIDED:
                query = sa.select(approvals, *_OWN).join(todos, _same_todo()).where(approvals.c.decision == word)
                if before:
                    query = query.where(sa.tuple_(*key) < before)
                query = query.order_by(*(column.desc() for column in key)).limit(limit)
                found += [_read(row) for row in db.execute(query).mappings()]
        found.sort(key=lambda row: (row["asked_at"], row["run_id"], row["todo_id"]), reverse=True)
        return found[:limit]

    def stopped(self, outcomes: Collection[str], safe: bool, before: Key = (), limit: int = 25) -> list[Row]:
        """TODOs that ended so and have not come up again since, newest first. `before`: finished_at, run id, TODO id.

        `safe`: those that a machine took on, else those that were left to people from the start.
        """
        key = (todos.c.finished_at, todos.c.run_id, todos.c.id)
        later = aliased(todos)
        again = (later.c.repository == todos.c.repository) & (later.c.post_mortem == todos.c.post_mortem)
        again &= (later.c.id == todos.c.id) & (later.c.run_id != todos.c.run_id)
        again &= (later.c.outcome.is_(None)) | (later.c.finished_at > todos.c.finished_at)
        # Not the bare column: SQLite would take the index by outcome, read all that ended so, and sort it.
        ended = sa.func.coalesce(todos.c.outcome, "").in_(sorted(outcomes))
        wanted = ended & todos.c.safe.is_(safe) & (todos.c.finished_at > "")
        query = sa.select(todos).where(wanted & ~sa.exists().where(again))
        if before:
            query = query.where(todos.c.finished_at <= before[0]).where(sa.tuple_(*key) < before)
        with self._engine.connect() as db:
            query = query.order_by(*(column.desc() for column in key)).limit(limit)
            return [_read(row) for row in db.execute(query).mappings()]

    def live(self, limit: int = 20) -> list[Row]:
        """Runs that are not over, the oldest first: `last`, the newest line of each (or None), `todos`, how many have
        been taken on, `ended`, how many of these have an outcome.
        """
        query = sa.select(runs).where(runs.c.finished_at.is_(None)).order_by(runs.c.created_at, runs.c.id)
        with self._engine.connect() as db:
            found = [dict(row) for row in db.execute(query.limit(limit)).mappings()]
            ids = [row["id"] for row in found]
            last, counts = _last_lines(db, ids), _counts(db, ids)
        return [
            {**row, "last": last.get(row["id"]), **counts.get(row["id"], {"todos": 0, "ended": 0})} for row in found
        ]

    def troubled(self, days: int = 7, limit: int = 8) -> list[Row]:
        """Runs of the last days that ended badly, newest first, each with `todos`: those of its TODOs that did."""
        since = _ago(timedelta(days=days))
        # Not the bare columns, for the reason given at `stopped`.
        wanted = (runs.c.finished_at >= since) & sa.func.coalesce(runs.c.outcome, "").in_(_TROUBLE)
        with self._engine.connect() as db:
            query = sa.select(runs).where(wanted).order_by(runs.c.finished_at.desc(), runs.c.id.desc()).limit(limit)
            found = [dict(row) for row in db.execute(query).mappings()]
            ids = [row["id"] for row in found]
            badly = sa.func.coalesce(todos.c.outcome, "").in_(_TROUBLE)
            theirs = sa.select(todos).where(todos.c.run_id.in_(ids) & badly)
            rows = [_read(row) for row in db.execute(theirs.order_by(todos.c.position)).mappings()]
        return [{**run, "todos": [row for row in rows if row["run_id"] == run["id"]]} for run in found]

    def deliveries(self, before: Key = (), decision: str = "", limit: int = 25) -> list[Row]:
        """Deliveries, newest first, each with `runs`: id and outcome of what it started. `before`: received_at, id."""
        key = (deliveries.c.received_at, deliveries.c.id)
        query = sa.select(deliveries)
        if decision:
            # Not the bare column, for the reason given at `stopped`.
            query = query.where(sa.func.coalesce(deliveries.c.decision, "") == decision)
        if before:
            query = query.where(deliveries.c.received_at <= before[0]).where(sa.tuple_(*key) < before)
        with self._engine.connect() as db:
            query = query.order_by(*(column.desc() for column in key)).limit(limit)
            found = [dict(row) for row in db.execute(query).mappings()]
            of = runs.c.delivery.in_([row["id"] for row in found])
            columns = (runs.c.id, runs.c.delivery, runs.c.outcome, runs.c.finished_at, runs.c.title, runs.c.post_mortem)
            started = [dict(row) for row in db.execute(sa.select(*columns).where(of).order_by(runs.c.id)).mappings()]
        return [{**row, "runs": [run for run in started if run["delivery"] == row["id"]]} for row in found]

    def queue(self) -> Mapping[str, tuple[int, str]]:
        """How many wait, and since when the first of them does (empty for none): "deliveries", "runs" without DevVM."""
        new = (deliveries.c.decision == "accepted") & (deliveries.c.reason == "")
        idle = runs.c.finished_at.is_(None) & (runs.c.devvm == "")
        with self._engine.connect() as db:
            return {
                "deliveries": _since(db, deliveries.c.received_at, new),
                "runs": _since(db, runs.c.created_at, idle),
            }


def _open_still() -> sa.ColumnElement[bool]:
    return (approvals.c.decision == "") & (approvals.c.asked_at >= _ago(VALID_FOR))


def _same_todo() -> sa.ColumnElement[bool]:
    return (todos.c.run_id == approvals.c.run_id) & (todos.c.id == approvals.c.todo_id)


def _ago(time: timedelta) -> str:
    return (datetime.now(UTC) - time).strftime("%Y-%m-%dT%H:%M:%SZ")


def _since(db: Connection, since: sa.Column[str], where: sa.ColumnElement[bool]) -> tuple[int, str]:
    count, first = db.execute(sa.select(sa.func.count(), sa.func.min(since)).where(where)).one()
    return count, first or ""


def _last_lines(db: Connection, run_ids: Sequence[str]) -> dict[str, Row]:
    newest = sa.select(sa.func.max(events.c.id)).where(events.c.run_id.in_(run_ids)).group_by(events.c.run_id)
    rows = db.execute(sa.select(events).where(events.c.id.in_(newest))).mappings()
    return {row["run_id"]: dict(row) for row in rows}


def _counts(db: Connection, run_ids: Sequence[str]) -> dict[str, Row]:
    ended = sa.func.sum(sa.case((todos.c.outcome.is_not(None), 1), else_=0)).label("ended")
    taken = todos.c.run_id.in_(run_ids) & todos.c.safe.is_(True)
    query = sa.select(todos.c.run_id, sa.func.count().label("todos"), ended).where(taken).group_by(todos.c.run_id)
    return {row.run_id: {"todos": row.todos, "ended": int(row.ended)} for row in db.execute(query)}


def _read(found: RowMapping) -> Row:
    row = dict(found)
    return {**row, **{name: json.loads(row[name]) for name in ("plans", "findings") if name in row}}
