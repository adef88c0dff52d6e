"""FAKE: an OpenID Connect issuer: discovery, RSA keys, a token endpoint that checks client, code, PKCE and address.

It stands in for an organisation's login. Whoever comes to its login page is the person of `claims`; `lie` changes an
id_token before it is signed, `algorithm`, `key` and `kid` how it is signed, `published` which key is shown instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.world.loopback import Answer, Loopback, Request, as_json

Claims = dict[str, Any]
CLIENT, SECRET = "followthrough", "of-the-client-and-no-one-else-0001"


class FakeIssuer(Loopback):
    """One issuer with one client, whose browsers come back to `return_to`."""

    def __init__(self, return_to: str) -> None:
        super().__init__(self._answer)
        self.return_to = return_to
        self.claims: Claims = {"sub": "alice-1", "email": "alice@example.org", "email_verified": True}
        self.lie: Callable[[Claims], Claims] = lambda claims: claims
        self.key, self.kid, self.algorithm = _first_key(), "first", "RS256"
        self.published: rsa.RSAPrivateKey | None = None
        self.description: Claims = {}
        self.asked: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def _answer(self, request: Request) -> Answer:
        place = urlsplit(request.path)
        self.asked.append(place.path)
        try:
            if place.path == "/authorize":
                return Answer(302, headers={"location": self._authorize(_first(place.query))})
            if place.path == "/token":
                given = _first(request.body.decode())
                return as_json(200, self._token(given, request.headers.get("authorization", "")))
        except ValueError as error:
            return as_json(400, {"error": str(error)})
        known = {"/.well-known/openid-configuration": self._described, "/keys": self._keys}
        return as_json(200, known[place.path]()) if place.path in known else as_json(404, {})

    def _described(self) -> Claims:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.url, **{name: self.url + place for name, place in places.items()}, **self.description}

    def _keys(self) -> Claims:
        public = json.loads(RSAAlgorithm.to_jwk((self.published or self.key).public_key()))
        return {"keys": [{**public, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def _authorize(self, asked: dict[str, str]) -> str:
        """Somebody has logged in: where their browser is sent."""
        if asked.get("client_id") != CLIENT or asked.get("redirect_uri") != self.return_to:
            raise ValueError("invalid_client")
        if asked.get("code_challenge_method") != "S256" or asked.get("response_type") != "code":
            raise ValueError("invalid_request")
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return f"{self.return_to}?{urlencode({'code': code, 'state': asked['state'], 'iss': self.url})}"

    def _token(self, given: dict[str, str], authorization: str) -> Claims:
        """What a code is good for, once."""
        basic = base64.b64encode(f"{quote_plus(CLIENT)}:{quote_plus(SECRET)}".encode()).decode()
        if authorization != f"Basic {basic}":
            raise ValueError("invalid_client")
        asked = self._codes.pop(given.get("code", ""), None)
        challenge = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        proof = base64.urlsafe_b64encode(challenge).rstrip(b"=").decode()
        if asked is None or asked["code_challenge"] != proof or given.get("redirect_uri") != self.return_to:
            raise ValueError("invalid_grant")
        now = int(time.time())
        told = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": asked["nonce"], **self.claims}
        return {
            "access_token": "a",
            "token_type": "Bearer",
            "expires_in": 300,
            "id_token": self._signed(self.lie(told)),
        }

    def _signed(self, claims: Claims) -> str:
        by: dict[str, Any] = {"RS256": self.key, "HS256": SECRET, "none": None}
        return jwt.encode(claims, by[self.algorithm], self.algorithm, {"kid": self.kid})


def new_key() -> rsa.RSAPrivateKey:
    """A key pair to sign with."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


# To find primes takes longer than all else here.
_first_key = cache(new_key)


def _first(text: str) -> dict[str, str]:
    return {name: each[0] for name, each in parse_qs(text).items()}
