"""One run: what it did, why that was allowed, what it wants from a person, and what it cost."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from sqlalchemy.exc import SQLAlchemyError

from app.errors import BadInput
from app.guard.table import rows as rules
from app.ledger import Ledger
from app.ledger.approvals import VALID_FOR, is_over
from app.ledger.runs import by_priority
from app.reasons import in_words
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts, Timed
from app.web.identity import Identity
from app.web.pages import timeline
from app.web.pages.base import commit_url, page
from app.web.pages.diffs import rows
from app.web.pages.post_mortems import address_of
from app.web.shapes import RunId

# Lines that the page of a run has; others have pages of their own.
_LINES = 600
_LINES_A_PAGE = 500
_FOLLOWED = "x-followed"
log = logging.getLogger(__name__)
_RULES = {row.id: row for row in rules()}
_RUN_WORDS = {
    "": "It goes on.",
    "done": "All that a machine may do here is done, and was seen to work.",
    "partial": "Some of it is done; the rest is told below.",
    "nothing-to-do": "The post-mortem asked for nothing that a machine may do.",
    "needs-human": "Nothing of it was done by machine alone; people have to look.",
    "failed": "It broke on our side; what failed is tried again with the next push or by hand.",
    "unknown": "An apply may have happened in part. A person has to look before anything else happens.",
    "cancelled": "It was stopped before it had done anything.",
    "refused": "A rule said no.",
}
_TODO_WORDS = {
    "done": "It is on the branch, and was seen to work.",
    "needs-human": "It is left to a person.",
    "awaiting-approval": "The change is ready and judged; it waits for a person.",
    "refused": "A rule said no. Nothing was applied.",
    "failed": "It broke on our side. Nothing was applied.",
    "unknown": "Its apply may have happened in part: a person has to look at the stack.",
    "cancelled": "It was not begun, or was stopped before anything was applied.",
}


def router(settings: Settings, ledger: Ledger, access: Access, acts: Acts) -> APIRouter:
    """GET /runs/{id}, and /runs/{id}/lines for the lines that it has no room for."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    @routes.get("/runs/{run_id}")
    def run(request: Request, run_id: RunId, who: Identity = reader) -> Response:
        # Who follows asks for the page again, and has its lines.
        most_lines = 0 if request.headers.get(_FOLLOWED) else _LINES
        return page(request, who, "run.html", **_known(settings, ledger, acts, run_id, most_lines))

    @routes.get("/runs/{run_id}/lines")
    def older(
        request: Request,
        run_id: RunId,
        before: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
        who: Identity = reader,
    ) -> Response:
        row = _row(ledger, run_id)
        found = ledger.following.last_lines(run_id, _LINES_A_PAGE, before)
        back = found[0]["id"] if len(found) == _LINES_A_PAGE else 0
        names = {todo["id"]: todo["action"] for todo in ledger.runs.todos(run_id)}
        return page(request, who, "run_lines.html", run=row, lines=found, older=back, names=names)

    return routes


def _row(ledger: Ledger, run_id: str) -> dict[str, Any]:
    try:
        row = ledger.runs.row(run_id)
    except KeyError:
        raise BadInput("no-such-run", f"showing run {run_id[:100]}: there is none; it may have been removed") from None
    # Its outcome is shown when nothing more will happen, people are told and the DevVM is clean.
    return {**row, "outcome": (row["outcome"] or "") if row["finished_at"] else ""}


def _known(settings: Settings, ledger: Ledger, acts: Acts, run_id: str, most_lines: int) -> dict[str, Any]:
    row = _row(ledger, run_id)
    # Before what is shown beside them: a line that comes in between is followed, and not missed.
    lines = ledger.following.last_lines(run_id, max(most_lines, 1))
    cards = _cards(settings, ledger, row)
    names = {card["todo"]["id"]: card["todo"]["action"] for card in cards}
    steps, unread = _steps(acts, run_id)
    now = time.time()
    of_todo: dict[str, list[dict[str, Any]]] = {}
    for line in lines[-most_lines:] if most_lines else []:
        of_todo.setdefault(line["todo_id"] if line["todo_id"] in names else "", []).append(line)
    return {
        "run": row,
        "words": _RUN_WORDS.get(row["outcome"], ""),
        "advice": in_words(row["reason"]),
        "commit_url": commit_url(settings, row["repository"], row["commit"]),
        "document_url": _document_url(ledger, row),
        "started_by": _started_by(ledger, row),
        "cards": cards,
        "counts": sorted(Counter(card["todo"]["outcome"] or "going-on" for card in cards).items()),
        "waiting": [card for card in cards if card["waits"]],
        "lines": of_todo,
        "last": lines[-1]["id"] if lines else 0,
        "older": lines[0]["id"] if most_lines and len(lines) == most_lines else 0,
        "steps": timeline.told(steps, names, now),
        "picture": timeline.drawn(steps, names, now),
        "unread": unread,
        "can_retry": row["finished_at"] and row["outcome"] not in ("done", "nothing-to-do"),
    }


def _steps(acts: Acts, run_id: str) -> tuple[Sequence[Timed], bool]:
    """The steps of a run, and whether they could not be read: the engine's tables are its own, and the page goes on."""
    try:
        return acts.steps(run_id), False
    except SQLAlchemyError as error:
        log.warning("the steps of %s cannot be read: %s", run_id, type(error).__name__)
        return (), True


def _document_url(ledger: Ledger, row: Mapping[str, Any]) -> str:
    """The post-mortem's own page, empty where it has none."""
    repository, path = row["repository"], row["post_mortem"]
    return address_of(repository, path) if ledger.documents.find(repository, path) else ""


def _started_by(ledger: Ledger, row: Mapping[str, Any]) -> dict[str, str]:
    """Who began the run: a push, with who pushed, or a person, with how they are known."""
    if row["delivery"]:
        try:
            delivery = ledger.deliveries.get(row["delivery"])
        except KeyError:
            return {"how": "a push", "who": "", "delivery": row["delivery"]}
        return {"how": f"a push at {delivery.forge}", "who": delivery.pusher, "delivery": row["delivery"]}
    return {"how": "a person", "who": ledger.listing.asked_by(row["id"]), "delivery": ""}


def _cards(settings: Settings, ledger: Ledger, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    run_id = row["id"]
    checks, tries = ledger.checks.of_run(run_id), ledger.listing.tries(run_id)
    diffs, plans = ledger.changes.diffs(run_id), ledger.changes.plans(run_id)
    cards = []
    for todo in sorted(ledger.runs.todos(run_id), key=by_priority):
        key = todo["id"]
        asked = ledger.approvals.find(run_id, key)
        waits = asked is not None and asked["decision"] == "" and not is_over(asked["asked_at"])
        cards.append(
            {
                "todo": todo,
                "words": _TODO_WORDS.get(todo["outcome"] or "", "It is being worked on." if todo["started_at"] else ""),
                "advice": in_words(todo["reason"]),
                "findings": [{**found, "rule_row": _RULES.get(found.get("rule", ""))} for found in todo["findings"]],
                "tries": tries.get(key, []),
                "changes": _changes([d for d in diffs if d.todo_id == key], [p for p in plans if p.todo_id == key]),
                "checks": checks.get(key, []),
                "evidence": (evidence := ledger.evidence.of_todo(run_id, key)),
                "judged": _judged(evidence),
                "commit_url": commit_url(settings, row["repository"], todo["commit"]) if todo["commit"] else "",
                "approval": asked,
                "waits": waits,
                "until": f"{datetime.fromisoformat(asked['asked_at']) + VALID_FOR:%Y-%m-%dT%H:%M:%SZ}" if asked else "",
            }
        )
    return cards


def _changes(diffs: Sequence[Any], plans: Sequence[Any]) -> list[dict[str, Any]]:
    """What each try changed and planned, the last try first."""
    attempts = sorted({kept.attempt for kept in (*diffs, *plans)}, reverse=True)
    return [
        {
            "attempt": attempt,
            "files": [
                {**file, "rows": list(rows(file["diff"]))}
                for kept in diffs
                if kept.attempt == attempt
                for file in kept.shown
            ],
            "plans": [{"stack": kept.stack, **kept.shown} for kept in plans if kept.attempt == attempt],
        }
        for attempt in attempts
    ]


def _judged(evidence: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The verdicts on the last try: that on its edits, and those on its plans."""
    verdicts = [part for part in evidence if part["verdict"]]
    last = max((part["attempt"] for part in verdicts), default=0)
    return [part for part in verdicts if part["attempt"] == last]
