"""The desk of a service afar, over its API. What it answers is checked before it is used (`answers`)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from app.cli import answers
from app.cli.answers import relied_on
from app.cli.desk import Row, listed, no_such_run
from app.cli.remote import Remote, hidden, plain
from app.errors import BadInput, Failed, Transient
from app.ledger.deliveries import HELD_BACK, TRY_AGAIN

# How long a connection that was lost while following is tried to be had again, and how long is waited in between.
GIVE_UP_SECONDS = 300.0
_PAUSES = (1.0, 2.0, 4.0, 8.0, 15.0)
_LOOK_SECONDS = 0.5
# The API's longest page.
_PAGE = 200


class There:
    """What commands are done over where a service is named."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def runs(self, limit: int, outcome: str, repository: str) -> list[Row]:
        found: list[Row] = []
        while len(found) < limit:
            before = found[-1]["id"] if found else ""
            count = min(_PAGE, limit - len(found))
            asked = {"limit": count, "before": before, "outcome": outcome, "repository": repository}
            page = _within(self._remote.get("runs", **asked), "runs", list[answers.ListedRun])
            found += page
            if len(page) < count:
                break
        return [listed(row) for row in found[:limit]]

    def run(self, run_id: str) -> Row:
        try:
            row = self._remote.get("runs", run_id)
        except BadInput as error:
            raise (no_such_run(run_id) if error.reason == "no-such-run" else error) from None
        return dict(relied_on(answers.WholeRun, row))

    def follow(self, run_id: str, said: Callable[[str], None]) -> Iterator[Row]:
        """Events from the first on. A connection that is lost is made anew behind the last event that came.

        Raises Transient when that cannot be done for GIVE_UP_SECONDS.
        """
        last, lost_at, tries = 0, 0.0, 0
        while True:
            try:
                for event in self._remote.stream("runs", run_id, "events", last_id=str(last) if last else ""):
                    if tries:
                        said("connected again; nothing was left out")
                    lost_at, tries = 0.0, 0
                    if event.name == "end":
                        return
                    if event.name == "message":
                        line = self._line(event.data)
                        last = max(last, line["id"])
                        yield line
                # A stream ends by itself after some minutes, so that who may not read any more is found out.
                trouble: Transient | None = None
            except Transient as error:
                trouble = error
            except BadInput as error:
                raise (no_such_run(run_id) if error.reason == "no-such-run" else error) from None
            now = time.monotonic()
            lost_at = lost_at or now
            if now - lost_at > GIVE_UP_SECONDS:
                message = f"following {run_id}: nobody has answered for {GIVE_UP_SECONDS:.0f} s; it goes on by itself"
                raise Transient("service-unreachable", f"{message}, see followthrough runs {run_id}")
            if trouble and not tries:
                said(f"the connection is lost, it is tried again for {GIVE_UP_SECONDS / 60:.0f} minutes: {trouble}")
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
            tries += bool(trouble)

    def approvals(self) -> list[Row]:
        return _within(self._remote.get("approvals"), "approvals", list[answers.Waiting])

    def decide(self, run_id: str, todo_id: str, decision: str, why: str) -> None:
        word = {"approved": "approve", "declined": "decline"}[decision]
        self._remote.post("runs", run_id, "todos", todo_id, word, why=why)

    def cancel(self, run_id: str, why: str) -> bool:
        return self._changed(self._remote.post("runs", run_id, "cancel", why=why))

    def retry(self, run_id: str) -> str:
        return str(relied_on(answers.NewRun, self._remote.post("runs", run_id, "retry"))["run"])

    def replay(self, delivery_id: str, wait: float) -> Row:
        try:
            before = self._delivery(delivery_id)
        except BadInput:
            # Whoever replays it says so in the words of replaying.
            before = {}
        self._remote.post("deliveries", delivery_id, "replay")
        if not before:
            before = self._delivery(delivery_id)
        handed_over = before["reason"] in ("", HELD_BACK, *TRY_AGAIN)
        deadline, now = time.monotonic() + wait, before
        ended = not handed_over
        while not ended and time.monotonic() < deadline:
            time.sleep(_LOOK_SECONDS)
            now = self._delivery(delivery_id)
            # One that fails once more in the same words cannot be told from one that is not begun.
            ended = now["reason"] not in ("", HELD_BACK) and _said(now) != _said(before)
        came = {"delivery": delivery_id, "reason": now["reason"], "message": now["message"], "runs": now["runs"]}
        return {**came, "handed_over": handed_over, "ended": ended}

    def pause(self, why: str) -> bool:
        return self._changed(self._remote.post("pause", why=why))

    def resume(self) -> bool:
        return self._changed(self._remote.post("resume"))

    def spend(self, days: int) -> Row:
        return dict(relied_on(answers.Spending, self._remote.get("spend", days=days)))

    def _delivery(self, delivery_id: str) -> Row:
        return dict(relied_on(answers.OneDelivery, self._remote.get("deliveries", delivery_id)))

    def _changed(self, answer: Any) -> bool:
        return bool(relied_on(answers.Changed, answer)["changed"])

    def _line(self, data: str) -> Row:
        try:
            value = hidden(plain(data), self._remote.hidden)
        except (ValueError, RecursionError):
            raise Failed("not-followthrough", "following a run: a line of it is no JSON") from None
        return dict(relied_on(answers.OneEvent, value))


def _said(delivery: Row) -> tuple[str, str]:
    return delivery["reason"], delivery["message"]


def _within(answer: Any, name: str, kind: Any) -> list[Row]:
    """The list that an answer holds under this name."""
    found = answer.get(name) if isinstance(answer, dict) else None
    return list(relied_on(kind, found))
