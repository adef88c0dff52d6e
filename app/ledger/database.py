"""The one database: opened, brought to the newest schema, and its URL in the form each library wants.

SQLite runs in WAL mode with synchronous=FULL: every commit is on the disk before it is answered for, so a power failure
takes back nothing that was acknowledged, only the transaction that had not been committed. That costs one fsync a
commit; synchronous=NORMAL would save it and lose the last commits of the log. A disk that says it has written what it
has not can still break the file, and so can WAL on a network file system. The durable-execution library's own
connections follow SQLite's default, which is FULL as well.
"""

from __future__ import annotations

import time
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, make_url

from app.errors import BadInput, Failed

_MIGRATIONS = Path(__file__).with_name("migrations")
# How long to wait for somebody else's write, in seconds.
_PATIENCE = 30
# PostgreSQL's number for the turn of who upgrades; any that nothing else in the database uses.
_TURN = 4171903


def engine(url: str) -> Engine:
    """An engine for a `sqlite:///FILE` or `postgresql://...` URL. Raises BadInput for any other."""
    try:
        parsed = make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BadInput(
            "database-url", "opening the database: database.url is not a URL; see followthrough.example.toml"
        ) from None
    if parsed.get_backend_name() == "postgresql":
        return sa.create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        return _sqlite(parsed)
    message = "opening the database: database.url must be sqlite:///FILE or postgresql://HOST/NAME"
    raise BadInput("database-url", message)


def _sqlite(url: sa.URL) -> Engine:
    made = sa.create_engine(url, connect_args={"timeout": _PATIENCE})
    event.listen(made, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=FULL"))
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
