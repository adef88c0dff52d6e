"""A real worker with a tiny flow beside its own: `python -m tests.workers.tiny CONFIG NAME LOG VERSION`.

The flow's steps write what they do into LOG, a line each: `STEP SUBJECT NAME PID`. Its middle step waits for the file
LOG.go. Everything else is the worker as it is installed.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

from app import logs
from app.serving import work
from app.settings import load
from pipelines import durable
from pipelines.bench import ledger

_NAME, _LOG = sys.argv[2], Path(sys.argv[3])


def note(word: str, subject: str) -> None:
    """One line, whole."""
    with _LOG.open("a") as log:
        log.write(f"{word} {subject} {_NAME} {os.getpid()}\n")


@durable.step
def first(subject: str) -> str:
    """Done once unless it is cut short."""
    note("first", subject)
    return subject


@durable.step
def middle(subject: str) -> str:
    """As long as the test wants it to. It needs the ledger before it ends, unless the subject is `quiet`."""
    note("begins", subject)
    while not Path(f"{_LOG}.go").exists():
        time.sleep(0.02)
    if subject != "quiet":
        ledger().deliveries.unconcluded()
    note("ends", subject)
    return subject


@durable.step
def last(subject: str) -> None:
    """Done once unless it is cut short."""
    note("last", subject)


@durable.workflow
def count(subject: str) -> None:
    """Three steps."""
    last(middle(first(subject)))


if __name__ == "__main__":
    logs.set_up(logs.Words())
    durable.FLOW_VERSION = sys.argv[4] or durable.FLOW_VERSION
    work(load(Path(sys.argv[1])), _NAME)
