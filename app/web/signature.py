"""Whether a webhook body was signed with one of our secrets. Bytes in, yes or no out, in constant time."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

_PREFIX = b"sha256="


def is_signed(body: bytes, header: bytes | None, secrets: Iterable[str]) -> bool:
    """Check X-Hub-Signature-256 (`sha256=` and 64 hex digits) over the raw body.

    Bytes are compared, not text: a header that is not ASCII must be a wrong one and no error (SECURITY.md A22). Every
    secret is tried, so the time does not tell which one fits. Empty secrets never fit.
    """
    given = header or b""
    fits = False
    for secret in secrets:
        wanted = _PREFIX + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest().encode()
        fits |= hmac.compare_digest(wanted, given) and bool(secret)
    return fits
