"""The end of every run, whatever came of it: its outcome, the people who are told, nothing left behind."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from app.errors import FollowthroughError
from pipelines import closing, left
from pipelines.bench import ledger, say
from pipelines.durable import brief_step, step

log = logging.getLogger(__name__)


def end_run(run_id: str, work: Callable[[], None]) -> None:
    """Do the work of a run; whatever comes of it, conclude, tell people, clean up."""
    reason = message = ""
    try:
        work()
    except FollowthroughError as error:
        reason, message = error.reason, str(error)
    except Exception as error:
        log.exception("run %s", run_id)
        reason, message = "internal-error", f"an error that nobody foresaw ({type(error).__name__}); see the log"
    for last in (partial(conclude, run_id, reason, message), partial(tell, run_id), partial(clean_up, run_id)):
        try:
            last()
        except FollowthroughError as error:
            note_failure(run_id, last.func.__name__, str(error))
    close(run_id)


def end_todo(work: Callable[[], str], finish: Callable[..., str]) -> str:
    """The outcome of a TODO. An error that nobody foresaw ends it too: others wait for what it holds.

    `finish` takes the kind, the reason, the message and the findings of what stopped it.
    """
    try:
        return work()
    except Exception as error:
        log.exception("a TODO")
        why = f"an error that nobody foresaw ({type(error).__name__}); see the service's log"
        return finish("Failed", "internal-error", why, ())


@step
def conclude(run_id: str, reason: str, message: str) -> str:
    """The run's outcome, from those of its TODOs."""
    return closing.conclude(run_id, reason, message)


@brief_step
def tell(run_id: str) -> None:
    """One Slack message."""
    closing.tell(run_id)


@brief_step
def clean_up(run_id: str) -> None:
    """End what still runs on the DevVM, remove worktree, copies, plan files."""
    closing.clean_up(run_id)


@step
def note_failure(run_id: str, phase: str, message: str) -> None:
    """What went wrong after the outcome was known."""
    say(run_id, phase, message)


@step
def close(run_id: str) -> None:
    """Nothing more will happen in this run; only now is its outcome shown."""
    left.close(run_id)
    # What could not be concluded may hold something still, and the next run would wait for it for good.
    ledger().holds.release_run(run_id)
    ledger().runs.close(run_id)
