"""What goes when it is old enough, and what never does."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.cli.retention import remove_old
from app.errors import BadInput
from app.ledger import Ledger, open_ledger
from app.ledger.clock import today
from app.ledger.deliveries import HELD_BACK, Delivery
from app.ledger.retention import Cutoffs
from app.ledger.runs import PASSING_REASONS, Run, Todo
from app.ledger.schema import (
    approvals,
    checks,
    controls,
    deliveries,
    effects,
    events,
    rejections,
    runs,
    spend,
    todos,
)
from app.settings import Settings, load
from pipelines import bench, drift, retention

ROOT = Path(__file__).parents[2]
OLD, CUT, NEW = "2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z", "2022-01-01T00:00:00Z"
ALL = Cutoffs(CUT, CUT, CUT)
EVERYTHING = (deliveries, rejections, runs, todos, spend, effects, events, approvals, checks, controls)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    yield opened
    opened.engine.dispose()


@dataclass(frozen=True)
class Case:
    """A run with one TODO: what came of it, and whether it stays."""

    outcome: str | None
    stays: bool
    reason: str = ""
    commit: str = ""
    decision: str | None = None
    finished: str | None = OLD


CASES = {
    "done": Case("done", True),
    "refused-by-a-rule": Case("refused", True, "change-refused"),
    "unknown": Case("unknown", True, "not-converged"),
    "waits": Case("awaiting-approval", True, "approval-needed", decision=""),
    "approved-not-landed": Case("failed", True, "x", decision="approved"),
    "landed-and-a-persons": Case("needs-human", True, "monitor-down", commit="a" * 40),
    "goes-on": Case(None, True, finished=None),
    "young": Case("failed", True, "x", finished=NEW),
    "left-to-people": Case("needs-human", False, "not-safe"),
    "failed": Case("failed", False, "vault-sealed"),
    "cancelled": Case("cancelled", False, "cancelled"),
    "void": Case("cancelled", False, "approval-void", decision="void"),
    **{reason: Case("refused", False, reason) for reason in PASSING_REASONS},
}


def add_run(ledger: Ledger, name: str, case: Case) -> None:
    """A run of long ago, started by a delivery, with everything that can belong to it."""
    ledger.deliveries.store(Delivery(f"d-{name}", "github", "push", "o/r", "r", "b", "a", "me", "accepted", "x", ""))
    run = Run(name, "o/r", f"{name}.md", "c" * 40, delivery=f"d-{name}")
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(f"t-{name}", 0, 1, "do it", "", "P1", "Config", True)])
    ledger.runs.begin_effect(name, f"apply {name} t-{name} stacks/x {'0' * 64}")
    ledger.runs.note(name, "plan", "a line", f"t-{name}")
    ledger.runs.note(name, drift.PHASE, "gone [prometheus-rule A] it is gone", f"t-{name}")
    ledger.controls.set(name, "me", "no")
    blank = {"answer": "", "reason": "", "link": "", "at": OLD, "first_at": OLD}
    check = {"run_id": name, "todo_id": f"t-{name}", "kind": "plan", "subject": "stacks/x", "ok": True, **blank}
    paid = {"run_id": name, "todo_id": f"t-{name}", "attempt": 1, "day": OLD[:10], "reserved_usd": 1, "spent_usd": 1}
    with ledger.engine.begin() as db:
        db.execute(sa.insert(checks).values(**check))
        db.execute(sa.insert(spend).values(**paid))
        if case.decision is not None:
            db.execute(sa.insert(approvals).values(**asked(name, case.decision)))
        values = {"outcome": case.outcome, "reason": case.reason, "commit": case.commit, "finished_at": case.finished}
        db.execute(sa.update(todos).where(todos.c.run_id == name).values(**values))
        db.execute(sa.update(runs).where(runs.c.id == name).values(created_at=OLD, finished_at=case.finished))
        db.execute(sa.update(events).values(at=OLD))
        db.execute(sa.update(deliveries).values(received_at=OLD))


def asked(name: str, decision: str) -> dict[str, Any]:
    text = dict.fromkeys(("commit", "tree", "base", "branch", "decided_by", "decided_at", "why"), "")
    return {"run_id": name, "todo_id": f"t-{name}", "plans": "[]", "asked_at": OLD, "decision": decision, **text}


def rows(ledger: Ledger, table: sa.Table) -> int:
    with ledger.engine.connect() as db:
        return db.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def forget(ledger: Ledger, before: Cutoffs) -> dict[str, int]:
    """Everything, as the pipeline does it but for the engine."""
    kept = ledger.retention
    return {
        **kept.forget_events(before, retention.LASTING),
        **kept.forget_runs(before),
        **kept.forget_deliveries(before),
    }


def add_all(ledger: Ledger) -> None:
    for name, case in CASES.items():
        add_run(ledger, name, case)


def settled(ledger: Ledger) -> dict[str, dict[str, str]]:
    """What a later push of each run's document would not do again."""
    return {name: ledger.runs.settled(Run("", "o/r", f"{name}.md", "")) for name in CASES}


def names(ledger: Ledger, column: sa.Column[Any]) -> list[str]:
    with ledger.engine.connect() as db:
        return sorted(db.execute(sa.select(column)).scalars())


def test_a_run_stays_or_goes_with_all_that_belongs_to_it(ledger: Ledger) -> None:
    add_all(ledger)
    before = settled(ledger)
    forget(ledger, Cutoffs("", CUT, CUT))
    stay = sorted(name for name, case in CASES.items() if case.stays)
    for column in (runs.c.id, todos.c.run_id, checks.c.run_id, effects.c.run_id, controls.c.name, spend.c.run_id):
        assert names(ledger, column) == stay, str(column)
    assert names(ledger, deliveries.c.id) == [f"d-{name}" for name in stay]
    assert names(ledger, events.c.run_id) == sorted(stay * 2)
    assert names(ledger, approvals.c.run_id) == [name for name in stay if CASES[name].decision is not None]
    assert settled(ledger) == before


def test_lines_go_when_a_run_has_ended_and_nothing_of_it_waits(ledger: Ledger) -> None:
    add_all(ledger)
    forget(ledger, Cutoffs(events=CUT))
    for name in CASES:
        here = ["plan", drift.PHASE] if name in ("goes-on", "waits", "approved-not-landed") else [drift.PHASE]
        assert [event["phase"] for event in ledger.runs.events(name)] == here, name
    assert names(ledger, runs.c.id) == sorted(CASES)


def test_what_would_go_is_what_goes(ledger: Ledger) -> None:
    add_all(ledger)
    for before in (ALL, Cutoffs(CUT, "", CUT), Cutoffs("", "", CUT), Cutoffs("", CUT, "")):
        would = ledger.retention.count(before, retention.LASTING)
        assert forget(ledger, before) == {name: would[name] for name in would}, before
    assert forget(ledger, ALL) == dict.fromkeys(("events", "runs", "spend", "actions", "deliveries", "rejections"), 0)


def test_for_ever_is_for_ever(ledger: Ledger) -> None:
    add_all(ledger)
    before = {table.name: rows(ledger, table) for table in EVERYTHING}
    assert sum(forget(ledger, Cutoffs()).values()) == 0
    assert {table.name: rows(ledger, table) for table in EVERYTHING} == before


def test_deliveries_go_when_nothing_more_can_come_of_them(ledger: Ledger) -> None:
    stays = {"new": ("accepted", ""), "passing": ("accepted", "fetch-failed"), "held": ("ignored", HELD_BACK)}
    goes = {"ended": ("accepted", "runs-started"), "other-branch": ("ignored", "not-the-branch")}
    for name, (decision, reason) in (stays | goes).items():
        ledger.deliveries.store(Delivery(name, "github", "push", "o/r", "r", "b", "a", "me", decision, reason, ""))
    ledger.deliveries.reject("bad-signature")
    with ledger.engine.begin() as db:
        db.execute(sa.update(deliveries).values(received_at=OLD))
        db.execute(sa.update(rejections).values(last_at=OLD))
    assert forget(ledger, ALL)["rejections"] == 1
    assert {row["id"] for row in ledger.deliveries.newest()} == set(stays)


def test_money_of_this_month_stays_and_its_run_may_go(ledger: Ledger) -> None:
    add_run(ledger, "r", CASES["failed"])
    with ledger.engine.begin() as db:
        values = {"run_id": "r", "todo_id": "t-r", "attempt": 2, "day": today(), "reserved_usd": 2, "spent_usd": 2}
        db.execute(sa.insert(spend).values(**values))
    later = (datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert forget(ledger, Cutoffs(runs=later)) == {
        "events": 0,
        "runs": 1,
        "spend": 1,
        "actions": 0,
        "deliveries": 0,
        "rejections": 0,
    }
    assert ledger.spend.so_far("r", "t-r").day == 2


def test_no_transaction_removes_much(ledger: Ledger) -> None:
    ledger.runs.add(Run("r", "o/r", "p.md", "c" * 40))
    line = {"run_id": "r", "todo_id": "", "at": OLD, "phase": "plan", "text": "x"}
    with ledger.engine.begin() as db:
        db.execute(sa.insert(events), [line] * 2001)
        db.execute(sa.update(runs).values(finished_at=OLD))
    removed: list[int] = []

    def note(_c: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("DELETE FROM events"):
            removed.append(cursor.rowcount)

    commits: list[Any] = []
    sa.event.listen(ledger.engine, "after_cursor_execute", note)
    sa.event.listen(ledger.engine, "commit", commits.append)
    assert ledger.retention.forget_events(ALL) == {"events": 2001}
    assert removed == [500, 500, 500, 500, 1]
    assert len(commits) == len(removed)


def test_what_is_old_is_found_without_reading_all(ledger: Ledger) -> None:
    with ledger.engine.connect() as db:
        plan = db.exec_driver_sql(f"EXPLAIN QUERY PLAN SELECT id FROM events WHERE at < '{CUT}'").all()
    assert "events_by_time" in str(plan)


def settings_of(tmp_path: Path, more: str = "") -> Settings:
    file = tmp_path / "followthrough.toml"
    file.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/l.db"\n{more}')
    return load(file)


def test_days_become_times_and_none_is_for_ever(tmp_path: Path) -> None:
    kept = settings_of(tmp_path, "[retention]\nevents_days = 1\nruns_days = 0\n").retention
    at = datetime(2026, 4, 14, 0, 0, tzinfo=UTC)
    assert retention.cutoffs(kept, at) == Cutoffs("2026-04-13T00:00:00Z", "", "2025-04-14T00:00:00Z")
    with pytest.raises(BadInput, match="runs_days"):
        settings_of(tmp_path, "[retention]\nruns_days = -1\n")


WORKS = """
import sys, time
from pathlib import Path
from app.main import compose
from app.settings import load
from pipelines import bench, durable, retention
settings = load(Path(sys.argv[1]))
compose(settings)
durable.launch(settings.database.url, 1, bench.waiting)
for day in range(4):
    retention.begin(day * retention.EVERY)
    retention.begin(day * retention.EVERY)
due = [f"1970-01-0{day + 1}T00:00:00Z" for day in range(4)]
while not all(durable.is_over(settings.database.url, "remove_old", name) for name in due):
    time.sleep(0.05)
durable.stop()
"""


def workflows(ledger: Ledger) -> list[tuple[str, str]]:
    with ledger.engine.connect() as db:
        query = sa.text("SELECT workflow_uuid, status FROM workflow_status ORDER BY workflow_uuid")
        return [(row[0], row[1]) for row in db.execute(query)]


def test_the_engine_s_record_goes_before_the_run_of_the_same_name(tmp_path: Path) -> None:
    """The engine executes the daily removal; what it keeps of that goes after days, of a run after the run's years."""
    settings = settings_of(tmp_path)
    file = str(tmp_path / "followthrough.toml")
    subprocess.run([sys.executable, "-c", WORKS, file], check=True, timeout=60, cwd=ROOT)
    ledger = open_ledger(settings.database.url)
    bench.use(settings, ledger)
    ran = [f"remove_old 1970-01-0{day}T00:00:00Z" for day in (1, 2, 3, 4)]
    assert workflows(ledger) == [(name, "SUCCESS") for name in ran]
    stands = (("remove_old", 6.5), ("remove_old", 7.5), ("follow_through", 729.5), ("follow_through", 730.5))
    with ledger.engine.begin() as db:
        change = sa.text("UPDATE workflow_status SET completed_at = :at, name = :name WHERE workflow_uuid = :id")
        for workflow_id, (name, age) in zip(ran, stands, strict=True):
            db.execute(change, {"at": int((time.time() - age * 24 * 3600) * 1000), "name": name, "id": workflow_id})
    for name, age in {"older": 731.5, "just-over": 730.5}.items():
        finished = (datetime.now(UTC) - timedelta(days=age)).strftime("%Y-%m-%dT%H:%M:%SZ")
        add_run(ledger, name, Case("failed", False, "x", finished=finished))
    would = retention.would_remove(datetime.now(UTC))
    assert (would["workflows"], would["runs"]) == (2, 1)
    assert retention.remove(datetime.now(UTC)) == would
    stay = [ran[0], ran[2]]
    assert workflows(ledger) == [(name, "SUCCESS") for name in stay]
    assert [row["id"] for row in ledger.runs.newest()] == ["just-over"]
    with ledger.engine.connect() as db:
        for table in ("operation_outputs", "workflow_input", "workflow_output"):
            ids = db.execute(sa.text(f"SELECT DISTINCT workflow_uuid FROM {table} ORDER BY 1")).scalars().all()
            assert ids in (stay, []), table
    ledger.engine.dispose()


def test_the_command_counts_and_removes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = settings_of(tmp_path)
    ledger = open_ledger(settings.database.url)
    add_run(ledger, "r", CASES["failed"])
    add_run(ledger, "s", CASES["done"])
    counts = "workflows=0 events=2 runs=1 spend=1 actions=0 deliveries=1 rejections=0\n"
    for dry_run, said in ((True, "would remove: "), (False, "removed: ")):
        assert remove_old(settings, dry_run) == 0
        bench.ledger().engine.dispose()
        assert capsys.readouterr().out == said + counts
        assert names(ledger, runs.c.id) == (["r", "s"] if dry_run else ["s"])
    ledger.engine.dispose()
