"""Deliveries: what the forge told us, kept before it is acknowledged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now, today
from app.ledger.schema import deliveries, rejections

# Reasons for which a delivery came to nothing through no fault of its own: a redelivery tries it once more.
TRY_AGAIN = ("fetch-failed", "repository-gone", "database-unreachable", "internal-error")
# Of those, what goes away by itself; an error of ours waits for a redelivery, or a person.
PASSING = ("fetch-failed", "repository-gone", "database-unreachable")
# A find of the reconciler that is not followed: nobody knows who pushed it, and not everybody may start runs.
HELD_BACK = "pusher-unknown"


@dataclass(frozen=True)
class Delivery:
    """One delivery as stored. `reason` is empty while an accepted one has not been looked into."""

    id: str
    forge: str
    event: str
    repository: str
    ref: str
    before: str
    after: str
    pusher: str
    decision: str
    reason: str
    message: str


_NEW = {
    "sqlite": sqlite.insert(deliveries).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(deliveries).on_conflict_do_nothing(),
}


def insert(db: Connection, new: Sequence[Delivery]) -> list[bool]:
    """Keep several in the transaction that `db` is in; for each, whether its id was not known before."""
    statement, at = _NEW[db.dialect.name], now()
    return [db.execute(statement, {**vars(delivery), "received_at": at}).rowcount == 1 for delivery in new]


class Deliveries:
    """The deliveries of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def store(self, delivery: Delivery) -> bool:
        """Keep it; False when that id is known already, and then nothing is changed."""
        return self.store_all([delivery])[0]

    def store_all(self, new: Sequence[Delivery]) -> list[bool]:
        """The same for several in one transaction, which costs one sync of the disk."""
        with self._engine.begin() as db:
            return insert(db, new)

    def get(self, delivery_id: str) -> Delivery:
        """The stored delivery. Raises KeyError."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
        if row is None:
            raise KeyError(delivery_id)
        return Delivery(**{name: row[name] for name in Delivery.__dataclass_fields__})

    def row(self, delivery_id: str) -> dict[str, Any] | None:
        """The stored delivery with when it came, None when there is none."""
        with self._engine.connect() as db:
            found = db.execute(sa.select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
        return None if found is None else dict(found)

    def conclude(self, delivery_id: str, reason: str, message: str) -> None:
        """Say what came of an accepted delivery."""
        with self._engine.begin() as db:
            changed = sa.update(deliveries).where(deliveries.c.id == delivery_id)
            db.execute(changed.values(reason=reason, message=message))

    def unconcluded(self) -> list[str]:
        """Ids of accepted deliveries that nothing is known of yet, oldest first."""
        wanted = (deliveries.c.decision == "accepted") & (deliveries.c.reason == "")
        query = sa.select(deliveries.c.id).where(wanted).order_by(deliveries.c.received_at)
        with self._engine.connect() as db:
            return list(db.execute(query).scalars())

    def next_unconcluded(self, repository: str, most: int) -> list[str]:
        """The same for one repository, named as in its deliveries, and these alone: the first so many."""
        wanted = (deliveries.c.decision == "accepted") & (deliveries.c.reason == "")
        wanted &= sa.func.lower(deliveries.c.repository) == repository.lower()
        query = sa.select(deliveries.c.id).where(wanted).order_by(deliveries.c.received_at).limit(most)
        with self._engine.connect() as db:
            return list(db.execute(query).scalars())

    def open(self, repository: str) -> list[Delivery]:
        """Accepted deliveries of a repository that nothing is known of yet, or that may come to more now; oldest first.

        Names compare without case, as forges do.
        """
        wanted = (deliveries.c.decision == "accepted") & deliveries.c.reason.in_(("", *PASSING))
        wanted &= sa.func.lower(deliveries.c.repository) == repository.lower()
        query = sa.select(deliveries.c.id).where(wanted).order_by(deliveries.c.received_at, deliveries.c.id)
        with self._engine.connect() as db:
            ids = list(db.execute(query).scalars())
        return [self.get(delivery_id) for delivery_id in ids]

    def subject(self, delivery_id: str) -> str:
        """The name under which a delivery is handed over now: its id, with the time when it is tried once more.

        Empty when there is nothing more to do. Raises KeyError.
        """
        known = self.get(delivery_id)
        if known.reason in TRY_AGAIN:
            return f"{delivery_id} {now()}"
        return delivery_id if known.decision == "accepted" and not known.reason else ""

    def vouch(self, delivery_id: str, by: str) -> None:
        """Accept what was held back: a person says that it may start runs."""
        held = (deliveries.c.id == delivery_id) & (deliveries.c.reason == HELD_BACK)
        values = {"decision": "accepted", "reason": "", "message": "", "pusher": by[:100]}
        with self._engine.begin() as db:
            db.execute(sa.update(deliveries).where(held).values(**values))

    def newest(self, limit: int = 100) -> list[dict[str, Any]]:
        """The last deliveries, newest first."""
        query = sa.select(deliveries).order_by(deliveries.c.received_at.desc(), deliveries.c.id).limit(limit)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def reject(self, reason: str) -> None:
        """Count a request that was not let in."""
        same = (rejections.c.day == today()) & (rejections.c.reason == reason)
        more = sa.update(rejections).where(same).values(count=rejections.c.count + 1, last_at=now())
        with self._engine.begin() as db:
            if db.execute(more).rowcount:
                return
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(rejections).values(day=today(), reason=reason, count=1, last_at=now()))
        except IntegrityError:
            with self._engine.begin() as db:
                db.execute(more)

    def rejected(self, limit: int = 100) -> list[dict[str, Any]]:
        """How many requests were not let in, by day and reason, newest first."""
        query = sa.select(rejections).order_by(rejections.c.last_at.desc()).limit(limit)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]
