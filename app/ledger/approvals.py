"""What waits for a person: one judged, planned and committed change of a TODO, and what the person said.

An approval is for exactly one commit and the plan files named in it by their hashes. It is void after a day, or when
the change is planned anew (SECURITY.md, Approvals).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.errors import Refused
from app.ledger.clock import now
from app.ledger.schema import approvals, todos

VALID_FOR = timedelta(hours=24)
# What clocks of several machines may differ by without a doubt about an approval's day.
_CLOCKS_DIFFER = timedelta(minutes=10)


@dataclass(frozen=True)
class Parked:
    """What a person is asked about: commit and git tree id, the commit it stands on, its branch, its plans."""

    run_id: str
    todo_id: str
    commit: str
    tree: str
    base: str
    branch: str
    plans: Sequence[dict[str, Any]]


class Approvals:
    """The approvals of one database. `decision` is empty while a person is waited for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def ask(self, parked: Parked) -> None:
        """Wait for a person. Asked again for the same TODO, the first question stands."""
        if self.find(parked.run_id, parked.todo_id) is not None:
            return
        blank = {"decision": "", "decided_by": "", "decided_at": "", "why": ""}
        values = {**asdict(parked), "plans": json.dumps(list(parked.plans)), "asked_at": now(), **blank}
        with self._engine.begin() as db:
            db.execute(sa.insert(approvals).values(**values))

    def find(self, run_id: str, todo_id: str) -> dict[str, Any] | None:
        """One approval with its plans, None when nobody was asked."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(approvals).where(_one(run_id, todo_id))).mappings().first()
        return None if row is None else {**row, "plans": json.loads(row["plans"])}

    def waiting(self) -> list[dict[str, Any]]:
        """Everything that waits for a person, oldest first, those past their time included."""
        query = sa.select(approvals).where(approvals.c.decision == "").order_by(approvals.c.asked_at)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def decided(self) -> list[tuple[str, str]]:
        """(run id, TODO id) of everything that a person has decided on and that has not had its effect yet."""
        same = (todos.c.run_id == approvals.c.run_id) & (todos.c.id == approvals.c.todo_id)
        open_still = approvals.c.decision.in_(("approved", "declined")) & (todos.c.outcome == "awaiting-approval")
        query = sa.select(approvals.c.run_id, approvals.c.todo_id).join(todos, same).where(open_still)
        with self._engine.connect() as db:
            return [(row.run_id, row.todo_id) for row in db.execute(query)]

    def kept(self, run_id: str) -> bool:
        """Whether the run's plan files are still needed: somebody may approve, or has and it is not landed yet."""
        wanted = (approvals.c.run_id == run_id) & approvals.c.decision.in_(("", "approved"))
        with self._engine.connect() as db:
            return db.execute(sa.select(approvals.c.run_id).where(wanted)).first() is not None

    def expired(self, run_id: str) -> list[str]:
        """The branches of what nobody decided on in time: they are not needed any more."""
        late = (approvals.c.run_id == run_id) & (approvals.c.decision == "void") & (approvals.c.decided_by == "")
        with self._engine.connect() as db:
            return list(db.execute(sa.select(approvals.c.branch).where(late)).scalars())

    def decide(self, run_id: str, todo_id: str, decision: str, by: str, why: str) -> None:
        """Write down what a person said. Raises Refused when it was decided before, or its time is over."""
        asked = self.find(run_id, todo_id)
        if asked is None:
            raise Refused("no-such-approval", f"deciding on {todo_id} of {run_id}: nothing waits there for a person")
        if decision == "approved" and is_over(asked["asked_at"]):
            message = f"approving {todo_id} of {run_id}: it was asked at {asked['asked_at']} and a day is over"
            raise Refused("approval-expired", f"{message}; push the post-mortem again for a new plan")
        if not self._set(run_id, todo_id, decision, by, why):
            said = f"{asked['decision']} by {asked['decided_by'] or 'nobody'} {asked['decided_at']}".strip()
            raise Refused("already-decided", f"deciding on {todo_id} of {run_id}: it is {said}")

    def close(self, run_id: str, todo_id: str, decision: str) -> None:
        """What came of an approval: landed or void. Who said what stays; the TODO's own message says why it is void."""
        with self._engine.begin() as db:
            db.execute(sa.update(approvals).where(_one(run_id, todo_id)).values(decision=decision))

    def expire(self) -> list[tuple[str, str]]:
        """Make void what nobody decided in time; returns (run id, TODO id) of each."""
        late = [(row["run_id"], row["todo_id"]) for row in self.waiting() if is_over(row["asked_at"])]
        return [(run, todo) for run, todo in late if self._set(run, todo, "void", "", "a day went by")]

    def _set(self, run_id: str, todo_id: str, decision: str, by: str, why: str) -> bool:
        values = {"decision": decision, "decided_by": by, "decided_at": now(), "why": why}
        undecided = _one(run_id, todo_id) & (approvals.c.decision == "")
        with self._engine.begin() as db:
            return bool(db.execute(sa.update(approvals).where(undecided).values(**values)).rowcount)


def is_over(asked_at: str) -> bool:
    """Whether the time to approve what was asked then (ISO 8601, UTC) is over.

    What was asked in the future was asked by another clock: how long ago that was is not known, so it is over too.
    """
    age = datetime.now(UTC) - datetime.fromisoformat(asked_at)
    return not -_CLOCKS_DIFFER <= age <= VALID_FOR


def _one(run_id: str, todo_id: str) -> sa.ColumnElement[bool]:
    return (approvals.c.run_id == run_id) & (approvals.c.todo_id == todo_id)
