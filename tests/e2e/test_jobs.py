"""Jobs on the DevVM end whole and in time, whatever their processes do to get away; and nothing else ends with them."""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import app.edges.devvm
from app.edges.machine import Job
from tests.e2e.conftest import eventually
from tests.e2e.hosts import connected
from tests.world.devvm import DevVM as Host
from tests.world.world import temporary_folder

PROMISED_SECONDS = 30
NOBODY = 65534
_numbers = itertools.count(100_000 + os.getpid() % 1000 * 100)

# One that does not heed TERM, one without a session of ours, one without parent, session, environment and streams.
STUBBORN = """
trap '' TERM
sleep {0} &
setsid sh -c 'trap "" TERM; sleep {0}' &
( setsid env -i /bin/sh -c 'trap "" TERM; exec 0<&- >/dev/null 2>&1; sleep {0} & exit 0' & )
exec sleep {0}
"""
PROCESSES = 4


class Control:
    """jobctl.sh itself, in a folder; as another user where a user who may make no cgroup is wanted."""

    def __init__(self, folder: Path, run: str, unprivileged: bool) -> None:
        self.folder, self.seconds = folder, next(_numbers)
        folder.mkdir()
        (folder / "new").mkdir()
        (folder / "new/run").write_text(run.format(self.seconds))
        (folder / "new/input").touch()
        shutil.copy(Path(app.edges.devvm.__file__).with_name("jobctl.sh"), folder)
        self.user: list[str] = []
        if unprivileged and os.getuid() == 0:
            for path in (folder, *folder.rglob("*")):
                os.chown(path, NOBODY, NOBODY)
            self.user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]

    def do(self, verb: str, *numbers: int, before: str = "") -> list[str]:
        """The words of its answer; `before` is shell that runs first. To start, it takes its files from `new`."""
        script = f'{before}\nexec sh "$1/jobctl.sh" "$2" "$1" "$3" "$4" "$5"'
        where = [self.folder / "new"] if verb == "start" else []
        more = [str(n) for n in (*numbers, *where, "", "", "")][:3]
        argv = [*self.user, "sh", "-c", script, "sh", self.folder, verb, *more]
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
        return done.stdout.split()

    def alive(self) -> int:
        """How many processes that the job started are there."""
        argv = ["sleep", str(self.seconds)]
        return sum(p.info["cmdline"] == argv for p in psutil.process_iter(["cmdline"]))

    def ended(self) -> bool:
        """Whether it has ended, by its own account."""
        return self.do("poll", 0, 1000, 0)[0] == "exited"


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_folder() as made:
        made.chmod(0o755)
        yield made


@pytest.fixture
def pair(folder: Path) -> list[Control]:
    """A stubborn job of a user who may make a cgroup, when we are one, and of a user who may not."""
    return [Control(folder / name, STUBBORN, name == "unprivileged") for name in ("usual", "unprivileged")]


def test_a_deadline_ends_every_process_and_says_that_it_was_one(pair: list[Control]) -> None:
    for job in pair:
        assert job.do("start", 1)[0] == "running"
    eventually(lambda: all(job.alive() == PROCESSES for job in pair), 5)
    begun = time.monotonic()
    eventually(lambda: all(job.ended() for job in pair), PROMISED_SECONDS)
    assert [job.alive() for job in pair] == [0, 0]
    assert time.monotonic() - begun < PROMISED_SECONDS
    assert [job.do("poll", 0, 1000, 0)[:2] for job in pair] == [["exited", "124"]] * 2, "KILL was needed: not 137"


def test_a_kill_ends_every_process_in_time(pair: list[Control]) -> None:
    for job in pair:
        job.do("start", 1000)
        eventually(lambda job=job: job.alive() == PROCESSES, 5)
        begun = time.monotonic()
        assert job.do("kill", 2)[:2] == ["exited", "137"]
        assert job.alive() == 0
        assert time.monotonic() - begun < PROMISED_SECONDS


def test_what_is_left_of_a_job_whose_supervisor_is_gone_can_still_be_ended(pair: list[Control]) -> None:
    for job in pair:
        job.do("start", 1000)
        eventually(lambda job=job: job.alive() == PROCESSES, 5)
        psutil.Process(int((job.folder / "supervisor").read_text().split()[0])).kill()
        # It is gone when the machine has got round to it.
        eventually(lambda job=job: job.do("poll", 0, 1000, 0)[0] == "lost", 5)
        assert job.do("kill", 0)[0] == "lost"
        assert job.alive() == 0


def test_the_end_of_the_command_ends_what_it_left_behind(folder: Path) -> None:
    job = Control(folder / "job", "setsid env -i sleep {0} >/dev/null 2>&1 &\nsleep 0.5\nexit 7\n", True)
    job.do("start", 1000)
    eventually(lambda: job.alive() == 1, 5)
    eventually(job.ended, 10)
    assert job.do("poll", 0, 1000, 0)[1] == "7"
    assert job.alive() == 0


def test_no_cgroup_is_left(pair: list[Control]) -> None:
    pair[0].do("start", 1000)
    group = pair[0].folder / "cgroup"
    made = Path(group.read_text().strip()) if group.exists() else None
    assert made is None or str(psutil.Process().pid) not in (made / "cgroup.procs").read_text()
    pair[0].do("kill", 0)
    assert made is None or not made.exists()


def test_a_user_s_own_limit_is_no_mark_and_bystanders_live(folder: Path) -> None:
    """Everything that a user with such a limit runs has it: it must not be taken for the job's."""
    job = Control(folder / "job", "sleep {0}\n", True)
    limit = "ulimit -f 1000000"
    bystander = subprocess.Popen([*job.user, "sh", "-c", f"{limit}; exec sleep 1000"])
    try:
        job.do("start", 1000, before=limit)
        eventually(lambda: job.alive() == 1, 5)
        assert not (job.folder / "limit").exists()
        job.do("kill", 0)
        assert job.alive() == 0
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_two_jobs_are_told_apart(folder: Path) -> None:
    one, two = (Control(folder / name, "setsid env -i sleep {0} & wait\n", True) for name in ("one", "two"))
    for job in (one, two):
        job.do("start", 1000)
        eventually(lambda job=job: job.alive() == 1, 5)
    one.do("kill", 0)
    assert (one.alive(), two.alive()) == (0, 1)
    two.do("kill", 0)
    assert two.alive() == 0


@pytest.mark.parametrize(
    "shell", [found for name in ("sh", "dash", "bash", "busybox") if (found := shutil.which(name))]
)
def test_it_works_in_the_shells_that_are_there(folder: Path, shell: str) -> None:
    job = Control(folder / "job", "setsid env -i sleep {0} & wait\n", True)
    (folder / "bin").mkdir()
    (folder / "bin/sh").write_text(f'#!/bin/sh\nexec {shell} {"sh" if "busybox" in shell else ""} "$@"\n')
    (folder / "bin/sh").chmod(0o755)
    path = f"PATH={folder}/bin:$PATH; export PATH"
    job.do("start", 1000, before=path)
    eventually(lambda: job.alive() == 1, 5)
    assert (job.folder / "limit").read_text().strip().isdecimal()
    job.do("kill", 0, before=path)
    assert job.alive() == 0


def test_a_limit_below_a_second_is_one_and_not_none(tmp_path: Path) -> None:
    with Host(tmp_path) as host, connected(host) as machine:
        folder = f"{host.workspace}/job"
        for limit in (0, 0.2):
            begun = time.monotonic()
            machine.start(Job(f"{folder}-{limit}", ["sleep", "100"], "/", limit), {})
            ended = machine.follow(f"{folder}-{limit}", lambda _: None)
            assert (ended.state, ended.code) == ("exited", 124)
            assert time.monotonic() - begun < 10


@pytest.mark.parametrize("knows_folders", [True, False], ids=["folder", "everything"])
def test_a_start_is_on_the_disk_before_anything_is_started(folder: Path, knows_folders: bool) -> None:
    """After a power cut a job must not look as if nobody had ever started it: an apply would be begun again."""
    asked = folder / "asked"
    stub = folder / "bin/sync"
    stub.parent.mkdir()
    seen = '[ -d "$1/started" ] && [ ! -e "$1/supervisor" ]' if knows_folders else "[ $# = 0 ]"
    stub.write_text(f'#!/bin/sh\n{seen} && echo "$#" >> {asked}\n')
    stub.chmod(0o755)
    job = Control(folder / "job", "sleep {0}\n", False)
    job.do("start", 1000, before=f'PATH="{stub.parent}:$PATH"; export PATH')
    assert asked.read_text() == ("1\n" if knows_folders else "0\n")
    assert job.do("poll", 0, 1000, 0)[0] == "running"
    job.do("kill", 0)
