"""What a page says once after something was done: a cookie that only who did it can have been given."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import Response
from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE = "followthrough_said"
_SECONDS = 60
_LONGEST = 1000


@dataclass(frozen=True)
class Said:
    """What was done, or why it was not."""

    text: str
    good: bool = True


def tell(response: Response, text: str, key: str, secure: bool) -> None:
    """Let the next page that this browser shows say that something was done. `key` is the CSRF token."""
    value = _signer(key).dumps(text[:_LONGEST])
    response.set_cookie(COOKIE, value, max_age=_SECONDS, httponly=True, samesite="strict", secure=secure)


def read(cookie: str, key: str) -> Said | None:
    """What a cookie says, None when it is not ours, is for somebody else, or too old."""
    if not cookie or not key:
        return None
    try:
        return Said(str(_signer(key).loads(cookie, max_age=_SECONDS)))
    except BadSignature:
        return None


def _signer(key: str) -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(key, salt="said")
