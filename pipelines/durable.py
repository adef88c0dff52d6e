"""The durable-execution library behind six names, so that nothing else depends on its shape.

A step's result is stored and given back when a run is resumed, so it has to be plain data and must hold no secret.
Typed values go through pydantic both ways: a step returns the same thing whether it ran now or before a crash.
"""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar, get_type_hints

from dbos import DBOS, DBOSClient, DBOSConfig, SetEnqueueOptions, SetWorkflowID
from dbos import DBOSPortableJSONSerializer as PlainJSON
from pydantic import TypeAdapter

from app import errors
from app.errors import Failed, FollowthroughError, Transient

P = ParamSpec("P")
R = TypeVar("R")

QUEUE = "runs"
# Raised on purpose only, when the order of steps changes: a run that began under another version is not resumed.
FLOW_VERSION = "postmortem-todos-1"
APPLICATION = "followthrough"
_TRIES, _FIRST_WAIT, _GROWTH = 4, 1.0, 3.0

log = logging.getLogger(__name__)
workflow = DBOS.workflow()


def step(function: Callable[P, R]) -> Callable[P, R]:
    """A step: runs at least once, and not again once its result is stored.

    Transient failures are tried again after 1, 3 and 9 seconds. Every failure raised on purpose is stored as what it
    is and raised again in the workflow, so that a resumed run takes the same turn.
    """
    adapter: TypeAdapter[R] = TypeAdapter(get_type_hints(function)["return"])

    @DBOS.step(name=function.__name__)
    def stored(*args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        try:
            return {"value": adapter.dump_python(_patiently(function, *args, **kwargs), mode="json")}
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


def _patiently(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    wait = _FIRST_WAIT
    for _ in range(_TRIES - 1):
        try:
            return function(*args, **kwargs)
        except Transient as error:
            log.warning("%s: %s; again in %.0f s", function.__name__, error, wait)
            time.sleep(wait)
            wait *= _GROWTH
    try:
        return function(*args, **kwargs)
    except Transient as error:
        raise Failed(error.reason, f"{error} (tried {_TRIES} times)") from None


def start(flow: Callable[[str], None], subject: str, lane: str) -> None:
    """Start `flow(subject)` if nothing has; flow and subject are its identity. One at a time in each lane, in order."""
    with SetWorkflowID(f"{flow.__name__} {subject}"), SetEnqueueOptions(queue_partition_key=lane):
        DBOS.enqueue_workflow(QUEUE, flow, subject)


def launch(database_url: str) -> None:
    """Begin to execute: what was cut short by a stop or a crash goes on."""
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": database_url,
        "application_version": FLOW_VERSION,
        "executor_id": "one",
        "log_level": "WARNING",
        "serializer": PlainJSON(),
    }
    DBOS(config=config)
    DBOS.launch()
    DBOS.register_queue(QUEUE, partition_concurrency=1, worker_concurrency=8, polling_interval_sec=0.2)


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


def stop(seconds: int = 0) -> None:
    """Take nothing new and give running steps this long to end; what is cut short is resumed at the next launch."""
    DBOS.destroy(workflow_completion_timeout_sec=seconds)
