"""Heeding people: a run that is cancelled stops at once, and nothing begins while everything is paused."""

from __future__ import annotations

import time

from app.errors import Refused
from app.ledger.controls import PAUSE
from pipelines.bench import ledger, say
from pipelines.durable import fence

_LOOK_SECONDS = 1.0


def effect(run_id: str, todo_id: str) -> str:
    """How the keys of a TODO's applies begin in the ledger."""
    return f"apply {run_id} {todo_id} "


def heed(run_id: str, doing: str, todo_id: str = "") -> None:
    """Go on, wait while everything is paused, or raise Refused("cancelled") when this run is to stop.

    Asked before an agent, a plan or an apply begins; `doing` names what would begin.
    """
    told = False
    while True:
        must_go_on(run_id, doing, todo_id)
        pause = ledger().controls.find(PAUSE)
        if pause is None:
            return
        if not told:
            say(run_id, "waiting", f"{doing} waits: {pause.by} paused everything at {pause.at}: {pause.why}", todo_id)
            told = True
        time.sleep(_LOOK_SECONDS)


def must_go_on(run_id: str, doing: str, todo_id: str = "") -> None:
    """Raises Refused: "cancelled" when somebody has cancelled this run, "stopped-after-unknown" when it has stopped.

    A run stops when one of its applies may have happened in part. A TODO whose own apply has begun goes on, and so does
    what a person approves after the run's end.
    """
    fence()
    begun = bool(todo_id) and ledger().runs.effects(run_id, effect(run_id, todo_id)) > 0
    if not begun and ledger().runs.is_stopped(run_id):
        raise Refused("stopped-after-unknown", f"{doing}: another TODO's apply may have happened in part")
    said = ledger().controls.find(run_id)
    if said is not None:
        raise Refused(
            "cancelled", f"{doing}: {said.by} cancelled the run at {said.at}: {said.why or 'no reason given'}"
        )
