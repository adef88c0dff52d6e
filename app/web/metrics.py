"""GET /metrics: what is going on, in Prometheus's text format.

What the database knows is read when somebody asks, so it is right after a restart and the same in each process that
serves: take the maximum over processes, not the sum. Steps are counted in the process that executes them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.guard.todo import SAFE_TYPES
from app.ledger import Ledger
from app.ledger.metrics import Labels, Measured
from app.settings import DevVMSettings, Settings
from app.web.access import Access

_PREFIX = "followthrough_"
# Labels are our own words: codes of reasons and outcomes, kinds of checks, TODO types, names of DevVMs. A database is
# not trusted to hold nothing else, nor to hold few of them.
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}|")
_MOST_SERIES = 200
_OTHER = "other"


def router(settings: Settings, ledger: Ledger, access: Access) -> APIRouter:
    """The metrics, for who holds one of `server.metrics_tokens` or may read; without any token, for loopback."""
    routes = APIRouter(include_in_schema=False)
    registry = CollectorRegistry()
    registry.register(REGISTRY)
    registry.register(_FromLedger(settings, ledger))

    @routes.get("/metrics", dependencies=[Depends(access.measures)])
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return routes


class _FromLedger(Collector):
    """Everything that the database knows."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One reading. Raises what the database raises: a scrape without numbers must not look like one with zeros."""
        read = self._ledger.metrics.read(SAFE_TYPES)
        decided, ended, finished = ("decision", "reason"), ("outcome", "reason"), ("outcome", "reason", "type")
        yield _gauges("deliveries", "signed deliveries that are kept", decided, read.deliveries)
        yield _gauges(
            "deliveries_last_day", "signed deliveries of the last 24 hours", decided, read.deliveries_last_day
        )
        yield _gauges("webhooks_rejected_today", "requests not let in since midnight UTC", ("reason",), read.rejected)
        yield _gauges("runs", "runs that are over and kept", ended, read.runs)
        yield _gauges("runs_last_day", "runs that ended in the last 24 hours", ended, read.runs_last_day)
        yield _gauges("todos", "TODOs with an outcome that are kept", finished, read.todos)
        yield _gauges("todos_last_day", "TODOs that got an outcome in the last 24 hours", finished, read.todos_last_day)
        yield _gauges("drift", "what is done and did not hold when last asked", ("kind", "reason"), read.broken)
        yield _gauges("cage_escapes", "ways out that the last cage test found", ("devvm",), read.cages)
        yield from self._pool(read)
        yield _gauge("runs_going_on", "runs that have a DevVM", read.runs_going_on)
        yield _gauge("runs_waiting", "runs that have no DevVM yet", read.runs_waiting)
        yield _gauge("run_wait_seconds", "how long the first waiting run has waited", read.run_wait)
        yield _gauge("deliveries_waiting", "accepted deliveries not looked into yet", read.deliveries_waiting)
        yield _gauge("delivery_wait_seconds", "how long the first waiting delivery has waited", read.delivery_wait)
        yield _gauge("approvals_waiting", "changes that wait for a person", read.approvals_waiting)
        yield _gauge("approval_wait_seconds", "how long the first approval has waited", read.approval_wait)
        yield _gauge("spent_today_usd", "spent or reserved for agents since midnight UTC", read.spent_today)
        yield _gauge("day_budget_usd", "agent.day_budget_usd", self._settings.agent.day_budget_usd)
        yield _gauge("paused_seconds", "how long everything has been paused, 0: it is not", read.paused)
        yield _gauges("workers", "workers by state, on PostgreSQL", ("state",), read.workers)
        yield _gauge("outbox_waiting", "messages that Slack has not taken yet", read.outbox_waiting)
        yield _gauge("outbox_wait_seconds", "how long the first waiting message has waited", read.outbox_wait)
        unsent = {("given-up",): 0, ("unknown",): 0, **read.outbox_ended}
        about = "messages of the last 24 hours that were given up, or of which nobody knows"
        yield _gauges("outbox_ended_last_day", about, ("state",), unsent)
        yield _gauge("database_bytes", "size of the database", read.database_bytes)

    def _pool(self, read: Measured) -> Iterator[GaugeMetricFamily]:
        """Of each DevVM that is configured: one that was taken away would be down for ever."""
        devvms: dict[Labels, DevVMSettings] = {(devvm.name,): devvm for devvm in self._settings.devvm}
        up = {name: read.devvms[name] for name in devvms if name in read.devvms}
        yield _gauges("devvm_up", "whether it could be used when it was tried last", ("devvm",), up)
        drained = {name: int(devvm.drained or name in read.drained) for name, devvm in devvms.items()}
        yield _gauges("devvm_drained", "whether it is to get no new run", ("devvm",), drained)
        has = {name: read.open_runs.get(name, 0) for name in devvms}
        yield _gauges("devvm_open_runs", "runs that it has and that are not over", ("devvm",), has)


def _gauge(name: str, about: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(_PREFIX + name, about, value=value)


def _gauges(name: str, about: str, labels: Labels, values: Mapping[Labels, int]) -> GaugeMetricFamily:
    """One series for each combination of labels; those beyond the largest are added up as others."""
    known: Counter[Labels] = Counter()
    for found, value in values.items():
        known[tuple(word if _WORD.fullmatch(word) else _OTHER for word in found)] += value
    shown = dict(known.most_common(_MOST_SERIES))
    if rest := known.total() - sum(shown.values()):
        others = (_OTHER,) * len(labels)
        shown[others] = shown.get(others, 0) + rest
    family = GaugeMetricFamily(_PREFIX + name, about, labels=labels)
    for found, value in shown.items():
        family.add_metric(found, value)
    return family
