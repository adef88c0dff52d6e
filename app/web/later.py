"""What was acknowledged is handed on by a thread of its own, after the answer: nobody waits for the pipeline.

A crash in between loses nothing, since what is handed on is stored: `serve` begins with all that is not concluded, and
so does each look of the reconciler.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from sqlalchemy.exc import SQLAlchemyError

log = logging.getLogger(__name__)
# Seconds between two tries while the database does not answer.
_PAUSE = 1.0


class Later:
    """Calls `start(delivery, repository)` for each that was put, in that order, one after the other."""

    def __init__(self, start: Callable[[str, str], None]) -> None:
        self._start = start
        self._waiting: SimpleQueue[tuple[str, str]] = SimpleQueue()
        self._begun = False
        self._beginning = threading.Lock()

    def put(self, delivery_id: str, repository: str) -> None:
        """Come back at once; it is started soon."""
        self._waiting.put((delivery_id, repository))
        with self._beginning:
            if not self._begun:
                threading.Thread(target=self._run, name="hand-over", daemon=True).start()
                self._begun = True

    def _run(self) -> None:
        while True:
            delivery = self._waiting.get()
            while not self._started(*delivery):
                time.sleep(_PAUSE)

    def _started(self, delivery_id: str, repository: str) -> bool:
        try:
            self._start(delivery_id, repository)
        except SQLAlchemyError as error:
            log.warning("handing over %s: the database did not answer: %s", delivery_id, type(error).__name__)
            return False
        except Exception:
            log.exception("handing over %s: it stays as it is until the next start", delivery_id)
        return True
