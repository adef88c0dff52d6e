"""A held job is up and waits: it gets its input once. Until then it may be ended as if it had never been."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from app.edges.machine import Job, JobState
from tests.e2e.conftest import eventually
from tests.world.here import Here

ARGV = ("sh", "-c", 'echo "up in $PWD with $SECRET"; cat; echo over')
HERE = Here()


def job_in(tmp_path: Path, wait: int = 60) -> Job:
    return Job(str(tmp_path / "job"), ARGV, str(tmp_path / "cwd"), 100, makes=[str(tmp_path / "cwd")], wait=wait)


def hold(job: Job) -> JobState:
    return HERE.hold(job, {"SECRET": "one"})


def start(job: Job, text: str) -> JobState:
    return HERE.start(replace(job, input=f"{text}\n".encode()), {"SECRET": "two"})


def printed(job: Job) -> str:
    """What it prints until it is over."""
    said = bytearray()
    assert HERE.follow(job.folder, said.extend).state == "exited"
    return said.decode()


def supervisor(job: Job) -> psutil.Process:
    return psutil.Process(int(Path(job.folder, "supervisor").read_text().split()[0]))


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended. Nobody may have fetched it yet."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def wait_until_up(job: Job) -> None:
    eventually(lambda: Path(job.folder, "out").stat().st_size > 0, 10)


def test_a_held_job_gets_its_input_once(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    assert hold(job).state == "held"
    wait_until_up(job)
    first = supervisor(job)
    assert hold(job).state == "held", "it may be asked for again"
    assert supervisor(job) == first
    assert start(job, "go").state in ("running", "exited")
    assert start(job, "go on").state in ("running", "exited")
    assert printed(job) == f"up in {tmp_path}/cwd with one\ngo\nover\n", "the one that was held, and no other input"
    assert start(job, "once more").state == "exited"
    assert hold(job).state == "exited"


def test_what_nobody_held_starts_with_its_input(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    start(job, "go")
    assert printed(job) == f"up in {tmp_path}/cwd with two\ngo\nover\n"


def test_who_waited_in_vain_has_read_nothing_and_is_started_anew(tmp_path: Path) -> None:
    job = job_in(tmp_path, wait=1)
    hold(job)
    eventually(lambda: HERE.poll(job.folder, 0, 0).state == "absent", 10)
    assert Path(job.folder, "out").read_text().endswith("with one\nover\n")
    start(job, "go")
    assert printed(job) == f"up in {tmp_path}/cwd with two\ngo\nover\n"


def test_a_held_job_that_is_another_one_by_now_is_ended(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    hold(job)
    first = supervisor(job)
    start(replace(job, argv=(*ARGV[:2], "echo another; cat")), "go")
    assert is_gone(first)
    assert printed(job) == "another\ngo\n"


def test_a_held_job_that_is_killed_was_never_there(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    hold(job)
    first = supervisor(job)
    assert HERE.kill(job.folder, 0).state == "absent"
    assert is_gone(first)
    start(job, "go")
    assert printed(job).endswith("go\nover\n")


def cut_short(job: Job) -> None:
    """Its input was about to come: the disk knows of it, and the connection was lost before it was given."""
    Path(job.folder, "held").unlink()
    Path(job.folder, "input.new").write_text("go\n")


def test_who_was_about_to_get_its_input_gets_it(tmp_path: Path) -> None:
    job = job_in(tmp_path)
    hold(job)
    cut_short(job)
    assert HERE.poll(job.folder, 0, 0).state == "running"
    start(job, "go")
    assert printed(job) == f"up in {tmp_path}/cwd with one\ngo\nover\n"


def test_who_was_about_to_get_its_input_on_a_machine_that_went_down_is_lost(tmp_path: Path) -> None:
    """It may have been given it: the disk did not know yet. It is not started once more."""
    job = job_in(tmp_path)
    hold(job)
    cut_short(job)
    HERE.kill(job.folder, 0)
    Path(job.folder, "exit").unlink()
    assert HERE.poll(job.folder, 0, 0).state == "lost"
    assert start(job, "go").state == "lost"


@pytest.mark.parametrize("removed", [(), ("supervisor",), ("supervisor", "exit", "out", "err", "pipe", "started")])
def test_an_end_that_was_cut_short_is_ended_once_more(tmp_path: Path, removed: Sequence[str]) -> None:
    job = job_in(tmp_path)
    hold(job)
    HERE.kill(job.folder, 0)
    os.utime(Path(job.folder, "started"), (0, 0))
    for name in removed:
        path = Path(job.folder, name)
        path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
    assert HERE.poll(job.folder, 0, 0).state == "absent"
    start(job, "go")
    assert printed(job) == f"up in {tmp_path}/cwd with two\ngo\nover\n"


def test_the_disk_knows_of_an_input_before_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job, asked, stub = job_in(tmp_path), tmp_path / "asked", tmp_path / "bin/sync"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\n[ ! -e "$1/held" ] && [ ! -e "$1/input" ] && echo "$1" >> {asked}\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    hold(job)
    assert not asked.exists(), "nothing was begun"
    start(job, "go")
    assert asked.read_text() == f"{job.folder}\n"
    assert printed(job).endswith("go\nover\n")


def test_who_is_ended_slowly_does_not_end_what_takes_its_place(tmp_path: Path) -> None:
    """On a machine that is busy the supervisor of a held job may come to its own end long after that of its command."""
    job = job_in(tmp_path)
    hold(job)
    first = supervisor(job)
    first.suspend()
    try:
        start(replace(job, argv=(*ARGV[:2], "cat; sleep 2; echo over")), "go")
    finally:
        if not is_gone(first):
            first.resume()
    assert printed(job) == "go\nover\n"


def test_a_held_job_whose_supervisor_is_slow_to_come_up_is_held_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a machine that is busy its number may not be there yet when the prompt comes."""
    job, stub = job_in(tmp_path), tmp_path / "bin/setsid"
    stub.parent.mkdir()
    stub.write_text(f'#!/bin/sh\nsleep 6\nexec {shutil.which("setsid")} "$@"\n')
    stub.chmod(0o755)
    monkeypatch.setenv("PATH", f"{stub.parent}:{os.environ['PATH']}")
    assert hold(job).state == "held"
    assert start(job, "go").state == "running"
    assert printed(job) == f"up in {tmp_path}/cwd with one\ngo\nover\n"
