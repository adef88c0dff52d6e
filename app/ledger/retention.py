"""What the ledger lets go of when it is old enough, in small pieces, and what it never does.

Never removed, however old: a run that has not ended, one of which something waits for a person, and one with a TODO
that is settled, with all that belongs to it: were its row gone, the next push of that document would do the TODO again.
A delivery stays as long as a run that it started, so that it cannot be played again. Money stays for the month it was
spent in.

Each piece is a transaction of its own, some milliseconds long, with a pause after it: another writer gets its turn.
The space is used again. An SQLite file does not shrink: giving pages back would mean rewriting it, which is for a
person to do (VACUUM, while the service is stopped) when a file has become much larger than it needs to be.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.clock import today
from app.ledger.deliveries import HELD_BACK, PASSING
from app.ledger.outbox_tables import outbox
from app.ledger.people import actions
from app.ledger.runs import PASSING_REASONS, SETTLED
from app.ledger.schema import (
    approvals,
    changes,
    checks,
    controls,
    deliveries,
    effects,
    events,
    evidence,
    holds,
    rejections,
    runs,
    spend,
    todos,
)

# Rows of one transaction; runs are fewer, each takes its own rows along.
_PIECE = 500
_RUNS = 20
# Seconds between two transactions.
_PAUSE = 0.02


@dataclass(frozen=True)
class Cutoffs:
    """What is older than these times (ISO 8601, UTC, as the ledger writes them) may go; empty: nothing may."""

    events: str = ""
    runs: str = ""
    deliveries: str = ""


class Retention:
    """What may go from one database. `lasting` are phases of events that stay with their run: they are read again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, before: Cutoffs, lasting: Sequence[str] = ()) -> dict[str, int]:
        """How many rows would go now, by table; a run counts once, whatever belongs to it."""
        wanted = {
            events: _old_events(before.events, lasting),
            runs: _old_runs(before.runs),
            spend: _old_spend(before.runs),
            actions: _old_actions(before.runs),
            deliveries: _old_deliveries(before),
            rejections: _old_rejections(before.deliveries),
        }
        with self._engine.connect() as db:
            return {
                table.name: db.execute(sa.select(sa.func.count()).select_from(table).where(old)).scalar_one()
                for table, old in wanted.items()
            }

    def forget_events(self, before: Cutoffs, lasting: Sequence[str] = ()) -> dict[str, int]:
        """Remove what people followed in runs that have ended. Returns how many lines."""
        return {"events": self._in_pieces(events.c.id, _old_events(before.events, lasting), _PIECE)}

    def forget_runs(self, before: Cutoffs) -> dict[str, int]:
        """Remove runs with their TODOs, checks, approvals, effects and events, then the money of runs that are gone.

        What people did goes when it is of no run that stays.
        """
        gone = self._in_pieces(runs.c.id, _old_runs(before.runs), _RUNS)
        acted = self._in_pieces(actions.c.id, _old_actions(before.runs), _PIECE)
        return {"runs": gone, "spend": self._at_once(spend, _old_spend(before.runs)), "actions": acted}

    def forget_deliveries(self, before: Cutoffs) -> dict[str, int]:
        """Remove deliveries that came to an end, and the counts of requests that were not let in."""
        gone = self._in_pieces(deliveries.c.id, _old_deliveries(before), _PIECE)
        return {"deliveries": gone, "rejections": self._at_once(rejections, _old_rejections(before.deliveries))}

    def _in_pieces(self, key: sa.Column[Any], old: sa.ColumnElement[bool], most: int) -> int:
        removed = 0
        while True:
            with self._engine.connect() as db:
                found = list(db.execute(sa.select(key).where(old).limit(most)).scalars())
            if not found:
                return removed
            with self._engine.begin() as db:
                if key is runs.c.id:
                    _remove_belongings(db, found)
                removed += db.execute(sa.delete(key.table).where(key.in_(found))).rowcount
            time.sleep(_PAUSE)

    def _at_once(self, table: sa.Table, old: sa.ColumnElement[bool]) -> int:
        """For tables of a few rows a day."""
        with self._engine.begin() as db:
            return db.execute(sa.delete(table).where(old)).rowcount


def _remove_belongings(db: Connection, run_ids: Sequence[str]) -> None:
    for table in (todos, checks, approvals, effects, events, evidence, holds, changes, outbox):
        db.execute(sa.delete(table).where(table.c.run_id.in_(run_ids)))
    db.execute(sa.delete(controls).where(controls.c.name.in_(run_ids)))


def _old_events(before: str, lasting: Sequence[str]) -> sa.ColumnElement[bool]:
    if not before:
        return sa.false()
    going_on = sa.select(runs.c.id).where(runs.c.finished_at.is_(None))
    old = (events.c.at < before) & events.c.phase.not_in(lasting)
    return old & events.c.run_id.not_in(going_on) & events.c.run_id.not_in(_waiting())


def _old_runs(before: str) -> sa.ColumnElement[bool]:
    if not before:
        return sa.false()
    # As in Runs.settled, which is asked what not to do again.
    landed = (todos.c.outcome == "needs-human") & (todos.c.commit != "")
    final = (todos.c.outcome.in_(SETTLED) & todos.c.reason.not_in(PASSING_REASONS)) | landed
    settling = sa.select(todos.c.run_id).where(final)
    return (runs.c.finished_at < before) & runs.c.id.not_in(settling) & runs.c.id.not_in(_waiting())


def _waiting() -> sa.Select[Any]:
    """Runs of which something waits for a person, or for landing what a person approved."""
    return sa.select(approvals.c.run_id).where(approvals.c.decision.in_(("", "approved")))


def _staying(before: str, column: sa.Column[Any]) -> sa.Select[Any]:
    """A column of the runs that stay."""
    going = sa.select(runs.c.id).where(_old_runs(before))
    return sa.select(column).where(runs.c.id.not_in(going))


def _old_deliveries(before: Cutoffs) -> sa.ColumnElement[bool]:
    if not before.deliveries:
        return sa.false()
    # As in Deliveries.open, and what waits for a person to vouch for it.
    open_still = (deliveries.c.decision == "accepted") & deliveries.c.reason.in_(("", *PASSING))
    old = (deliveries.c.received_at < before.deliveries) & ~open_still & (deliveries.c.reason != HELD_BACK)
    return old & deliveries.c.id.not_in(_staying(before.runs, runs.c.delivery))


def _old_rejections(before: str) -> sa.ColumnElement[bool]:
    return rejections.c.last_at < before if before else sa.false()


def _old_spend(before: str) -> sa.ColumnElement[bool]:
    if not before:
        return sa.false()
    this_month = today()[:8] + "01"
    return (spend.c.day < min(before[:10], this_month)) & spend.c.run_id.not_in(_staying(before, runs.c.id))


def _old_actions(before: str) -> sa.ColumnElement[bool]:
    if not before:
        return sa.false()
    return (actions.c.at < before) & actions.c.run_id.not_in(_staying(before, runs.c.id))
