"""Runs as lists show them: a page at a time, with what their TODOs came to and what they cost."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.people import actions
from app.ledger.schema import runs, spend, todos

# What a run is called that is not over yet, whatever it has come to so far.
GOING_ON = "going-on"


@dataclass(frozen=True)
class Wanted:
    """Which runs: with this outcome (`going-on`: those that are not over), of this repository; empty: all."""

    outcome: str = ""
    repository: str = ""


class Listing:
    """The runs of one database as lists of them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def older(self, wanted: Wanted, limit: int, than: str = "") -> list[dict[str, Any]]:
        """The newest runs, or those before the run with the id `than`; newest first.

        Each is its row without `source`, with `outcome` None while it is not over, `cost_usd`, and `todos`: how many by
        outcome, those without one under "". Empty when there is no run `than`.
        """
        with self._engine.connect() as db:
            return _listed(db, _matching(wanted), limit, than, newest_first=True)

    def newer(self, wanted: Wanted, limit: int, than: str) -> list[dict[str, Any]]:
        """The runs right after the run with the id `than`; newest first."""
        with self._engine.connect() as db:
            return _listed(db, _matching(wanted), limit, than, newest_first=False)[::-1]

    def asked_by(self, run_id: str) -> str:
        """Who asked for a run that no delivery started; empty when nobody wrote that down."""
        old = runs.alias("old")
        same = (old.c.repository == runs.c.repository) & (old.c.post_mortem == runs.c.post_mortem)
        named = actions.c.subject == runs.c.repository + " " + runs.c.post_mortem
        asked = actions.c.action.in_(("start", "retry")) & (actions.c.at <= runs.c.created_at)
        # It is written down right before the run is there.
        query = sa.select(actions.c.by).join(runs, (runs.c.id == run_id) & asked)
        query = query.outerjoin(old, old.c.id == actions.c.run_id).where(named | same).order_by(actions.c.id.desc())
        with self._engine.connect() as db:
            return db.execute(query.limit(1)).scalar() or ""

    def tries(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """What each try of a run's TODOs cost, by TODO id: `{attempt, reserved_usd, spent_usd, lost}`."""
        columns = (spend.c.todo_id, spend.c.attempt, spend.c.reserved_usd, spend.c.spent_usd, spend.c.lost)
        query = sa.select(*columns).where(spend.c.run_id == run_id).order_by(spend.c.attempt)
        found: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as db:
            for row in db.execute(query).mappings():
                tried = dict(row)
                found.setdefault(tried.pop("todo_id"), []).append(tried)
        return found


def _matching(wanted: Wanted) -> sa.Select[Any]:
    query = sa.select(*(column for column in runs.c if column is not runs.c.source))
    if wanted.outcome == GOING_ON:
        query = query.where(runs.c.finished_at.is_(None))
    elif wanted.outcome:
        query = query.where((runs.c.outcome == wanted.outcome) & runs.c.finished_at.is_not(None))
    return query.where(runs.c.repository == wanted.repository) if wanted.repository else query


def _listed(db: Connection, query: sa.Select[Any], limit: int, than: str, newest_first: bool) -> list[dict[str, Any]]:
    if than:
        began = db.execute(sa.select(runs.c.created_at).where(runs.c.id == than)).scalar()
        if began is None:
            return []
        here, there = sa.tuple_(runs.c.created_at, runs.c.id), sa.tuple_(sa.literal(began), sa.literal(than))
        query = query.where(here < there if newest_first else here > there)
    order = (runs.c.created_at, runs.c.id)
    query = query.order_by(*(column.desc() if newest_first else column for column in order)).limit(limit)
    rows = [dict(row) for row in db.execute(query).mappings()]
    ids = [row["id"] for row in rows]
    costs, counts = _costs(db, ids), _counts(db, ids)
    for row in rows:
        row["outcome"] = row["outcome"] if row["finished_at"] else None
        row |= {"cost_usd": costs.get(row["id"], 0.0), "todos": counts.get(row["id"], {})}
    return rows


def _costs(db: Connection, ids: Iterable[str]) -> dict[str, float]:
    paid = sa.func.coalesce(sa.func.sum(spend.c.spent_usd), 0.0)
    query = sa.select(spend.c.run_id, paid).where(spend.c.run_id.in_(ids)).group_by(spend.c.run_id)
    return {run_id: float(cost) for run_id, cost in db.execute(query)}


def _counts(db: Connection, ids: Iterable[str]) -> dict[str, dict[str, int]]:
    query = sa.select(todos.c.run_id, todos.c.outcome, sa.func.count()).where(todos.c.run_id.in_(ids))
    found: dict[str, dict[str, int]] = {}
    for run_id, outcome, count in db.execute(query.group_by(todos.c.run_id, todos.c.outcome)):
        found.setdefault(run_id, {})[outcome or ""] = count
    return found
