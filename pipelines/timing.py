"""How long steps take and how often they are tried again, counted in the process that executes them."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec

from dbos import DBOSConfig
from prometheus_client import Counter, Histogram, Info, disable_created_metrics

# When a series began tells nobody anything, and would be as many series again.
disable_created_metrics()  # type: ignore[no-untyped-call]
log = logging.getLogger(__name__)
# From one query of the ledger to an agent that has its half hour.
_BOUNDS = (0.05, 0.25, 1, 5, 15, 60, 300, 900, 1800, 3600)
_taken = Histogram(
    "followthrough_step_seconds", "how long a step took, waits included", ("step", "outcome"), buckets=_BOUNDS
)
_again = Counter("followthrough_step_retries_total", "waits after transient failures", ("step", "reason"))
_build = Info("followthrough_build", "what is running")


@contextmanager
def timed(step: str) -> Iterator[None]:
    """Count what is done within as one execution of a step, `ok` or `raised`."""
    began, outcome = time.perf_counter(), "raised"
    try:
        yield
        outcome = "ok"
    finally:
        _taken.labels(step, outcome).observe(time.perf_counter() - began)


def tracing(url: str) -> DBOSConfig:
    """A span for each flow and step, sent to this address: names, ids and times, no arguments and no results."""
    if url and find_spec("opentelemetry.exporter") is None:
        log.error("no traces are sent to telemetry.traces_url: the exporter is missing; pip install 'dbos[otel]'")
        return {}
    return {"enable_otlp": True, "otlp_traces_endpoints": [url]} if url else {}


def tried_again(step: str, reason: str) -> None:
    """Count one wait. `reason` is the code of the failure that it follows."""
    _again.labels(step, reason).inc()


def running(flow: str) -> None:
    """Say which version of the package and of the flow this process executes."""
    _build.info({"version": version("followthrough"), "flow": flow})
