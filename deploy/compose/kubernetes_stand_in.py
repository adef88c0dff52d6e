"""A stand-in for the part of Kubernetes that Vault's kubernetes login meets: python kubernetes_stand_in.py FOLDER

It is not Kubernetes. It plays the kubelet, which keeps a short-lived service-account token fresh in a file, and the API
server's TokenReview, which says whether such a token is real. Both follow the API: RS256 tokens with an audience and an
expiry, a review over HTTPS that only a reviewer's own token may ask for.
Source of the shapes: the authentication.k8s.io/v1 API.
"""

from __future__ import annotations

import base64
import datetime
import json
import ssl
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

ISSUER = API_AUDIENCE = "https://kubernetes.default.svc"
HOST, PORT = "kubernetes-stand-in", 8443
# The service's token lives as short as Kubernetes allows, and is renewed well before its end.
TOKEN_SECONDS, RENEW_SECONDS = 600, 240
# The reviewer's token is written into Vault's configuration once, so it has to last.
REVIEWER_SECONDS = TEN_YEARS = 10 * 365 * 24 * 3600
REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews"
BODY_LIMIT = 65536


class Signer:
    """The cluster's token key."""

    def __init__(self, key: rsa.RSAPrivateKey) -> None:
        self._key = key

    def mint(self, namespace: str, name: str, audience: str, seconds: int) -> str:
        """A service-account token of `namespace`/`name` for `audience`, valid from now for `seconds`."""
        now = int(time.time())
        uid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{namespace}/{name}"))
        claims = {
            "iss": ISSUER,
            "sub": f"system:serviceaccount:{namespace}:{name}",
            "aud": [audience],
            "iat": now,
            "nbf": now,
            "exp": now + seconds,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
        }
        signed = f"{_encode({'alg': 'RS256', 'typ': 'JWT'})}.{_encode(claims)}"
        signature = self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64(signature)}"

    def claims(self, token: str, audiences: list[str]) -> dict[str, Any] | None:
        """What a token says, or None when it is not ours, not for one of `audiences`, or not valid now."""
        try:
            signed, _, signature = token.rpartition(".")
            self._key.public_key().verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
            claims: dict[str, Any] = json.loads(_decode(signed.partition(".")[2]))
        except (InvalidSignature, ValueError):
            return None
        valid = claims["nbf"] <= time.time() < claims["exp"] and set(claims["aud"]) & set(audiences)
        return claims if valid else None


def review(signer: Signer, spec: dict[str, Any]) -> dict[str, Any]:
    """The status of a TokenReview of this spec."""
    audiences = spec.get("audiences") or [API_AUDIENCE]
    claims = signer.claims(str(spec.get("token")), audiences)
    if claims is None:
        return {"authenticated": False, "error": "the token is not valid for these audiences"}
    account = claims["kubernetes.io"]["serviceaccount"]
    groups = ["system:serviceaccounts", "system:authenticated"]
    user = {"username": claims["sub"], "uid": account["uid"], "groups": groups}
    return {"authenticated": True, "audiences": [a for a in audiences if a in claims["aud"]], "user": user}


class Api(BaseHTTPRequestHandler):
    """The two paths of the API server that are answered."""

    signer: Signer
    timeout = 10

    def do_GET(self) -> None:
        """Answer the health check."""
        self._answer(200 if self.path == "/healthz" else 404, {})

    def do_POST(self) -> None:
        """Answer a TokenReview, asked for by a token of ours for the API itself."""
        bearer = self.headers.get("Authorization", "").removeprefix("Bearer ")
        length = self.headers.get("Content-Length", "")
        if self.path != REVIEWS:
            self._answer(404, {})
        elif self.signer.claims(bearer, [API_AUDIENCE]) is None:
            self._answer(401, {"kind": "Status", "status": "Failure", "reason": "Unauthorized", "code": 401})
        elif not length.isdigit() or int(length) > BODY_LIMIT:
            self._answer(413, {})
        else:
            self._review(self.rfile.read(int(length)))

    def _review(self, body: bytes) -> None:
        try:
            spec = json.loads(body)["spec"]
        except (ValueError, KeyError, TypeError):
            return self._answer(400, {})
        kind = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "metadata": {}}
        return self._answer(201, {**kind, "status": review(self.signer, spec)})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def start(root: Path, address: tuple[str, int]) -> ThreadingHTTPServer:
    """Write the tokens below `root`, keep the service's fresh from now on; return the bound server, not yet serving."""
    own = root / "stand-in"
    signer = Signer(_signing_key(own / "signing_key.pem"))
    certificate = _certificate(own / "tls.pem")
    _publish(root / "reviewer" / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM).decode())
    reviewer = signer.mint("vault", "vault", API_AUDIENCE, REVIEWER_SECONDS)
    _publish(root / "reviewer" / "token", reviewer)
    token = root / "service-token" / "token"
    _renew(signer, token)
    threading.Thread(target=_keep_fresh, args=(signer, token), daemon=True).start()
    server = ThreadingHTTPServer(address, type("Bound", (Api,), {"signer": signer}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own / "tls.pem")
    # The handshake belongs to the thread of the connection: a silent caller must not stop the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    return server


def _renew(signer: Signer, path: Path) -> None:
    _publish(path, signer.mint("followthrough", "followthrough", "vault", TOKEN_SECONDS))


def _keep_fresh(signer: Signer, path: Path) -> None:
    while True:
        time.sleep(RENEW_SECONDS)
        _renew(signer, path)


def _publish(path: Path, text: str) -> None:
    """Replace a file at once; its folder's group may read it."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o640)
    new.write_text(text)
    new.rename(path)


def _signing_key(path: Path) -> rsa.RSAPrivateKey:
    if not path.exists():
        _publish(path, _pem(rsa.generate_private_key(public_exponent=65537, key_size=2048)))
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(f"{path} does not hold an RSA key")
    return key


def _certificate(path: Path) -> x509.Certificate:
    """The certificate of the file, which holds its key too; both made, self-signed, when the file is not there."""
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
        now = datetime.datetime.now(datetime.UTC)
        hosts = x509.SubjectAlternativeName([x509.DNSName(HOST), x509.DNSName("localhost")])
        builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        builder = builder.serial_number(x509.random_serial_number()).not_valid_before(now)
        builder = builder.not_valid_after(now + datetime.timedelta(seconds=TEN_YEARS))
        made = builder.add_extension(hosts, critical=False).sign(key, hashes.SHA256())
        _publish(path, _pem(key) + made.public_bytes(serialization.Encoding.PEM).decode())
    return x509.load_pem_x509_certificate(path.read_bytes())


def _pem(key: rsa.RSAPrivateKey) -> str:
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _encode(data: dict[str, Any]) -> str:
    return _base64(json.dumps(data).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


if __name__ == "__main__":
    start(Path(sys.argv[1]), ("", PORT)).serve_forever()
