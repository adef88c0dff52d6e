"""Review: what waits for a person to approve or decline it, what stopped and is a person's, and what was decided."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.guard import table
from app.ledger import Ledger
from app.ledger.approvals import VALID_FOR, is_over
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import commit_url, page
from app.web.pages.keys import PAGE, older, read

# Beside what waits, of the two other lists.
_FIRST = 3
# Each is a plan to read and two forms, or what stopped with its findings: more of them take a browser long to lay out.
_TO_DECIDE, _STOPPED = 6, 15
_ORDER = ("finished_at", "run_id", "id")
_ASKED = ("asked_at", "run_id", "todo_id")
# What a person is asked to do, by outcome.
_ASKED_FOR = {
    "unknown": "Look at the stack: an apply had begun, and nobody knows how far it came. Nothing repeats it by itself.",
    "refused": "Do it by hand, or word the TODO so that the rule lets it through; a new text is a new try.",
    "failed": "Remove what was in the way, then push the post-mortem again or retry the run.",
    "needs-human": "Do it by hand and mark it Done in the post-mortem.",
    "landed": "It is on the branch and was not seen to work: look, and mend it or take it back.",
}
STOPPED = ("unknown", "refused", "failed", "needs-human")


def router(settings: Settings, ledger: Ledger, access: Access, _: Acts) -> APIRouter:
    """GET /review, /review/stopped and /review/decided."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        return {**row, "url": commit_url(settings, row["repository"], row["commit"]), "valid_until": _until(row)}

    @routes.get("/review")
    def review(request: Request, who: Identity = reader, after: str = "") -> Response:
        rows = [shown(row) for row in ledger.pages.parked(read(after, 3), _TO_DECIDE + 1)]
        more = older("/review", rows, _TO_DECIDE + 1, *_ASKED).replace("before=", "after=")
        stopped = [shown(row) for row in ledger.pages.stopped(STOPPED, True, limit=_FIRST)]
        decided = [shown(row) for row in ledger.pages.decided(limit=_FIRST)]
        values: dict[str, Any] = {
            "parked": rows,
            "more": more,
            "first": not after,
            "stopped": stopped,
            "decided": decided,
        }
        return page(request, who, "review.html", rules=_rules(), asked_for=_asked_for, is_over=is_over, **values)

    @routes.get("/review/stopped")
    def stopped(
        request: Request, who: Identity = reader, outcome: str = "", left: str = "", before: str = ""
    ) -> Response:
        outcomes = (outcome,) if outcome in STOPPED else STOPPED
        rows = [shown(row) for row in ledger.pages.stopped(outcomes, not left, read(before, 3), _STOPPED + 1)]
        more = older("/review/stopped", rows, _STOPPED + 1, *_ORDER, outcome=outcome, left=left)
        values: dict[str, Any] = {
            "rows": rows,
            "more": more,
            "outcome": outcome,
            "left": left,
            "outcomes": STOPPED,
            "before": before,
        }
        return page(request, who, "review_stopped.html", rules=_rules(), asked_for=_asked_for, **values)

    @routes.get("/review/decided")
    def decided(request: Request, who: Identity = reader, before: str = "") -> Response:
        rows = [shown(row) for row in ledger.pages.decided(read(before, 3), PAGE + 1)]
        more = older("/review/decided", rows, PAGE + 1, *_ASKED)
        return page(request, who, "review_decided.html", rows=rows, more=more, before=before)

    return routes


def _asked_for(row: dict[str, Any]) -> str:
    landed = row["outcome"] == "needs-human" and row["commit"]
    return _ASKED_FOR.get("landed" if landed else row["outcome"], "")


def _until(row: dict[str, Any]) -> str:
    """Until when what is asked can be approved, empty for what is not asked."""
    if "asked_at" not in row:
        return ""
    return (datetime.fromisoformat(row["asked_at"]).astimezone(UTC) + VALID_FOR).strftime("%Y-%m-%dT%H:%M:%SZ")


@cache
def _rules() -> dict[str, table.Row]:
    return {row.id: row for row in table.rows()}
