"""How it goes over weeks and months: items opened and closed, time to a landed change, refusals by rule, money.

Each is one query that adds up in the database, over an index; what comes back is some rows a day at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.clock import today
from app.ledger.schema import spend, todos
from app.ledger.schema_documents import document_items

# Days since an open item was opened: the upper end of each group, without one for the last.
AGES = (7, 30, 90)
_BY_RUN = document_items.c.closed_by == "run"


@dataclass(frozen=True)
class Lead:
    """Seconds from when an item was opened to its landed change, over `count` of them; None for none."""

    count: int
    median: int | None
    ninety: int | None


@dataclass(frozen=True)
class Insight:
    """Since a day (YYYY-MM-DD, UTC, itself among them) until now.

    opened, closed_by_run, closed_by_people: items by day. ages: open items now, by how many days ago they were opened
    (as AGES parts them), each with how many of them are overdue. closed: items by type, as (by a run, by people).
    refusals: TODOs by rule, or by reason where no rule was named, most first. spent: US dollars by day, tries that go
    on with their reservation. landed: changes that are on the branch.
    """

    since: str
    until: str
    opened: Mapping[str, int]
    closed_by_run: Mapping[str, int]
    closed_by_people: Mapping[str, int]
    ages: Sequence[tuple[int, int]]
    closed: Mapping[str, tuple[int, int]]
    lead: Lead
    refusals: Sequence[tuple[str, int]]
    spent: Mapping[str, float]
    landed: int


class Insights:
    """The insights of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def read(self, days: int) -> Insight:
        """The last so many days, today among them."""
        until = today()
        since = _earlier(days - 1)
        with self._engine.connect() as db:
            return Insight(
                since=since,
                until=until,
                opened=_by_day(db, document_items.c.opened_at, document_items.c.opened_at >= since),
                closed_by_run=_by_day(db, document_items.c.closed_at, (document_items.c.closed_at >= since) & _BY_RUN),
                closed_by_people=_by_day(
                    db,
                    document_items.c.closed_at,
                    (document_items.c.closed_at >= since) & (document_items.c.closed_by == "people"),
                ),
                ages=_ages(db),
                closed=_closed(db, since),
                lead=_lead(db, since),
                refusals=_refusals(db, since),
                spent=_spent(db, since),
                landed=_landed(db, since),
            )


def _earlier(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).strftime("%Y-%m-%d")


def _by_day(db: Connection, column: sa.Column[str], where: sa.ColumnElement[bool]) -> dict[str, int]:
    day = sa.func.substr(column, 1, 10).label("day")
    counted = db.execute(sa.select(day, sa.func.count().label("number")).where(where).group_by(day))
    return {row.day: row.number for row in counted}


def _ages(db: Connection) -> list[tuple[int, int]]:
    """How many open items are of each age, and how many of these are overdue."""
    opened = document_items.c.opened_at
    group = sa.case(*((opened >= _earlier(days), number) for number, days in enumerate(AGES)), else_=len(AGES))
    here = document_items.c.is_open.is_(True) & (document_items.c.gone_at == "")
    inner = sa.select(group.label("age"), document_items.c.due).where(here).subquery()
    late = sa.func.sum(sa.case(((inner.c.due != "") & (inner.c.due < today()), 1), else_=0))
    query = sa.select(inner.c.age, sa.func.count(), late).group_by(inner.c.age)
    found = {int(age): (int(count), int(overdue)) for age, count, overdue in db.execute(query)}
    return [found.get(age, (0, 0)) for age in range(len(AGES) + 1)]


def _closed(db: Connection, since: str) -> dict[str, tuple[int, int]]:
    kind, who = document_items.c.type, document_items.c.closed_by
    query = sa.select(kind, who, sa.func.count()).where((document_items.c.closed_at >= since) & (who != ""))
    found: dict[str, dict[str, int]] = {}
    for each, by, count in db.execute(query.group_by(kind, who)):
        found.setdefault(each, {})[by] = count
    return {each: (found[each].get("run", 0), found[each].get("people", 0)) for each in sorted(found)}


def _lead(db: Connection, since: str) -> Lead:
    """By rank: the middle one, and the one that nine of ten do not exceed."""
    lead = document_items.c.lead_seconds
    wanted = (document_items.c.closed_at >= since) & _BY_RUN & lead.is_not(None)
    count = db.execute(sa.select(sa.func.count()).where(wanted)).scalar_one()
    if not count:
        return Lead(0, None, None)

    def at(rank: int) -> int:
        return int(db.execute(sa.select(lead).where(wanted).order_by(lead).offset(rank).limit(1)).scalar_one())

    return Lead(count, at((count - 1) // 2), at(-(-count * 9 // 10) - 1))


def _refusals(db: Connection, since: str) -> list[tuple[str, int]]:
    """Each rule counts once for a TODO, its reason where it names none."""
    # Not the bare column: SQLite would take the index by outcome, and read the row of each that was refused.
    refused = (todos.c.finished_at >= since) & (sa.func.coalesce(todos.c.outcome, "") == "refused")
    query = sa.select(todos.c.rules, todos.c.reason, sa.func.count().label("number")).where(refused)
    counted: dict[str, int] = {}
    for row in db.execute(query.group_by(todos.c.rules, todos.c.reason)):
        for name in row.rules.split() or [row.reason]:
            counted[name] = counted.get(name, 0) + row.number
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def _spent(db: Connection, since: str) -> dict[str, float]:
    usd = sa.func.sum(sa.func.coalesce(spend.c.spent_usd, spend.c.reserved_usd))
    query = sa.select(spend.c.day, usd).where(spend.c.day >= since).group_by(spend.c.day)
    return {day: float(total) for day, total in db.execute(query)}


def _landed(db: Connection, since: str) -> int:
    wanted = (todos.c.finished_at >= since) & (todos.c.commit != "")
    return db.execute(sa.select(sa.func.count()).select_from(todos).where(wanted)).scalar_one()
