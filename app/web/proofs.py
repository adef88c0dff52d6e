"""From what somebody has shown to what they may do: asked at each request, so what is taken away is gone at once."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from typing import Any

from app.ledger import Ledger
from app.ledger.access import Token, hashed
from app.redact import visible
from app.settings import PeopleSettings, Settings
from app.web.identity import SCOPES, Scope

_LONGEST = 200
Proof = Mapping[str, Any]


class Proofs:
    """Tokens, and people whom somebody else vouches for.

    A proof is plain data that a session keeps: {"config": HASH}, {"token": NAME}, {"link": SCOPES} or
    {"person": {"email", "sub", "user", "groups"}}.
    """

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self._people, self._book = settings.people, ledger.access
        self._configured = [t.get_secret_value() for t in settings.server.api_tokens if t.get_secret_value()]
        self._open = not (self._configured or settings.oidc.issuer or settings.server.trusted_proxies)

    def nothing_is_configured(self) -> bool:
        """Whether nobody could log in at all: no token here or in the database, no OpenID Connect, no proxy."""
        return self._open and not self._book.has_tokens()

    def of_token(self, secret: str) -> tuple[str, Proof] | str:
        """Name and proof of who shows this secret; else the reason: bad-token, token-revoked or token-expired."""
        number = 0
        for place, configured in enumerate(self._configured, 1):
            if hmac.compare_digest(secret.encode("utf-8", "surrogateescape"), configured.encode()):
                number = place
        if number:
            return f"token:config-{number}", {"config": hashed(secret)}
        found = self._book.token_of(secret)
        if found is None:
            return "bad-token"
        if not found.is_good:
            return "token-revoked" if found.revoked_at else "token-expired"
        return f"token:{found.name}", {"token": found.name}

    def scopes(self, proof: Proof) -> frozenset[Scope]:
        """What the proof is good for now; nothing when it was taken back."""
        if "config" in proof:
            known = any(hashed(token) == proof["config"] for token in self._configured)
            return frozenset(SCOPES) if known else frozenset()
        if "token" in proof:
            return _of_token(self._book.token(str(proof["token"])))
        if "link" in proof:
            return _known(proof["link"])
        return scopes_of(self._people, proof.get("person", {}))


def scopes_of(people: PeopleSettings, person: Mapping[str, Any]) -> frozenset[Scope]:
    """What the lists say of a person: `email` (a verified one), `sub`, `user` and `groups`, each where it is known."""
    names = {f"{kind}:{person[kind]}" for kind in ("sub", "user") if person.get(kind)}
    names |= {f"group:{group}" for group in person.get("groups", ())}
    emails = {_alike(str(person[kind])) for kind in ("email", "user") if "@" in str(person.get(kind, ""))}

    def stands_in(listed: Sequence[str]) -> bool:
        return any(one in names or (":" not in one and _alike(one) in emails) for one in listed)

    lists: tuple[tuple[Scope, list[str]], ...] = (
        ("read", people.readers),
        ("approve", people.approvers),
        ("operate", people.operators),
    )
    return frozenset(scope for scope, listed in lists if stands_in(listed))


def name_of(how: str, person: Mapping[str, Any]) -> str:
    """How a person is called where it is written down: oidc:alice@example.org."""
    said = person.get("email") or person.get("user") or person.get("sub") or ""
    return f"{how}:{visible(str(said))}"[:_LONGEST]


def _alike(email: str) -> str:
    """The same for addresses that differ in capitals alone. Beyond ASCII each is its own: there, letters of different
    people's addresses have the same small letter.
    """
    return email.lower() if email.isascii() else email


def _of_token(token: Token | None) -> frozenset[Scope]:
    return _known(token.scopes) if token is not None and token.is_good else frozenset()


def _known(scopes: Sequence[str]) -> frozenset[Scope]:
    return frozenset(scope for scope in SCOPES if scope in scopes)
