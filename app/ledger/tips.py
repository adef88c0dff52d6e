"""How far each branch has been looked into, so that a push that nobody told of is found."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import deliveries, tips

# What a delivery comes to when it was looked into.
_LOOKED_INTO = ("runs-started", "no-post-mortem-changed", "own-commits")


@dataclass(frozen=True)
class Tip:
    """What `commit` holds was looked into, but not what `since` holds: that was there before. Empty: nothing was."""

    commit: str
    since: str


class Tips:
    """The tips of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, repository: str, branch: str) -> Tip | None:
        """How far a branch was looked into, None when it never was."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(tips).where(_one(repository, branch))).mappings().first()
        return None if row is None else Tip(row["commit"], row["since"])

    def followed_from(self, repository: str, ref: str, commit: str) -> list[str]:
        """The commits to which pushes went from this one that were looked into already. Names compare without case."""
        same = (sa.func.lower(deliveries.c.repository) == repository.lower()) & (deliveries.c.ref == ref)
        wanted = same & (deliveries.c.before == commit) & (deliveries.c.decision == "accepted")
        query = sa.select(deliveries.c.after).where(wanted & deliveries.c.reason.in_(_LOOKED_INTO)).distinct()
        with self._engine.connect() as db:
            return list(db.execute(query.order_by(deliveries.c.after)).scalars())

    def move(self, repository: str, branch: str, last: Tip | None, to: Tip) -> bool:
        """Go on from `last` (None: from nothing); False when somebody else has moved it meanwhile."""
        values = {"commit": to.commit, "since": to.since, "at": now()}
        if last is not None:
            same = _one(repository, branch) & (tips.c.commit == last.commit) & (tips.c.since == last.since)
            with self._engine.begin() as db:
                return bool(db.execute(sa.update(tips).where(same).values(**values)).rowcount)
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(tips).values(repository=repository, branch=branch, **values))
        except IntegrityError:
            return False
        return True


def _one(repository: str, branch: str) -> sa.ColumnElement[bool]:
    return (tips.c.repository == repository) & (tips.c.branch == branch)
