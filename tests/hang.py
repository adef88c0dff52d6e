"""A limit on what hangs, in seconds of this process's own time: no statement about speed, which bench/ makes."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SECONDS = 60


@contextmanager
def ends(seconds: float = SECONDS) -> Iterator[None]:
    """Fail when the body takes so long that it must be called a hang."""
    before = signal.signal(signal.SIGPROF, _give_up)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _give_up(_: int, __: FrameType | None) -> None:
    raise AssertionError("it has not ended in the time that it was given")
