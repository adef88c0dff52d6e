"""A database file that cannot be written: a full disk, one that has become read-only, a file that is held for long.

It is waited for like any other part that is away. For our own statements the steps do that; the durable-execution
library waits by itself for a PostgreSQL that is away and for an SQLite file that is locked, and takes any other failure
of a write for the end: the flow under way would be dropped, and would hold up its lane until the next start.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine, ExceptionContext, make_url

_PASSES = (
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_CANTOPEN,
)
# The words by which the library knows what it waits for.
_WAITED_FOR = "database is locked"
# How long its own connections wait for somebody else's write, in milliseconds.
_BUSY = 30_000


def cannot_be_written(error: BaseException | None) -> bool:
    """Whether an error of SQLite is one that passes without anybody touching the database: there is room again."""
    code = getattr(error.orig if isinstance(error, sa.exc.DBAPIError) else error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _PASSES


def engine_that_waits(url: str) -> Engine | None:
    """An engine for the durable-execution library on an SQLite file, None for any other database.

    It is set up as the library sets up its own, and says of a file that cannot be written that it is locked.
    """
    if make_url(url).get_backend_name() != "sqlite":
        return None
    made = sa.create_engine(url)
    event.listen(made, "connect", _as_the_library_does)
    event.listen(made, "handle_error", _say_locked)
    return made


def _as_the_library_does(connection: Any, _: object) -> None:
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={_BUSY}")
    connection.execute("PRAGMA foreign_keys=ON")


def _say_locked(context: ExceptionContext) -> None:
    found = context.original_exception
    if cannot_be_written(found) and _WAITED_FOR not in str(found):
        said = sqlite3.OperationalError(f"{_WAITED_FOR}: it cannot be written ({found})")
        raise sa.exc.OperationalError(context.statement, None, said) from found
