"""Tokens and one-time links, made at the terminal of whoever may read the database."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from app.cli.console import console
from app.cli.person import person
from app.cli.shown import print_json, say, text
from app.errors import BadInput
from app.ledger.actions import Action
from app.main import compose
from app.settings import Settings
from app.web.identity import SCOPES, Scope

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
# How tokens of the configuration are called where it is written down what they did.
_TAKEN = "config-"


def new(settings: Settings, name: str, scopes: Sequence[Scope], days: float) -> int:
    """Make one and print its secret. Returns 0. Raises BadInput: token-name, token-name-taken."""
    if not _NAME.fullmatch(name) or name.startswith(_TAKEN):
        message = f"making the token {name}: a name has up to 64 letters, digits and . _ @ -, and is not {_TAKEN}..."
        raise BadInput("token-name", message)
    ledger, by = compose(settings), _by()
    with ledger.actions.noted(Action(by, "make-token", subject=name, why=f"scopes {' '.join(scopes)}")):
        secret = ledger.access.new_token(name, [scope for scope in SCOPES if scope in scopes], by, days)
    # As it is: the redactor would hide it, and a line may not be broken.
    print(secret)  # noqa: T201
    return 0


def show(settings: Settings, as_json: bool) -> int:
    """Print all of the database, and how many stand in the configuration. Returns 0."""
    found = compose(settings).access.tokens()
    if as_json:
        print_json([{**asdict(token), "scopes": list(token.scopes), "good": token.is_good} for token in found])
        return 0
    table = Table("name", "scopes", "good", "made", "by", "expires", "used")
    for token in found:
        good = "yes" if token.is_good else "revoked" if token.revoked_at else "expired"
        made = (token.created_at[:10], token.created_by, token.expires_at[:10] or "never")
        cells = (token.name, " ".join(token.scopes), good, *made, token.used_at[:13] or "never")
        table.add_row(*(text(cell) for cell in cells))
    console.print(table if found else "the database holds no token")
    if configured := len(settings.server.api_tokens):
        say(f"server.api_tokens holds {configured} more, good for everything")
    return 0


def revoke(settings: Settings, name: str) -> int:
    """Let nobody in by it any more. Returns 0. Raises BadInput("no-such-token")."""
    ledger = compose(settings)
    with ledger.actions.noted(Action(_by(), "revoke-token", subject=name)) as said:
        changed = ledger.access.revoke(name)
        said.outcome = "done" if changed else "nothing"
    say(f"{name} lets nobody in any more" if changed else f"{name} was revoked before")
    return 0


def login(settings: Settings, scopes: Sequence[Scope]) -> int:
    """Print a link that works once. Returns 0."""
    ledger = compose(settings)
    wanted = [scope for scope in SCOPES if scope in (scopes or SCOPES)]
    with ledger.actions.noted(Action(_by(), "make-link", why=f"scopes {' '.join(wanted)}")):
        secret = ledger.access.new_link(f"link:{person()}", wanted)
    print(f"{settings.server.public_url.rstrip('/')}/login?once={secret}")  # noqa: T201
    return 0


def _by() -> str:
    return f"cli:{person()}"
