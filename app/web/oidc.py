"""Logging in with OpenID Connect: the code flow with PKCE, state and nonce. The issuer says who somebody is.

    /login/oidc ─► the issuer ─► /login/oidc/return ─► token endpoint ─► id_token, checked ─► a session

What the issuer says is believed about its own people alone: names count when their e-mail address is verified, and
what they may do stands in `[people]`.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.ledger import Ledger
from app.ledger.actions import Action
from app.settings import Settings
from app.web.access import Access
from app.web.cookies import OIDC
from app.web.denied import Denied
from app.web.issuer import Issuer
from app.web.login import Then, own_path
from app.web.proofs import name_of

# How long somebody may take at the issuer, in seconds.
_AWAY_SECONDS = 600
_MOST_GROUPS = 200
Given = Annotated[str, Query(max_length=4000)]


def router(settings: Settings, ledger: Ledger, access: Access) -> APIRouter:
    """GET /login/oidc and /login/oidc/return; 404 where no issuer is configured."""
    routes = APIRouter(include_in_schema=False)
    if not settings.oidc.issuer:
        return routes
    door = _Door(settings, ledger, access)

    @routes.get("/login/oidc")
    def leave(then: Then = "/") -> Response:
        return door.leave(own_path(then))

    @routes.get("/login/oidc/return")
    def come_back(
        request: Request, code: Given = "", state: Given = "", error: Given = "", iss: Given = ""
    ) -> Response:
        try:
            return door.come_back(request, code, state, error, iss)
        except Denied as denied:
            ledger.actions.count(Action(denied.by, "login"), denied.reason)
            denied.page = True
            raise

    return routes


class _Door:
    """Out to the issuer and back."""

    def __init__(self, settings: Settings, ledger: Ledger, access: Access) -> None:
        self._settings, self._ledger, self._access = settings.oidc, ledger, access
        self._issuer = Issuer(settings.oidc, f"{settings.server.public_url.rstrip('/')}/login/oidc/return")

    def leave(self, then: str) -> Response:
        kept = {name: secrets.token_urlsafe(32) for name in ("state", "nonce")}
        kept["verifier"] = secrets.token_urlsafe(48)
        try:
            address = self._issuer.address(kept["state"], kept["nonce"], kept["verifier"])
        except Denied as denied:
            denied.page = True
            raise
        answer = RedirectResponse(address, 303, {"Cache-Control": "no-store"})
        # Lax: the browser comes back from another site.
        self._access.cookies.give(answer, OIDC, {**kept, "next": then}, _AWAY_SECONDS, "lax")
        return answer

    def come_back(self, request: Request, code: str, state: str, error: str, iss: str) -> Response:
        kept = self._access.cookies.read(request, OIDC, _AWAY_SECONDS)
        if not isinstance(kept, dict) or not hmac.compare_digest(
            kept["state"].encode(), state.encode("utf-8", "replace")
        ):
            message = "this browser did not begin this login, or took longer than ten minutes; begin at /login again"
            raise Denied(403, "login-not-begun-here", message)
        if error or not code:
            raise Denied(
                403, "issuer-refused", f"{self._settings.name} did not log you in ({error[:100] or 'no code'})"
            )
        claims = self._issuer.claims(code, kept["verifier"], kept["nonce"], iss)
        person = self._person(claims)
        name, proof = name_of("oidc", person), {"person": person}
        if not self._access.proofs.scopes(proof):
            message = f"{name} stands in none of the lists of [people], so there is nothing to do here"
            raise Denied(403, "person-not-listed", message, by=name)
        with self._ledger.actions.noted(Action(name, "login")):
            # Made anew: what a cookie holds is a path of ours, and is looked at all the same.
            answer = RedirectResponse(own_path(str(kept["next"])), 303, {"Cache-Control": "no-store"})
            self._access.log_in(request, answer, name, proof)
            self._access.cookies.take_away(answer, OIDC)
        return answer

    def _person(self, claims: dict[str, Any]) -> dict[str, Any]:
        groups = claims.get(self._settings.groups_claim)
        named = [group for group in groups if isinstance(group, str)] if isinstance(groups, list) else []
        person: dict[str, Any] = {"sub": claims["sub"], "groups": named[:_MOST_GROUPS]}
        email = claims.get("email")
        if isinstance(email, str) and "@" in email and claims.get("email_verified") is True:
            person["email"] = email
        return person
