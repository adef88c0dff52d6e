"""Composition: settings, ledger and pipelines put together, and who may execute runs. Nothing is decided here."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO, NoReturn

import sqlalchemy as sa

from app.errors import BadInput, Failed
from app.ledger import Ledger, open_ledger
from app.ledger.workers import Worker, open_workers
from app.settings import Settings
from pipelines import bench, closing, drift, durable, pool, reconcile, retention, telling
from pipelines.takeover import Takeover

# Flows whose subject is when they were due: one that cannot go on is missed, and the next one comes.
_OF_NO_RUN = (drift.look_for_drift.__name__, reconcile.look_for_pushes.__name__, retention.remove_old.__name__)
# How long a process that is told to end lets its steps end by themselves, in seconds.
_DRAIN = 2.0
# Workers of a version that is gone for so many times `dead_after_seconds` do not come back.
_GONE = 4
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# Files that stay open, and so locked, until the process ends.
_locks: list[IO[str]] = []
log = logging.getLogger("followthrough")


def compose(settings: Settings) -> Ledger:
    """Open the ledger and hand both to the pipelines."""
    ledger = open_ledger(settings.database.url)
    bench.use(settings, ledger)
    return ledger


def is_for_one(settings: Settings) -> bool:
    """Whether the database is for one process that executes: SQLite is."""
    return settings.database.url.startswith("sqlite")


def execute(settings: Settings, ledger: Ledger, name: str = "") -> Callable[[], None]:
    """Begin to execute runs; what was cut short goes on.

    `name` is that of this worker on PostgreSQL, empty for the host's: a boot goes on at once with what the last one of
    its name left. Returns what has to be called right before the process ends (with `leave`). Raises
    Failed("already-running") when another process executes in this place, and then nothing is begun.
    """
    patience, traces = settings.server.patience_minutes * 60, settings.telemetry.traces_url
    beside, end = settings.agent.side_by_side, _nothing
    if is_for_one(settings):
        alone(settings)
        durable.launch(settings.database.url, patience, bench.waiting, traces, beside)
        durable.give_up(_give_up)
    else:
        member = _member(settings, name or socket.gethostname())
        member.join()
        durable.launch(settings.database.url, patience, bench.waiting, traces, beside, member)
        member.begin(lambda: _look_for_old_versions(settings, ledger))
        end = partial(member.leave, _DRAIN)
    if settings.server.probe_minutes:
        threading.Thread(target=_probe, args=(settings, ledger), name="probe", daemon=True).start()
    sender = telling.begin(settings, ledger, is_for_one(settings))
    return partial(_end, sender, end)


def _end(sender: telling.Sender, end: Callable[[], None]) -> None:
    """What Slack is being told is heard to its end: cut short, nobody could tell whether it is there."""
    sender.stop(_DRAIN)
    end()


def _nothing() -> None:
    """What an only process has to do before it ends."""


def _probe(settings: Settings, ledger: Ledger) -> None:
    """Look at the DevVMs now and then, as long as the process lives."""
    while True:
        time.sleep(settings.server.probe_minutes * 60)
        try:
            pool.probe(settings, ledger)
        except Exception:
            log.exception("looking at the DevVMs")


def alone(settings: Settings) -> None:
    """Be the only process that executes the runs of an SQLite database, or raise Failed("already-running").

    Two executors with one identity would run the same step at once.
    """
    file = Path(f"{sa.make_url(settings.database.url).database}.lock")
    _lock(file, "another process executes the runs of this database")


def _member(settings: Settings, name: str) -> Takeover:
    """This process as one of several workers, under an id that never comes again."""
    if not _NAME.fullmatch(name):
        raise BadInput(
            "worker-name", f"starting: {name!r} is no name for a worker; --name takes letters, digits, . _ -"
        )
    settings.server.data.mkdir(parents=True, exist_ok=True)
    file = settings.server.data / f"worker-{name}.lock"
    _lock(file, f"another process here is the worker {name}; give this one another --name")
    host, seconds = socket.gethostname(), settings.workers
    worker = Worker(f"{name}-{uuid.uuid4().hex[:12]}", name, host, os.getpid(), durable.FLOW_VERSION)
    seen = open_workers(settings.database.url, seconds.dead_after_seconds / 2)
    return Takeover(worker, seen, seconds.beat_seconds, seconds.dead_after_seconds, leave)


def _lock(file: Path, who: str) -> None:
    lock = file.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Failed("already-running", f"starting: {who}") from None
    _locks.append(lock)


def _look_for_old_versions(settings: Settings, ledger: Ledger) -> None:
    """What is bound to a version whose last worker is gone is given up; while one is there, it finishes its own."""
    living = ledger.workers.versions(settings.workers.dead_after_seconds * _GONE) | {durable.FLOW_VERSION}
    if not living.issuperset(ledger.workers.versions_unfinished()):
        durable.give_up(_give_up, living)


def _give_up(flow: str, subject: str) -> None:
    log.warning("%s %s began under an earlier version and cannot go on", flow, subject)
    if flow not in _OF_NO_RUN:
        closing.give_up(flow, subject)


def leave(code: int) -> NoReturn:
    """End the process at once, with its output written. Steps that wait for the DevVM are not waited for: they are
    resumed at the next start, and the job that they follow goes on there meanwhile.
    """
    logging.shutdown()
    os._exit(code)
