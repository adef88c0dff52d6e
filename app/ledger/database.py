"""The one database: opened, brought to the newest schema, and its URL in the form each library wants.

SQLite runs in WAL mode with synchronous=FULL: every commit is on the disk before it is answered for, so a power failure
takes back nothing that was acknowledged, only the transaction that had not been committed. That costs one fsync a
commit; synchronous=NORMAL would save it and lose the last commits of the log. A disk that says it has written what it
has not can still break the file, and so can WAL on a network file system. The durable-execution library's own
connections follow SQLite's default, which is FULL as well.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext, make_url
from sqlalchemy.pool import NullPool

from app.errors import BadInput, Failed

_MIGRATIONS = Path(__file__).with_name("migrations")
# How long to wait for somebody else's write, in seconds.
_PATIENCE = 30
# PostgreSQL's number for the turn of who upgrades; any that nothing else in the database uses.
_TURN = 4171903


def engine(url: str, waits: Mapping[str, Any] | None = None) -> Engine:
    """An engine for a `sqlite:///FILE` or `postgresql://...` URL. Raises BadInput for any other.

    `waits` are settings of libpq for connections that must not wait for long.
    """
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BadInput(
            "database-url", "opening the database: database.url is not a URL; see followthrough.example.toml"
        ) from None
    if parsed.get_backend_name() == "postgresql":
        with_psycopg = parsed.set(drivername="postgresql+psycopg")
        return sa.create_engine(with_psycopg, pool_pre_ping=True, connect_args=dict(waits or {}))
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _sqlite(parsed)
    message = "opening the database: database.url must be sqlite:///FILE or postgresql://HOST/NAME"
    raise BadInput("database-url", message)


def impatient(database: Engine) -> Connection:
    """A connection to the same SQLite file for one short write after the other, whose BEGIN fails while others write.

    SQLite would wait for them by sleeping, longer each time. Copying the log into the file is left to the connections
    that nobody waits for, unless they let it grow beyond 80 MB.
    """
    own = sa.create_engine(database.url, connect_args={"timeout": 0}, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    event.listen(own, "connect", _synced)
    connection = own.connect()
    connection.exec_driver_sql("PRAGMA wal_autocheckpoint=20000")
    return connection


def _synced(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("PRAGMA synchronous=FULL")


def _sqlite(url: sa.URL) -> Engine:
    made = sa.create_engine(url, connect_args={"timeout": _PATIENCE})
    event.listen(made, "connect", _synced)
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with made.connect() as connection:
            _log_ahead(connection)
    except (OSError, sa.exc.DBAPIError) as error:
        made.dispose()
        raise _unreachable(error) from None
    return made


def _log_ahead(connection: Connection) -> None:
    """Turn on WAL: readers do not wait for the writer. The mode stays in the file, so the other library profits too.

    Turning it on wants the file alone, and SQLite does not wait for that by itself.
    """
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            return
        except sa.exc.OperationalError as error:
            if "locked" not in str(error.orig) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


@event.listens_for(Engine, "handle_error")
def _may_come_back(context: ExceptionContext) -> None:
    """No connection can be made: say so in a way that the durable-execution library understands.

    It knows some of the driver's sentences; at others (the socket is not there, the network is not) it would let go of
    a flow that this process then holds for good, and nobody goes on with.
    """
    if context.connection is None and hasattr(context.original_exception, "sqlstate"):
        context.is_disconnect = True


def is_away(error: BaseException) -> bool:
    """Whether an error says that PostgreSQL is not there, or has no room for us, at the moment."""
    # Only PostgreSQL's driver says a state; SQLite means locks and full disks, for which it waits by itself or not.
    return isinstance(error, sa.exc.OperationalError) and hasattr(error.orig, "sqlstate")


def upgrade(database: Engine) -> None:
    """Bring the tables to the newest schema. Processes that open the database at once take turns.

    Raises Failed: `database-unreachable`, and `database-too-new` for tables that a later version made.
    """
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    try:
        with database.begin() as connection:
            if _is_newest(connection, scripts):
                return
            # SQLite's driver begins no transaction before it changes tables: so ours also makes an upgrade whole.
            turn = (
                "BEGIN IMMEDIATE" if connection.dialect.name == "sqlite" else f"SELECT pg_advisory_xact_lock({_TURN})"
            )
            connection.exec_driver_sql(turn)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (sa.exc.DBAPIError, UnicodeError) as error:
        database.dispose()
        raise _unreachable(error) from None
    except Failed:
        database.dispose()
        raise


def _is_newest(connection: Connection, scripts: ScriptDirectory) -> bool:
    """Whether the tables are as this version makes them. Raises Failed("database-too-new")."""
    found = set(MigrationContext.configure(connection).get_current_heads())
    unknown = found - {script.revision for script in scripts.walk_revisions()}
    if unknown:
        newest = ", ".join(scripts.get_heads())
        said = f"its schema is {', '.join(sorted(unknown))} and this version of followthrough knows up to {newest}"
        message = f"opening the database: {said}; install the version that wrote it, or restore a backup from before"
        raise Failed("database-too-new", message)
    return found == set(scripts.get_heads())


def _unreachable(error: Exception) -> Failed:
    """What the driver says; an error about a host's name says it of no name that people would know."""
    said = "the host in database.url is no host name" if isinstance(error, UnicodeError) else ""
    return Failed("database-unreachable", f"opening the database: {said or getattr(error, 'orig', error)}")
