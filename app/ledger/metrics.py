"""What operators count, read from the database when they ask: right after a restart, and the same in every process.

Rows move from one outcome to another (what waited for a person is landed) and old ones are removed, so these are
numbers of rows as they are now; none only grows. Each is one query over an index that holds all that it reads.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.orm import aliased

from app.checks import LASTING
from app.ledger.approvals import VALID_FOR
from app.ledger.clock import now, today
from app.ledger.controls import PAUSE
from app.ledger.outbox import Outbox
from app.ledger.schema import approvals, cages, checks, controls, deliveries, devvms, rejections, runs, spend, todos
from app.ledger.workers import Workers

Labels = tuple[str, ...]
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Measured:
    """One reading. Ages are in seconds, 0 for nothing; money in US dollars; the keys of the mappings are labels.

    deliveries: decision, reason. rejected: reason, of today (UTC). runs: outcome, reason, for those that are over.
    todos: outcome, reason, type, a type that nobody named being "other". broken: kind of check and why not, of
    what is done and does not hold. cages: DevVM to the number of escapes in its last test. workers:
    alive or dead-with-runs; none on SQLite. devvms: DevVM to 1 where it could be used when it was tried last, else 0;
    drained: to 1 where people want it to get no new run; open_runs: to the runs that it has and that are not over.
    outbox_ended: messages of the last day that were given-up or are unknown.
    """

    deliveries: Mapping[Labels, int]
    deliveries_last_day: Mapping[Labels, int]
    rejected: Mapping[Labels, int]
    runs: Mapping[Labels, int]
    runs_last_day: Mapping[Labels, int]
    todos: Mapping[Labels, int]
    todos_last_day: Mapping[Labels, int]
    broken: Mapping[Labels, int]
    cages: Mapping[Labels, int]
    devvms: Mapping[Labels, int]
    drained: Mapping[Labels, int]
    open_runs: Mapping[Labels, int]
    runs_going_on: int
    runs_waiting: int
    run_wait: float
    deliveries_waiting: int
    delivery_wait: float
    approvals_waiting: int
    approval_wait: float
    spent_today: float
    paused: float
    database_bytes: int
    workers: Mapping[Labels, int]
    outbox_waiting: int
    outbox_wait: float
    outbox_ended: Mapping[Labels, int]


class Metrics:
    """The readings of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._workers = Workers(engine)
        self._outbox = Outbox(engine)

    def read(self, types: Collection[str]) -> Measured:
        """Everything, as it is now. TODOs are told apart by these types alone: others are a document's own words."""
        # Bounded on both sides, else SQLite takes the index that suits the grouping and reads all of it.
        last_day = (_before(_DAY), now())
        decided = (deliveries.c.decision, deliveries.c.reason)
        # Wrapped, so that SQLite counts by the index of ends, which holds all that is asked, and not by another.
        ended = (sa.func.coalesce(runs.c.outcome, ""), runs.c.reason)
        untold = self._outbox.waiting()
        with self._engine.connect() as db:
            open_run = runs.c.finished_at.is_(None)
            runs_waiting, run_wait = _waiting(db, runs.c.created_at, open_run & (runs.c.devvm == ""))
            new = (deliveries.c.decision == "accepted") & (deliveries.c.reason == "")
            deliveries_waiting, delivery_wait = _waiting(db, deliveries.c.received_at, new)
            # What is past its time stays undecided until a run comes by, and nobody can approve it any more.
            undecided = (approvals.c.decision == "") & (approvals.c.asked_at >= _before(VALID_FOR))
            approvals_waiting, approval_wait = _waiting(db, approvals.c.asked_at, undecided)
            return Measured(
                deliveries=_by(db, decided, sa.true()),
                deliveries_last_day=_by(db, decided, deliveries.c.received_at.between(*last_day)),
                rejected=_rejected(db),
                runs=_by(db, ended, runs.c.finished_at.is_not(None)),
                runs_last_day=_by(db, ended, runs.c.finished_at.between(*last_day)),
                todos=_todos(db, types, todos.c.outcome.is_not(None)),
                todos_last_day=_todos(db, types, todos.c.finished_at.between(*last_day)),
                broken=_broken(db),
                cages=_cages(db),
                devvms=_states(db),
                drained=_by(db, (devvms.c.name,), devvms.c.drained_at != ""),
                open_runs=_by(db, (runs.c.devvm,), open_run & (runs.c.devvm != "")),
                runs_going_on=_waiting(db, runs.c.created_at, open_run & (runs.c.devvm != ""))[0],
                runs_waiting=runs_waiting,
                run_wait=run_wait,
                deliveries_waiting=deliveries_waiting,
                delivery_wait=delivery_wait,
                approvals_waiting=approvals_waiting,
                approval_wait=approval_wait,
                spent_today=_spent(db),
                paused=_waiting(db, controls.c.at, controls.c.name == PAUSE)[1],
                database_bytes=_size(db),
                workers=self._workers.count(),
                outbox_waiting=untold.count,
                outbox_wait=untold.seconds,
                outbox_ended=untold.ended,
            )


def _before(time: timedelta) -> str:
    return (datetime.now(UTC) - time).strftime("%Y-%m-%dT%H:%M:%SZ")


def _by(db: Connection, columns: tuple[sa.ColumnElement[str], ...], where: sa.ColumnElement[bool]) -> dict[Labels, int]:
    """How many rows have each combination of these values."""
    found: dict[Labels, int] = {}
    for *values, count in db.execute(sa.select(*columns, sa.func.count()).where(where).group_by(*columns)):
        found[tuple(value or "" for value in values)] = count
    return found


def _todos(db: Connection, types: Collection[str], where: sa.ColumnElement[bool]) -> dict[Labels, int]:
    """By outcome, reason and type. Counted by what is written first, in the index's order: half the time."""
    written = (todos.c.outcome, todos.c.reason, todos.c.type)
    inner = sa.select(*written, sa.func.count().label("count")).where(where).group_by(*written).subquery()
    kind = sa.case((inner.c.type.in_(sorted(types)), inner.c.type), else_="other").label("kind")
    query = sa.select(inner.c.outcome, inner.c.reason, kind, sa.func.sum(inner.c.count))
    rows = db.execute(query.group_by(inner.c.outcome, inner.c.reason, kind))
    return {(outcome or "", reason, kind): int(count) for outcome, reason, kind, count in rows}


def _waiting(db: Connection, since: sa.Column[str], where: sa.ColumnElement[bool]) -> tuple[int, float]:
    """How many rows, and how long ago the first of them began, in seconds."""
    count, first = db.execute(sa.select(sa.func.count(), sa.func.min(since)).where(where)).one()
    if not count:
        return 0, 0.0
    # At least a moment: what began within this second waits as well.
    return count, max((datetime.now(UTC) - datetime.fromisoformat(first)).total_seconds(), 0.001)


def _rejected(db: Connection) -> dict[Labels, int]:
    query = sa.select(rejections.c.reason, rejections.c.count).where(rejections.c.day == today())
    return {(reason,): count for reason, count in db.execute(query)}


def _broken(db: Connection) -> dict[Labels, int]:
    """What is done and was not as it should be when asked last; a TODO that was done again since is not asked about."""
    later = aliased(todos)
    same = (later.c.repository == todos.c.repository) & (later.c.post_mortem == todos.c.post_mortem)
    same &= (later.c.id == todos.c.id) & (later.c.outcome == "done") & (later.c.finished_at > todos.c.finished_at)
    of = (todos.c.run_id == checks.c.run_id) & (todos.c.id == checks.c.todo_id)
    wanted = checks.c.ok.is_(False) & checks.c.kind.in_(LASTING) & (todos.c.outcome == "done")
    query = sa.select(checks.c.kind, checks.c.reason, sa.func.count()).join(todos, of)
    query = query.where(wanted & ~sa.exists().where(same)).group_by(checks.c.kind, checks.c.reason)
    return {(kind, reason): count for kind, reason, count in db.execute(query)}


def _cages(db: Connection) -> dict[Labels, int]:
    """By DevVM, the escapes of the test that was made last: an older command is not in use any more."""
    query = sa.select(cages.c.devvm, cages.c.escapes).order_by(cages.c.tested_at)
    return {(devvm,): len(json.loads(escapes)) for devvm, escapes in db.execute(query)}


def _states(db: Connection) -> dict[Labels, int]:
    query = sa.select(devvms.c.name, devvms.c.state).where(devvms.c.state != "")
    return {(row.name,): int(row.state == "up") for row in db.execute(query)}


def _spent(db: Connection) -> float:
    counted = sa.func.sum(sa.func.coalesce(spend.c.spent_usd, spend.c.reserved_usd))
    return float(db.execute(sa.select(counted).where(spend.c.day == today())).scalar() or 0.0)


def _size(db: Connection) -> int:
    if db.dialect.name == "postgresql":
        return int(db.exec_driver_sql("SELECT pg_database_size(current_database())").scalar() or 0)
    pages, size = (db.exec_driver_sql(f"PRAGMA {word}").scalar() or 0 for word in ("page_count", "page_size"))
    return int(pages) * int(size)
