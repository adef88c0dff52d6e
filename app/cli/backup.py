"""`followthrough backup`: a copy of an SQLite database that is in use, whole and checked.

The copy is made in one step, by SQLite itself: in WAL mode that holds up no writer, while a copy in several steps would
begin again at each write. It holds everything that was committed when it began, deliveries and unfinished runs
included, in one file. It takes no migration: a backup before an upgrade is of the database as it was.

To go back: stop the service, put the copy in the place of the database, remove its -wal and -shm files, start. Runs
that were under way at the time of the backup go on from there: cancel those that have ended since.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from app.cli.console import console
from app.cli.written import whole_file
from app.errors import BadInput, Failed
from app.settings import Settings


def backup(settings: Settings, file: Path, yes: bool) -> int:
    """Copy the database into `file`, mode 0600, which is there only when the copy is sound. Returns 0.

    Raises BadInput: `use-pg-dump` (PostgreSQL), `no-database`, `file-exists`, `not-writable`; Failed:
    `backup-failed`.
    """
    source = _database(settings.database.url, file)
    if file.exists() and file.samefile(source):
        raise BadInput("file-exists", f"backing up into {file}: that is the database itself")
    with whole_file(file, yes) as made:
        try:
            size = _copy(source, made)
        except sqlite3.Error as error:
            raise Failed("backup-failed", f"backing up {source}: {error}") from None
    console.print(f"{source} is in {file}, {size:,} bytes, checked", markup=False, soft_wrap=True)
    return 0


def _database(url: str, file: Path) -> Path:
    """The SQLite file that the configuration names."""
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        raise BadInput("database-url", "backing up: database.url is not a URL") from None
    if parsed.get_backend_name() != "sqlite":
        message = "backing up: this database is PostgreSQL's, which has a command of its own; run"
        raise BadInput(
            "use-pg-dump", f"{message} pg_dump --format=custom --file={file} --dbname=URL, URL: database.url"
        )
    source = Path(parsed.database or "")
    if not source.is_file():
        raise BadInput("no-database", f"backing up {source}: there is no such file")
    return source


def _copy(source: Path, made: Path) -> int:
    """Copy, check, and leave it one file without a log beside it. Returns its size in bytes."""
    address = f"{source.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(address, uri=True, timeout=30)) as here, closing(sqlite3.connect(made)) as copy:
        here.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        said = copy.execute("PRAGMA integrity_check").fetchall()
    if said != [("ok",)]:
        raise sqlite3.DatabaseError(f"the copy is not sound: {' '.join(said[0][0].split())[:300]}")
    return made.stat().st_size
