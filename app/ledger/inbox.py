"""Deliveries as they come in: on the disk before anybody is told so, those of one moment in one transaction.

While one transaction is written, more come in; they wait and share the next one, so twice as many callers do not wait
twice as long. SQLite is written to from the event loop itself: a commit takes less than handing it to a thread and
waking up for it, and while somebody else writes, nothing is waited for but a timer. PostgreSQL is a network away and
has a thread.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from functools import cached_property

from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import OperationalError

from app.ledger import database, deliveries
from app.ledger.deliveries import Deliveries, Delivery

# What one transaction holds at most.
_MOST = 64
# How long to wait for others who write, and between two looks whether they have ended, in seconds.
_PATIENCE, _PAUSE = 30.0, 0.0005


class Inbox:
    """The way in of one process, for one event loop at a time."""

    def __init__(self, engine: Engine, kept: Deliveries) -> None:
        self._engine, self._kept = engine, kept
        self._waiting: list[tuple[Delivery, asyncio.Future[bool]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def store(self, delivery: Delivery) -> bool:
        """Keep it, and come back when it is on the disk; False when its id is known already, and nothing is changed."""
        stored: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((delivery, stored))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await stored

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:_MOST], self._waiting[_MOST:]
            # Who has hung up is stored all the same: the forge may send it again, and finds it.
            try:
                results = await self._commit([delivery for delivery, _ in batch])
            except Exception as error:  # noqa: BLE001 - it is raised where each of them waits
                for _, stored in batch:
                    if not stored.done():
                        stored.set_exception(error)
                continue
            for (_, stored), result in zip(batch, results, strict=True):
                if not stored.done():
                    stored.set_result(result)

    async def _commit(self, new: Sequence[Delivery]) -> list[bool]:
        if self._engine.dialect.name != "sqlite":
            return await asyncio.to_thread(self._kept.store_all, new)
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                self._own.exec_driver_sql("BEGIN IMMEDIATE")
                break
            except OperationalError as error:
                if "locked" not in str(error.orig) or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(_PAUSE)
        try:
            results = deliveries.insert(self._own, new)
            self._own.exec_driver_sql("COMMIT")
        except BaseException:
            self._own.exec_driver_sql("ROLLBACK")
            raise
        return results

    @cached_property
    def _own(self) -> Connection:
        return database.impatient(self._engine)
