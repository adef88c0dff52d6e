"""A ledger as a service has it after months: something of everything that pages and the API list, put in at once.

Rows are made by number, so that two ledgers differ in how many they have and in nothing else. Run 0 and document 0 are
the oldest ones, and alike in ledgers in which each document has equally many runs.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from app.guard.shown import shown_edits
from app.ledger.documents import folded
from app.ledger.people import actions
from app.ledger.schema import approvals, changes, checks, deliveries, events, evidence, rejections, runs, spend, todos
from app.ledger.schema_documents import document_items, documents
from tests.web.run_scene import edits, planned
from tests.world.forge import REPOSITORY

# Shorter than the period that the page of insights adds up without being asked: all of it is added up there.
_DAYS = 85
_EVENTS = 30
_AT_ONCE = 5000
_KINDS = ("Alert", "Config", "Monitor", "Architecture")
_WORDS = ("Alert when {} is slow", "Raise the limits of {}", "Watch {} from outside", "Move {} elsewhere")
# What the first and the third TODO of a run came to, in turns.
_ENDS = (
    ("done", ""),
    ("refused", "change-refused"),
    ("failed", "agent-failed"),
    ("done", ""),
    ("unknown", "apply-lost"),
)
_DECIDED = ("landed", "declined", "void")
_RULES = ("FILE-03", "FILE-07", "PLAN-05", "PLAN-10")
_PLAN = {"stack": "monitoring", "job": "", "sha256": "ab" * 32, "does": ["create x"], "findings": [], "shown": ["+ x"]}
_HEAD = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
Row = dict[str, Any]


@dataclass(frozen=True)
class Size:
    """How much there is: runs of four TODOs each, the post-mortems that they are of, changes that wait, live runs."""

    runs: int
    documents: int
    waiting: int = 0
    live: int = 0


def fill(engine: Engine, size: Size) -> None:
    """Put it all in, in one transaction. Each run has a delivery or a person who asked for it."""
    made = _Rows(size)
    with engine.begin() as db:
        for table, rows in made.all():
            kept = iter(rows)
            while some := list(islice(kept, _AT_ONCE)):
                db.execute(sa.insert(table), some)


def run_of(number: int) -> str:
    """The id of a run."""
    return f"{REPOSITORY.replace('/', '-')}-{_hex(number)[:12]}-{number:08x}"


def path_of(number: int) -> str:
    """The path of a post-mortem."""
    return f"docs/post-mortems/2026-01-01-{number:06}.md"


class _Rows:
    """The rows of each table, by number: the higher, the newer."""

    def __init__(self, size: Size) -> None:
        self._size, self._now = size, datetime.now(UTC)
        self._step = timedelta(days=_DAYS) / size.runs
        self._diff, self._plan = json.dumps(shown_edits(edits())), json.dumps(planned())
        # Every second run has asked a person for something.
        self._asked = [n for n in range(size.runs - size.live) if n % 2]
        self._waits = set(self._asked[len(self._asked) - min(size.waiting, len(self._asked)) :])

    def all(self) -> Iterator[tuple[sa.Table, Iterable[Row]]]:
        """Each table with its rows."""
        every = range(self._size.runs)
        yield deliveries, (row for n in every for row in self._deliveries(n))
        day = self._at(self._size.runs)
        yield rejections, [{"day": day[:10], "reason": "bad-signature", "count": 3, "last_at": day}]
        yield runs, map(self._run, every)
        yield todos, (self._todo(n, k) for n in every for k in range(4))
        yield approvals, map(self._approval, self._asked)
        yield spend, (row for n in every for row in self._spend(n))
        yield evidence, (row for n in every for row in self._evidence(n))
        yield checks, map(self._check, every)
        yield changes, (row for n in every for row in self._changes(n))
        yield events, (self._event(n, line) for n in every for line in range(_EVENTS))
        yield actions, (self._action(n) for n in every if self._by_person(n))
        yield documents, map(self._document, range(self._size.documents))
        yield document_items, (self._item(n, k) for n in range(self._size.documents) for k in range(4))

    def _at(self, n: int) -> str:
        """Two after one another share their second."""
        return (self._now - (self._size.runs - n // 2 * 2) * self._step).strftime("%Y-%m-%dT%H:%M:%SZ")

    def _is_live(self, n: int) -> bool:
        return n >= self._size.runs - self._size.live

    def _by_person(self, n: int) -> bool:
        return n % 4 == 0

    def _end(self, n: int, k: int) -> tuple[str | None, str]:
        if self._is_live(n):
            return (None, "")
        if k == 3:
            return ("needs-human", "type-needs-human")
        if k == 1:
            if n in self._waits:
                return ("awaiting-approval", "approval-needed")
            return ("refused", "declined") if n % 2 and self._said(n) != "landed" else ("done", "")
        return _ENDS[(n + k) % len(_ENDS)]

    def _said(self, n: int) -> str:
        return _DECIDED[n // 2 % 3]

    def _deliveries(self, n: int) -> Iterator[Row]:
        about = {"forge": "github", "repository": REPOSITORY, "before": "0" * 40, "after": _hex(n), "pusher": "viktor"}
        about |= {"event": "push", "received_at": self._at(n)}
        if not self._by_person(n):
            ref, message = "refs/heads/master", "1 post-mortem among 3 files"
            why = {"decision": "accepted", "reason": "runs-started", "message": message}
            yield {**about, **why, "id": f"d-{n:08}", "ref": ref}
        why = {"decision": "ignored", "reason": "other-branch", "message": "refs/heads/topic is not deployed"}
        yield {**about, **why, "id": f"i-{n:08}", "ref": "refs/heads/topic"}

    def _place(self, n: int) -> Row:
        return {"repository": REPOSITORY, "post_mortem": path_of(n % self._size.documents)}

    def _run(self, n: int) -> Row:
        over = not self._is_live(n)
        outcome = "needs-human" if n in self._waits else ("partial", "failed", "done", "nothing-to-do")[n // 2 % 4]
        return {
            **self._place(n),
            "id": run_of(n),
            "commit": _hex(n),
            "source": "",
            "delivery": "" if self._by_person(n) else f"d-{n:08}",
            "dry_run": False,
            "title": _title(n % self._size.documents),
            "incident_date": "2026-01-01",
            "devvm": "vm-1",
            "created_at": self._at(n),
            "finished_at": self._at(n) if over else None,
            "outcome": outcome if over else None,
            "reason": "",
            "message": "",
        }

    def _todo(self, n: int, k: int) -> Row:
        outcome, reason = self._end(n, k)
        number = n % self._size.documents
        rule = {"rule": _RULES[n % 4], "where": "stacks/vault/main.tf", "why": "protected", "decision": "block"}
        return {
            **self._place(n),
            "run_id": run_of(n),
            "id": f"t-{k}",
            "position": k,
            "line": 12 + k,
            "action": _action(number, k),
            "details": "Below 1 GB for 10 minutes",
            "priority": "P1",
            "type": _KINDS[k],
            "safe": k < 3,
            "outcome": outcome,
            "reason": reason,
            "message": f"what is said of {_action(number, k)}",
            "findings": json.dumps([rule] if outcome in ("refused", "awaiting-approval") else []),
            "commit": _hex(n) if outcome == "done" else "",
            "started_at": self._at(n) if k < 3 else None,
            "finished_at": None if outcome is None else self._at(n),
            "touches": None,
            "rules": rule["rule"] if outcome in ("refused", "awaiting-approval") else "",
        }

    def _approval(self, n: int) -> Row:
        waits = n in self._waits
        # What waits can be approved still: it was asked within the last hours.
        asked = (self._now - timedelta(seconds=(self._size.runs - n) // 4 * 60)) if waits else None
        return {
            "run_id": run_of(n),
            "todo_id": "t-1",
            "commit": _hex(n),
            "tree": "b" * 40,
            "base": "c" * 40,
            "branch": f"followthrough/{run_of(n)}/t-1",
            "plans": json.dumps([_PLAN]),
            "asked_at": asked.strftime("%Y-%m-%dT%H:%M:%SZ") if asked else self._at(n),
            "decision": "" if waits else self._said(n),
            "decided_by": "" if waits else "token:oli",
            "decided_at": "" if waits else self._at(n),
            "why": "",
        }

    def _spend(self, n: int) -> Iterator[Row]:
        for k, attempt in ((0, 1), (0, 2), (1, 1), (2, 1)):
            about = {"run_id": run_of(n), "todo_id": f"t-{k}", "attempt": attempt, "day": self._at(n)[:10]}
            yield {**about, "reserved_usd": 2.0, "spent_usd": None if self._is_live(n) else 0.25, "lost": False}

    def _evidence(self, n: int) -> Iterator[Row]:
        kinds = (("agent", "", 0, ""), ("edits", "", None, "allow"), ("plan", "monitoring", 2, "allow"))
        for kind, subject, code, verdict in kinds:
            about = {"run_id": run_of(n), "todo_id": "t-0", "kind": kind, "attempt": 1, "subject": subject}
            yield {**about, "at": self._at(n), "hash": "ab" * 32, "exit_code": code, "policy": "p", "verdict": verdict}

    def _check(self, n: int) -> Row:
        about = {"run_id": run_of(n), "todo_id": "t-0", "kind": "prometheus-rule", "subject": f"Rule{n}"}
        times = {"at": self._at(n), "first_at": self._at(n)}
        return {**about, **times, "ok": True, "answer": "health ok", "reason": "", "link": ""}

    def _changes(self, n: int) -> Iterator[Row]:
        about = {"run_id": run_of(n), "todo_id": "t-0", "attempt": 1, "at": self._at(n)}
        yield {**about, "kind": "diff", "subject": "", "shown": self._diff}
        yield {**about, "kind": "plan", "subject": "monitoring", "shown": self._plan}

    def _event(self, n: int, line: int) -> Row:
        about = {"run_id": run_of(n), "todo_id": f"t-{line % 4}", "at": self._at(n), "phase": "agent"}
        return {**about, "text": f"line {line} of what is told of run {n}"}

    def _action(self, n: int) -> Row:
        about = {"at": self._at(n), "by": "token:oli", "how": "token", "action": "start", "run_id": "", "todo_id": ""}
        about |= {"subject": f"{REPOSITORY} {path_of(n % self._size.documents)}", "why": "", "outcome": "done"}
        return {**about, "reason": "", "times": 1, "counted": None}

    def _document(self, n: int) -> Row:
        stands = ("Done", "TODO", "TODO", "TODO")
        rows = "".join(f"| P1 | {_action(n, k)} | {_KINDS[k]} | as said | {stands[k]} |\n" for k in range(4))
        about = {"priority": "P1", "owner": "me", "due": "2026-01-02", "reason": "", "safe": True}
        items = [
            {**about, "id": f"t-{k}", "action": _action(n, k), "type": _KINDS[k], "line": 12 + k, "end_line": 12 + k}
            | {"status": "open" if k else "done"}
            for k in range(4)
        ]
        actions_said = " ".join(_action(n, k) for k in range(4))
        return {
            "repository": REPOSITORY,
            "path": path_of(n),
            "blob": _hex(n),
            "commit": _hex(n),
            "title": _title(n),
            "date": f"{2020 + n % 6}-{n % 12 + 1:02}-{n % 28 + 1:02}",
            "severity": "SEV2",
            "text": f"# Post-Mortem: {_title(n)}\n\n**Date**: 2026-01-01\n\n## Prevention Plan\n\n{_HEAD}{rows}",
            "items": json.dumps(items),
            "failure": "",
            "words": folded(f"{REPOSITORY} {path_of(n)} {_title(n)} {actions_said}"),
            "open": 3,
            "done": 1,
            "next_due": "2026-01-02",
            "seen_at": self._at(n),
            "gone_at": "",
        }

    def _item(self, n: int, k: int) -> Row:
        at = self._at(n * self._size.runs // self._size.documents)
        done = {"is_open": False, "closed_at": at, "closed_by": "run", "lead_seconds": 3600 + n}
        still = {"is_open": True, "closed_at": "", "closed_by": "", "lead_seconds": None}
        about = {"repository": REPOSITORY, "path": path_of(n), "id": f"t-{k}", "type": _KINDS[k], "opened_at": at}
        return {**about, **(still if k else done), "due": "2026-01-02", "gone_at": ""}


def _title(n: int) -> str:
    return f"Outage number {n} of the cluster"


def _action(n: int, k: int) -> str:
    return _WORDS[k].format(f"service {n}")


@cache
def _hex(n: int) -> str:
    """Forty digits that no other number has."""
    return hashlib.sha1(str(n).encode(), usedforsecurity=False).hexdigest()
