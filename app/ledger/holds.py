"""Who holds a stack, or the branch, of a repository: one TODO at a time, from its plan until it has landed."""

from __future__ import annotations

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import holds


class Holds:
    """The holds of one database. A TODO that is cut short keeps its own, and takes them up again."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, repository: str, run_id: str, todo_id: str, subjects: Collection[str]) -> bool:
        """Hold all of these, or none and return False: whoever waits holds nothing that another waits for.

        What this TODO holds already stays its own.
        """
        row = {"repository": repository, "run_id": run_id, "todo_id": todo_id, "at": now()}
        mine = _of(run_id, todo_id) & (holds.c.repository == repository)
        try:
            with self._engine.begin() as db:
                held = set(db.execute(sa.select(holds.c.subject).where(mine)).scalars())
                new = [{**row, "subject": subject} for subject in sorted(set(subjects) - held)]
                if new:
                    db.execute(sa.insert(holds), new)
        except IntegrityError:
            return False
        return True

    def release(self, run_id: str, todo_id: str, subject: str = "") -> None:
        """Let go of one subject, or of all that this TODO holds."""
        wanted = _of(run_id, todo_id)
        if subject:
            wanted &= holds.c.subject == subject
        with self._engine.begin() as db:
            db.execute(sa.delete(holds).where(wanted))

    def release_run(self, run_id: str) -> None:
        """Let go of all that the TODOs of a run hold."""
        with self._engine.begin() as db:
            db.execute(sa.delete(holds).where(holds.c.run_id == run_id))

    def holder(self, repository: str, subjects: Collection[str]) -> tuple[str, str, str] | None:
        """One that holds any of these: its run, its TODO, and what it holds. None when nobody does."""
        wanted = (holds.c.repository == repository) & holds.c.subject.in_(list(subjects))
        query = sa.select(holds.c.run_id, holds.c.todo_id, holds.c.subject).where(wanted).order_by(holds.c.at)
        with self._engine.connect() as db:
            row = db.execute(query).first()
        return None if row is None else (row.run_id, row.todo_id, row.subject)


def _of(run_id: str, todo_id: str) -> sa.ColumnElement[bool]:
    return (holds.c.run_id == run_id) & (holds.c.todo_id == todo_id)
