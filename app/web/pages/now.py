"""Now: what goes on, what waits for a person, what went wrong, what it costs, and the switch that stops everything."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, Request, Response

from app.ledger import Ledger
from app.ledger.approvals import is_over
from app.ledger.controls import PAUSE
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import page

_FIRST = 5
_TROUBLE_DAYS = 7
# A worker that was not seen for so long is not shown.
_SEEN_SECONDS = 60


def router(settings: Settings, ledger: Ledger, access: Access, _: Acts) -> APIRouter:
    """GET / and the part of it that is looked at again every few seconds."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    @routes.get("/")
    def now(request: Request, who: Identity = reader) -> Response:
        return page(request, who, "now.html", **_known(settings, ledger))

    @routes.get("/now/live")
    def live(request: Request, who: Identity = reader) -> Response:
        return page(request, who, "now_live.html", back="/", **_known(settings, ledger))

    return routes


def _known(settings: Settings, ledger: Ledger) -> dict[str, Any]:
    parked = ledger.pages.parked(limit=_FIRST * 5)
    live = ledger.pages.live()
    shown = {
        "live": live,
        "parked": [row for row in parked if not is_over(row["asked_at"])][:_FIRST],
        "waiting": ledger.pages.waiting(),
        "troubled": ledger.pages.troubled(_TROUBLE_DAYS),
        "days": _TROUBLE_DAYS,
        "spent": ledger.spend.so_far("", "").day,
        "budget": settings.agent.day_budget_usd,
        "queue": ledger.pages.queue(),
        "paused": ledger.controls.find(PAUSE),
        "devvms": _devvms(settings, ledger),
        "workers": ledger.workers.living(_SEEN_SECONDS),
    }
    return {**shown, "summary": _summary(shown)}


def _devvms(settings: Settings, ledger: Ledger) -> list[dict[str, Any]]:
    has = ledger.devvms.open_runs()
    return [
        {
            "health": ledger.devvms.health(devvm.name),
            "runs": has.get(devvm.name, 0),
            "drained": devvm.drained,
            "name": devvm.name,
        }
        for devvm in settings.devvm
    ]


def _summary(shown: dict[str, Any]) -> str:
    """The whole page in a sentence, which is read out when it changes."""
    down = sum(devvm["health"].state == "down" for devvm in shown["devvms"])
    parts = [
        _many(len(shown["live"]), "run is going on", "runs are going on", "Nothing is going on"),
        _many(shown["waiting"], "change waits for a person", "changes wait for a person", "nothing waits for a person"),
    ]
    if shown["troubled"]:
        last = f"ended badly in the last {_TROUBLE_DAYS} days"
        parts.append(_many(len(shown["troubled"]), f"run {last}", f"runs {last}", ""))
    if down:
        parts.append(_many(down, "DevVM is down", "DevVMs are down", ""))
    paused = "Everything is paused. " if shown["paused"] else ""
    return f"{paused}{', '.join(parts)}."


def _many(count: int, one: str, more: str, none: str) -> str:
    return none if not count else f"{count} {one if count == 1 else more}"
