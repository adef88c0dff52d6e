"""Two workers and a fault: what one had begun goes on at the other, nothing is lost and nothing is stored twice."""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from pipelines.takeover import EXIT_CODE
from tests.e2e.conftest import eventually
from tests.workers.crew import BEAT, Crew, other


def two_at_work(crew: Crew, *subjects: str) -> None:
    """Workers a and b, and each subject at its middle step somewhere."""
    crew.worker("a")
    crew.worker("b")
    for subject in subjects:
        crew.ask(subject)
    eventually(lambda: all(map(crew.at_work, subjects)), 30)


def ends(crew: Crew, *subjects: str) -> None:
    """The flows are let go on, and end."""
    crew.go()
    eventually(lambda: all(map(crew.is_over, subjects)), 60)
    assert [(crew.did("first", s), crew.did("last", s)) for s in subjects] == [(1, 1)] * len(subjects)


def child(crew: Crew, name: str) -> int:
    """Its pid."""
    return next(c.pid for c in reversed(crew.children) if c.name == name)


def test_the_flows_of_a_worker_that_is_killed_go_on_at_the_other_one(crew: Crew) -> None:
    two_at_work(crew, "x")
    gone = crew.at_work("x")
    os.kill(child(crew, gone), signal.SIGKILL)
    crew.ask("y", lane="x")
    eventually(lambda: crew.at_work("x") == other(gone), 30)
    ends(crew, "x", "y")
    assert crew.did("begins", "x") == 2, "once by each"
    assert crew.dead() == [gone]
    assert crew.alive() == [other(gone)]


def test_a_worker_that_was_stopped_too_long_ends_when_it_wakes(crew: Crew) -> None:
    two_at_work(crew, "x")
    frozen = crew.at_work("x")
    pid = child(crew, frozen)
    os.kill(pid, signal.SIGSTOP)
    eventually(lambda: crew.at_work("x") == other(frozen), 30)
    ends(crew, "x")
    os.kill(pid, signal.SIGCONT)
    zombie = next(c for c in crew.children if c.pid == pid)
    assert zombie.process.wait(30) == EXIT_CODE
    assert "declared dead" in zombie.tail()
    assert crew.did("last", "x", frozen) == 0
    assert (crew.did("first", "x"), crew.did("last", "x")) == (1, 1)


def test_a_worker_that_is_told_to_end_leaves_its_flows_to_the_other_one_at_once(crew: Crew) -> None:
    two_at_work(crew, "x")
    leaving = crew.at_work("x")
    process = next(c.process for c in crew.children if c.name == leaving)
    process.terminate()
    assert process.wait(30) == 0
    assert crew.dead() == [leaving], "it said so itself"
    eventually(lambda: crew.at_work("x") == other(leaving), 30)
    ends(crew, "x")


def test_a_worker_that_comes_back_under_its_name_goes_on_with_its_own(crew: Crew) -> None:
    """Others wait until it has not been heard of for long enough; here that is never."""
    crew.dead_after(3600)
    crew.worker("a")
    crew.ask("x")
    eventually(lambda: crew.at_work("x"), 30)
    crew.worker("b")
    crew.children[0].kill()
    crew.worker("a")
    eventually(lambda: crew.did("begins", "x") == 2, 30)
    ends(crew, "x")
    assert crew.dead() == ["a"]
    assert crew.alive() == ["a", "b"]


def test_two_of_one_name_in_one_place_are_not_started(crew: Crew) -> None:
    crew.worker("a")
    second = crew.worker("a", ready=False)
    assert second.process.wait(30) != 0
    assert "give this one another --name" in second.tail()
    assert crew.alive() == ["a"]


def test_a_database_that_is_away_ends_nobody(server: Any, crew: Crew) -> None:
    """Longer than it takes to be declared dead, and one finds it later than the other one that it is back.

    Steps that need it meanwhile try again; those that end meanwhile are stored when it is back, once.
    """
    crew.dead_after(ttl := 6.0)
    two_at_work(crew, "x", "quiet")
    server.stop()
    crew.go()
    time.sleep(ttl + BEAT)
    late = child(crew, "b")
    os.kill(late, signal.SIGSTOP)
    server.ensure_postgres_running()
    seen = crew.seen("a")
    eventually(lambda: crew.seen("a") > seen, 30)
    time.sleep(4 * BEAT)
    os.kill(late, signal.SIGCONT)
    eventually(lambda: crew.is_over("x") and crew.is_over("quiet"), 90)
    assert crew.dead() == []
    for subject in ("x", "quiet"):
        who = crew.at_work(subject)
        assert [crew.did(w, subject, who) for w in ("first", "ends", "last")] == [1, 1, 1], "no other one did it"
        assert [crew.did(w, subject) for w in ("first", "ends", "last")] == [1, 1, 1]
    assert [c.process.poll() for c in crew.children] == [None, None]


def test_a_version_finishes_its_own_until_its_last_worker_is_gone(crew: Crew) -> None:
    crew.worker("old", "flow-1")
    crew.ask("x")
    eventually(lambda: crew.at_work("x"), 30)
    crew.worker("new", "flow-2")
    crew.ask("y")
    eventually(lambda: crew.at_work("y"), 30)
    assert crew.at_work("y") == "new", "what is handed over is for the newest"
    time.sleep(4 * BEAT)
    assert not crew.is_over("x"), "its worker is there"
    crew.children[0].process.terminate()
    eventually(lambda: crew.is_over("x"), 60)
    assert "cannot go on" in crew.children[1].log.read_text()
    assert crew.did("ends", "x") == 0
    ends(crew, "y")
