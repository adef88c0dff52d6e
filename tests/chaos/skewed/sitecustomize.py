"""A wrong clock for one Python process: everything that tells the time is off by CLOCK_IS_OFF seconds.

Python imports a module of this name at its start when its folder is on PYTHONPATH. What measures durations is right.
"""

from __future__ import annotations

import datetime
import os
import time

OFF = float(os.environ["CLOCK_IS_OFF"])
_time, _time_ns, _real = time.time, time.time_ns, datetime.datetime


class Skewed(_real):
    """A datetime whose now is another."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]
        """The wrong time."""
        return _real.fromtimestamp(time.time(), tz)


time.time = lambda: _time() + OFF
time.time_ns = lambda: _time_ns() + int(OFF * 1e9)
datetime.datetime = Skewed  # type: ignore[misc]
