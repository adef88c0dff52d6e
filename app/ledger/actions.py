"""Who did what through any face, and what came of it. One row an action, written before anything is done.

What is refused to who may not act, and failed logins, are counted: one row for each reason an hour, since anybody can
send them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine

from app.errors import BadInput, FollowthroughError, Refused
from app.ledger.access import hashed
from app.ledger.clock import now
from app.ledger.people import actions

_HOUR = len("2026-04-14T17")
_LONGEST = 2000


@dataclass(frozen=True)
class Action:
    """What somebody wants. `by` is an identity's name such as `token:alice`; its first word says how that is known.

    `subject` is what it is done to where that is no run: a delivery, a document, a token.
    """

    by: str
    action: str
    run_id: str = ""
    todo_id: str = ""
    subject: str = ""
    why: str = ""


class Said:
    """What came of an action; `done` unless said otherwise."""

    outcome = "done"


class Actions:
    """The actions of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def noted(self, action: Action) -> Iterator[Said]:
        """Write it down, then let it be done, then what came of it: done, or what it raised, which is raised again.

        A row that stays `begun` is of a process that was cut short. `nothing` may be said where there was nothing to
        do.
        """
        said = Said()
        key = self._add(action, "begun", "", None)
        try:
            yield said
        except FollowthroughError as error:
            self._end(key, "refused" if isinstance(error, BadInput | Refused) else "failed", error.reason)
            raise
        except Exception:
            self._end(key, "failed", "internal-error")
            raise
        self._end(key, said.outcome, "")

    def count(self, action: Action, reason: str) -> None:
        """Count an action that was not let through, with what is alike in this hour: who, what, to what and why not."""
        place = f"{action.run_id} {action.todo_id} {action.subject}".rstrip()
        alike = hashed(f"{now()[:_HOUR]} {action.by} {action.action} {reason} {place}")
        more = sa.update(actions).where(actions.c.counted == alike).values(times=actions.c.times + 1, at=now())
        with self._engine.begin() as db:
            if db.execute(more).rowcount:
                return
        self._add(action, "refused", reason, alike)

    def newest(self, limit: int = 100, before: int = 0, run_id: str = "") -> list[dict[str, Any]]:
        """The last actions, newest first; `before` an id, and of one run, where these are given."""
        query = sa.select(*(column for column in actions.c if column is not actions.c.counted))
        query = query.where(actions.c.id < before) if before else query
        query = query.where(actions.c.run_id == run_id) if run_id else query
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query.order_by(actions.c.id.desc()).limit(limit)).mappings()]

    def _add(self, action: Action, outcome: str, reason: str, counted: str | None) -> int:
        insert = sqlite.insert if self._engine.dialect.name == "sqlite" else postgresql.insert
        how, _, _ = action.by.partition(":")
        about = {name: getattr(action, name)[:_LONGEST] for name in ("by", "action", "subject", "why")}
        place = {"run_id": action.run_id[:100], "todo_id": action.todo_id[:32], "how": how[:16]}
        values = {"at": now(), **about, **place, "outcome": outcome, "reason": reason, "times": 1, "counted": counted}
        new = insert(actions).values(**values)
        # Of two that count the first one of an hour, the second one adds to it.
        more = new.on_conflict_do_update(index_elements=["counted"], set_={"times": actions.c.times + 1})
        with self._engine.begin() as db:
            return int(db.execute(more.returning(actions.c.id)).scalar_one())

    def _end(self, key: int, outcome: str, reason: str) -> None:
        with self._engine.begin() as db:
            db.execute(sa.update(actions).where(actions.c.id == key).values(outcome=outcome, reason=reason))
