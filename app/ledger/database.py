"""The one database: opened, brought to the newest schema, and its URL in the form each library wants."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.engine import Engine, make_url

from app.errors import BadInput, Failed

_MIGRATIONS = Path(__file__).with_name("migrations")


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
    made = sa.create_engine(url, connect_args={"timeout": 30})
    try:
        Path(url.database or "").parent.mkdir(parents=True, exist_ok=True)
        with made.connect() as connection:
            # Readers do not wait for the writer; the mode stays in the file, so the other library profits too.
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
    except (OSError, sa.exc.DBAPIError) as error:
        made.dispose()
        raise _unreachable(error) from None
    return made


def upgrade(database: Engine) -> None:
    """Bring the tables to the newest schema. Raises Failed when the database cannot be reached."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    try:
        with database.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except (sa.exc.DBAPIError, UnicodeError) as error:
        database.dispose()
        raise _unreachable(error) from None


def _unreachable(error: Exception) -> Failed:
    """What the driver says; an error about a host's name says it of no name that people would know."""
    said = "the host in database.url is no host name" if isinstance(error, UnicodeError) else ""
    return Failed("database-unreachable", f"opening the database: {said or getattr(error, 'orig', error)}")
