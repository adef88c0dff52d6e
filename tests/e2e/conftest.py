"""Worlds for the end-to-end tests, and the few verbs that they share."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.world.infra import tg, wrapper_environment
from tests.world.model import Attempt
from tests.world.world import Options, World

CONFIG = "Let the backup mounts give up instead of hanging"
PATH = "docs/post-mortems/2026-04-14-nfs.md"
NFS = "stacks/nfs/main.tf"
HEAD = "# Post-Mortem: A test\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
FIX = f"fix(post-mortem): {CONFIG} [PM-2026-04-14]"
FOLLOW_UP = "docs: update post-mortem follow-up [PM-2026-04-14] [ci skip]"


def post_mortem(*rows: tuple[str, str, str]) -> str:
    """A post-mortem with these (priority, action, type) TODOs; without any, with one that the model can do."""
    found = rows or (("P1", CONFIG, "Config"),)
    return HEAD + TABLE + "".join(f"| {p} | {action} | {kind} | as said | TODO |\n" for p, action, kind in found)


def push(world: World, files: Mapping[str, bytes | str | None], message: str = "docs: post-mortem") -> tuple[str, str]:
    """The operator pulls, commits and pushes; returns the branch's commit before and after."""
    world.forge.pull()
    world.forge.commit(files, message)
    return world.forge.push()


def deliver(world: World, commits: tuple[str, str], delivery: str = "") -> httpx.Response:
    """The forge tells the service of a push."""
    return world.forge.post(world.webhook_url, world.webhook_secret, *commits, delivery=delivery)


def hook(world: World, body: str) -> Path:
    """A hook of the forge that sees each pushed ref as $1 and its new commit as $3."""
    file = world.forge.url / "hooks" / "update"
    file.parent.mkdir(exist_ok=True)
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    return file


def meanwhile(world: World, commit: str) -> None:
    """Somebody moves the branch to a commit that the forge has, between the plan and the push."""
    hook(world, f"case $1 in refs/heads/followthrough/*) git update-ref refs/heads/master {commit} ;; esac")


def pushed_meanwhile(world: World, files: Mapping[str, bytes | str | None], message: str) -> str:
    """An operator's push that reaches the branch between the plan and the push; returns its commit."""
    before, tip = push(world, files, message)
    world.forge.run("update-ref", "refs/heads/master", before)
    meanwhile(world, tip)
    return tip


def command(world: World, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    """Run a followthrough command to its end, with this world's configuration and nothing of our environment."""
    argv = [world.options.python, "-m", "app.cli", *words, "--config", str(world.config)]
    home = world.folder / "service-home"
    home.mkdir(exist_ok=True)
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.run(argv, env=env, cwd=world.folder, capture_output=True, text=True, timeout=timeout)


def run_checkout(world: World, *more: str) -> subprocess.CompletedProcess[str]:
    """`followthrough run` for the operator's checkout."""
    return command(world, "run", "--repo", str(world.forge.checkout), *more)


def script(world: World, action: str, *attempts: Attempt) -> None:
    """What the model does for an action."""
    world.model.script = {**world.model.script, action: list(attempts)}


def log(world: World, since: str, form: str = "%s") -> list[str]:
    """The branch's commits after `since`, oldest first."""
    told = world.forge.run("log", "--reverse", "-z", f"--format={form}", f"{since}..master")
    return [entry for entry in told.split("\0") if entry]


def plans_empty(world: World, stack: str) -> bool:
    """Whether the operator's own plan of a stack finds nothing to do at the branch's tip."""
    world.forge.pull()
    data = world.folder / f"operator-{stack}"
    data.mkdir(exist_ok=True)
    done = tg(
        world.forge.checkout, stack, ["plan", "-detailed-exitcode"], wrapper_environment(world.path, world.states, data)
    )
    return done.returncode == 0


def finished(world: World, run_id: str = "", seconds: float = 240) -> dict[str, Any]:
    """The newest run (or this one) with its TODOs, once it is over."""

    def over() -> Any:
        runs = [r for r in world.get("/api/runs")["runs"] if run_id in ("", r["id"])]
        return runs[0]["id"] if runs and runs[0]["outcome"] else ""

    found: dict[str, Any] = world.get(f"/api/runs/{eventually(over, seconds)}")
    return found


def eventually(happened: Callable[[], Any], seconds: float = 120) -> Any:
    """What `happened` gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := happened():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for one module."""
    with World(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for one test; `@pytest.mark.configured(agent={...})` changes its configuration.

    The cage is tried once a module, in `world`, and in test_cage: here it would cost every test seconds.
    """
    marker = request.node.get_closest_marker("configured")
    changes = dict(marker.kwargs) if marker else {}
    changes["agent"] = {"cage_test": "off", **changes.get("agent", {})}
    with World(tmp_path, Options(changes=changes)) as made:
        yield made


@pytest.fixture
def parked(fresh: World) -> tuple[World, dict[str, Any]]:
    """A world whose one TODO waits for approval (`configured(policy={"most_updates": 0})`), and its run."""
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    return fresh, finished(fresh)


def name_of(run: dict[str, Any]) -> str:
    return f"{run['id']}/{run['todos'][0]['id']}"


def decided(world: World, run: dict[str, Any], word: str, *more: str) -> dict[str, Any]:
    """The run after a person's decision has had its effect."""
    done = command(world, word, name_of(run), *more)
    assert done.returncode == 0, done.stderr

    def over() -> Any:
        now = world.get(f"/api/runs/{run['id']}")
        return now if now["outcome"] and "cleaned" in phases(now) else None

    return dict(eventually(over, 60))


def phases(run: dict[str, Any]) -> list[str]:
    """Phases of the run's events; `cleaned` once its last outcome was told."""
    told = [event["phase"] for event in run["events"]]
    return [*told, "cleaned"] if told.count("slack") > 1 else told
