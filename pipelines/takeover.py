"""What a dead worker was doing goes on elsewhere: the one place that touches the engine's private recovery.

    boot ─► join, under an id that never comes again ─► the engine is launched ─► begin
      beat    be seen alive by the database's clock; who was declared dead meanwhile ends at once, exit code 75
      sweep   who was not seen for `ttl` seconds is declared dead, for good; the flows of the dead are taken over
      fence   before each step: a process that was stopped, or cut off, proves that it is alive before it does anything

A database that is away ends nobody: steps that begin wait for it, and nobody is declared dead until everybody had the
time to be seen again. The engine keeps a flow that was taken over from whoever had it: a result that comes late is not
stored. The method is private to dbos 3.4; tests/workers is its contract.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dbos import DBOS
from sqlalchemy.exc import SQLAlchemyError

from app.ledger.workers import Worker, Workers

EXIT_CODE = 75
log = logging.getLogger(__name__)


class Takeover:
    """This process as one of several workers. Seconds everywhere; `die(code)` ends the process and never returns."""

    def __init__(self, worker: Worker, workers: Workers, beat: float, ttl: float, die: Callable[[int], None]) -> None:
        self._me, self._workers, self._every, self._ttl, self._die = worker, workers, beat, ttl, die
        # Since when each proof came in time after the one before, and when the last one was asked for.
        self._settled = self._proven = _now()
        self._earlier: list[str] = []
        self.others: set[str] = set()
        self._turn, self._steps = threading.Lock(), threading.Condition()
        self._under_way, self._leaving = 0, False

    @property
    def executor(self) -> str:
        """The engine's id of this boot."""
        return self._me.executor

    def join(self) -> None:
        """Be known before the engine is launched: no flow is ever with somebody whom nobody knows.

        `others` are then the versions, but for our own, that somebody executes.
        """
        self.others = self._workers.versions(self._ttl) - {self._me.version}
        self._earlier = self._workers.join(self._me)
        self._settled = self._proven = _now()

    def begin(self, look: Callable[[], None]) -> None:
        """Go on with what earlier boots of this name left, then watch over the others; `look` is called now and then.

        The beat has a thread of its own: the engine waits for a database that is away, and longer each time.
        """
        self._take_over(self._earlier)
        threading.Thread(target=self._forever, args=(self._beat,), name="beat", daemon=True).start()
        threading.Thread(target=self._forever, args=(self._sweep, look), name="sweep", daemon=True).start()

    def fence(self) -> None:
        """Return once this worker is known to be alive; one that was declared dead ends here."""
        while _now() - self._proven > self._ttl / 2:
            try:
                self._beat()
            except SQLAlchemyError:
                time.sleep(min(self._every, 1.0))

    @contextmanager
    def step(self) -> Iterator[None]:
        """A step, from before it begins until its result is stored. None begins any more once this worker leaves."""
        with self._steps:
            self._steps.wait_for(lambda: not self._leaving)
            self._under_way += 1
        try:
            yield
        finally:
            with self._steps:
                self._under_way -= 1
                self._steps.notify_all()

    def leave(self, seconds: float) -> None:
        """Begin nothing more, give steps so long to end, and be dead. The process must end at once: its steps go on."""
        with self._steps:
            self._leaving = True
            self._steps.wait_for(lambda: self._under_way == 0, seconds)
        # Kept for good: nothing may ask any more whether this worker is alive.
        if self._turn.acquire(timeout=1):
            try:
                self._workers.leave(self.executor)
            except SQLAlchemyError as error:
                log.warning("leaving without saying so, the others will notice: %s", type(error).__name__)

    def _beat(self) -> None:
        with self._turn:
            asked = _now()
            if not self._workers.beat(self.executor):
                log.critical("worker %s was declared dead meanwhile: another one has its runs", self._me.name)
                self._die(EXIT_CODE)
            if _now() - self._proven > self._ttl / 2:
                self._settled = _now()
            self._proven = asked

    def _sweep(self, look: Callable[[], None]) -> None:
        now = _now()
        if now - self._proven > self._ttl / 2:
            return
        if now - self._settled > self._ttl:
            for name in self._workers.declare_dead(self.executor, self._ttl):
                log.warning("worker %s has not been seen for %g s and is taken for dead", name, self._ttl)
        self._take_over(self._workers.stranded(self._me.version))
        look()

    def _take_over(self, dead: list[str]) -> None:
        taken = DBOS._recover_pending_workflows(dead) if dead else []
        if taken:
            log.warning("took over from %s: %s", ", ".join(dead), ", ".join(flow.workflow_id for flow in taken))

    def _forever(self, act: Callable[..., None], *given: object) -> None:
        while True:
            time.sleep(self._every)
            try:
                act(*given)
            except SQLAlchemyError as error:
                log.warning("the database did not answer: %s", type(error).__name__)
            except Exception:
                log.exception("watching over the workers")


def _now() -> float:
    """Seconds that go on while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
