"""FAKE of the Kubernetes API's TokenReview: over TLS, checking signature and audience as the API server does."""

from __future__ import annotations

import datetime
import ipaddress
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

ISSUER = "https://kubernetes.default.svc"


class TokenReview:
    """The endpoint, and the key that signs service-account tokens. `ca` is its certificate, in PEM."""

    def __init__(self, folder: Path) -> None:
        self._signer = rsa.generate_private_key(65537, 2048)
        pem = folder / "token-review.pem"
        self.ca = _certificate(pem)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(pem)
        self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def token(self, account: str = "followthrough", namespace: str = "ci", seconds: int = 3600, **more: Any) -> str:
        """A service-account token as Kubernetes projects it into a pod."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "aud": ["vault"],
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": "0000-1111"}},
            **more,
        }
        return jwt.encode(claims, self._signer, algorithm="RS256")

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        public = self._signer.public_key()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                body = json.dumps({**asked, "status": _review(asked["spec"], public)}).encode()
                self.send_response(201)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                return

        return Handler


def _review(spec: dict[str, Any], public: rsa.RSAPublicKey) -> dict[str, Any]:
    wanted = spec.get("audiences") or ["vault"]
    try:
        claims = jwt.decode(spec["token"], public, algorithms=["RS256"], audience=wanted)
    except jwt.InvalidTokenError as error:
        return {"authenticated": False, "error": str(error)}
    uid = claims["kubernetes.io"]["serviceaccount"]["uid"]
    user = {"username": claims["sub"], "uid": uid, "groups": ["system:serviceaccounts", "system:authenticated"]}
    return {"authenticated": True, "audiences": wanted, "user": user}


def _certificate(pem: Path) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token review")])
    now, day = datetime.datetime.now(datetime.UTC), datetime.timedelta(days=1)
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - day)
        .not_valid_after(now + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(address, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = certificate.public_bytes(serialization.Encoding.PEM)
    pem.write_bytes(public + private)
    return public.decode()
