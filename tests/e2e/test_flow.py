"""A pushed post-mortem ends in landed changes, an updated document and a message; a second time, in nothing."""

from __future__ import annotations

from typing import Any

import pytest

from app.ledger import open_ledger
from tests.e2e.conftest import FOLLOW_UP, PATH, deliver, eventually, finished, log, plans_empty, post_mortem, push
from tests.world.forge import REPOSITORY
from tests.world.world import World

ALERT = "Alert on NFS clients that retransmit"
MONITOR = "Add Uptime Kuma monitor for Proxmox web UI port 8006"
REPLACE = "Raise the load balancer's idle timeout"
# CRLF, no final newline, a wide column: none of it may change but the status cells and the table at the end.
TEXT = post_mortem(
    ("P2", MONITOR, "Monitor"), ("P0", ALERT, "Alert"), ("P1", REPLACE, "Config"), ("P1", "Think", "Runbook")
)
DOCUMENT = TEXT.replace("\n", "\r\n").rstrip().encode()


@pytest.fixture(scope="module")
def followed(world: World) -> dict[str, Any]:
    """The run of one push with three TODOs for the machine and one for people."""
    before, after = push(world, {PATH: DOCUMENT})
    world.serve()
    answer = deliver(world, (before, after), "the-first-delivery")
    assert (answer.status_code, answer.json()["decision"]) == (202, "accepted")
    return {"run": finished(world), "before": before, "after": after}


def test_each_todo_has_its_outcome(followed: dict[str, Any]) -> None:
    todos = {t["action"]: t for t in followed["run"]["todos"]}
    assert {a: t["outcome"] for a, t in todos.items()} == {
        MONITOR: "done",
        ALERT: "done",
        REPLACE: "refused",
        "Think": "needs-human",
    }
    assert followed["run"]["outcome"] == "partial"
    assert {f["rule"] for f in todos[REPLACE]["findings"]} == {"PLAN-02", "PLAN-07"}
    assert todos["Think"]["reason"] == "type-needs-human"
    assert all(t["cost_usd"] > 0 for t in todos.values() if t["outcome"] != "needs-human")
    assert todos[REPLACE]["cost_usd"] > todos[ALERT]["cost_usd"], "a second try with the findings was made"


def test_the_pages_know_what_the_run_closed(world: World, followed: dict[str, Any]) -> None:
    ledger = open_ledger(f"sqlite:///{world.database}")
    document, history = ledger.documents.find(REPOSITORY, PATH), ledger.documents.history(REPOSITORY, PATH)
    ledger.engine.dispose()
    assert document is not None and (document["open"], document["done"]) == (2, 2)
    closed = {item["action"]: history[item["id"]]["closed_by"] for item in document["items"]}
    assert closed == {MONITOR: "run", ALERT: "run", REPLACE: "", "Think": ""}


def test_the_forge_has_one_commit_a_done_todo_and_then_the_follow_up(world: World, followed: dict[str, Any]) -> None:
    commits = log(world, followed["after"], "%an%n%ae%n%B")
    subjects = [c.splitlines()[2] for c in commits]
    # They are on different stacks and go side by side: either may be first.
    actions = [ALERT, MONITOR] if ALERT in subjects[0] else [MONITOR, ALERT]
    assert subjects == [*(f"fix(post-mortem): {action} [PM-2026-04-14]" for action in actions), FOLLOW_UP]
    todo_ids = {t["action"]: t["id"] for t in followed["run"]["todos"]}
    for commit, action in zip(commits, actions, strict=False):
        assert commit.startswith("postmortem-todo-resolver\nnoreply@followthrough.invalid\n")
        assert f"\nFollowthrough-Run: {followed['run']['id']}\nFollowthrough-Todo: {todo_ids[action]}\n" in commit
        assert "\nCo-Authored-By: postmortem-todo-resolver <noreply@followthrough.invalid>" in commit
    assert b"NfsClientRetransmits" in world.forge.file("stacks/monitoring/prometheus_rules.yaml.tpl")
    assert b"idle_timeout_seconds = 60\n" in world.forge.file("stacks/web/main.tf"), "a refused change is not landed"


def test_the_post_mortem_changes_in_two_cells_and_the_table_alone(world: World, followed: dict[str, Any]) -> None:
    now = world.forge.file(PATH)
    kept, table = now.split(b"## Follow-up Implementation")
    expected = DOCUMENT
    for action in (MONITOR, ALERT):
        (row,) = [line for line in DOCUMENT.split(b"\r\n") if action.encode() in line]
        expected = expected.replace(row, row.replace(b"TODO", b"Done"))
    assert kept.rstrip(b"\r\n") == expected
    rows = [line for line in table.decode().split("\r\n") if line.startswith("| ")][1:]
    assert len(rows) == 4
    assert sum("postmortem-todo-resolver" in row for row in rows) == 2
    assert sum("Needs human review" in row and "| — |" in row for row in rows) == 2
    (alert,) = [t for t in followed["run"]["todos"] if t["action"] == ALERT]
    assert f"[{alert['commit'][:7]}](https://forge.example/infra/commit/{alert['commit']})" in table.decode()


def test_the_operator_s_checkout_was_not_touched(world: World, followed: dict[str, Any]) -> None:
    assert world.forge.run("rev-parse", "HEAD", at=world.forge.checkout) == followed["after"]
    assert world.forge.run("status", "--porcelain", at=world.forge.checkout) == ""


def test_what_was_applied_is_what_stands(world: World, followed: dict[str, Any]) -> None:
    assert all(plans_empty(world, stack) for stack in ("monitoring", "uptime", "web"))


def test_slack_hears_once_with_outcomes_commits_and_cost(world: World, followed: dict[str, Any]) -> None:
    (text,) = world.slack.texts
    assert "partial: 2 of 3 TODOs done, 1 need a person" in text
    assert "PLAN-02" in text
    assert f"${followed['run']['cost_usd']:.2f}" in text
    assert all(t["commit"][:7] in text for t in followed["run"]["todos"] if t["outcome"] == "done")


def test_nothing_is_left_behind(world: World, followed: dict[str, Any]) -> None:
    assert list((world.devvm.workspace / "runs").iterdir()) == []
    assert world.bao.live_tokens() == 0


def test_the_same_delivery_and_the_same_push_start_nothing(world: World, followed: dict[str, Any]) -> None:
    commits = (followed["before"], followed["after"])
    again = deliver(world, commits, "the-first-delivery")
    assert (again.status_code, again.json()["reason"]) == (202, "duplicate")
    deliver(world, commits, "replayed-under-a-new-id")
    eventually(lambda: _reason(world, "replayed-under-a-new-id"))
    assert len(world.get("/api/runs")["runs"]) == 1


def test_our_own_commits_start_nothing(world: World, followed: dict[str, Any]) -> None:
    deliver(world, (followed["after"], world.forge.head()), "our-own")
    assert eventually(lambda: _reason(world, "our-own")) == "own-commits"
    assert len(world.get("/api/runs")["runs"]) == 1


def test_a_later_push_of_the_document_does_nothing_twice(world: World, followed: dict[str, Any]) -> None:
    edited = world.forge.file(PATH).replace(b"A test", b"A test, explained")
    commits = push(world, {PATH: edited}, "docs: explain")
    requests = len(world.model.requests)
    deliver(world, commits, "explained")
    run = finished(world, eventually(lambda: _other_run(world, followed["run"]["id"])))
    assert run["outcome"] == "nothing-to-do"
    assert {t["action"]: t["reason"] for t in run["todos"]} == {REPLACE: "already-refused", "Think": "type-needs-human"}
    assert world.forge.head() == commits[1], "nothing to write back"
    assert len(world.model.requests) == requests, "no agent was started"
    assert "nothing to do, 2 need a person" in world.slack.messages[-1]["text"]


def test_a_push_without_a_post_mortem_is_ignored_with_its_reason(world: World, followed: dict[str, Any]) -> None:
    deliver(world, push(world, {"README.md": "other\n"}, "docs: readme"), "readme")
    assert eventually(lambda: _reason(world, "readme")) == "no-post-mortem-changed"


def test_the_agent_was_given_files_and_no_shell(world: World, followed: dict[str, Any]) -> None:
    first = next(r for r in world.model.requests if r.get("tools"))
    assert {tool["name"] for tool in first["tools"]} <= {"Read", "Edit", "Write", "Grep", "Glob"}
    assert "Follow through one action item" in str(first["messages"])


def _reason(world: World, delivery: str) -> str:
    deliveries = {d["id"]: d["reason"] for d in world.get("/api/deliveries")["deliveries"]}
    return str(deliveries.get(delivery, ""))


def _other_run(world: World, known: str) -> str:
    return next((r["id"] for r in world.get("/api/runs")["runs"] if r["id"] != known), "")
