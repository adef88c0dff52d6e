"""How each DevVM is: whether it could be used the last time, since when, why not, and whether people keep it empty."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import devvms, runs

# A good answer is written down again only when the last one is older: each step would write one.
_FRESH_SECONDS = 30.0


@dataclass(frozen=True)
class Health:
    """`state`: up or down, `since` then; both empty while nobody has tried it. Times are ISO 8601 in UTC.

    `reason` and `message` are of the last failure, also when it is up again. `checked_at`: when it was written down
    last that somebody tried. `drained_at`: since when it gets no new run, with who said so and why; empty: it does.
    """

    name: str
    state: str = ""
    since: str = ""
    reason: str = ""
    message: str = ""
    checked_at: str = ""
    drained_by: str = ""
    drained_at: str = ""
    drained_why: str = ""

    @property
    def checked_ago(self) -> float | None:
        """Seconds since it was tried, None for never; less than 0 when the clock was set back."""
        if not self.checked_at:
            return None
        return (datetime.now(UTC) - datetime.fromisoformat(self.checked_at)).total_seconds()


class DevVMs:
    """The DevVMs of one database, by the names of the configuration."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def health(self, name: str) -> Health:
        """How one is."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(devvms).where(devvms.c.name == name)).mappings().first()
        return Health(name) if row is None else Health(**row)

    def answered(self, name: str) -> None:
        """It could be used. The last failure stays known."""
        known = self.health(name)
        if known.state != "up" or not 0 <= (known.checked_ago or 0) < _FRESH_SECONDS:
            self._try("up", name, {})

    def failed(self, name: str, reason: str, message: str) -> None:
        """It could not be used, with the reason and the sentence of the failure; no secret is in either."""
        self._try("down", name, {"reason": reason, "message": message})

    def drain(self, name: str, by: str, why: str) -> bool:
        """Give it no new run from now on; False when that was said before."""
        if self.health(name).drained_at:
            return False
        self._keep(name, {"drained_by": by, "drained_at": now(), "drained_why": why})
        return True

    def undrain(self, name: str) -> bool:
        """Give it new runs again; False when it was getting them."""
        if not self.health(name).drained_at:
            return False
        self._keep(name, {"drained_by": "", "drained_at": "", "drained_why": ""})
        return True

    def open_runs(self) -> dict[str, int]:
        """How many runs that are not over each has; one without any is left out."""
        query = sa.select(runs.c.devvm, sa.func.count().label("open")).where(
            runs.c.finished_at.is_(None) & (runs.c.devvm != "")
        )
        with self._engine.connect() as db:
            return {row.devvm: row.open for row in db.execute(query.group_by(runs.c.devvm))}

    def _try(self, state: str, name: str, why: dict[str, str]) -> None:
        since = sa.case((devvms.c.state == state, devvms.c.since), else_=now())
        self._keep(name, {"state": state, "checked_at": now(), **why}, {"since": since})

    def _keep(self, name: str, values: dict[str, str], then: dict[str, sa.ColumnElement[str]] | None = None) -> None:
        """Set these columns, those of `then` by what the row held before."""
        # Where somebody else makes the row at the same moment, it is there, which is all that is wanted.
        with suppress(IntegrityError), self._engine.begin() as db:
            if db.execute(sa.select(devvms.c.name).where(devvms.c.name == name)).first() is None:
                blank = {column.name: "" for column in devvms.c}
                db.execute(sa.insert(devvms).values(**{**blank, "name": name}))
        with self._engine.begin() as db:
            db.execute(sa.update(devvms).where(devvms.c.name == name).values(**values, **(then or {})))
