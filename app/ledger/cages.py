"""What the cage's self-test came to, for each command that was tested on a DevVM."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import cages


@dataclass(frozen=True)
class CageTest:
    """One finished test. `fingerprint` names the command as it is installed and how we start it, so that another
    version of either is another test; `escapes` are sentences, none when the cage held.
    """

    devvm: str
    fingerprint: str
    version: str
    held: int
    escapes: Sequence[str]


class Cages:
    """The tests of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def find(self, devvm: str, fingerprint: str) -> CageTest | None:
        """The test of this command there, None when it was never tested."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(cages).where(_of(devvm, fingerprint))).mappings().first()
        if row is None:
            return None
        return CageTest(devvm, fingerprint, row["version"], row["held"], json.loads(row["escapes"]))

    def keep(self, test: CageTest) -> None:
        """Remember a test, in place of an earlier one of the same command."""
        values = {"version": test.version, "held": test.held, "escapes": json.dumps(list(test.escapes))}
        values["tested_at"] = now()
        again = sa.update(cages).where(_of(test.devvm, test.fingerprint)).values(**values)
        with self._engine.begin() as db:
            if db.execute(again).rowcount:
                return
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(cages).values(devvm=test.devvm, fingerprint=test.fingerprint, **values))
        except IntegrityError:
            # Another worker has tested the same command at the same time.
            with self._engine.begin() as db:
                db.execute(again)


def _of(devvm: str, fingerprint: str) -> sa.ColumnElement[bool]:
    return (cages.c.devvm == devvm) & (cages.c.fingerprint == fingerprint)
