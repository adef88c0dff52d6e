"""`followthrough cancel`, `pause` and `resume`: what a person says to stop."""

from __future__ import annotations

import getpass

from app.cli.console import console
from app.errors import BadInput
from app.ledger.controls import PAUSE
from app.main import compose
from app.redact import redact
from app.settings import Settings


def cancel(settings: Settings, run_id: str, why: str) -> int:
    """Stop one run: its agent or plan is ended, an apply under way is waited for, people are told. Returns 0."""
    ledger = compose(settings)
    try:
        row = ledger.runs.row(run_id)
    except KeyError:
        raise BadInput("no-such-run", f"cancelling {run_id}: there is no such run; see /api/runs") from None
    if row["finished_at"]:
        raise BadInput("run-is-over", f"cancelling {run_id}: it is over ({row['outcome']}, {row['finished_at']})")
    said = ledger.controls.set(run_id, getpass.getuser(), redact(why, settings.secrets()))
    console.print(f"{run_id} stops within seconds" if said else f"{run_id} was cancelled before", markup=False)
    return 0


def pause(settings: Settings, why: str) -> int:
    """Let nothing begin any more: no agent, no plan, no apply. What is under way ends by itself."""
    said = compose(settings).controls.set(PAUSE, getpass.getuser(), redact(why, settings.secrets()))
    console.print("paused; followthrough resume goes on" if said else "it is paused already")
    return 0


def resume(settings: Settings) -> int:
    """Go on after a pause."""
    console.print("resumed" if compose(settings).controls.lift(PAUSE) else "it was not paused")
    return 0
