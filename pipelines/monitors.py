"""The monitors of a change: brought to Uptime Kuma when they are committed, and their first heartbeat."""

from __future__ import annotations

import time
from collections.abc import Sequence

from app.checks import Check
from app.edges.uptime_kuma import UptimeKuma
from app.guard.model import Edits
from app.guard.monitors import rules
from app.guard.monitors.inventory import Monitor
from app.ledger.runs import Todo
from pipelines.bench import Bench, ledger, settings
from pipelines.controls import effect, heed
from pipelines.values import BroughtMonitor, Kept
from pipelines.watching import monitor_check, open_uptime_kuma


def bring(bench: Bench, todo: Todo, kept: Kept) -> list[BroughtMonitor]:
    """Make sure that Uptime Kuma has each added monitor once; one that is there by name or target is adopted.

    May be repeated. From the first on, a failure is one that may have had an effect.
    """
    wanted = _added(bench, kept)
    if not wanted or not bench.repository.verify.uptime_kuma:
        return []
    heed(bench.run.id, "adding monitors to Uptime Kuma", todo.id)
    found = []
    with open_uptime_kuma(bench.repository, bench.secret, settings().vault) as kuma:
        for monitor in wanted:
            ledger().runs.begin_effect(bench.run.id, f"{effect(bench.run.id, todo.id)}monitor {monitor.name}")
            brought = kuma.bring(monitor)
            bench.say("apply", f"monitor {monitor.name} is id={brought.id} in Uptime Kuma ({brought.how})", todo.id)
            found.append(BroughtMonitor(monitor.name, brought.id, brought.since, brought.elsewhere))
    return found


def see_beating(bench: Bench, brought: Sequence[BroughtMonitor]) -> list[Check]:
    """What each monitor saw since it was brought, waited for within `repository.verify.minutes` for all together."""
    deadline = time.monotonic() + bench.repository.verify.minutes * 60
    with open_uptime_kuma(bench.repository, bench.secret, settings().vault) as kuma:
        return [_seen(bench, kuma, monitor, max(deadline - time.monotonic(), 1)) for monitor in brought]


def _seen(bench: Bench, kuma: UptimeKuma, monitor: BroughtMonitor, seconds: float) -> Check:
    link = kuma.link(monitor.id)
    if monitor.elsewhere:
        answer = f"id={monitor.id} was there before and watches something else"
        return Check("uptime-kuma", monitor.name, False, answer, "monitor-elsewhere", link)
    beat = kuma.heartbeat(monitor.id, seconds, since=monitor.since)
    return monitor_check(monitor.name, monitor.id, beat, link, bench.hide)


def _added(bench: Bench, kept: Kept) -> tuple[Monitor, ...]:
    """The monitors that a kept commit adds to the inventory; none where there is no inventory."""
    path = bench.repository.monitors
    entries = [entry for entry in bench.workspace.committed(kept.commit) if entry.path == path]
    return rules.added(Edits(tuple(bench.workspace.read(entries))), bench.policy("Monitor")) if entries else ()
