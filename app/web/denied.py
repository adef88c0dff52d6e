"""Who is not let in, or not let do something, and what they are told."""

from __future__ import annotations

from collections.abc import Mapping


class Denied(Exception):
    """A request that is answered with no: HTTP status, reason code, a sentence, and headers of the answer.

    `page` says that a person looks at it; `login` is the address of a page to be shown after logging in, empty where
    that would change nothing.
    """

    def __init__(
        self, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None, by: str = ""
    ) -> None:
        super().__init__(message)
        self.status, self.reason, self.headers, self.by = status, reason, dict(headers or {}), by
        self.page = False
        self.login = ""
