"""Logging in and out: with a token, with a link that works once, or by way of OpenID Connect.

The form bears a token of its own, bound to a cookie: another site must not be able to log somebody in as somebody else.
"""

from __future__ import annotations

import re
import secrets
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.ledger import Ledger
from app.ledger.actions import Action
from app.settings import Settings
from app.web import csrf
from app.web.access import Access
from app.web.cookies import LOGIN
from app.web.denied import Denied
from app.web.identity import Identity
from app.web.pages.base import page

# How long the form may lie there before it is sent, in seconds.
FORM_SECONDS = 3600
_OURS = re.compile(r"/(?![/\\])[!-\[\]-~]{0,2000}")
_WRONG = {
    "bad-token": "Nobody knows this token.",
    "token-revoked": "This token was revoked.",
    "token-expired": "This token has expired.",
    "bad-link": "This link was used before, or its ten minutes are over. Ask for another one.",
}
Text = Annotated[str, Form(max_length=2000)]
Then = Annotated[str, Query(alias="next", max_length=4000)]


def own_path(address: str) -> str:
    """The address of a page of ours to go on to; the first page for anything that could lead elsewhere."""
    return address if _OURS.fullmatch(address) and not address.startswith(("/login", "/logout")) else "/"


def router(settings: Settings, ledger: Ledger, access: Access) -> APIRouter:
    """GET and POST /login, POST /logout."""
    routes = APIRouter(include_in_schema=False)
    desk = _Desk(settings, ledger, access)

    @routes.get("/login")
    def login(request: Request, then: Then = "/", once: Annotated[str, Query(max_length=200)] = "") -> Response:
        return desk.shown(request, own_path(then), once)

    @routes.post("/login")
    def log_in(
        request: Request,
        form_token: Annotated[str, Form(alias="csrf", max_length=200)] = "",
        token: Text = "",
        once: Text = "",
        then: Annotated[str, Form(alias="next", max_length=4000)] = "/",
    ) -> Response:
        return desk.log_in(request, form_token, token.strip(), once, own_path(then))

    leaving = Depends(access.form("read"))

    @routes.post("/logout")
    def log_out(request: Request, identity: Identity = leaving) -> Response:
        answer = _to("/login")
        access.log_out(request, answer)
        with ledger.actions.noted(Action(identity.name, "logout")):
            return answer

    return routes


class _Desk:
    """The form, and what is done with it."""

    def __init__(self, settings: Settings, ledger: Ledger, access: Access) -> None:
        self._settings, self._ledger, self._access = settings, ledger, access

    def shown(self, request: Request, then: str, once: str, status: int = 200, wrong: str = "") -> Response:
        nonce = self._nonce(request) or secrets.token_urlsafe(16)
        shown = {
            "next": then,
            "once": once,
            "wrong": wrong,
            "token": csrf.token_for(self._nobody(nonce)),
            "issuer": self._settings.oidc.name if self._settings.oidc.issuer else "",
        }
        answer = page(request, None, "login.html", status, **shown)
        self._access.cookies.give(answer, LOGIN, nonce, FORM_SECONDS, "strict")
        return answer

    def log_in(self, request: Request, form_token: str, token: str, once: str, then: str) -> Response:
        try:
            csrf.must_be_own(request, self._settings.server.public_url)
            csrf.check(self._nobody(self._nonce(request)), form_token)
            self._access.limits.may_log_in(request)
        except Denied as denied:
            self._ledger.actions.count(Action("", "login"), denied.reason)
            denied.page = True
            raise
        if once:
            found = self._ledger.access.use_link(once)
            who = (found.name, found.proof) if found else "bad-link"
        else:
            who = self._access.proofs.of_token(token)
        if isinstance(who, str):
            self._access.limits.failed_login(request)
            self._ledger.actions.count(Action("", "login"), who)
            return self.shown(request, then, "", 401, _WRONG[who])
        with self._ledger.actions.noted(Action(who[0], "login")):
            answer = _to(then)
            self._access.log_in(request, answer, *who)
            self._access.cookies.take_away(answer, LOGIN)
        return answer

    def _nonce(self, request: Request) -> str:
        found = self._access.cookies.read(request, LOGIN, FORM_SECONDS)
        return found if isinstance(found, str) else ""

    def _nobody(self, nonce: str) -> Identity:
        """Who is not let in yet, as their form knows them."""
        session = self._access.cookies.derived(f"login {nonce}") if nonce else ""
        return Identity("", frozenset(), "session", session)


def _to(address: str) -> Response:
    return RedirectResponse(address, 303, {"Cache-Control": "no-store"})
