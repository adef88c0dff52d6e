"""All runs, newest first, a page at a time."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from app.ledger import Ledger
from app.ledger.listing import GOING_ON, Wanted
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import page
from app.web.shapes import Before, Name

_A_PAGE = 30
OUTCOMES = (GOING_ON, "needs-human", "unknown", "failed", "refused", "partial", "done", "cancelled", "nothing-to-do")


def router(settings: Settings, ledger: Ledger, access: Access, _: Acts) -> APIRouter:
    """GET /runs."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    @routes.get("/runs")
    def runs(
        request: Request,
        who: Identity = reader,
        outcome: Annotated[str, Query(max_length=30)] = "",
        repository: Name = "",
        before: Before = "",
        after: Before = "",
    ) -> Response:
        wanted = Wanted(outcome if outcome in OUTCOMES else "", repository)
        # One more than is shown tells whether there is another page in that direction.
        if after:
            found = ledger.listing.newer(wanted, _A_PAGE + 1, after)
            more_newer, more_older = len(found) > _A_PAGE, True
            found = found[-_A_PAGE:]
        else:
            found = ledger.listing.older(wanted, _A_PAGE + 1, before)
            more_newer, more_older = bool(before), len(found) > _A_PAGE
            found = found[:_A_PAGE]
        kept = {"outcome": wanted.outcome, "repository": wanted.repository}

        def there(**more: str) -> str:
            query = urlencode({name: value for name, value in {**kept, **more}.items() if value})
            return f"/runs?{query}" if query else "/runs"

        return page(
            request,
            who,
            "runs.html",
            runs=found,
            wanted=wanted,
            filters=[("", "All", there(outcome=""))] + [(o, o.replace("-", " "), there(outcome=o)) for o in OUTCOMES],
            repositories=[repository.name for repository in settings.repository],
            older=there(before=found[-1]["id"]) if found and more_older else "",
            newer=there(after=found[0]["id"]) if found and more_newer else "",
            beyond=bool(before or after) and not found,
        )

    return routes
