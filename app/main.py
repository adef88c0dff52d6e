"""Composition: settings, ledger, pipelines and faces put together. Nothing is decided here."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import IO

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from app.errors import BadInput, Failed
from app.ledger import Ledger, open_ledger
from app.settings import Settings
from app.web.application import application
from pipelines import bench, closing, drift, durable, postmortem_todos, reconcile, retention

# Flows whose subject is when they were due: one that cannot go on is missed, and the next one comes.
_OF_NO_RUN = (drift.look_for_drift.__name__, reconcile.look_for_pushes.__name__, retention.remove_old.__name__)
_PUSHES = "a look for pushes that no webhook told of"
log = logging.getLogger("followthrough")


def compose(settings: Settings) -> Ledger:
    """Open the ledger and hand both to the pipelines."""
    ledger = open_ledger(settings.database.url)
    bench.use(settings, ledger)
    return ledger


def execute(settings: Settings) -> None:
    """Begin to execute runs; what was cut short goes on."""
    patience, traces = settings.server.patience_minutes * 60, settings.telemetry.traces_url
    for flow, subject in durable.launch(settings.database.url, patience, bench.waiting, traces):
        log.warning("%s %s began under an earlier version and cannot go on", flow, subject)
        if flow not in _OF_NO_RUN:
            closing.give_up(flow, subject)


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the only process that executes runs on this database, or raise Failed("already-running").

    Two executors with one identity would run the same step at once. SQLite: a lock on a file beside the database;
    PostgreSQL: an advisory lock that its connection holds.
    """
    url = sa.make_url(settings.database.url)
    busy = Failed("already-running", "starting: another process executes the runs of this database")
    if url.get_backend_name() == "sqlite":
        with Path(f"{url.database}.lock").open("w") as lock:
            if not _try_lock(lock):
                raise busy
            yield
        return
    engine = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        if not connection.execute(sa.text("SELECT pg_try_advisory_lock(4171902)")).scalar():
            raise busy
        yield


def _try_lock(lock: IO[str]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def serve(settings: Settings) -> None:
    """Run the service until SIGTERM or SIGINT. Raises BadInput when the configuration is not fit to serve."""
    _must_be_fit(settings)
    ledger = compose(settings)
    launched = threading.Event()

    def ready() -> bool:
        with ledger.engine.connect() as db:
            db.execute(sa.text("SELECT 1"))
        return launched.is_set()

    def start_push(delivery_id: str, repository: str) -> None:
        durable.start(postmortem_todos.follow_push, delivery_id, lane=reconcile.lane_of(repository))

    @asynccontextmanager
    async def lifespan(_: FastAPI):  # type: ignore[no-untyped-def]
        await asyncio.to_thread(execute, settings)
        # A delivery is stored before it is handed over; one that a crash caught in between is handed over now.
        for delivery_id in ledger.deliveries.unconcluded():
            start_push(delivery_id, ledger.deliveries.get(delivery_id).repository)
        # So is what a person decided, yes or no.
        for run_id, todo_id in ledger.approvals.decided():
            lane = ledger.runs.get(run_id).repository
            durable.start(postmortem_todos.follow_approval, f"{run_id} {todo_id}", lane=lane)
        launched.set()
        looking = asyncio.create_task(_look_for_drift(settings))
        finding = asyncio.create_task(_look_for_pushes(settings))
        removing = asyncio.create_task(_at_each(retention.EVERY, retention.begin, "a removal of what is old"))
        log.info("serving on http://%s:%s", settings.server.host, settings.server.port)
        yield
        looking.cancel()
        finding.cancel()
        removing.cancel()
        launched.clear()

    app = application(settings, ledger, start_push, ready, lifespan)
    config = uvicorn.Config(
        app,
        host=settings.server.host,
        port=settings.server.port,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=5,
    )
    with alone(settings):
        # Ctrl-C comes back out of uvicorn; an ordinary exit would break the steps under way and store a failure.
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run()
        leave(0)


async def _look_for_drift(settings: Settings) -> None:
    if any(map(drift.is_watched, settings.repository)):
        await _at_each(settings.drift.every_hours * 3600, drift.begin, "a look for drift")


async def _look_for_pushes(settings: Settings) -> None:
    """Now, since webhooks may have come while nobody listened, and then at each slot."""
    seconds = settings.server.reconcile_minutes * 60
    if seconds:
        await _begin(reconcile.begin, time.time(), _PUSHES)
        await _at_each(seconds, reconcile.begin, _PUSHES)


async def _at_each(seconds: float, begin: Callable[[float], None], what: str) -> None:
    """Begin it at each multiple of the interval since 1970, never for 0. What fell into a stop is not made up for."""
    while seconds:
        due = (time.time() // seconds + 1) * seconds
        await asyncio.sleep(max(due - time.time(), 0))
        await _begin(begin, due, what)


async def _begin(begin: Callable[[float], None], due: float, what: str) -> None:
    try:
        await asyncio.to_thread(begin, due)
    except Exception:
        log.exception("%s could not be begun", what)


def leave(code: int) -> None:
    """End the process at once, with its output written. Steps that wait for the DevVM are not waited for: they are
    resumed at the next start, and the job that they follow goes on there meanwhile.
    """
    logging.shutdown()
    os._exit(code)


def _must_be_fit(settings: Settings) -> None:
    if not any(s.get_secret_value() for s in settings.github.webhook_secrets):
        message = "starting: github.webhook_secrets is empty; without a secret anybody could start runs"
        raise BadInput("no-webhook-secret", message)
    if not settings.repository:
        raise BadInput("no-repository", "starting: no [[repository]] is configured")
    if not settings.devvm:
        raise BadInput("no-devvm", "starting: no [[devvm]] is configured")
