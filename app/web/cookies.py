"""The cookies of logging in: signed, out of reach of scripts, and bound to this host where people come by https.

The signature keeps made-up ids away from the database; who reads the key there still has no session's id, which is
kept as a hash.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import cached_property
from typing import Any, Literal

from fastapi import Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from app.ledger import Ledger
from app.settings import Settings

SESSION, LOGIN, OIDC = "followthrough", "followthrough-login", "followthrough-oidc"


class Cookies:
    """Writes and reads them for one service."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._settings, self._ledger = settings, ledger
        self.secure = settings.server.public_url.lower().startswith("https:")

    def name(self, name: str) -> str:
        """As the browser knows it: with https no other host, and no page over http, can set one of this name."""
        return f"__Host-{name}" if self.secure else name

    def give(
        self, response: Response, name: str, value: Any, seconds: int, same_site: Literal["lax", "strict"]
    ) -> None:
        """Let the browser keep plain data for so long, signed."""
        signed = self._signer(name).dumps(value)
        response.set_cookie(
            self.name(name), signed, max_age=seconds, path="/", secure=self.secure, httponly=True, samesite=same_site
        )

    def read(self, request: Request, name: str, seconds: int) -> Any:
        """What we gave, None when it was not ours or is older than so many seconds."""
        given = request.cookies.get(self.name(name))
        if not given:
            return None
        try:
            return self._signer(name).loads(given, max_age=seconds)
        except BadData:
            return None

    def take_away(self, response: Response, name: str) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.name(name), path="/", secure=self.secure, httponly=True)

    def derived(self, what: str) -> str:
        """A secret made from the key for one purpose: whoever knows it knows neither the key nor another one."""
        return hmac.new(self._key.encode(), what.encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def _signer(self, name: str) -> URLSafeTimedSerializer:
        return URLSafeTimedSerializer(self._key, salt=f"cookie {name}", signer_kwargs={"digest_method": hashlib.sha256})

    @cached_property
    def _key(self) -> str:
        return self._settings.server.session_secret.get_secret_value() or self._ledger.access.key("session")
