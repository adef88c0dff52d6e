"""What the agent costs: reserved before a try, settled after it, added up by TODO, run and day."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

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

    def report(self, days: int, limit_usd: float) -> dict[str, Any]:
        """What the last so many days (UTC, today among them) cost, in US dollars, as the API and the commands show it.

        since, until  the first and the last day
        days          newest first: day, spent_usd, reserved_usd (tries that go on), limit_usd (as it is now)
        total_usd     spent and reserved of all of them
        landed        changes: how many TODOs that were tried in these days are on the branch; usd: what their
                      own tries cost; usd_each: total_usd for each of them, null when there is none
        outcomes      by what came of the TODOs that were tried, dearest first: outcome (open: it goes on), todos,
                      usd
        """
        until = date.fromisoformat(today())
        since = (until - timedelta(days=days - 1)).isoformat()
        with self._engine.connect() as db:
            spent = {row.day: row for row in db.execute(_by_day(since))}
            tried = db.execute(_by_todo(since)).all()
        each = [(until - timedelta(days=back)).isoformat() for back in range(days)]
        total = float(sum(row.usd for row in tried))
        landed = [row.usd for row in tried if row.commit]
        found: dict[str, list[float]] = {}
        for row in tried:
            found.setdefault(row.outcome or ("open" if row.id else "gone"), []).append(row.usd)
        outcomes = [{"outcome": name, "todos": len(usd), "usd": _cents(sum(usd))} for name, usd in found.items()]
        return {
            "since": since,
            "until": until.isoformat(),
            "days": [_day(day, spent.get(day), limit_usd) for day in each],
            "total_usd": _cents(total),
            "landed": {
                "changes": len(landed),
                "usd": _cents(sum(landed)),
                "usd_each": _cents(total / len(landed)) if landed else None,
            },
            "outcomes": sorted(outcomes, key=lambda one: (-float(one["usd"]), one["outcome"])),
        }


def _by_day(since: str) -> sa.Select[Any]:
    open_still = sa.case((spend.c.spent_usd.is_(None), spend.c.reserved_usd), else_=0.0)
    sums = (sa.func.coalesce(sa.func.sum(spend.c.spent_usd), 0.0), sa.func.sum(open_still))
    query = sa.select(spend.c.day, sums[0].label("spent"), sums[1].label("reserved"))
    return query.where(spend.c.day >= since).group_by(spend.c.day)


def _by_todo(since: str) -> sa.Select[Any]:
    """What each TODO cost since then, with what came of it; one that is kept no more has no id."""
    same = (todos.c.run_id == spend.c.run_id) & (todos.c.id == spend.c.todo_id)
    usd = sa.func.sum(sa.func.coalesce(spend.c.spent_usd, spend.c.reserved_usd)).label("usd")
    query = sa.select(todos.c.id, todos.c.outcome, sa.func.coalesce(todos.c.commit, "").label("commit"), usd)
    query = query.select_from(spend.outerjoin(todos, same)).where(spend.c.day >= since)
    return query.group_by(spend.c.run_id, spend.c.todo_id, todos.c.id, todos.c.outcome, todos.c.commit)


def _day(day: str, row: Any, limit_usd: float) -> dict[str, Any]:
    spent, reserved = (row.spent, row.reserved) if row else (0.0, 0.0)
    return {"day": day, "spent_usd": _cents(spent), "reserved_usd": _cents(reserved), "limit_usd": limit_usd}


def _cents(usd: float) -> float:
    """Dollars without the dust that adding floats leaves; a hundredth of a cent stays."""
    return round(float(usd), 4)


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
