"""What was judged, as people see it: the diff of each try of a TODO, and the plan of each stack that it touched.

Nothing unmasked comes in here: `app/guard/shown.py` makes what is kept, and says what it cut. It goes with its run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.ledger.clock import now
from app.ledger.schema import changes


@dataclass(frozen=True)
class Kept:
    """What is shown of one try: its diff (`stack` is empty), or its plan of one stack."""

    todo_id: str
    attempt: int
    stack: str
    shown: Any


class Changes:
    """The diffs and plans of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep_diff(self, run_id: str, todo_id: str, attempt: int, shown: Sequence[Mapping[str, Any]]) -> None:
        """Keep what `shown_edits` made, in place of what was kept of the same try."""
        self._keep(run_id, "diff", Kept(todo_id, attempt, "", list(shown)))

    def keep_plan(self, run_id: str, todo_id: str, attempt: int, stack: str, shown: Mapping[str, Any]) -> None:
        """Keep what `shown_plan` made, in place of what was kept of the same try and stack."""
        self._keep(run_id, "plan", Kept(todo_id, attempt, stack, dict(shown)))

    def diffs(self, run_id: str) -> list[Kept]:
        """The diffs of a run, by TODO and try."""
        return self._of(run_id, "diff")

    def plans(self, run_id: str) -> list[Kept]:
        """The plans of a run, by TODO, try and stack."""
        return self._of(run_id, "plan")

    def _keep(self, run_id: str, kind: str, kept: Kept) -> None:
        key = {"run_id": run_id, "todo_id": kept.todo_id, "attempt": kept.attempt, "kind": kind, "subject": kept.stack}
        same = sa.and_(*(changes.c[name] == value for name, value in key.items()))
        with self._engine.begin() as db:
            db.execute(sa.delete(changes).where(same))
            db.execute(sa.insert(changes).values(**key, at=now(), shown=json.dumps(kept.shown)))

    def _of(self, run_id: str, kind: str) -> list[Kept]:
        wanted = (changes.c.run_id == run_id) & (changes.c.kind == kind)
        query = sa.select(changes).where(wanted).order_by(*changes.primary_key.columns)
        with self._engine.connect() as db:
            rows = db.execute(query).all()
        return [Kept(row.todo_id, row.attempt, row.subject, json.loads(row.shown)) for row in rows]
