"""The desk of the database here. What people do goes through the same acts as in the web face."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from app.acts import Doing
from app.cli.desk import Row, listed, no_such_run
from app.cli.person import person
from app.cli.shown import hidden
from app.ledger.listing import Wanted
from app.main import compose
from app.settings import Settings
from pipelines import durable

# What the run itself says already.
_OF_RUN = ("run_id", "repository", "post_mortem", "position")
_LOOK_SECONDS = 0.3
# As many as the API tells of.
_MOST_WAITING = 200
# A run whose flow broke gets no outcome; that is asked of the engine once in so many rounds.
_ASK_EVERY = 20


class Here:
    """What commands are done over where no service is named."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._ledger = compose(settings)
        self._acts, self._by = Doing(settings, self._ledger), f"cli:{person()}"

    def runs(self, limit: int, outcome: str, repository: str) -> list[Row]:
        rows = self._ledger.listing.older(Wanted(outcome, repository), limit)
        return [listed(_shown(row)) for row in rows]

    def run(self, run_id: str) -> Row:
        row, checks = self._row(run_id), self._ledger.checks.of_run(run_id)
        todos = [
            {
                **{name: value for name, value in todo.items() if name not in _OF_RUN},
                "checks": checks.get(todo["id"], []),
            }
            for todo in self._ledger.runs.todos(run_id)
        ]
        return _shown({**row, "todos": todos, "events": self._ledger.runs.events(run_id)})

    def follow(self, run_id: str, said: Callable[[str], None]) -> Iterator[Row]:
        seen = 0
        for rounds in itertools.count(1):
            over = self._row(run_id)["finished_at"] is not None
            if not over and rounds % _ASK_EVERY == 0 and self._is_broken_off(run_id):
                said(f"{run_id} was broken off, see the service's log")
                over = True
            for event in self._ledger.runs.events(run_id, seen):
                seen = event["id"]
                yield _shown(event)
            if over:
                return
            time.sleep(_LOOK_SECONDS)

    def approvals(self) -> list[Row]:
        return [_shown(_asked(row)) for row in self._ledger.pages.parked(limit=_MOST_WAITING)]

    def decide(self, run_id: str, todo_id: str, decision: str, why: str) -> None:
        self._acts.decide(run_id, todo_id, decision, self._by, why)

    def cancel(self, run_id: str, why: str) -> bool:
        return self._acts.cancel(run_id, self._by, why)

    def retry(self, run_id: str) -> str:
        return self._acts.retry(run_id, self._by)

    def replay(self, delivery_id: str, wait: float) -> Row:
        subject = self._acts.take_up(delivery_id, self._by)
        deadline, url = time.monotonic() + wait, self._settings.database.url
        ended = not subject
        while not ended and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            ended = durable.is_over(url, "follow_push", subject)
        known = self._ledger.deliveries.get(delivery_id)
        runs = self._ledger.runs.of_delivery(delivery_id)
        came = {"delivery": known.id, "reason": known.reason, "message": known.message, "runs": runs}
        return _shown({**came, "handed_over": bool(subject), "ended": ended})

    def pause(self, why: str) -> bool:
        return self._acts.pause(self._by, why)

    def resume(self) -> bool:
        return self._acts.resume(self._by)

    def spend(self, days: int) -> Row:
        return self._ledger.spend.report(days, self._settings.agent.day_budget_usd)

    def _row(self, run_id: str) -> dict[str, Any]:
        try:
            return self._ledger.runs.row(run_id)
        except KeyError:
            raise no_such_run(run_id) from None

    def _is_broken_off(self, run_id: str) -> bool:
        """Whether neither the run nor any decision of a person on it goes on in the engine."""
        subjects = [("follow_through", run_id)]
        subjects += [("follow_approval", f"{run_id} {todo['id']}") for todo in self._ledger.runs.todos(run_id)]
        return all(durable.is_over(self._settings.database.url, flow, subject) for flow, subject in subjects)


def _asked(row: dict[str, Any]) -> Row:
    """What a person is asked, as the API shows it."""
    of_todo = ("repository", "post_mortem", "action", "message")
    asked = {"run": row["run_id"], "todo": row["todo_id"], **{name: row[name] for name in of_todo}}
    does = [line for plan in row["plans"] for line in plan["shown"]]
    return {**asked, "does": does, **{name: row[name] for name in ("asked_at", "commit", "branch")}}


def _shown(row: dict[str, Any]) -> Row:
    """A row as the API shows it: redacted, with an outcome when nothing more will happen."""
    shown: Row = hidden({name: value for name, value in row.items() if name != "source"})
    if "finished_at" in shown and "cost_usd" in shown and "todos" in shown and not shown["finished_at"]:
        shown["outcome"] = None
    return shown
