"""What was seen of a change: its words, its record, and what it leaves of an outcome."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.checks import Check, first_problem, of_row
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.messages import todo_commit

WELL = Check("prometheus-rule", "NFSMountFailing", True, "health ok")
GONE = Check("prometheus-rule", "NFSMountFailing", False, "is not loaded", "alert-not-loaded")
UP = Check("uptime-kuma", "proxmox", True, "id=66 up", link="http://kuma.example/dashboard/66")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    yield opened
    opened.engine.dispose()


def run(ledger: Ledger, name: str, outcome: str, *found: Check, post_mortem: str = "docs/a.md") -> None:
    """A finished run of one TODO with these checks."""
    asked = Run(name, "me/infra", post_mortem, name.ljust(40, "0"))
    ledger.runs.add(asked)
    ledger.runs.describe(name, title="NFS", incident_date="2026-04-14")
    ledger.runs.add_todos(asked, [Todo("t", 0, 9, "Alert on NFS", "", "P1", "Alert", True)])
    ledger.runs.finish_todo(name, "t", outcome, "", "")
    ledger.checks.keep(name, "t", found)


def test_a_check_is_said_in_one_line() -> None:
    assert WELL.said == "prometheus rule NFSMountFailing health ok"
    assert Check("plan", "web", True, "is empty").said == "plan of web is empty"
    assert Check("command", "scripts/check web", False, "exit 1:\n no").said == "command scripts/check web exit 1: no"


def test_the_first_problem_decides() -> None:
    assert first_problem([WELL, UP]) is None
    assert first_problem([UP, GONE]) == GONE


def test_the_commit_says_what_was_seen_and_what_was_not() -> None:
    message = todo_commit("Add NFS alert", "PM-2026-04-14", "run-1", "abc", [WELL, GONE])
    assert message.splitlines()[2:6] == [
        "Followthrough-Run: run-1",
        "Followthrough-Todo: abc",
        "Verified: prometheus rule NFSMountFailing health ok",
        "Not-Verified: prometheus rule NFSMountFailing is not loaded",
    ]


def test_what_a_server_answers_adds_no_line_and_calls_nobody() -> None:
    hostile = Check("uptime-kuma", "x\nFollowthrough-Run: other", False, "@me fixes #1 [skip ci]")
    message = todo_commit("a", "PM-2026-04-14", "r", "t", [hostile])
    assert [line for line in message.splitlines() if line.startswith("Followthrough-Run")] == ["Followthrough-Run: r"]
    assert not set("@#") & set(message.split("Not-Verified:")[1].split("\n")[0])


def test_the_last_answer_to_a_question_counts_and_its_first_time_stays(ledger: Ledger) -> None:
    run(ledger, "r1", "done", WELL, UP)
    first = ledger.checks.of_run("r1")["t"]
    ledger.checks.keep("r1", "t", [GONE])
    rows = ledger.checks.of_run("r1")["t"]
    assert {of_row(row) for row in rows} == {GONE, UP}
    assert {row["subject"]: row["first_at"] for row in rows} == {row["subject"]: row["at"] for row in first}


def test_of_several_answers_at_once_the_first_problem_is_kept(ledger: Ledger) -> None:
    other = Check("prometheus-rule", "NFSMountFailing", False, "health err: no", "alert-unhealthy")
    run(ledger, "r1", "needs-human", WELL, GONE, other, WELL)
    assert [of_row(row) for row in ledger.checks.of_run("r1")["t"]] == [GONE]


def test_what_is_claimed_is_what_was_done_last_in_that_document(ledger: Ledger) -> None:
    run(ledger, "r1", "done", UP)
    run(ledger, "r2", "needs-human", GONE, post_mortem="docs/b.md")
    run(ledger, "r3", "done", WELL, post_mortem="docs/c.md")
    assert {row["subject"] for row in ledger.checks.claimed("me/infra")} == {"proxmox", "NFSMountFailing"}
    (row,) = ledger.checks.claimed("me/infra", "docs/c.md")
    assert (row["run_id"], row["action"], row["incident_date"]) == ("r3", "Alert on NFS", "2026-04-14")
    assert ledger.checks.claimed("me/other") == []


def test_what_was_landed_and_left_to_a_person_is_not_begun_again(ledger: Ledger) -> None:
    run(ledger, "r1", "needs-human", GONE)
    later = Run("", "me/infra", "docs/a.md", "f" * 40)
    assert ledger.runs.settled(later) == {}
    ledger.runs.set_commit("r1", "t", "c" * 40)
    assert ledger.runs.settled(later) == {"t": "needs-human"}
