"""How each TODO's change was seen to work: what was asked, when, and the last answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.checks import Check
from app.ledger.clock import now
from app.ledger.schema import checks, runs, todos

_LONGEST_SUBJECT = 300


class Checks:
    """The checks of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, run_id: str, todo_id: str, found: Sequence[Check]) -> None:
        """Keep answers, each in place of the earlier one to the same question. Redacted text only.

        Of several answers to one question (rules of one name, a command that does not name its stack) the first that
        did not come out well is kept.
        """
        with self._engine.begin() as db:
            for check in (*(c for c in found if c.ok), *(c for c in reversed(found) if not c.ok)):
                subject = check.subject[:_LONGEST_SUBJECT]
                one = _one(run_id, todo_id, check.kind, subject)
                first = db.execute(sa.select(checks.c.first_at).where(one)).scalar()
                db.execute(sa.delete(checks).where(one))
                values = {**asdict(check), "subject": subject, "at": now(), "first_at": first or now()}
                db.execute(sa.insert(checks).values(run_id=run_id, todo_id=todo_id, **values))

    def of_run(self, run_id: str) -> dict[str, list[dict[str, Any]]]:
        """The checks of a run's TODOs by the TODO's id, in the order in which they were first asked."""
        query = sa.select(checks).where(checks.c.run_id == run_id)
        query = query.order_by(checks.c.first_at, checks.c.kind, checks.c.subject)
        found: dict[str, list[dict[str, Any]]] = {}
        with self._engine.connect() as db:
            for row in db.execute(query).mappings():
                found.setdefault(row["todo_id"], []).append({k: v for k, v in row.items() if k != "run_id"})
        return found

    def claimed(self, repository: str, post_mortem: str = "") -> list[dict[str, Any]]:
        """The checks of everything that is done in a repository, or in one of its post-mortems.

        Rows of `checks` with what they belong to: post_mortem, title, incident_date, action, type. Of a TODO that was
        done more than once, the checks of the last time.
        """
        last = sa.select(todos.c.id, todos.c.post_mortem, sa.func.max(todos.c.finished_at).label("finished_at"))
        done = (todos.c.repository == repository) & (todos.c.outcome == "done")
        if post_mortem:
            done &= todos.c.post_mortem == post_mortem
        newest = last.where(done).group_by(todos.c.id, todos.c.post_mortem).subquery()
        same = (todos.c.id == newest.c.id) & (todos.c.post_mortem == newest.c.post_mortem)
        same &= (todos.c.finished_at == newest.c.finished_at) & (todos.c.outcome == "done")
        about = (todos.c.post_mortem, todos.c.action, todos.c.type, runs.c.title, runs.c.incident_date)
        query = (
            sa.select(checks, *about)
            .join(todos, (todos.c.run_id == checks.c.run_id) & (todos.c.id == checks.c.todo_id))
            .join(newest, same)
            .join(runs, runs.c.id == checks.c.run_id)
            .where(todos.c.repository == repository)
            .order_by(todos.c.post_mortem, todos.c.position, checks.c.kind, checks.c.subject)
        )
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]


def _one(run_id: str, todo_id: str, kind: str, subject: str) -> sa.ColumnElement[bool]:
    same = (checks.c.run_id == run_id) & (checks.c.todo_id == todo_id)
    return same & (checks.c.kind == kind) & (checks.c.subject == subject)
