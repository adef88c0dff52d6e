"""Who may do what. Every route but health, the webhooks, static files and the login asks here.

Whoever shows a token is known by it; browsers by the session that logging in began; people whom a proxy names by its
header. With nothing configured, requests made on this machine may read. Nothing is changed by who is not known.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from urllib.parse import quote, urlsplit

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool

from app.ledger import Ledger
from app.ledger.actions import Action
from app.settings import Settings
from app.web import csrf
from app.web.cookies import SESSION, Cookies
from app.web.denied import Denied
from app.web.identity import Identity, Scope
from app.web.limits import Limits
from app.web.peers import Peers, is_here, is_this_machine
from app.web.proofs import Proof, Proofs, name_of

_SAFE = ("GET", "HEAD", "OPTIONS")
Asked = Callable[[Request], Identity]
AskedForm = Callable[[Request], Awaitable[Identity]]


class Access:
    """The one door. `needs`, `page` and `form` are what a route depends on; each gives the Identity."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._server, self._ledger = settings.server, ledger
        # People reach it elsewhere: a proxy on this machine that adds no header would look like this machine.
        self._is_only_here = is_this_machine(urlsplit(settings.server.public_url).netloc)
        self._metrics = [t.get_secret_value() for t in settings.server.metrics_tokens if t.get_secret_value()]
        self.cookies, self.proofs = Cookies(settings, ledger), Proofs(settings, ledger)
        self.peers = Peers(settings.server.trusted_proxies)
        self.limits = Limits(ledger, self.peers)
        self.lasts = timedelta(hours=settings.server.session_hours)

    def needs(self, scope: Scope) -> Asked:
        """For programs: 401 for nobody, 403 for who may not. What changes something needs X-CSRF-Token where the
        browser or a proxy, and not who asks, adds what tells who it is.
        """

        def asked(request: Request) -> Identity:
            return self._let_in(request, scope, request.headers.get(csrf.HEADER, ""))

        return asked

    def page(self, scope: Scope) -> Asked:
        """For people who look: who is not logged in is sent to do so, who may not is told in HTML."""

        def asked(request: Request) -> Identity:
            return self._shown(request, scope, None)

        return asked

    def form(self, scope: Scope) -> AskedForm:
        """For people who do something: as a page, and the form has to bear its token."""

        async def asked(request: Request) -> Identity:
            given = request.headers.get(csrf.HEADER, "")
            if not given:
                field = (await request.form()).get("csrf")
                given = field if isinstance(field, str) else ""
            return await run_in_threadpool(self._shown, request, scope, given)

        return asked

    def measures(self, request: Request) -> None:
        """For /metrics: one of its own tokens, else what lets read; its tokens alone close it too."""
        given = _bearer(request)
        fits = False
        for token in self._metrics:
            fits |= hmac.compare_digest((given or "").encode("utf-8", "surrogateescape"), token.encode())
        if fits:
            return
        if self._let_in(request, "read", "").how == "loopback" and self._metrics:
            raise Denied(401, "no-token", "a bearer token is needed", {"WWW-Authenticate": "Bearer"})

    def who(self, request: Request) -> Identity | None:
        """Who asks, None for nobody. Raises Denied for what is shown and not good: it is never passed over."""
        proxied = self._named_by_proxy(request)
        given = _bearer(request)
        if given is not None:
            return self._by_token(request, given)
        if proxied is not None:
            return proxied
        session_id = self.session_id(request)
        if session_id:
            found = self._ledger.access.session(session_id)
            scopes = self.proofs.scopes(found.proof) if found else frozenset[Scope]()
            if found and scopes:
                return Identity(found.name, scopes, "session", self.cookies.derived(f"session {session_id}"))
        if self._is_only_here and is_here(request) and self.proofs.nothing_is_configured():
            return Identity("loopback", frozenset[Scope](("read",)), "loopback")
        return None

    def session_id(self, request: Request) -> str:
        """The id in the session's cookie, empty when there is none that we gave."""
        found = self.cookies.read(request, SESSION, round(self.lasts.total_seconds()))
        return found if isinstance(found, str) else ""

    def log_in(self, request: Request, response: Response, name: str, proof: Proof) -> None:
        """Begin a session, under an id that nobody knew before; the browser's earlier one ends."""
        self.log_out(request, response)
        session_id = self._ledger.access.new_session(name, proof, self.lasts)
        # Lax: links from messages open pages, and the way back from an issuer begins at another site.
        self.cookies.give(response, SESSION, session_id, round(self.lasts.total_seconds()), "lax")

    def log_out(self, request: Request, response: Response) -> None:
        """End the browser's session, here and there."""
        if session_id := self.session_id(request):
            self._ledger.access.end_session(session_id)
            self.cookies.take_away(response, SESSION)

    def _by_token(self, request: Request, secret: str) -> Identity:
        found = self.proofs.of_token(secret)
        if isinstance(found, str):
            self.limits.failed_token(request)
            raise Denied(401, found, _WRONG[found], {"WWW-Authenticate": 'Bearer error="invalid_token"'})
        name, proof = found
        return Identity(name, self.proofs.scopes(proof), "token")

    def _named_by_proxy(self, request: Request) -> Identity | None:
        header = self._server.proxy_user_header
        named = request.headers.getlist(header) if header else []
        if not named:
            return None
        if not self.peers.is_trusted(request):
            message = f"{header} came from an address that is not in server.trusted_proxies"
            raise Denied(403, "proxy-not-trusted", message)
        groups = request.headers.getlist(self._server.proxy_groups_header or header)
        if len(named) > 1 or len(groups) > 1 or "," in named[0] or not named[0].strip():
            raise Denied(403, "proxy-header-unclear", f"{header} must name one person, once")
        said = groups[0].split(",") if self._server.proxy_groups_header and groups else []
        person = {"user": named[0].strip(), "groups": [group.strip() for group in said if group.strip()]}
        name, scopes = name_of("proxy", person), self.proofs.scopes({"person": person})
        return Identity(name, scopes, "proxy", self.cookies.derived(f"proxy {person['user']}"))

    def _let_in(self, request: Request, scope: Scope, token: str) -> Identity:
        try:
            identity = self.who(request)
            if identity is None:
                raise self._nobody()
            self._may(request, identity, scope, token)
        except Denied as denied:
            if request.method not in _SAFE:
                what = getattr(request.scope.get("route"), "name", "")
                self._ledger.actions.count(Action(denied.by, what[:32]), denied.reason)
            raise
        return identity

    def _may(self, request: Request, identity: Identity, scope: Scope, token: str) -> None:
        if not identity.may(scope):
            raise Denied(403, "scope-missing", f"{identity.name} may not do this: it needs {scope}", by=identity.name)
        if request.method not in _SAFE and identity.how != "token":
            csrf.must_be_own(request, self._server.public_url, identity.name)
            csrf.check(identity, token)

    def _shown(self, request: Request, scope: Scope, token: str | None) -> Identity:
        try:
            return self._let_in(request, scope, token or "")
        except Denied as denied:
            denied.page = True
            if denied.reason in ("no-token", "loopback-only") or (denied.by == "loopback" and scope != "read"):
                denied.login = f"/login?next={quote(self._back(request), safe='/')}"
            raise

    def _back(self, request: Request) -> str:
        """The page to come back to after logging in: this one, or the one whose form this is."""
        asked = request.url
        if request.method not in _SAFE:
            asked = request.url.replace(path="/", query="")
            with suppress(ValueError):
                referer = urlsplit(request.headers.get("referer", ""))
                if referer.netloc == request.headers.get("host"):
                    asked = asked.replace(path=referer.path or "/", query=referer.query)
        return asked.path + (f"?{asked.query}" if asked.query else "")

    def _nobody(self) -> Denied:
        if self.proofs.nothing_is_configured():
            who = (
                "only this machine may read"
                if self._is_only_here
                else "nobody may read, as server.public_url is elsewhere"
            )
            return Denied(403, "loopback-only", f"without a token {who}; make one with followthrough tokens new")
        return Denied(401, "no-token", "a bearer token is needed", {"WWW-Authenticate": "Bearer"})


_WRONG = {
    "bad-token": "nobody knows this token",
    "token-revoked": "this token was revoked",
    "token-expired": "this token has expired",
}


def _bearer(request: Request) -> str | None:
    """The token that a request names, None when it names none; of several, something that is none."""
    given = request.headers.getlist("authorization")
    if not given:
        return None
    kind, _, secret = given[0].partition(" ")
    return secret.strip() if kind.lower() == "bearer" and len(given) == 1 else ""
