"""Where a service afar is, and whether a token may be sent there."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import urlsplit

from app.errors import BadInput
from app.redact import redact


def checked(address: str, insecure_http: bool = False) -> str:
    """The address of a service without a slash at its end.

    Raises BadInput for what is no http(s) address, holds more than one (a password, a query), or would send a token
    over a network unencrypted, unless `insecure_http`. The address is in the message as it was given, redacted.
    """
    said = redact(address)[:200]
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadInput("server-address", f"reading --server {said}: it is no address") from None
    if parts.scheme not in ("http", "https") or not host or any(c.isspace() or not c.isprintable() for c in address):
        raise BadInput("server-address", f"reading --server {said}: it must be https://HOST or https://HOST:PORT")
    if "@" in parts.netloc or parts.query or parts.fragment:
        message = "it must be an address alone, without user, query or fragment; a token goes into FOLLOWTHROUGH_TOKEN"
        raise BadInput("server-address", f"reading --server {said}: {message}")
    if parts.scheme == "http" and not is_loopback(host) and not insecure_http:
        message = "everybody on the way could read the token and answer in its place; use https://, or --insecure-http"
        raise BadInput("insecure-http", f"speaking to {said}: {message} where the network itself is trusted")
    return address.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether a host's name or address is this machine's own."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
