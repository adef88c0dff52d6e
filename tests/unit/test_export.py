"""The audit trail: every fact once, in order of time, without secrets, however long it is."""

from __future__ import annotations

import json
import stat
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.checks import Check
from app.cli.export import export
from app.errors import BadInput
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.deliveries import Delivery
from app.ledger.evidence import Evidence
from app.ledger.runs import Run, Todo
from app.ledger.schema import approvals, checks, controls, deliveries, effects, evidence, runs, spend, todos
from app.settings import Settings, load
from pipelines import bench

SECRET = "a-webhook-secret-of-ours"
PLAN = "0123456789abcdef" * 4
DIFF, COMMIT, TREE, BASE = "b" * 64, "c" * 40, "d" * 40, "e" * 40


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "followthrough.toml"
    file.write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/l.db"\n[github]\nwebhook_secrets = ["{SECRET}"]\n', encoding="utf-8"
    )
    return load(file)


@pytest.fixture
def ledger(settings: Settings) -> Iterator[Ledger]:
    """One delivery whose run did one TODO, which a person approved."""
    made = open_ledger(settings.database.url)
    bench.use(settings, made)
    made.deliveries.store(
        Delivery(
            "d-1", "github", "push", "o/r", "refs/heads/master", BASE, COMMIT, "me", "accepted", "runs-started", ""
        )
    )
    run = Run("r-1", "o/r", "p.md", COMMIT, delivery="d-1")
    made.runs.add(run)
    made.runs.add_todos(run, [Todo("t-1", 0, 9, "Add an alert", "", "P0", "Alert", True)])
    made.spend.reserve("r-1", "t-1", 1, 2.0)
    made.spend.settle("r-1", "t-1", 1, 0.75)
    policy = "0123456789ab"
    for attempt, diff in ((1, "1" * 64), (2, DIFF)):
        made.evidence.keep("r-1", "t-1", Evidence("edits", attempt, "", diff, None, policy, "allow"))
    made.evidence.keep("r-1", "t-1", Evidence("plan", 2, "stacks/x", PLAN, 1, policy, "block"))
    made.evidence.keep("r-1", "t-1", Evidence("plan", 2, "stacks/x", PLAN, 2, policy, "needs-approval"))
    made.evidence.keep("r-1", "t-1", Evidence("commit", 0, "", TREE))
    plan = {"stack": "stacks/x", "job": "/j", "sha256": PLAN, "does": [], "shown": ["+ a"]}
    made.approvals.ask(Parked("r-1", "t-1", COMMIT, TREE, BASE, "followthrough/r-1/t-1", [plan]))
    made.approvals.decide("r-1", "t-1", "approved", "wizard", "looks right")
    made.runs.begin_effect("r-1", "keep followthrough/r-1/t-1")
    made.runs.begin_effect("r-1", f"apply r-1 t-1 stacks/x {PLAN}")
    made.runs.begin_effect("r-1", f"apply r-1 t-2 stacks/other {PLAN}")
    made.checks.keep("r-1", "t-1", [Check("plan", "stacks/x", True, "is empty")])
    finding = {"rule": "EDIT-09", "where": "a.tf", "why": "many lines", "decision": "approve"}
    made.runs.finish_todo("r-1", "t-1", "done", "", f"said \x1b[31m {SECRET}\u2028", [finding])
    made.runs.set_commit("r-1", "t-1", COMMIT)
    made.runs.finish("r-1", "done")
    made.controls.set("r-1", "me", "no")
    made.controls.set("pause", "me", "a freeze")
    at(made)
    yield made
    made.engine.dispose()
    bench.ledger().engine.dispose()


def at(ledger: Ledger) -> None:
    """When all of it was."""
    with ledger.engine.begin() as db:
        db.execute(sa.update(deliveries).values(received_at="2026-04-14T00:00:00Z"))
        db.execute(sa.update(runs).values(created_at="2026-04-14T00:00:01Z", finished_at="2026-04-16T23:59:59Z"))
        db.execute(sa.update(approvals).values(asked_at="2026-04-14T00:01:00Z", decided_at="2026-04-15T09:00:00Z"))
        db.execute(sa.update(effects).values(at="2026-04-15T09:01:00Z"))
        db.execute(sa.update(checks).values(at="2026-04-15T09:02:00Z", first_at="2026-04-15T09:02:00Z"))
        db.execute(sa.update(evidence).values(at="2026-04-15T09:03:00Z"))
        db.execute(sa.update(todos).values(finished_at="2026-04-15T23:59:59Z"))
        db.execute(sa.update(controls).values(at="2026-04-16T00:00:00Z"))


def told(settings: Settings, file: Path, since: str | None = None, until: str | None = None) -> list[dict[str, Any]]:
    assert export(settings, since, until, file, True) == 0
    return [json.loads(line) for line in file.read_text("ascii").splitlines()]


def test_every_fact_is_told_once_in_order(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    facts = told(settings, tmp_path / "audit")
    order = ["delivery", "run", "approval", *["effect"] * 3, "check", *["evidence"] * 4, "todo", "control", "control"]
    assert [fact["fact"] for fact in facts] == order
    assert [fact["at"] for fact in facts] == sorted(fact["at"] for fact in facts)
    assert {fact["schema"] for fact in facts} == {1}
    by = {fact["fact"]: fact for fact in facts}
    assert by["delivery"]["after"] == by["run"]["commit"] == COMMIT
    assert (by["run"]["delivery"], by["run"]["cost_usd"], by["run"]["outcome"]) == ("d-1", 0.75, "done")
    todo = by["todo"]
    assert (todo["outcome"], todo["commit"], todo["tree"], todo["cost_usd"]) == ("done", COMMIT, TREE, 0.75)
    assert todo["findings"] == [{"rule": "EDIT-09", "where": "a.tf", "why": "many lines", "decision": "approve"}]
    assert todo["plans"] == by["approval"]["plans"] == [{"stack": "stacks/x", "sha256": PLAN}]
    assert (todo["diff"], todo["policies"]) == (DIFF, ["0123456789ab"])
    (plan,) = [fact for fact in facts if fact["fact"] == "evidence" and fact["kind"] == "plan"]
    assert (plan["subject"], plan["hash"], plan["exit_code"]) == ("stacks/x", PLAN, 2)
    assert (plan["attempt"], plan["policy"], plan["verdict"]) == (2, "0123456789ab", "needs-approval")
    said = by["approval"]
    assert (said["by"], said["why"], said["decision"], said["todo"]) == ("wizard", "looks right", "approved", "t-1")
    controlled = sorted((fact["what"], fact["run"], fact["why"]) for fact in facts if fact["fact"] == "control")
    assert controlled == [("cancel", "r-1", "no"), ("pause", "", "a freeze")]


def test_the_fields_are_those_that_are_documented(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    from app.ledger import audit

    documented = (audit.__doc__ or "").partition("new ones may be added.")[2].partition("\n\n`at` is")[0]
    for fact in told(settings, tmp_path / "audit"):
        for name in fact.keys() - {"schema", "fact", "at"}:
            assert name in documented, (fact["fact"], name)


def test_days_are_whole_and_both_are_included(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    facts = told(settings, tmp_path / "audit", "2026-04-15", "2026-04-15")
    assert {fact["fact"] for fact in facts} == {"approval", "effect", "check", "evidence", "todo"}
    assert len(told(settings, tmp_path / "audit", "2026-04-16")) == 2
    assert [fact["fact"] for fact in told(settings, tmp_path / "audit", None, "2026-04-14")] == ["delivery", "run"]
    for wrong in ("2026-4-1", "yesterday", "2026-02-30", "9999-12-31"):
        with pytest.raises(BadInput) as refused:
            export(settings, None, wrong, None, False)
        assert refused.value.reason == "date-malformed"


def test_no_secret_and_no_control_character(
    ledger: Ledger, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    export(settings, None, None, None, False)
    printed = capsys.readouterr().out
    assert SECRET not in printed and "[redacted]" in printed
    assert not [c for c in printed if c != "\n" and not " " <= c <= "~"]
    todo = next(fact for fact in map(json.loads, printed.splitlines()) if fact["fact"] == "todo")
    assert todo["message"].startswith("said \\u001b[31m [redacted]")


def test_a_file_is_private_and_replaced_only_when_told(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    assert export(settings, None, None, file, False) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    ledger.controls.lift("pause")
    with pytest.raises(BadInput, match="--yes"):
        export(settings, None, None, file, False)
    assert file.read_bytes() == before
    export(settings, None, None, file, True)
    assert file.read_bytes() != before
    with pytest.raises(BadInput) as refused:
        export(settings, None, None, tmp_path / "missing" / "audit", False)
    assert refused.value.reason == "not-writable"
    assert sorted(path.name for path in tmp_path.iterdir() if "audit" in path.name) == ["audit.jsonl"]


def test_a_long_trail_is_not_held_in_memory(ledger: Ledger, settings: Settings, tmp_path: Path) -> None:
    many = 20_000
    blank = {"forge": "github", "event": "push", "repository": "o/r", "ref": "r", "before": BASE, "after": COMMIT}
    blank |= {"pusher": "me", "received_at": "2026-05-01T00:00:00Z", "decision": "ignored", "reason": "x"}
    with ledger.engine.begin() as db:
        db.execute(sa.insert(deliveries), [{"id": str(n), "message": "m" * 500, **blank} for n in range(many)])
        paid = {"run_id": "r-1", "todo_id": "t-1", "day": "2026-04-14", "reserved_usd": 0.0}
        db.execute(sa.insert(spend), [{"attempt": n, **paid} for n in range(2, 5)])
    ledger.runs.newest()
    tracemalloc.start()
    count = sum(1 for _ in ledger.audit.facts())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert count == many + 14
    assert peak < 4_000_000, peak
