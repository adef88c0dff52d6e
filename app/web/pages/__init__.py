"""The pages for people: each reads the ledger and shows it; what they change goes through Acts."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Depends, Request

from app.ledger import Ledger
from app.ledger.controls import PAUSE
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.pages import deliveries, forms, insights, now, post_mortems, review, run, runs, static
from app.web.pages.base import Shell


def router(settings: Settings, ledger: Ledger, access: Access, acts: Acts) -> APIRouter:
    """All pages, their forms, and what they are drawn with."""
    routes = APIRouter(include_in_schema=False)
    routes.include_router(static.router())
    pages = APIRouter(dependencies=[Depends(_shell(ledger))])
    for part in (now, review, deliveries, forms, runs, run, post_mortems, insights):
        pages.include_router(part.router(settings, ledger, access, acts))
    routes.include_router(pages)
    return routes


def _shell(ledger: Ledger) -> Callable[[Request], None]:
    def look(request: Request) -> None:
        request.state.shell = Shell(ledger.pages.waiting(), ledger.controls.find(PAUSE))

    return look
