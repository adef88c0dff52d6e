"""Runs as people follow them: the lines that are new, and whether anything is."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.ledger.schema import events, runs, todos


@dataclass(frozen=True)
class Standing:
    """How far a run is: the id of its last line, its outcome once it is over, and those of its TODOs by id."""

    last: int
    over: bool
    outcome: str
    todos: tuple[tuple[str, str], ...]


class Following:
    """The runs of one database as somebody follows them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def standings(self, run_ids: Collection[str]) -> dict[str, Standing]:
        """How far each of these runs is; those that are not there (any more) are left out."""
        last = sa.select(sa.func.max(events.c.id)).where(events.c.run_id == runs.c.id).scalar_subquery()
        query = sa.select(runs.c.id, runs.c.finished_at, runs.c.outcome, last.label("last"))
        items = sa.select(todos.c.run_id, todos.c.id, todos.c.outcome).where(todos.c.run_id.in_(run_ids))
        of_run: dict[str, list[tuple[str, str]]] = {}
        with self._engine.connect() as db:
            found = db.execute(query.where(runs.c.id.in_(run_ids))).all()
            for item in db.execute(items.order_by(todos.c.run_id, todos.c.position)):
                of_run.setdefault(item.run_id, []).append((item.id, item.outcome or ""))
        return {
            row.id: Standing(
                row.last or 0,
                row.finished_at is not None,
                (row.outcome or "") if row.finished_at is not None else "",
                tuple(of_run.get(row.id, ())),
            )
            for row in found
        }

    def lines(self, run_id: str, after: int, limit: int) -> list[dict[str, Any]]:
        """The lines of a run behind the one with this id, oldest first, `limit` at most."""
        query = sa.select(events).where((events.c.run_id == run_id) & (events.c.id > after)).order_by(events.c.id)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query.limit(limit)).mappings()]

    def last_lines(self, run_id: str, limit: int, before: int = 0) -> list[dict[str, Any]]:
        """The last lines of a run, or the last before the one with this id; oldest first."""
        query = sa.select(events).where(events.c.run_id == run_id)
        query = query.where(events.c.id < before) if before else query
        with self._engine.connect() as db:
            rows = db.execute(query.order_by(events.c.id.desc()).limit(limit)).mappings().all()
        return [dict(row) for row in reversed(rows)]
