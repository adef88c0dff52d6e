"""Runs and their TODOs: what was asked, how far it got, what came of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.clock import now
from app.ledger.schema import effects, events, runs, spend, todos

# A TODO with one of these is not done again by a later push: it is finished, nobody knows whether it is, a rule said no
# to this very text, or a person is asked. What failed is tried again, and so is what a rule refused for a reason that
# is not in the text.
SETTLED = ("done", "unknown", "refused", "awaiting-approval")
PASSING_REASONS = (
    "todo-budget-spent",
    "run-budget-spent",
    "day-budget-spent",
    "changes-pending",
    "environment-unsafe",
)


@dataclass(frozen=True)
class Run:
    """One commit of one post-mortem. `source` is empty for our mirror, else the folder of a checkout."""

    id: str
    repository: str
    post_mortem: str
    commit: str
    source: str = ""
    delivery: str = ""
    dry_run: bool = False


@dataclass(frozen=True)
class Todo:
    """One open action item of a run, as it was when the run began. `reason` says why one that is not safe is not."""

    id: str
    position: int
    line: int
    action: str
    details: str
    priority: str
    type: str
    safe: bool
    reason: str = ""


def by_priority(todo: Mapping[str, Any]) -> tuple[str, int]:
    """The order in which a run's TODOs are done: P0 first, then as in the document."""
    return todo["priority"] or "P9", todo["position"]


class Runs:
    """The runs of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, run: Run) -> bool:
        """Keep a new run; False when it is there already."""
        blank = {"title": "", "incident_date": "", "devvm": "", "reason": "", "message": ""}
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(runs).values(**asdict(run), **blank, created_at=now()))
        except IntegrityError:
            return False
        return True

    def get(self, run_id: str) -> Run:
        """The run as it was asked for. Raises KeyError."""
        row = self.row(run_id)
        return Run(**{name: row[name] for name in Run.__dataclass_fields__})

    def row(self, run_id: str) -> dict[str, Any]:
        """The run with everything that is known of it, and its cost in US dollars. Raises KeyError."""
        with self._engine.connect() as db:
            row = db.execute(_with_cost().where(runs.c.id == run_id)).mappings().first()
        if row is None:
            raise KeyError(run_id)
        return dict(row)

    def newest(self, limit: int = 100) -> list[dict[str, Any]]:
        """The last runs, newest first."""
        query = _with_cost().order_by(runs.c.created_at.desc(), runs.c.id).limit(limit)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def of_delivery(self, delivery_id: str) -> list[str]:
        """Ids of the runs that a delivery started."""
        with self._engine.connect() as db:
            return list(db.execute(sa.select(runs.c.id).where(runs.c.delivery == delivery_id)).scalars())

    def is_first(self, run: Run) -> bool:
        """Whether no other run was ever about this post-mortem, by its path."""
        same = (runs.c.repository == run.repository) & (runs.c.post_mortem == run.post_mortem) & (runs.c.id != run.id)
        with self._engine.connect() as db:
            return db.execute(sa.select(runs.c.id).where(same)).first() is None

    def describe(self, run_id: str, **values: str) -> None:
        """Set title, incident_date or devvm."""
        with self._engine.begin() as db:
            db.execute(sa.update(runs).where(runs.c.id == run_id).values(**values))

    def finish(self, run_id: str, outcome: str, reason: str = "", message: str = "") -> None:
        """Say what came of the run. A run that has an outcome keeps it; it goes on until it is closed."""
        ended = sa.update(runs).where((runs.c.id == run_id) & runs.c.outcome.is_(None))
        with self._engine.begin() as db:
            db.execute(ended.values(outcome=outcome, reason=reason, message=message))

    def close(self, run_id: str) -> None:
        """Nothing more will happen in this run. One that nobody could conclude has failed."""
        self.finish(run_id, "failed", "not-concluded", "the run ended before its outcome could be recorded")
        with self._engine.begin() as db:
            db.execute(sa.update(runs).where(runs.c.id == run_id).values(finished_at=now()))

    def is_closed(self, run_id: str) -> bool:
        """Whether a run of this ledger is over; False for one that it does not know."""
        query = sa.select(runs.c.id).where((runs.c.id == run_id) & runs.c.finished_at.is_not(None))
        with self._engine.connect() as db:
            return db.execute(query).first() is not None

    def reopen(self, run_id: str) -> None:
        """Something happens in this run once more: what it left on the DevVM is needed until it is closed again."""
        with self._engine.begin() as db:
            db.execute(sa.update(runs).where(runs.c.id == run_id).values(finished_at=None))

    def conclude_again(self, run_id: str, outcome: str) -> None:
        """Say what came of a run when a person's decision has changed that."""
        with self._engine.begin() as db:
            db.execute(sa.update(runs).where(runs.c.id == run_id).values(outcome=outcome))

    def add_todos(self, run: Run, found: Sequence[Todo]) -> None:
        """Keep the run's TODOs; those that are there already stay as they are."""
        place = {"run_id": run.id, "repository": run.repository, "post_mortem": run.post_mortem}
        with self._engine.begin() as db:
            known = set(db.execute(sa.select(todos.c.id).where(todos.c.run_id == run.id)).scalars())
            new = [
                {**place, **asdict(t), "message": "", "findings": "[]", "commit": ""}
                for t in found
                if t.id not in known
            ]
            if new:
                db.execute(sa.insert(todos), new)

    def settled(self, run: Run) -> dict[str, str]:
        """Outcomes of this document's TODOs that earlier runs settled, by TODO id.

        A document that was renamed is known by its title and the incident's date.
        """
        here = self.row(run.id) if run.id else {"title": "", "incident_date": ""}
        alike = (runs.c.title == here["title"]) & (runs.c.incident_date == here["incident_date"])
        same = (todos.c.post_mortem == run.post_mortem) | (alike if here["title"] else sa.false())
        earlier = (todos.c.repository == run.repository) & same & (todos.c.run_id != run.id)
        # What was landed and then left to a person is theirs.
        landed = (todos.c.outcome == "needs-human") & (todos.c.commit != "")
        final = (todos.c.outcome.in_(SETTLED) & todos.c.reason.not_in(PASSING_REASONS)) | landed
        query = sa.select(todos.c.id, todos.c.outcome).join(runs, runs.c.id == todos.c.run_id).where(earlier & final)
        with self._engine.connect() as db:
            return {row.id: row.outcome for row in db.execute(query)}

    def done_before(self, run: Run, todo_id: str) -> dict[str, Any] | None:
        """The row of a TODO that an earlier run finished, the newest one; None when there is none."""
        wanted = (todos.c.repository == run.repository) & (todos.c.id == todo_id) & (todos.c.outcome == "done")
        query = sa.select(todos).where(wanted & (todos.c.run_id != run.id)).order_by(todos.c.finished_at.desc())
        with self._engine.connect() as db:
            row = db.execute(query).mappings().first()
        return None if row is None else dict(row)

    def todo(self, run_id: str, todo_id: str) -> Todo:
        """One TODO of a run as it was when the run began. Raises KeyError."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(todos).where(_one(run_id, todo_id))).mappings().first()
        if row is None:
            raise KeyError(f"{run_id}/{todo_id}")
        return Todo(**{name: row[name] for name in Todo.__dataclass_fields__})

    def begin_todo(self, run_id: str, todo_id: str) -> None:
        """Note when work on a TODO began; the first time counts."""
        first = _one(run_id, todo_id) & todos.c.started_at.is_(None)
        with self._engine.begin() as db:
            db.execute(sa.update(todos).where(first).values(started_at=now()))

    def finish_todo(
        self,
        run_id: str,
        todo_id: str,
        outcome: str,
        reason: str,
        message: str,
        findings: Sequence[dict[str, str]] = (),
    ) -> None:
        """Say what came of a TODO."""
        values = {"outcome": outcome, "reason": reason, "message": message, "findings": json.dumps(list(findings))}
        values["rules"] = " ".join(sorted({finding.get("rule", "") for finding in findings} - {""}))
        with self._engine.begin() as db:
            db.execute(sa.update(todos).where(_one(run_id, todo_id)).values(**values, finished_at=now()))

    def set_touches(self, run_id: str, todo_id: str, touches: Sequence[str]) -> None:
        """What a TODO's change touches: paths of stacks, and of files outside of them."""
        with self._engine.begin() as db:
            db.execute(sa.update(todos).where(_one(run_id, todo_id)).values(touches=json.dumps(sorted(touches))))

    def set_commit(self, run_id: str, todo_id: str, commit: str) -> None:
        """The commit that holds a TODO's change, as it was pushed."""
        with self._engine.begin() as db:
            db.execute(sa.update(todos).where(_one(run_id, todo_id)).values(commit=commit))

    def todos(self, run_id: str) -> list[dict[str, Any]]:
        """The run's TODOs in document order, each with its cost in US dollars and its findings."""
        cost = sa.func.coalesce(sa.func.sum(spend.c.spent_usd), 0.0).label("cost_usd")
        joined = todos.outerjoin(spend, (spend.c.run_id == todos.c.run_id) & (spend.c.todo_id == todos.c.id))
        query = sa.select(todos, cost).select_from(joined).where(todos.c.run_id == run_id)
        query = query.group_by(*todos.primary_key.columns).order_by(todos.c.position)
        with self._engine.connect() as db:
            rows = [dict(row) for row in db.execute(query).mappings()]
        return [{**row, "findings": json.loads(row["findings"])} for row in rows]

    def note(self, run_id: str, phase: str, text: str, todo_id: str = "") -> None:
        """Add a line to what people follow. Redacted text only."""
        with self._engine.begin() as db:
            db.execute(sa.insert(events).values(run_id=run_id, todo_id=todo_id, at=now(), phase=phase, text=text))

    def events(self, run_id: str, after: int = 0) -> list[dict[str, Any]]:
        """The lines that came after the one with this id, oldest first."""
        query = sa.select(events).where((events.c.run_id == run_id) & (events.c.id > after)).order_by(events.c.id)
        with self._engine.connect() as db:
            return [dict(row) for row in db.execute(query).mappings()]

    def is_stopped(self, run_id: str) -> bool:
        """Whether a run that goes on has a TODO of which nobody knows how it ended."""
        unknown = (todos.c.run_id == run_id) & (todos.c.outcome == "unknown")
        query = sa.select(todos.c.id).join(runs, runs.c.id == todos.c.run_id).where(unknown & runs.c.outcome.is_(None))
        with self._engine.connect() as db:
            return db.execute(query).first() is not None

    def effects(self, run_id: str, prefix: str) -> int:
        """How many effects of a run whose keys begin like this were begun."""
        with self._engine.connect() as db:
            keys = db.execute(sa.select(effects.c.key).where(effects.c.run_id == run_id)).scalars()
            return sum(key.startswith(prefix) for key in keys)

    def begin_effect(self, run_id: str, key: str) -> bool:
        """Write ahead that an effect begins; False when it has begun before, and may have happened."""
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(effects).values(key=key, run_id=run_id, at=now()))
        except IntegrityError:
            return False
        return True


def _one(run_id: str, todo_id: str) -> sa.ColumnElement[bool]:
    return (todos.c.run_id == run_id) & (todos.c.id == todo_id)


def _with_cost() -> sa.Select[Any]:
    paid = sa.select(sa.func.coalesce(sa.func.sum(spend.c.spent_usd), 0.0)).where(spend.c.run_id == runs.c.id)
    return sa.select(runs, paid.scalar_subquery().label("cost_usd"))
