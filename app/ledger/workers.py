"""Who executes: each boot of a process under its own id, seen alive by the database's clock. PostgreSQL only.

Death is sticky: a boot that was declared dead cannot be seen alive again, so whoever takes its runs over has them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.errors import Failed
from app.ledger import database
from app.ledger.schema import workers

# What a service of 0.1.0 holds as long as it executes: it is not in the table, and would be taken for dead.
_ALONE = 4171902
_NOW = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Float)
# The engine's own table of flows; that it is there is asked for first.
_flows = sa.table(
    "workflow_status",
    *map(sa.column, ("status", "executor_id", "application_version")),
    schema="dbos",
)
_KEPT_DAYS = 7


@dataclass(frozen=True)
class Worker:
    """One boot. `name` stays over boots, `executor` never comes again, `version` is of the flow that it executes."""

    executor: str
    name: str
    host: str
    pid: int
    version: str


class Workers:
    """The workers of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def are_several(self) -> bool:
        """Whether this database is for several processes."""
        return self._engine.dialect.name == "postgresql"

    def join(self, worker: Worker) -> list[str]:
        """Write down a boot before it executes anything, and declare earlier ones of its name dead; returns their ids.

        Raises Failed("already-running") while a service of an earlier release executes, which knows nothing of this.
        """
        with self._engine.begin() as db:
            if not db.execute(sa.select(sa.func.pg_try_advisory_xact_lock_shared(_ALONE))).scalar():
                message = "starting: a service of an earlier release executes the runs of this database; stop it first"
                raise Failed("already-running", message)
            db.execute(sa.delete(workers).where(workers.c.dead_at < _NOW - _KEPT_DAYS * 86400))
            earlier = _dead(db, workers.c.name == worker.name)
            values = {"executor_id": worker.executor, "name": worker.name, "host": worker.host, "pid": worker.pid}
            values |= {"flow_version": worker.version, "started_at": _NOW, "heartbeat_at": _NOW}
            db.execute(sa.insert(workers).values(**values))
        return earlier

    def beat(self, executor: str) -> bool:
        """Be seen alive; False for one that was declared dead."""
        mine = sa.update(workers).where((workers.c.executor_id == executor) & workers.c.dead_at.is_(None))
        with self._engine.begin() as db:
            return bool(db.execute(mine.values(heartbeat_at=_NOW)).rowcount)

    def leave(self, executor: str) -> None:
        """Say that this boot executes nothing any more."""
        with self._engine.begin() as db:
            _dead(db, workers.c.executor_id == executor)

    def declare_dead(self, but: str, seconds: float) -> list[str]:
        """Declare dead who was not seen for so long, but for this one; returns their names."""
        with self._engine.begin() as db:
            gone = _dead(db, (workers.c.heartbeat_at < _NOW - seconds) & (workers.c.executor_id != but))
            return list(db.execute(sa.select(workers.c.name).where(workers.c.executor_id.in_(gone))).scalars())

    def stranded(self, version: str) -> list[str]:
        """Ids of dead boots, and of such as nobody knows, that flows of this version are left with."""
        query = _stranded().where(_flows.c.application_version == version)
        with self._engine.connect() as db:
            return list(db.execute(query).scalars())

    def versions_unfinished(self) -> list[str]:
        """Versions that unfinished flows are bound to."""
        open_still = _flows.c.status.in_(("PENDING", "ENQUEUED")) & _flows.c.application_version.is_not(None)
        with self._engine.connect() as db:
            return list(db.execute(sa.select(_flows.c.application_version).where(open_still).distinct()).scalars())

    def versions(self, seconds: float) -> set[str]:
        """Versions of all boots that were seen within so many seconds, those that have left since among them."""
        seen = sa.select(workers.c.flow_version).where(workers.c.heartbeat_at >= _NOW - seconds)
        with self._engine.connect() as db:
            return set(db.execute(seen).scalars())

    def living(self, seconds: float) -> list[dict[str, Any]]:
        """Every boot that was seen within so many seconds, with `silent`, how many ago; the oldest first."""
        silent = (_NOW - workers.c.heartbeat_at).label("silent")
        wanted = workers.c.dead_at.is_(None) & (workers.c.heartbeat_at >= _NOW - seconds)
        query = sa.select(workers, silent).where(wanted).order_by(workers.c.started_at, workers.c.executor_id)
        if not self.are_several:
            return []
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def count(self) -> dict[tuple[str, ...], int]:
        """How many were seen within a minute, `alive`, and how many dead ones have flows, `dead-with-runs`.

        None of either on SQLite.
        """
        found: dict[tuple[str, ...], int] = {("alive",): len(self.living(60)), ("dead-with-runs",): 0}
        if not self.are_several:
            return found
        with self._engine.connect() as db:
            if db.execute(sa.select(sa.func.to_regclass("dbos.workflow_status"))).scalar() is not None:
                found["dead-with-runs",] = len(db.execute(_stranded()).scalars().all())
        return found


def open_workers(url: str, seconds: float) -> Workers:
    """The workers over connections of their own, on which nothing waits for much longer than this.

    A beat must not queue behind other work, and a connection that is dead and does not say so must not stop it.
    """
    limit = max(2, round(seconds))
    waits = {"connect_timeout": limit, "tcp_user_timeout": limit * 1000}
    return Workers(database.engine(url, {**waits, "options": f"-c statement_timeout={limit * 1000}"}))


def _dead(db: Connection, who: sa.ColumnElement[bool]) -> list[str]:
    changed = sa.update(workers).where(who & workers.c.dead_at.is_(None)).values(dead_at=_NOW)
    return list(db.execute(changed.returning(workers.c.executor_id)).scalars())


def _stranded() -> sa.Select[Any]:
    same = workers.c.executor_id == _flows.c.executor_id
    left = (_flows.c.status == "PENDING") & (workers.c.executor_id.is_(None) | workers.c.dead_at.is_not(None))
    return sa.select(_flows.c.executor_id).select_from(_flows.outerjoin(workers, same)).where(left).distinct()
