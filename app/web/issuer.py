"""An OpenID Connect issuer: where it is found, its keys, and what an id_token of it says. Asked over the network."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import httpx
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.integrations.httpx_client import OAuth2Client  # type: ignore[import-untyped]
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from app.redact import redact
from app.settings import OIDCSettings
from app.web.denied import Denied

_SECONDS = 10.0
# How long its description and its keys are kept, in seconds; a key that is not known is asked for at once.
_KEPT = 600.0
# Signatures with a key pair alone: a client's secret must not be good for signing what the issuer says.
_ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA")
_CLOCKS_DIFFER = 60


class Issuer:
    """One issuer for one client, whose browsers come back to `return_to`.

    All raise Denied: 503 issuer-unreachable, 502 issuer-unusable (what it says cannot be used), 403 login-not-proven.
    """

    def __init__(self, settings: OIDCSettings, return_to: str) -> None:
        self._settings, self._return_to = settings, return_to
        self._kept: dict[str, tuple[float, dict[str, Any]]] = {}

    def address(self, state: str, nonce: str, verifier: str) -> str:
        """Where a browser is sent to log in."""
        endpoint = self._endpoint("authorization_endpoint")
        with self._client() as client:
            address, _ = client.create_authorization_url(endpoint, state=state, nonce=nonce, code_verifier=verifier)
        return str(address)

    def claims(self, code: str, verifier: str, nonce: str, iss: str = "") -> dict[str, Any]:
        """What the id_token says that this code is good for, checked: signature, issuer, audience, times, nonce.

        `iss` is what came beside the code, empty for nothing (RFC 9207).
        """
        known = self._described()["issuer"]
        if iss and iss != known:
            raise Denied(403, "login-not-proven", "the answer is of another issuer; begin at /login again")
        endpoint = self._endpoint("token_endpoint")
        try:
            with self._client() as client:
                answer = client.fetch_token(endpoint, code=code, code_verifier=verifier)
        except (AuthlibBaseError, ValueError) as error:
            raise Denied(403, "login-not-proven", f"the issuer did not take its code back: {_said(error)}") from None
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        claims = self._decoded(str(answer.get("id_token", "")))
        audience = claims.get("aud")
        several = isinstance(audience, list) and len(audience) > 1
        if claims.get("nonce") != nonce or (several and claims.get("azp") != self._settings.client_id):
            raise Denied(403, "login-not-proven", "the id_token is not for this login; begin at /login again")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise Denied(403, "login-not-proven", "the id_token does not say who it is about")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        wanted = jwt.JWTClaimsRegistry(
            leeway=_CLOCKS_DIFFER,
            iss={"essential": True, "value": self._described()["issuer"]},
            aud={"essential": True, "value": self._settings.client_id},
            exp={"essential": True},
            iat={"essential": True},
        )
        try:
            try:
                read = jwt.decode(token, self._keys(), algorithms=list(_ALGORITHMS))
            except (JoseError, ValueError):
                # It may have a new key since.
                self._kept.pop(self._endpoint("jwks_uri"), None)
                read = jwt.decode(token, self._keys(), algorithms=list(_ALGORITHMS))
            wanted.validate(read.claims)
        except (JoseError, ValueError, TypeError) as error:
            raise Denied(403, "login-not-proven", f"the id_token does not hold: {_said(error)}") from None
        return dict(read.claims)

    def _keys(self) -> KeySet:
        try:
            return KeySet.import_key_set(self._asked(self._endpoint("jwks_uri")))  # type: ignore[arg-type]
        except (JoseError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise _unusable(f"its keys cannot be read ({_said(error)})") from None

    def _described(self) -> dict[str, Any]:
        described = self._asked(f"{self._settings.issuer}/.well-known/openid-configuration")
        if str(described.get("issuer", "")).rstrip("/") != self._settings.issuer:
            raise _unusable("it calls itself by another name than oidc.issuer")
        return described

    def _endpoint(self, name: str) -> str:
        found = str(self._described().get(name, ""))
        scheme = urlsplit(found).scheme
        if scheme not in ("http", "https") or (scheme == "http" and self._settings.issuer.startswith("https:")):
            raise _unusable(f"its {name} is no address that may be used")
        return found

    def _asked(self, address: str) -> dict[str, Any]:
        at, kept = self._kept.get(address, (0.0, {}))
        if kept and time.monotonic() - at < _KEPT:
            return kept
        try:
            answer = httpx.get(address, timeout=_SECONDS, headers={"Accept": "application/json"})
            answer.raise_for_status()
            found = answer.json()
        except httpx.HTTPError as error:
            raise _unreachable(error) from None
        except ValueError:
            raise _unusable(f"{address} is not JSON") from None
        if not isinstance(found, dict):
            raise _unusable(f"{address} is not an object")
        self._kept[address] = (time.monotonic(), found)
        return found

    def _client(self) -> Any:
        secret = self._settings.client_secret.get_secret_value()
        return OAuth2Client(
            self._settings.client_id,
            secret or None,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=" ".join(self._settings.scopes),
            redirect_uri=self._return_to,
            code_challenge_method="S256",
            timeout=_SECONDS,
        )


def _said(error: Exception) -> str:
    return redact(str(error) or type(error).__name__)[:300]


def _unreachable(error: Exception) -> Denied:
    return Denied(503, "issuer-unreachable", f"the issuer of oidc.issuer does not answer: {_said(error)}")


def _unusable(what: str) -> Denied:
    return Denied(502, "issuer-unusable", f"the issuer of oidc.issuer cannot be used: {what}")
