"""What the agent costs: reserved before a try, settled after it, added up by TODO, run and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.clock import today
from app.ledger.schema import spend, todos

# PostgreSQL's number for the turn of who reserves; any that nothing else in the database uses.
_TURN = 4171904


@dataclass(frozen=True)
class Spent:
    """US dollars so far, reservations of unfinished tries included.

    `todo` leaves out tries that were lost with their DevVM: what they cost is not known, so that all of their
    reservation counts for run and day, and nothing would be left of the TODO's for the try that makes up for them.
    """

    todo: float
    run: float
    day: float


class Spend:
    """The money ledger of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def so_far(self, run_id: str, todo_id: str) -> Spent:
        """What the TODO, its run and today have cost."""
        with self._engine.connect() as db:
            return _so_far(db, run_id, todo_id)

    def set_aside(self, run_id: str, todo_id: str, attempt: int, allow: Callable[[Spent], float]) -> float:
        """Reserve for a try what `allow` makes of what was spent so far; returns it, in US dollars.

        What was reserved for this try before stands. One at a time in all processes: nothing is spent between reading
        and reserving. Raises what `allow` raises, and then nothing is reserved.
        """
        with self._engine.begin() as db:
            sqlite = db.dialect.name == "sqlite"
            db.exec_driver_sql("BEGIN IMMEDIATE" if sqlite else f"SELECT pg_advisory_xact_lock({_TURN})")
            known = _reserved(db, run_id, todo_id, attempt)
            if known is not None:
                return known
            usd = allow(_so_far(db, run_id, todo_id))
            _reserve(db, run_id, todo_id, attempt, usd)
            return usd

    def is_open(self, run_id: str, todo_id: str) -> bool:
        """Whether money is set aside for a try of another TODO of the run that goes on: some of it may come back."""
        other = (spend.c.run_id == run_id) & (spend.c.todo_id != todo_id) & spend.c.spent_usd.is_(None)
        same = (todos.c.run_id == spend.c.run_id) & (todos.c.id == spend.c.todo_id)
        query = sa.select(spend.c.todo_id).join(todos, same).where(other & todos.c.outcome.is_(None))
        with self._engine.connect() as db:
            return db.execute(query).first() is not None

    def reserved(self, run_id: str, todo_id: str, attempt: int) -> float | None:
        """What was reserved for this try, None when nothing was."""
        with self._engine.connect() as db:
            return _reserved(db, run_id, todo_id, attempt)

    def reserve(self, run_id: str, todo_id: str, attempt: int, usd: float) -> None:
        """Set money aside for a try, whatever was spent. A repeated call keeps the first reservation."""
        self.set_aside(run_id, todo_id, attempt, lambda _: usd)

    def settle(self, run_id: str, todo_id: str, attempt: int, usd: float | None, lost: bool = False) -> float:
        """Replace the reservation by what the try cost; None, not known, counts as all of it. Returns the cost.

        `lost`: the try went with its DevVM, and counts for run and day alone.
        """
        cost = usd if usd is not None else (self.reserved(run_id, todo_id, attempt) or 0.0)
        with self._engine.begin() as db:
            db.execute(sa.update(spend).where(_try(run_id, todo_id, attempt)).values(spent_usd=cost, lost=lost))
        return cost


def _try(run_id: str, todo_id: str, attempt: int) -> sa.ColumnElement[bool]:
    return (spend.c.run_id == run_id) & (spend.c.todo_id == todo_id) & (spend.c.attempt == attempt)


def _so_far(db: Connection, run_id: str, todo_id: str) -> Spent:
    mine = spend.c.run_id == run_id
    return Spent(
        todo=_sum(db, mine & (spend.c.todo_id == todo_id) & spend.c.lost.is_(False)),
        run=_sum(db, mine),
        day=_sum(db, spend.c.day == today()),
    )


def _reserved(db: Connection, run_id: str, todo_id: str, attempt: int) -> float | None:
    return db.execute(sa.select(spend.c.reserved_usd).where(_try(run_id, todo_id, attempt))).scalar()


def _reserve(db: Connection, run_id: str, todo_id: str, attempt: int, usd: float) -> None:
    values = {"run_id": run_id, "todo_id": todo_id, "attempt": attempt, "day": today(), "reserved_usd": usd}
    db.execute(sa.insert(spend).values(**values))


def _sum(db: Connection, where: sa.ColumnElement[bool]) -> float:
    counted = sa.func.coalesce(spend.c.spent_usd, spend.c.reserved_usd)
    return float(db.execute(sa.select(sa.func.coalesce(sa.func.sum(counted), 0.0)).where(where)).scalar() or 0.0)
