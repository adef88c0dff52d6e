"""The agent's command is up before its copy is made: whatever happens before it has its prompt, there is one agent."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.e2e.conftest import PATH, command, deliver, eventually, finished, post_mortem, push
from tests.world.world import World


@contextmanager
def fetches_wait(world: World) -> Iterator[None]:
    """Nobody can fetch into the clone on the DevVM: a run stays where its agent's command is up."""
    clone = world.devvm.workspace / "repositories/example-org__infra.git"
    clone.mkdir(parents=True, mode=0o700)
    with (clone / "followthrough.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def held(world: World) -> list[Path]:
    """The folders of jobs that wait for their prompt."""
    return [made.parent for made in world.devvm.workspace.glob("runs/*/jobs/*~agent1/supervisor") if is_held(made)]


def is_held(supervisor: Path) -> bool:
    return supervisor.with_name("held").exists()


def sessions(world: World) -> int:
    """How many agents have asked the model for something."""
    return sum(bool(asked.get("tools")) and len(asked["messages"]) == 1 for asked in world.model.requests)


def test_a_service_that_dies_before_the_prompt_starts_no_second_agent_and_a_pause_is_heeded(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    with fetches_wait(fresh):
        service = fresh.serve()
        deliver(fresh, commits)
        (folder,) = eventually(lambda: held(fresh))
        service.kill()
        assert command(fresh, "pause", "--why", "maintenance").returncode == 0
        fresh.serve()
    (run,) = fresh.get("/api/runs")["runs"]
    eventually(lambda: "maintenance" in str(fresh.get(f"/api/runs/{run['id']}")["events"]))
    assert sessions(fresh) == 0
    assert command(fresh, "resume").returncode == 0
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert sessions(fresh) == 1
    assert not folder.exists()


def test_what_waits_for_its_prompt_ends_with_the_run(fresh: World) -> None:
    """The run is cancelled before its agent begins: nothing is asked, spent or left behind."""
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    with fetches_wait(fresh):
        deliver(fresh, commits)
        eventually(lambda: held(fresh))
        (run,) = fresh.get("/api/runs")["runs"]
        assert command(fresh, "cancel", run["id"]).returncode == 0
    ended = finished(fresh)
    assert (ended["outcome"], fresh.model.requests) == ("cancelled", [])
    workspace = str(fresh.devvm.workspace)
    assert [p.info for p in psutil.process_iter(["environ", "cmdline"]) if workspace in str(p.info)] == []
