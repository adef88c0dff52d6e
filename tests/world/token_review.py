"""FAKE: the one call of the Kubernetes API that a Vault login needs, TokenReview, over TLS.

It does what the API server does with a service-account token: checks signature, time and audience, and names the
account. The signing key and the tokens come from here too.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.world.certificates import issue
from tests.world.loopback import Answer, Loopback, Request, as_json

PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
NAMESPACE, ACCOUNT, AUDIENCE = "followthrough", "followthrough", "vault"


class TokenReview(Loopback):
    """`ca` is the PEM that its certificate is checked by, `reviews` the status of every review."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        issued = issue()
        certificate = folder / "token-review.pem"
        certificate.touch(mode=0o600)
        certificate.write_bytes(issued.certificate_and_key)
        super().__init__(self._answer, certificate)
        self.ca = issued.ca.decode()
        self.reviews: list[dict[str, Any]] = []
        self._key = rsa.generate_private_key(65537, 2048)

    def jwt(
        self,
        account: str = ACCOUNT,
        namespace: str = NAMESPACE,
        audience: str = AUDIENCE,
        seconds: int = 24 * 3600,
        key: rsa.RSAPrivateKey | None = None,
    ) -> str:
        """A service-account token as the kubelet would mount it; `key` signs it instead of the cluster's own."""
        now = int(time.time())
        claims = {
            "iss": "https://kubernetes.default.svc",
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": [audience],
            "iat": now - 60,
            "nbf": now - 60,
            "exp": now + seconds,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": f"uid-of-{account}"}},
        }
        return jwt.encode(claims, key or self._key, algorithm="RS256")

    def _answer(self, request: Request) -> Answer:
        if request.method != "POST" or request.path != PATH:
            return as_json(404, {"kind": "Status", "status": "Failure", "reason": "NotFound"})
        if not request.headers.get("authorization", "").startswith("Bearer "):
            return as_json(401, {"kind": "Status", "status": "Failure", "reason": "Unauthorized"})
        status = self._review(json.loads(request.body)["spec"])
        self.reviews.append(status)
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}, "status": status}
        return as_json(201, review)

    def _review(self, spec: dict[str, Any]) -> dict[str, Any]:
        wanted = spec.get("audiences") or []
        check: dict[str, Any] = {"audience": wanted} if wanted else {"options": {"verify_aud": False}}
        try:
            claims = jwt.decode(spec["token"], self._key.public_key(), algorithms=["RS256"], **check)
        except jwt.InvalidTokenError as error:
            return {"authenticated": False, "error": str(error)}
        account = claims["kubernetes.io"]["serviceaccount"]
        user = {"username": claims["sub"], "uid": account["uid"], "groups": ["system:serviceaccounts"]}
        return {"authenticated": True, "audiences": wanted, "user": user}
