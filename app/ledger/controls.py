"""What people have said to stop: one run, or everything until it is resumed."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import controls

PAUSE = "pause"


@dataclass(frozen=True)
class Control:
    """Who said it, when (ISO 8601, UTC) and why."""

    by: str
    at: str
    why: str


class Controls:
    """The controls of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def set(self, name: str, by: str, why: str) -> bool:
        """Say `pause`, or the id of a run to be cancelled; False when it is said already."""
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(controls).values(name=name, by=by, at=now(), why=why))
        except IntegrityError:
            return False
        return True

    def lift(self, name: str) -> bool:
        """Take it back; False when it was not said."""
        with self._engine.begin() as db:
            return bool(db.execute(sa.delete(controls).where(controls.c.name == name)).rowcount)

    def find(self, name: str) -> Control | None:
        """What was said, None when nothing was."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(controls).where(controls.c.name == name)).mappings().first()
        return None if row is None else Control(row["by"], row["at"], row["why"])
