"""What is kept long enough goes: what people followed, old runs, old deliveries, and the engine's own record of them.

    serve ─► begin, once a day ─► remove_old: the engine's finished workflows
                                              lines that people followed       in small pieces, each by itself
                                              runs that settle nothing
                                              deliveries, counts of rejections

What is never removed is said in `app/ledger/retention.py`. Everything here may be cut short and done again. A day that
was missed is not made up for: the next one takes what it left. It goes on while everything is paused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from dbos import DBOSClient
from dbos import DBOSPortableJSONSerializer as PlainJSON

from app.ledger.retention import Cutoffs
from app.settings import RetentionSettings
from pipelines import drift, reconcile
from pipelines.bench import ledger, settings
from pipelines.durable import APPLICATION, start, step, workflow

LANE = "retention"
EVERY = 24 * 3600.0
# Events that are read again, to know what people were told last: they go with their run.
LASTING = (drift.PHASE,)
# What happens at its time whether or not there is a run: nobody asks for such a slot again, and there are many.
_SCHEDULED = (drift.look_for_drift.__name__, reconcile.look_for_pushes.__name__, "remove_old")
_SCHEDULED_FOR = timedelta(days=7)
_ENDED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
# Workflows of one transaction, and seconds between two: another writer gets its turn.
_PIECE = 50
_PAUSE = 0.05
# The same at a time where they are only counted.
_PAGE = 1000
log = logging.getLogger(__name__)


@workflow
def remove_old(slot: str) -> None:
    """What was kept long enough at `slot`, when it was due."""
    remove_until(slot)


@step
def remove_until(slot: str) -> dict[str, int]:
    """Remove what was kept long enough by then. Returns how many of each."""
    removed = remove(datetime.fromisoformat(slot))
    log.info("removed what was kept long enough: slot=%s %s", slot, told(removed))
    return removed


def begin(due: float) -> None:
    """Start the removal that was due at this time (seconds since 1970), if it has not been."""
    start(remove_old, _iso(datetime.fromtimestamp(due, UTC)), lane=LANE)


def remove(at: datetime) -> dict[str, int]:
    """Remove what was kept long enough by then. Returns how many of each.

    The engine's record of a run goes before the run: a run of the same name would not begin while it is there.
    """
    workflows = 0
    for client in _client():
        workflows = sum(_prune(client, which) for which in _old_workflows(at))
    before, kept = cutoffs(settings().retention, at), ledger().retention
    return {
        "workflows": workflows,
        **kept.forget_events(before, LASTING),
        **kept.forget_runs(before),
        **kept.forget_deliveries(before),
    }


def would_remove(at: datetime) -> dict[str, int]:
    """How many of each `remove` would remove."""
    found: set[str] = set()
    for client in _client():
        for which in _old_workflows(at):
            found |= _all_ended(client, which)
    before = cutoffs(settings().retention, at)
    return {"workflows": len(found), **ledger().retention.count(before, LASTING)}


def cutoffs(kept: RetentionSettings, at: datetime) -> Cutoffs:
    """What is older than these times goes from the ledger at `at`; what is kept for ever has none.

    Runs have a day of grace: one ends some moments before its workflow does, which has to be gone by then.
    """
    days = (kept.events_days, kept.runs_days and kept.runs_days + 1, kept.deliveries_days)
    return Cutoffs(*(_iso(at - timedelta(days=n)) if n else "" for n in days))


def told(counts: dict[str, int]) -> str:
    """`workflows=3 events=120 ...`"""
    return " ".join(f"{name}={count}" for name, count in counts.items())


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _old_workflows(at: datetime) -> Iterator[dict[str, Any]]:
    """Which of the engine's ended workflows go at `at`: those of no run soon, all others with the runs."""
    yield {"completed_before": _iso(at - _SCHEDULED_FOR), "name": list(_SCHEDULED)}
    if days := settings().retention.runs_days:
        yield {"completed_before": _iso(at - timedelta(days=days))}


def _prune(client: DBOSClient, which: Mapping[str, Any]) -> int:
    """Remove workflows, each by itself: a child of one may be under way."""
    removed = 0
    while ended := _ended(client, which, _PIECE):
        client.delete_workflows(ended)
        removed += len(ended)
        time.sleep(_PAUSE)
    return removed


def _all_ended(client: DBOSClient, which: Mapping[str, Any]) -> set[str]:
    found: set[str] = set()
    while page := _ended(client, which, _PAGE, len(found)):
        found.update(page)
    return found


def _ended(client: DBOSClient, which: Mapping[str, Any], most: int, offset: int = 0) -> list[str]:
    page = client.list_workflows(status=_ENDED, limit=most, offset=offset, load_input=False, load_output=False, **which)
    return [each.workflow_id for each in page]


def _client() -> Iterator[DBOSClient]:
    """A connection to the engine's tables; none while nothing was ever executed on this database."""
    schema = None if ledger().engine.dialect.name == "sqlite" else "dbos"
    if not sa.inspect(ledger().engine).has_table("workflow_status", schema=schema):
        return
    url = settings().database.url
    client = DBOSClient(system_database_url=url, application_name=APPLICATION, serializer=PlainJSON())
    try:
        yield client
    finally:
        client.destroy()
