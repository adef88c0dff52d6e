"""Deliveries: every webhook with what was decided, why, and what came of it."""

from __future__ import annotations

from itertools import groupby, islice
from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.ledger import Ledger
from app.ledger.deliveries import HELD_BACK
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import commit_url, page
from app.web.pages.keys import PAGE, older, read

_DECISIONS = ("accepted", "ignored")
_DAYS = 7


def router(settings: Settings, ledger: Ledger, access: Access, _: Acts) -> APIRouter:
    """GET /deliveries."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    def shown(row: dict[str, Any]) -> dict[str, Any]:
        # What was ignored for what it is stays ignored; what nobody vouched for may be vouched for.
        can = row["decision"] == "accepted" or row["reason"] == HELD_BACK
        return {**row, "url": commit_url(settings, row["repository"], row["after"]), "can_replay": can}

    @routes.get("/deliveries")
    def deliveries(request: Request, who: Identity = reader, decision: str = "", before: str = "") -> Response:
        wanted = decision if decision in _DECISIONS else ""
        rows = [shown(row) for row in ledger.pages.deliveries(read(before, 2), wanted, PAGE + 1)]
        more = older("/deliveries", rows, PAGE + 1, "received_at", "id", decision=wanted)
        values: dict[str, Any] = {
            "rows": rows,
            "more": more,
            "decision": wanted,
            "decisions": _DECISIONS,
            "before": before,
        }
        return page(request, who, "deliveries.html", rejected=_rejected(ledger), **values)

    return routes


def _rejected(ledger: Ledger) -> list[tuple[str, list[dict[str, Any]]]]:
    """The last days on which requests were not let in, newest first, with the counts by reason."""
    rows = sorted(ledger.deliveries.rejected(), key=lambda row: (row["day"], row["count"]), reverse=True)
    return [(day, list(found)) for day, found in islice(groupby(rows, lambda row: row["day"]), _DAYS)]
