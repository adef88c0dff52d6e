"""How often somebody may fail to log in: by address, and in all. Counted in the database, for all that serve.

Whoever shows a good token is let in by the API whatever others do. At the login, an address that failed too often
waits; when too many have failed in all, each address that has failed has had its try.
"""

from __future__ import annotations

import time

from fastapi import Request

from app.ledger import Ledger
from app.ledger.access import WINDOW
from app.web.denied import Denied
from app.web.peers import Peers

BY_ADDRESS = 10
IN_ALL = 300
# Programs with an old token ask often.
TOKENS_BY_ADDRESS = 60
_ALL = "login"


class Limits:
    """Failed tries on one database."""

    def __init__(self, ledger: Ledger, peers: Peers) -> None:
        self._book, self._peers = ledger.access, peers

    def may_log_in(self, request: Request) -> None:
        """Raises Denied(429) when this address has to wait."""
        mine = self._book.failures(self._login(request))
        if mine >= BY_ADDRESS or (mine and self._book.failures(_ALL) >= IN_ALL):
            raise _wait("too many logins from here have failed")

    def failed_login(self, request: Request) -> None:
        """Count one."""
        self._book.failed(self._login(request), _ALL)

    def failed_token(self, request: Request) -> None:
        """Count a token that nobody knows. Raises Denied(429) when this address has shown too many."""
        key = f"token {self._peers.address(request)}"
        if self._book.failures(key) >= TOKENS_BY_ADDRESS:
            raise _wait("too many tokens from here were not known")
        self._book.failed(key)

    def _login(self, request: Request) -> str:
        return f"login {self._peers.address(request)}"


def _wait(what: str) -> Denied:
    seconds = WINDOW - int(time.time()) % WINDOW + WINDOW
    return Denied(429, "too-many-attempts", f"{what}; try again later", {"Retry-After": str(seconds)})
