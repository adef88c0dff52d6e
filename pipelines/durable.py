"""The durable-execution library behind six names, so that nothing else depends on its shape.

A step's result is stored and given back when a run is resumed, so it has to be plain data and must hold no secret.
Typed values go through pydantic both ways: a step returns the same thing whether it ran now or before a crash.
"""

from __future__ import annotations

import functools
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from inspect import signature
from typing import Any, ParamSpec, TypeVar, get_type_hints

from dbos import DBOS, DBOSClient, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from dbos import DBOSPortableJSONSerializer as PlainJSON
from pydantic import TypeAdapter

from app import errors, logs
from app.errors import Failed, FollowthroughError, Transient
from pipelines import timing

P = ParamSpec("P")
R = TypeVar("R")

QUEUE = "runs"
# Raised on purpose only, when the order of steps changes: a run that began under another version is not resumed.
FLOW_VERSION = "postmortem-todos-3"
APPLICATION = "followthrough"
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
        kept = stored(*args, **kwargs)
        if "raised" in kept:
            raise getattr(errors, kept["raised"])(kept["reason"], kept["message"])
        return adapter.validate_python(kept["value"])

    return call


def _named(names: Sequence[str], args: Sequence[object]) -> dict[str, str]:
    """What a step is about, for its log lines: the ids among its arguments."""
    given = {_FIELDS[name]: arg for name, arg in zip(names, args, strict=False) if name in _FIELDS}
    return {field: str(getattr(arg, "id", arg)) for field, arg in given.items()}


def _patiently(function: Callable[P, R], patience: float | None, *args: P.args, **kwargs: P.kwargs) -> R:
    limit = _patience[0] if patience is None else min(patience, _patience[0])
    deadline = time.monotonic() + limit
    for wait in itertools.chain(_WAITS, itertools.repeat(_WAITS[-1])):
        try:
            return function(*args, **kwargs)
        except Transient as error:
            if time.monotonic() + wait > deadline:
                raise Failed(error.reason, f"{error} (tried for {limit:.0f} s)") from None
            log.warning("%s: %s; again in %.0f s", function.__name__, error, wait)
            timing.tried_again(function.__name__, error.reason)
            for tell in _told:
                tell(str(args[0]), f"{error}; again in {wait:.0f} s")
            time.sleep(wait)
    raise AssertionError("itertools.repeat ended")


def start(flow: Callable[[str], None], subject: str, lane: str) -> None:
    """Start `flow(subject)` if nothing has; flow and subject are its identity. One at a time in each lane, in order."""
    with SetWorkflowID(f"{flow.__name__} {subject}"), SetEnqueueOptions(queue_partition_key=lane):
        DBOS.enqueue_workflow(QUEUE, flow, subject)


def launch(
    database_url: str, patience: float, tell: Callable[[str, str], None], traces: str = ""
) -> list[tuple[str, str]]:
    """Begin to execute: what was cut short by a stop or a crash goes on.

    Returns (flow, subject) of what an earlier version began or was asked for and did not end: it cannot go on, and
    would hold up its lane for good, so it is cancelled.

    `patience` is how long a step tries again after transient failures, in seconds; `tell` is called before each wait
    with the step's first argument and a sentence. `traces` is where OTLP traces go, empty for nowhere.
    """
    _patience[:], _told[:] = [patience], [tell]
    timing.running(FLOW_VERSION)
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database_url,
        "application_version": FLOW_VERSION,
        "executor_id": "one",
        "log_level": "WARNING",
        "serializer": PlainJSON(),
        **_tracing(traces),
    }
    DBOS(config=config)
    DBOS.launch()
    unfinished = DBOS.list_workflows(status=["PENDING", "ENQUEUED"], load_input=False, load_output=False)
    old = [found.workflow_id for found in unfinished if found.app_version != FLOW_VERSION]
    for workflow_id in old:
        DBOS.cancel_workflow(workflow_id)
    DBOS.register_queue(QUEUE, partition_concurrency=1, worker_concurrency=8, polling_interval_sec=0.2)
    return [(flow, subject) for flow, _, subject in (workflow_id.partition(" ") for workflow_id in old)]


def _tracing(url: str) -> DBOSConfig:
    """A span for each flow and step: names, ids and times, no arguments and no results."""
    if url and find_spec("opentelemetry.exporter") is None:
        log.error("no traces are sent to telemetry.traces_url: the exporter is missing; pip install 'dbos[otel]'")
        return {}
    return {"enable_otlp": True, "otlp_traces_endpoints": [url]} if url else {}


def hand_over(database_url: str, flow: str, subject: str, lane: str) -> None:
    """Like `start`, from a process that does not execute: the one that does takes it from the database."""
    client = DBOSClient(system_database_url=database_url, application_name=APPLICATION, serializer=PlainJSON())
    try:
        client.enqueue(
            {
                "workflow_name": flow,
                "queue_name": QUEUE,
                "workflow_id": f"{flow} {subject}",
                "queue_partition_key": lane,
                "app_version": FLOW_VERSION,
            },
            subject,
        )
    finally:
        client.destroy()


def is_over(database_url: str, flow: str, subject: str) -> bool:
    """Whether a started flow has ended, well or not; one that was never started has."""
    client = DBOSClient(system_database_url=database_url, application_name=APPLICATION, serializer=PlainJSON())
    try:
        found = client.list_workflows(workflow_ids=[f"{flow} {subject}"], load_input=False, load_output=False)
    finally:
        client.destroy()
    return not found or found[0].status not in ("PENDING", "ENQUEUED", "DELAYED")


def stop(seconds: int = 0) -> None:
    """Take nothing new and give running steps this long to end; what is cut short is resumed at the next launch."""
    DBOS.destroy(workflow_completion_timeout_sec=seconds)
