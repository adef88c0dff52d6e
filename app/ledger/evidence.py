"""What each part of a TODO came to, by hash: the diff and the plans as they were judged, and how commands ended."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.ledger.clock import now
from app.ledger.schema import evidence

Kind = Literal["agent", "edits", "plan", "commit", "apply", "verify"]


@dataclass(frozen=True)
class Evidence:
    """One part of one try; what does not belong to its kind is empty.

    agent: the session's exit code. edits: the hash of the diff, the policy that judged it and its verdict (allow,
    needs-approval, block). plan: the same for the plan file of the stack that `subject` names, with the exit code.
    commit: the git tree that was judged. apply, verify: the stack, the plan file's hash, the exit code, None when
    nothing tells it.
    """

    kind: Kind
    attempt: int
    subject: str = ""
    hash: str = ""
    exit_code: int | None = None
    policy: str = ""
    verdict: str = ""


class EvidenceBook:
    """The evidence of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def keep(self, run_id: str, todo_id: str, found: Evidence) -> None:
        """Keep it, in place of what was kept of the same part: a step that is done again says it again."""
        one = (evidence.c.run_id == run_id) & (evidence.c.todo_id == todo_id) & (evidence.c.kind == found.kind)
        one &= (evidence.c.attempt == found.attempt) & (evidence.c.subject == found.subject)
        with self._engine.begin() as db:
            db.execute(sa.delete(evidence).where(one))
            db.execute(sa.insert(evidence).values(run_id=run_id, todo_id=todo_id, at=now(), **asdict(found)))

    def of_todo(self, run_id: str, todo_id: str) -> list[dict[str, Any]]:
        """Everything that is kept of a TODO, in order of time."""
        query = sa.select(evidence).where((evidence.c.run_id == run_id) & (evidence.c.todo_id == todo_id))
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query.order_by(evidence.c.at, evidence.c.attempt)).mappings()]
