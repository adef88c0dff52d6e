"""Who asks, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Scope = Literal["read", "approve", "operate"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class Identity:
    """Somebody who was let in.

    `name` is what is written down beside what they do, such as `token:alice` or `oidc:alice@example.org`; `how` is how
    that is known: token, session, proxy or loopback. `session` names the session of a browser, empty for others: what
    such a one changes has to bear its CSRF token.
    """

    name: str
    scopes: frozenset[Scope]
    how: str
    session: str = ""

    def may(self, scope: Scope) -> bool:
        """Whether they may do what needs this scope. Who may change things may see them too."""
        return scope in self.scopes or (scope == "read" and bool(self.scopes))
