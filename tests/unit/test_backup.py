"""A backup of a database in use: whole, checked, and one that the service goes on with."""

from __future__ import annotations

import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.cli.backup import backup
from app.errors import BadInput, Failed
from app.ledger import Ledger, open_ledger
from app.ledger.deliveries import Delivery
from app.settings import Settings, load


def settings_for(folder: Path, url: str) -> Settings:
    file = folder / "followthrough.toml"
    file.write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
    return load(file)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_for(tmp_path, f"sqlite:///{tmp_path}/l.db")


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    opened = open_ledger(settings.database.url)
    yield opened
    opened.engine.dispose()


def store(ledger: Ledger, number: int) -> bool:
    facts = ("github", "push", "o/r", "r", "b", "a", "me", "accepted", "", "m" * 400)
    return ledger.deliveries.store(Delivery(f"{number:05}", *facts))


def test_a_copy_of_a_database_that_is_written_to_is_whole_and_goes_on(
    ledger: Ledger, settings: Settings, tmp_path: Path
) -> None:
    """A writer goes on during the backup; the copy holds a beginning of what it wrote, and takes more."""
    stop, written = threading.Event(), 0

    def write() -> None:
        nonlocal written
        while not stop.is_set():
            assert store(ledger, written)
            written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        while written < 50:
            stop.wait(0.01)
        before = written
        assert backup(settings, tmp_path / "copy.db", False) == 0
        after = written
        while written < after + 20:
            stop.wait(0.01)
    finally:
        stop.set()
        writer.join()
    assert stat.S_IMODE((tmp_path / "copy.db").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.db"]
    restored = open_ledger(f"sqlite:///{tmp_path}/copy.db")
    kept = sorted(row["id"] for row in restored.deliveries.newest(100_000))
    assert kept == [f"{number:05}" for number in range(len(kept))]
    assert before <= len(kept) <= after + 1
    assert not store(restored, 0)
    assert store(restored, len(kept))
    restored.deliveries.conclude("00000", "runs-started", "")
    assert len(restored.deliveries.unconcluded()) == len(kept)
    with restored.engine.connect() as db:
        assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    restored.engine.dispose()


def test_a_backup_before_an_upgrade_is_of_the_old_schema(tmp_path: Path, settings: Settings) -> None:
    with closing(sqlite3.connect(tmp_path / "l.db")) as db, db:
        db.execute("CREATE TABLE alembic_version (version_num TEXT)")
    assert backup(settings, tmp_path / "copy.db", False) == 0
    with closing(sqlite3.connect(tmp_path / "copy.db")) as db:
        assert [row[0] for row in db.execute("SELECT name FROM sqlite_master")] == ["alembic_version"]


def test_nothing_is_replaced_unless_told(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("mine")
    with pytest.raises(BadInput, match="--yes"):
        backup(settings, copy, False)
    assert copy.read_text() == "mine"
    assert backup(settings, copy, True) == 0
    with pytest.raises(BadInput, match="the database itself"):
        backup(settings, tmp_path / "l.db", True)
    ledger.runs.newest()


def test_a_database_that_is_broken_gives_no_copy(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    """An index that is another table's: every page can be read, and still it is not sound."""
    store(ledger, 1)
    ledger.engine.dispose()
    with closing(sqlite3.connect(tmp_path / "l.db")) as db, db:
        db.execute("PRAGMA writable_schema=ON")
        other = "(SELECT rootpage FROM sqlite_master WHERE name = 'runs_by_time')"
        db.execute(f"UPDATE sqlite_master SET rootpage = {other} WHERE name = 'deliveries_by_time'")
    (tmp_path / "copy.db").write_text("the last good one")
    with pytest.raises(Failed, match=r"the copy is not sound: .* never used") as failed:
        backup(settings, tmp_path / "copy.db", True)
    assert failed.value.reason == "backup-failed"
    assert (tmp_path / "copy.db").read_text() == "the last good one"
    assert sorted(path.name for path in tmp_path.iterdir() if "copy" in path.name) == ["copy.db"]
    (tmp_path / "l.db").write_text("not a database at all" * 100)
    with pytest.raises(Failed, match="not a database"):
        backup(settings, tmp_path / "copy.db", True)


def test_postgresql_has_a_command_of_its_own(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "postgresql://me:hidden-pass@db/followthrough")
    with pytest.raises(BadInput, match=r"run pg_dump --format=custom --file=\S+copy --dbname=") as refused:
        backup(settings, tmp_path / "copy", False)
    assert refused.value.reason == "use-pg-dump"
    assert "hidden-pass" not in str(refused.value)
    with pytest.raises(BadInput, match="there is no such file"):
        backup(settings_for(tmp_path, f"sqlite:///{tmp_path}/none.db"), tmp_path / "copy", False)
    assert not (tmp_path / "none.db").exists()
