"""The durable-execution library behind six names, so that nothing else depends on its shape.

A step's result is stored and given back when a run is resumed, so it has to be plain data and must hold no secret.
Typed values go through pydantic both ways: a step returns the same thing whether it ran now or before a crash.
"""

from __future__ import annotations

import functools
import itertools
import logging
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack, nullcontext
from inspect import signature, unwrap
from typing import Any, ParamSpec, TypeVar, get_type_hints

from dbos import DBOS, DBOSClient, DBOSConfig, EnqueueOptions, SetEnqueueOptions, SetWorkflowID
from dbos import DBOSPortableJSONSerializer as PlainJSON
from pydantic import TypeAdapter
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from app import errors, logs
from app.errors import Failed, FollowthroughError, Transient
from app.ledger.database import is_away
from app.ledger.full import cannot_be_written, engine_that_waits
from pipelines import timing
from pipelines.takeover import Takeover

P = ParamSpec("P")
R = TypeVar("R")

QUEUE = "runs"
# Parts of a run that go side by side; the run itself waits for them.
BESIDE = "beside"
# Raised on purpose only, when the order of steps changes: a run that began under another version is not resumed.
FLOW_VERSION = "postmortem-todos-4"
APPLICATION = "followthrough"
# How often it is looked whether a push or a run is to begin.
_BEGIN_SECONDS = 0.05
# How often it is looked whether a part of a run is to begin, and whether one has ended.
_LOOK_SECONDS = 0.1
# Seconds between tries: soon first, for a hiccup, then once a minute.
_WAITS = (1.0, 3.0, 9.0, 30.0, 60.0)
# What the end of a run waits at most: people are told, and what was left behind is swept by the next run.
BRIEFLY = 15.0

# Parameters of steps that say what a step is about, and what log lines call them. Where a step takes a bench it is
# called with a run's id.
_FIELDS = {
    "bench": "run",
    "run_id": "run",
    "todo": "todo",
    "todo_id": "todo",
    "delivery_id": "delivery",
    "slot": "slot",
    "name": "repository",
}

log = logging.getLogger(__name__)
workflow = DBOS.workflow()
# How long to try, in seconds, and who is told of a wait: (what the step is about, sentence). Set by `launch`.
_patience: list[float] = [30 * 60.0]
_told: list[Callable[[str, str], None]] = []
# What the engine works with where it would not wait by itself.
_engine: list[Engine] = []
# This process as one of several workers, or what hands over where it executes nothing; neither where it is alone.
_member: list[Takeover] = []
_client: list[DBOSClient] = []


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A step: runs at least once, and not again once its result is stored.

    Transient failures are tried again for as long as the settings say. Every failure raised on purpose is stored as
    what it is and raised again in the workflow, so that a resumed run takes the same turn.
    """
    return _step(function, None)


def brief_step(function: Callable[P, R]) -> Callable[P, R]:
    """A step that is tried again for a few seconds only."""
    return _step(function, BRIEFLY)


def _step(function: Callable[P, R], patience: float | None) -> Callable[P, R]:
    adapter: TypeAdapter[R] = TypeAdapter(get_type_hints(function)["return"])
    names = list(signature(function).parameters)

    @DBOS.step(name=function.__name__)
    def stored(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        with logs.about(step=function.__name__, **_named(names, args)):
            try:
                with timing.timed(function.__name__):
                    return {"value": adapter.dump_python(_patiently(function, patience, *args, **kwargs), mode="json")}
            except FollowthroughError as error:
                return {"raised": type(error).__name__, "reason": error.reason, "message": str(error)}
            except Exception as error:
                log.exception("step %s", function.__name__)
                message = (
                    f"{function.__name__}: an error that nobody foresaw ({type(error).__name__}); see the service's log"
                )
                return {"raised": "Failed", "reason": "internal-error", "message": message}

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        with _member[0].step() if _member else nullcontext():
            kept = stored(*args, **kwargs)
        if "raised" in kept:
            raise getattr(errors, kept["raised"])(kept["reason"], kept["message"])
        return adapter.validate_python(kept["value"])

    return call


def patiently(read: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Read outside of a step what never changes, waiting as a step does: what a flow itself raises ends it for good."""
    return _patiently(read, None, *args, **kwargs)


def _named(names: Sequence[str], args: Sequence[object]) -> dict[str, str]:
    """What a step is about, for its log lines: the ids among its arguments."""
    given = {_FIELDS[name]: arg for name, arg in zip(names, args, strict=False) if name in _FIELDS}
    return {field: str(getattr(arg, "id", arg)) for field, arg in given.items()}


def _patiently(function: Callable[P, R], patience: float | None, *args: P.args, **kwargs: P.kwargs) -> R:
    began = time.monotonic()
    for wait in itertools.chain(_WAITS, itertools.repeat(_WAITS[-1])):
        limit = _patience[0] if patience is None else min(patience, _patience[0])
        fence()
        try:
            return function(*args, **kwargs)
        except Transient as error:
            problem = error
        except SQLAlchemyError as error:
            if not (is_away(error) or cannot_be_written(error)):
                raise
            # Without it nothing goes on anyway, the end of a run neither.
            said = f"the database cannot be used ({getattr(error, 'orig', error)})"
            problem, limit = Transient("database-unreachable", said), _patience[0]
        if time.monotonic() + wait > began + limit:
            raise Failed(problem.reason, f"{problem} (tried for {limit:.0f} s)") from None
        log.warning("%s: %s; again in %.0f s", function.__name__, problem, wait)
        timing.tried_again(function.__name__, problem.reason)
        _tell(str(args[0]), f"{problem}; again in {wait:.0f} s")
        time.sleep(wait)
    raise AssertionError("itertools.repeat ended")


def _tell(subject: str, text: str) -> None:
    for tell in _told:
        try:
            tell(subject, text)
        except SQLAlchemyError as error:
            log.warning("nobody could be told of a wait: %s", type(error).__name__)


def fence() -> None:
    """Return once this process is known to be alive among the workers: asked in every long wait before it acts."""
    for member in _member:
        member.fence()


def start(flow: Callable[[str], None], subject: str, lane: str) -> None:
    """Start `flow(subject)` if nothing has; flow and subject are its identity. One at a time in each lane, in order."""
    if _client:
        _enqueue(_client[0], flow.__name__, subject, lane)
        return
    with SetWorkflowID(f"{flow.__name__} {subject}"), SetEnqueueOptions(queue_partition_key=lane):
        DBOS.enqueue_workflow(QUEUE, flow, subject)


def side_by_side(flow: Callable[[str], None], subjects: Sequence[str], lane: str) -> None:
    """Do the flow for each subject, as many at once as `launch` was told, the first ones first; wait for all.

    A part that breaks off does not stop the others: its failure is raised when all have ended. One alone is done here.
    """
    if len(subjects) == 1:
        unwrap(flow)(subjects[0])
        return
    parts = []
    for place, subject in enumerate(subjects, 1):
        options = SetEnqueueOptions(queue_partition_key=lane, priority=place)
        with SetWorkflowID(f"{flow.__name__} {subject}"), options:
            parts.append(DBOS.enqueue_workflow(BESIDE, flow, subject))
    with ExitStack() as when_all_have_ended:
        for part in parts:
            when_all_have_ended.callback(part.get_result, polling_interval_sec=_LOOK_SECONDS)


def launch(
    database_url: str,
    patience: float,
    tell: Callable[[str, str], None],
    traces: str = "",
    beside: int = 1,
    member: Takeover | None = None,
) -> None:
    """Begin to execute: what was cut short by a stop or a crash goes on.

    `patience` is how long a step tries again after transient failures, in seconds; `tell` is called before each wait
    with the step's first argument and a sentence. `traces` is where OTLP traces go, empty for nowhere.
    `beside` is how many parts of one run may go side by side. `member` is this process among several, None when alone.
    """
    _patience[:], _told[:], _member[:] = [patience], [tell], [member] if member else []
    timing.running(FLOW_VERSION)
    _engine[:] = [made for made in [engine_that_waits(database_url)] if made is not None]
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database_url,
        "application_version": FLOW_VERSION,
        "executor_id": member.executor if member else "one",
        "log_level": "WARNING",
        "serializer": PlainJSON(),
        **timing.tracing(traces),
    }
    if _engine:
        config["system_database_engine"] = _engine[0]
    DBOS(config=config)
    DBOS.launch()
    if member is None or not member.others:
        # What is handed over is for the newest version: of one that was taken back, nobody would take it.
        DBOS.set_latest_application_version(FLOW_VERSION)
    DBOS.register_queue(QUEUE, partition_concurrency=1, worker_concurrency=8, polling_interval_sec=_BEGIN_SECONDS)
    places = _places(beside)
    DBOS.register_queue(BESIDE, partition_concurrency=places, worker_concurrency=16, polling_interval_sec=_LOOK_SECONDS)


def _places(wanted: int) -> int:
    """How many parts of a run go side by side: no fewer than before while one is under way.

    Those that have begun wait for each other: with fewer places, the one that is waited for might get none.
    """
    before = DBOS.retrieve_queue(BESIDE)
    under_way = DBOS.list_workflows(queue_name=BESIDE, status=["PENDING", "ENQUEUED"], limit=1, load_input=False)
    return max(wanted, (before.partition_concurrency or 0) if before and under_way else 0)


def give_up(conclude: Callable[[str, str], None], living: Collection[str] = (FLOW_VERSION,)) -> None:
    """Conclude and cancel what is bound to a version that nobody executes: it would hold up its lane for good.

    `conclude` gets flow and subject of each; `living` are the versions that are executed. An older version than the
    newest leaves all as it is: it does not know what comes.
    """
    if DBOS.get_latest_application_version()["version_name"] != FLOW_VERSION:
        return
    for found in DBOS.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False, load_output=False):
        if found.app_version is not None and found.app_version not in living:
            flow, _, subject = found.workflow_id.partition(" ")
            conclude(flow, subject)
            DBOS.cancel_workflow(found.workflow_id)


def hand_over(database_url: str, flow: str, subject: str, lane: str) -> None:
    """Like `start`, from a process that does not execute: one that does takes it from the database."""
    client = connect(database_url)
    try:
        _enqueue(client, flow, subject, lane)
    finally:
        client.destroy()


def only_hand_over(database_url: str) -> None:
    """From now on `start` hands over, on connections that stay open: this process executes nothing.

    It raises when the database is away; who asked for it tries again.
    """
    DBOS.migrate(database_url)
    _client[:] = [connect(database_url, retry_connection_errors=False)]


def connect(database_url: str, **more: Any) -> DBOSClient:
    """The engine's record and queues, for a process that does not execute. Whoever connects calls `destroy`."""
    return DBOSClient(system_database_url=database_url, application_name=APPLICATION, serializer=PlainJSON(), **more)


def _enqueue(client: DBOSClient, flow: str, subject: str, lane: str) -> None:
    """For the newest version that was ever launched; which one that is may change while it waits."""
    named: EnqueueOptions = {"workflow_name": flow, "queue_name": QUEUE, "workflow_id": f"{flow} {subject}"}
    client.enqueue({**named, "queue_partition_key": lane}, subject)


def is_over(database_url: str, flow: str, subject: str) -> bool:
    """Whether a started flow has ended, well or not; one that was never started has."""
    client = connect(database_url)
    try:
        found = client.list_workflows(workflow_ids=[f"{flow} {subject}"], load_input=False, load_output=False)
    finally:
        client.destroy()
    return not found or found[0].status not in ("PENDING", "ENQUEUED", "DELAYED")


def stop(seconds: int = 0) -> None:
    """Take nothing new and give running steps this long to end; what is cut short is resumed at the next launch."""
    DBOS.destroy(workflow_completion_timeout_sec=seconds)
    for engine in _engine:
        engine.dispose()
