"""The processes that stay: the service with its web side, and workers beside it."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import FrameType

import sqlalchemy as sa
import uvicorn
from fastapi import FastAPI

from app.acts import Doing
from app.errors import BadInput, FollowthroughError
from app.ledger import Ledger
from app.main import compose, execute, is_for_one, leave
from app.settings import Settings
from app.web.application import application, worker_application
from app.web.stream import Streams
from pipelines import drift, durable, postmortem_todos, reconcile, retention
from pipelines.handing_over import HandOver

_PUSHES = "a look for pushes that no webhook told of"
# How long a step may go on computing before whoever is to be answered gets a turn; Python's own is ten times that.
_SWITCH_SECONDS = 0.0005
log = logging.getLogger("followthrough")


def serve(settings: Settings, work: bool = True, name: str = "") -> None:
    """Take deliveries, and unless `work` is False execute runs too, until SIGTERM or SIGINT; the process ends with it.

    `name` is that of the worker that it is on PostgreSQL. Raises BadInput when the configuration is not fit to serve.
    """
    if not any(s.get_secret_value() for s in settings.github.webhook_secrets):
        message = "starting: github.webhook_secrets is empty; without a secret anybody could start runs"
        raise BadInput("no-webhook-secret", message)
    _must_be_fit(settings)
    if not work:
        _must_be_for_several(settings, "serve --no-work")
    ledger = compose(settings)
    sys.setswitchinterval(_SWITCH_SECONDS)
    inbox = _inbox(settings, ledger)

    def start_push(delivery_id: str, repository: str) -> None:
        # One that is looked into again bears the time, and stands in no list of what waits.
        if " " in delivery_id:
            _start_push(delivery_id, repository)
        else:
            inbox.wake()

    def begin() -> Callable[[], None]:
        if not work:
            durable.only_hand_over(settings.database.url)
            return lambda: None
        end = execute(settings, ledger, name)
        _begin_what_waits(settings, ledger)
        inbox.begin()
        return end

    launched = threading.Event()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        launched.set()
        each = [
            asyncio.create_task(_look_for_drift(settings)),
            asyncio.create_task(_look_for_pushes(settings)),
            asyncio.create_task(_at_each(retention.EVERY, retention.begin, "a removal of what is old")),
        ]
        log.info("serving on http://%s:%s", settings.server.host, settings.server.port)
        yield
        for task in each:
            task.cancel()
        launched.clear()

    acts = Doing(settings, ledger, durable.start, has_git=work)
    app = application(settings, ledger, start_push, _readiness(ledger, launched), lifespan, acts)
    _until_stopped(begin, lambda: _answer(app, settings.server.host, settings.server.port))


def work(settings: Settings, name: str = "", host: str = "127.0.0.1", port: int | None = None) -> None:
    """Execute runs until SIGTERM or SIGINT, taking no deliveries; the process ends with it.

    With a port, health and metrics are served there. Raises BadInput on SQLite, and for a configuration that is not
    fit.
    """
    _must_be_fit(settings)
    _must_be_for_several(settings, "worker")
    ledger, launched = compose(settings), threading.Event()

    def stay() -> None:
        launched.set()
        log.info("working on the runs of %s", settings.database.url.rpartition("@")[2])
        if port is None:
            threading.Event().wait()
        else:
            _answer(worker_application(settings, ledger, _readiness(ledger, launched)), host, port)

    def begin() -> Callable[[], None]:
        end = execute(settings, ledger, name)
        _begin_what_waits(settings, ledger)
        _inbox(settings, ledger).begin()
        return end

    _until_stopped(begin, stay)


def _until_stopped(begin: Callable[[], Callable[[], None]], stay: Callable[[], None]) -> None:
    """Begin, stay, and end the process with nothing in between: an ordinary exit would wait for the steps under way,
    or break them and store a failure.
    """
    signal.signal(signal.SIGTERM, _stop)
    end: Callable[[], None] | None = None
    code = 0
    try:
        end = begin()
        stay()
    except FollowthroughError:
        if end is None:
            raise
        log.exception("serving")
        code = 1
    except KeyboardInterrupt:
        log.info("stopping; what goes on on the DevVM is taken up again")
    except SystemExit as left:
        code = 1 if left.code else 0
    except BaseException:
        log.exception("serving")
        code = 1
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if end is not None:
        with suppress(KeyboardInterrupt):
            end()
    leave(code)


def _stop(_: int, __: FrameType | None) -> None:
    raise KeyboardInterrupt


def _answer(app: FastAPI, host: str, port: int) -> None:
    """Serve HTTP until a signal, which comes back out of it."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=2,
    )
    _Server(config, getattr(app.state, "streams", None)).run()


class _Server(uvicorn.Server):
    """One that lets who follows a run go before it waits for answers to be sent: those have no end of their own."""

    def __init__(self, config: uvicorn.Config, streams: Streams | None) -> None:
        super().__init__(config)
        self._streams = streams

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._streams is not None:
            self._streams.stop()
        super().handle_exit(sig, frame)


def _start_push(delivery_id: str, repository: str) -> None:
    durable.start(postmortem_todos.follow_push, delivery_id, lane=reconcile.lane_of(repository))


def _inbox(settings: Settings, ledger: Ledger) -> HandOver:
    return HandOver(ledger, [repository.name for repository in settings.repository], _start_push)


def _begin_what_waits(settings: Settings, ledger: Ledger) -> None:
    """What a person decided, yes or no, is stored before it is handed over; a crash may have come in between.

    So may deliveries of a repository that is configured no more, of which nothing else would say so.
    """
    for delivery_id in ledger.deliveries.unconcluded():
        repository = ledger.deliveries.get(delivery_id).repository
        if settings.repository_named(repository) is None:
            _start_push(delivery_id, repository)
    for run_id, todo_id in ledger.approvals.decided():
        lane = ledger.runs.get(run_id).repository
        durable.start(postmortem_todos.follow_approval, f"{run_id} {todo_id}", lane=lane)


def _readiness(ledger: Ledger, launched: threading.Event) -> Callable[[], bool]:
    def ready() -> bool:
        with ledger.engine.connect() as db:
            db.execute(sa.text("SELECT 1"))
        return launched.is_set()

    return ready


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


def _must_be_fit(settings: Settings) -> None:
    if not settings.repository:
        raise BadInput("no-repository", "starting: no [[repository]] is configured")
    if not settings.devvm:
        raise BadInput("no-devvm", "starting: no [[devvm]] is configured")


def _must_be_for_several(settings: Settings, what: str) -> None:
    if is_for_one(settings):
        message = f"starting {what}: database.url is SQLite, which is for one process; use serve alone, or PostgreSQL"
        raise BadInput("needs-postgresql", message)
