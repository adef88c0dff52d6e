"""Which HTTP status a failure is answered with, by programs' routes and by people's forms."""

from __future__ import annotations

from app.errors import BadInput, Failed, FollowthroughError, Refused


def status_of(error: FollowthroughError) -> int:
    """404 for what is not there, 400 for other bad input, 409 for what is refused, 503 for what broke."""
    if isinstance(error, BadInput):
        return 404 if error.reason.startswith("no-such-") else 400
    return 409 if isinstance(error, Refused) else 503 if isinstance(error, Failed) else 500
