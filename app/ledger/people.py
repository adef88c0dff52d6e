"""Tables of who may come in, and of who did what. They belong to the same schema as those in `schema`."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from app.ledger.schema import metadata

# What people and programs log in with. The secret itself is shown once and kept nowhere.
tokens = Table(
    "tokens",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("hash", String(64), nullable=False, comment="SHA-256 of the secret, which is 32 random bytes"),
    Column("scopes", String(40), nullable=False, comment="read, approve, operate, with spaces between"),
    Column("created_by", Text, nullable=False),
    Column("created_at", String(20), nullable=False),
    Column("expires_at", String(20), nullable=False, comment="empty: never"),
    Column("used_at", String(20), nullable=False, comment="the hour of the last use; empty: never used"),
    Column("revoked_at", String(20), nullable=False, comment="empty: it is good"),
    Index("tokens_by_hash", "hash", unique=True),
)

# Browsers that are logged in, and links that let one in once (used_at stays empty until then).
sessions = Table(
    "sessions",
    metadata,
    Column("hash", String(64), primary_key=True, comment="SHA-256 of the id in the cookie, or of the link's secret"),
    Column("kind", String(8), nullable=False, comment="session or link"),
    Column("name", Text, nullable=False),
    Column("proof", Text, nullable=False, comment="JSON: what its scopes come from, looked at again at each request"),
    Column("created_at", String(20), nullable=False),
    Column("expires_at", String(20), nullable=False),
    Index("sessions_by_expiry", "expires_at"),
)

# Failed logins by address and in all, in windows of some minutes: those of the last two are kept.
attempts = Table(
    "attempts",
    metadata,
    Column("key", String(80), primary_key=True),
    Column("window", Integer, primary_key=True, comment="number of the window since 1970"),
    Column("count", Integer, nullable=False),
)

# Keys that are made once and shared by all processes on the database.
keys = Table(
    "keys",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", String(128), nullable=False),
)

# Who did what through any face, and what came of it. Those that are not let in are counted, one row an hour and reason.
actions = Table(
    "actions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", String(20), nullable=False),
    Column("by", Text, nullable=False, comment="an identity's name; empty: nobody knows"),
    Column("how", String(16), nullable=False, comment="token, oidc, proxy, link, cli, slack"),
    Column("action", String(32), nullable=False),
    Column("run_id", String(100), nullable=False),
    Column("todo_id", String(32), nullable=False),
    Column("subject", Text, nullable=False, comment="what it was done to, where that is no run"),
    Column("why", Text, nullable=False),
    Column("outcome", String(16), nullable=False, comment="begun, done, nothing, refused, failed"),
    Column("reason", String(64), nullable=False),
    Column("times", Integer, nullable=False),
    Column("counted", String(64), comment="SHA-256 of what is counted together; null: a row of its own"),
    Index("actions_by_time", "at"),
    Index("actions_by_run", "run_id"),
    Index("actions_counted", "counted", unique=True),
)
