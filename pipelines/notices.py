"""What people are told of a run, written into the outbox by its steps: its one message, and notices in its thread.

With a bot the message is there from the run's beginning and edited as it goes; a TODO that landed is a reply in its
thread, and what needs a person a reply that the channel sees too, since an edit alone calls nobody. With the incoming
webhook, which can edit nothing, there is one message at the end; what waits for approval is told before that only when
the run takes longer than `_PATIENT`.

Writing costs one short transaction of the step that does it; Slack is not asked, so a dead one changes no outcome and
holds up nothing. Sending is `pipelines/telling.py`.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec

from sqlalchemy.exc import SQLAlchemyError

from app.blocks import Asked, Look, TodoLine, drift_message, notice, run_message
from app.checks import LASTING, of_row
from app.ledger.database import is_away
from app.ledger.full import cannot_be_written
from app.ledger.outbox import Place
from pipelines.bench import commit_url, ledger, settings

P = ParamSpec("P")
# How long something may wait for approval before an incoming webhook tells of it by itself, in seconds.
_PATIENT = 120.0
_COPIED = ("action", "priority", "type", "message", "commit", "cost_usd", "reason")
# Lanes of a run go side by side: what was read first must not be written last.
_writing = threading.Lock()
log = logging.getLogger(__name__)


def _told(write: Callable[P, None]) -> Callable[P, None]:
    """Nobody is told where Slack is not configured, and a message that cannot be made stops nothing.

    A database that is away is waited for, as by everything else in a step.
    """

    def quietly(*args: P.args, **kwargs: P.kwargs) -> None:
        if not settings().slack.is_used:
            return
        try:
            with _writing:
                write(*args, **kwargs)
        except Exception as error:
            if isinstance(error, SQLAlchemyError) and (is_away(error) or cannot_be_written(error)):
                raise
            log.exception("what Slack is to be told could not be written down")

    return quietly


@_told
def begun(run_id: str, severity: str, published: bool) -> None:
    """An issue is being investigated: the run's message, in the channel of its severity."""
    place = Place(run_id, channel=settings().slack.channel_for(severity))
    ledger().outbox.open(key_of(run_id), place, {"severity": severity, "published": published})
    _put(run_id, False)


@_told
def changed(run_id: str) -> None:
    """The run's message as it is now."""
    _put(run_id, False)


@_told
def ended(run_id: str) -> None:
    """The run's message as it stays, and a call to people where nobody knows how it ended, or it failed."""
    row = ledger().runs.row(run_id)
    _put(run_id, True)
    if _has_bot(run_id):
        told = [ledger().outbox.find(_notice_key(run_id, t["id"], "unknown")) for t in ledger().runs.todos(run_id)]
        if row["outcome"] == "failed" or (row["outcome"] == "unknown" and not any(told)):
            _notice(run_id, row["outcome"], "", 0)
    else:
        # The message says it all.
        ledger().outbox.withdraw(run_id, f"notice {run_id} ")


@_told
def todo_ended(run_id: str, todo_id: str, outcome: str) -> None:
    """A TODO came to an end, or waits: the run's message, and a notice of what landed, waits or is unknown."""
    _put(run_id, False)
    landed = next((t["commit"] for t in ledger().runs.todos(run_id) if t["id"] == todo_id), "")
    kind = {"awaiting-approval": "waits", "unknown": "unknown"}.get(outcome, "landed" if landed else "")
    if _has_bot(run_id):
        if kind:
            _notice(run_id, kind, todo_id, 0)
    elif kind == "waits":
        _notice(run_id, kind, todo_id, _PATIENT)


@_told
def drifted(slot: str, repository: str, lines: Sequence[tuple[str, str, str]]) -> None:
    """What is no longer as claimed, once a look."""
    key = f"drift {slot} {repository}"
    ledger().outbox.open(key, Place(channel=settings().slack.channel), {})
    ledger().outbox.put(key, drift_message(repository, lines, settings().server.public_url))


def key_of(run_id: str) -> str:
    """The outbox's key of a run's message."""
    return f"run {run_id}"


def _notice_key(run_id: str, todo_id: str, kind: str) -> str:
    return f"notice {run_id} {todo_id} {kind}"


def _has_bot(run_id: str) -> bool:
    known = ledger().outbox.find(key_of(run_id))
    return bool(known and known["channel"])


def _put(run_id: str, final: bool) -> None:
    """The run's message: with a bot as it is now, with the webhook only when it is over."""
    ledger().outbox.open(key_of(run_id), Place(run_id, channel=settings().slack.channel_for("")), {})
    if final or _has_bot(run_id):
        row, look = ledger().runs.row(run_id), _look(run_id)
        message = run_message(row, lines(run_id), _asked(run_id), look)
        ledger().outbox.put(key_of(run_id), message, {"final": final})


def _notice(run_id: str, kind: str, todo_id: str, delay: float) -> None:
    """One notice of each kind and TODO, in the thread of the run's message where there is one."""
    todos = {row["id"]: line for row, line in zip(ledger().runs.todos(run_id), lines(run_id), strict=True)}
    asked = next((one for one in _asked(run_id) if one.todo_id == todo_id), None)
    message = notice(kind, ledger().runs.row(run_id), todos.get(todo_id), asked, _look(run_id))
    known = ledger().outbox.find(key_of(run_id)) or {"channel": ""}
    place = Place(run_id, key_of(run_id) if known["channel"] else "", known["channel"])
    key = _notice_key(run_id, todo_id, kind)
    ledger().outbox.open(key, place, {"broadcast": kind != "landed"})
    ledger().outbox.put(key, message, delay=delay)


def lines(run_id: str) -> list[TodoLine]:
    """The TODOs of a run as people are told of them, in document order."""
    checks = ledger().checks.of_run(run_id)
    return [
        TodoLine(
            **{name: row[name] for name in _COPIED},
            outcome=row["outcome"] or "",
            begun=row["started_at"] is not None,
            verified=_verified(checks.get(row["id"], [])),
        )
        for row in ledger().runs.todos(run_id)
    ]


def _asked(run_id: str) -> list[Asked]:
    """What of a run waits for a person, in document order."""
    found = []
    for todo in ledger().runs.todos(run_id):
        approval = ledger().approvals.find(run_id, todo["id"]) if todo["outcome"] == "awaiting-approval" else None
        if approval is not None and not approval["decision"]:
            does = [line for plan in approval["plans"] for line in plan.get("does", [])]
            found.append(Asked(todo["id"], todo["action"], approval["commit"], does))
    return found


def _look(run_id: str) -> Look:
    known = ledger().outbox.find(key_of(run_id)) or {"about": {}}
    repository = settings().repository_named(ledger().runs.get(run_id).repository)
    base = commit_url(repository, "").rstrip("/") if repository else ""
    about = known["about"]
    return Look(
        str(about.get("severity", "")),
        bool(about.get("published", False)),
        base,
        settings().server.public_url,
        # Who checks their signature may be another process.
        bool(settings().slack.approvers),
    )


def _verified(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the running system said of a change, in a line."""
    return "; ".join(check.said for check in map(of_row, rows) if check.kind in LASTING or check.kind == "command")
