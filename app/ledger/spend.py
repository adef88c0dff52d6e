"""What the agent costs: reserved before a try, settled after it, added up by TODO, run and day."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.clock import today
from app.ledger.schema import spend


@dataclass(frozen=True)
class Spent:
    """US dollars so far, reservations of unfinished tries included."""

    todo: float
    run: float
    day: float


class Spend:
    """The money ledger of one database.

    Hold `lock` from reading what was spent to reserving: runs of two repositories go on at once, in one process.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.lock = Lock()

    def so_far(self, run_id: str, todo_id: str) -> Spent:
        """What the TODO, its run and today have cost."""
        with self._engine.connect() as db:
            mine = spend.c.run_id == run_id
            return Spent(
                todo=_sum(db, mine & (spend.c.todo_id == todo_id)),
                run=_sum(db, mine),
                day=_sum(db, spend.c.day == today()),
            )

    def reserved(self, run_id: str, todo_id: str, attempt: int) -> float | None:
        """What was reserved for this try, None when nothing was."""
        with self._engine.connect() as db:
            return db.execute(sa.select(spend.c.reserved_usd).where(_try(run_id, todo_id, attempt))).scalar()

    def reserve(self, run_id: str, todo_id: str, attempt: int, usd: float) -> None:
        """Set money aside for a try. A repeated call keeps the first reservation."""
        if self.reserved(run_id, todo_id, attempt) is None:
            values = {"run_id": run_id, "todo_id": todo_id, "attempt": attempt, "day": today(), "reserved_usd": usd}
            with self._engine.begin() as db:
                db.execute(sa.insert(spend).values(**values))

    def settle(self, run_id: str, todo_id: str, attempt: int, usd: float | None) -> float:
        """Replace the reservation by what the try cost; None, not known, counts as all of it. Returns the cost."""
        cost = usd if usd is not None else (self.reserved(run_id, todo_id, attempt) or 0.0)
        with self._engine.begin() as db:
            db.execute(sa.update(spend).where(_try(run_id, todo_id, attempt)).values(spent_usd=cost))
        return cost


def _try(run_id: str, todo_id: str, attempt: int) -> sa.ColumnElement[bool]:
    return (spend.c.run_id == run_id) & (spend.c.todo_id == todo_id) & (spend.c.attempt == attempt)


def _sum(db: Connection, where: sa.ColumnElement[bool]) -> float:
    counted = sa.func.coalesce(spend.c.spent_usd, spend.c.reserved_usd)
    return float(db.execute(sa.select(sa.func.coalesce(sa.func.sum(counted), 0.0)).where(where)).scalar() or 0.0)
