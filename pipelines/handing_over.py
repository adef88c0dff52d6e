"""From the inbox to the engine: stored deliveries become flows, a few of each repository at a time.

The engine looks through all that waits for each flow that it begins, and every flow that waits was written twice: a
flood would hold up its own answers. What is not handed over yet stands in the database, so a crash loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence

from sqlalchemy.exc import SQLAlchemyError

from app.ledger import Ledger

# Deliveries of a repository that are with the engine at once.
AHEAD = 16
# How often it is looked whether another process has stored one, and whether one was followed, in seconds.
_LOOK_SECONDS = 0.25
# One that is with the engine for longer holds up no other any more.
_LONG_SECONDS = 60.0
log = logging.getLogger(__name__)


class HandOver:
    """Calls `start(delivery, repository)` for the first deliveries of each repository of which nothing is known yet.

    Several processes may do it on one database: starting means start if absent.
    """

    def __init__(self, ledger: Ledger, repositories: Sequence[str], start: Callable[[str, str], None]) -> None:
        self._ledger, self._repositories, self._start = ledger, repositories, start
        self._given: dict[str, float] = {}
        self._new = threading.Event()

    def begin(self) -> None:
        """Hand over for as long as the process lives."""
        threading.Thread(target=self._forever, name="hand-over", daemon=True).start()

    def wake(self) -> None:
        """One was stored: look now."""
        self._new.set()

    def look(self) -> None:
        """Hand over what may be now. Raises SQLAlchemyError when the database does not answer."""
        waiting: set[str] = set()
        for repository in self._repositories:
            # Of those that take long, none may be in the way of the others.
            long = sum(time.monotonic() - since > _LONG_SECONDS for since in self._given.values())
            for delivery_id in self._ledger.deliveries.next_unconcluded(repository, AHEAD + long):
                waiting.add(delivery_id)
                if delivery_id not in self._given:
                    self._start(delivery_id, repository)
                    self._given[delivery_id] = time.monotonic()
        self._given = {delivery_id: since for delivery_id, since in self._given.items() if delivery_id in waiting}

    def _forever(self) -> None:
        while True:
            self._new.wait(_LOOK_SECONDS)
            self._new.clear()
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("handing over deliveries: the database did not answer: %s", type(error).__name__)
                time.sleep(1.0)
            except Exception:
                log.exception("handing over deliveries")
                time.sleep(1.0)
