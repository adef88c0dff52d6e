"""Who may come in: tokens, sessions of browsers, one-time links, failed logins. Secrets are kept as hashes alone.

A secret of ours is 32 random bytes, so that one round of SHA-256 is enough: there is nothing to guess from its hash.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from app.errors import BadInput
from app.ledger.clock import now
from app.ledger.people import attempts, keys, sessions, tokens

# How secrets of ours begin: the redactor and scanners of secrets know them by it.
TOKEN_PREFIX, LINK_PREFIX = "ftk_", "ftl_"
LINK_VALID_FOR = timedelta(minutes=10)
# Failed logins are counted in windows of so many seconds.
WINDOW = 300
# The last use of a token is known to the hour: one write an hour, not one a request.
_HOUR = len("2026-04-14T17")


@dataclass(frozen=True)
class Token:
    """A token without its secret. Times are ISO 8601 in UTC, empty where there is none."""

    name: str
    scopes: tuple[str, ...]
    created_by: str
    created_at: str
    expires_at: str
    used_at: str
    revoked_at: str

    @property
    def is_good(self) -> bool:
        """Whether it lets anybody in now."""
        return not self.revoked_at and (not self.expires_at or now() < self.expires_at)


@dataclass(frozen=True)
class Session:
    """A browser that is logged in: whose name it acts in, and what its scopes come from."""

    name: str
    proof: Mapping[str, Any]
    expires_at: str


class AccessBook:
    """Tokens, sessions and failed logins of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def new_token(self, name: str, scopes: Sequence[str], by: str, days: float = 0) -> str:
        """Make a token; returns its secret, which nobody can ask for again. `days` 0: it never expires.

        Raises BadInput("token-name-taken"): a name is never given twice, since it stands beside what was done.
        """
        secret = TOKEN_PREFIX + secrets.token_urlsafe(32)
        made = {"created_by": by, "created_at": now(), "used_at": "", "revoked_at": ""}
        values = {"name": name, "hash": hashed(secret), "scopes": " ".join(scopes), **made}
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(tokens).values(**values, expires_at=_in(timedelta(days=days)) if days else ""))
        except IntegrityError:
            message = f"making the token {name}: there is or was one of that name; take another"
            raise BadInput("token-name-taken", message) from None
        return secret

    def tokens(self) -> list[Token]:
        """All tokens, those that are revoked or expired too, by name."""
        with self._engine.connect() as db:
            return [_token(dict(row)) for row in db.execute(sa.select(tokens).order_by(tokens.c.name)).mappings()]

    def token(self, name: str) -> Token | None:
        """One by its name."""
        return self._one_token(tokens.c.name == name)

    def token_of(self, secret: str) -> Token | None:
        """The one with this secret, good or not; its use is noted."""
        found = self._one_token(tokens.c.hash == hashed(secret))
        hour = f"{now()[:_HOUR]}:00:00Z"
        if found is not None and found.is_good and found.used_at != hour:
            with self._engine.begin() as db:
                db.execute(sa.update(tokens).where(tokens.c.name == found.name).values(used_at=hour))
        return found

    def has_tokens(self) -> bool:
        """Whether any was ever made: who revokes the last one does not open the door again."""
        with self._engine.connect() as db:
            return db.execute(sa.select(tokens.c.name).limit(1)).first() is not None

    def revoke(self, name: str) -> bool:
        """Let nobody in by it any more, nor by a session that it began; False when that is so already.

        Raises BadInput("no-such-token").
        """
        if self.token(name) is None:
            raise BadInput("no-such-token", f"revoking the token {name}: there is none; see followthrough tokens list")
        wanted = (tokens.c.name == name) & (tokens.c.revoked_at == "")
        with self._engine.begin() as db:
            return bool(db.execute(sa.update(tokens).where(wanted).values(revoked_at=now())).rowcount)

    def new_session(self, name: str, proof: Mapping[str, Any], valid_for: timedelta) -> str:
        """Log a browser in; returns the session's id, for its cookie alone."""
        return self._keep("session", secrets.token_urlsafe(32), name, proof, valid_for)

    def session(self, session_id: str) -> Session | None:
        """The session of this id, None when it is over or was ended."""
        query = sa.select(sessions).where(_live("session", session_id))
        with self._engine.connect() as db:
            row = db.execute(query).mappings().first()
        return None if row is None else _session(dict(row))

    def end_session(self, session_id: str) -> None:
        """Log it out."""
        with self._engine.begin() as db:
            db.execute(sa.delete(sessions).where(sessions.c.hash == hashed(session_id)))

    def new_link(self, name: str, scopes: Sequence[str]) -> str:
        """What lets one browser in, once, within ten minutes, in this name; returns the link's secret."""
        secret = LINK_PREFIX + secrets.token_urlsafe(32)
        return self._keep("link", secret, name, {"link": list(scopes)}, LINK_VALID_FOR)

    def use_link(self, secret: str) -> Session | None:
        """Whom the link lets in. Nobody a second time, whoever asks at the same moment."""
        live = _live("link", secret)
        with self._engine.begin() as db:
            row = db.execute(sa.select(sessions).where(live)).mappings().first()
            gone = db.execute(sa.delete(sessions).where(live)).rowcount
        return _session(dict(row)) if row is not None and gone else None

    def key(self, name: str) -> str:
        """A key of 32 random bytes as hex, made at the first call of any process on this database."""
        made = _ignoring(self._engine, keys).values(name=name, value=secrets.token_hex(32))
        query = sa.select(keys.c.value).where(keys.c.name == name)
        with self._engine.connect() as db:
            if known := db.execute(query).scalar():
                return str(known)
        with self._engine.begin() as db:
            db.execute(made)
            return str(db.execute(query).scalar_one())

    def failures(self, key: str) -> int:
        """How many logins by this key (an address) failed in this window and the one before."""
        recent = (attempts.c.key == key) & (attempts.c.window >= _window() - 1)
        with self._engine.connect() as db:
            return int(
                db.execute(sa.select(sa.func.coalesce(sa.func.sum(attempts.c.count), 0)).where(recent)).scalar_one()
            )

    def failed(self, *by: str) -> None:
        """Count a failed login by each of these keys."""
        with self._engine.begin() as db:
            db.execute(sa.delete(attempts).where(attempts.c.window < _window() - 1))
            for key in sorted(by):
                _count(self._engine, db, key)

    def _one_token(self, where: sa.ColumnElement[bool]) -> Token | None:
        with self._engine.connect() as db:
            row = db.execute(sa.select(tokens).where(where)).mappings().first()
        return None if row is None else _token(dict(row))

    def _keep(self, kind: str, secret: str, name: str, proof: Mapping[str, Any], valid_for: timedelta) -> str:
        at = {"created_at": now(), "expires_at": _in(valid_for)}
        values = {"hash": hashed(secret), "kind": kind, "name": name, "proof": json.dumps(dict(proof)), **at}
        with self._engine.begin() as db:
            db.execute(sa.delete(sessions).where(sessions.c.expires_at < now()))
            db.execute(sa.insert(sessions).values(**values))
        return secret


def hashed(secret: str) -> str:
    """SHA-256 as hex: all that is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _live(kind: str, secret: str) -> sa.ColumnElement[bool]:
    return (sessions.c.hash == hashed(secret)) & (sessions.c.kind == kind) & (sessions.c.expires_at > now())


def _session(row: Mapping[str, Any]) -> Session:
    return Session(row["name"], json.loads(row["proof"]), row["expires_at"])


def _token(row: Mapping[str, Any]) -> Token:
    plain = {name: row[name] for name in Token.__dataclass_fields__ if name != "scopes"}
    return Token(scopes=tuple(row["scopes"].split()), **plain)


def _in(delta: timedelta) -> str:
    return (datetime.now(UTC) + delta).strftime("%Y-%m-%dT%H:%M:%SZ")


def _window() -> int:
    return int(time.time()) // WINDOW


def _ignoring(engine: Engine, table: sa.Table) -> Any:
    insert = sqlite.insert if engine.dialect.name == "sqlite" else postgresql.insert
    return insert(table).on_conflict_do_nothing()


def _count(engine: Engine, db: Connection, key: str) -> None:
    one = {"key": key[:80], "window": _window()}
    db.execute(_ignoring(engine, attempts).values(**one, count=0))
    same = (attempts.c.key == one["key"]) & (attempts.c.window == one["window"])
    db.execute(sa.update(attempts).where(same).values(count=attempts.c.count + 1))
