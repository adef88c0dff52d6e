"""Whole runs in a pool of two DevVMs: who does them, and what a DevVM that dies in the middle leaves undone."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.ledger import open_ledger
from app.settings import load
from pipelines import pool
from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    PATH,
    command,
    deliver,
    eventually,
    finished,
    log,
    plans_empty,
    post_mortem,
    push,
    run_checkout,
    script,
)
from tests.e2e.hosts import another
from tests.world.devvm import DevVM as Host
from tests.world.infra import SAMPLE
from tests.world.model import Attempt
from tests.world.world import World

WRAPPER = "scripts/tg"


@pytest.fixture
def second(fresh: World, tmp_path: Path) -> Iterator[Host]:
    """Another DevVM for the world, configured after its own."""
    with another(fresh.devvm, tmp_path / "second") as host:
        first = fresh.config.read_text().partition("[[devvm]]")[2].partition("\n\n")[0]
        own = {"name": "second", "port": host.port, "host_key": host.host_key, "workspace": str(host.workspace)}
        same = [line for line in first.strip().splitlines() if line.split(" ")[0] not in own]
        table = "\n".join(["[[devvm]]", *(f"{key} = {json.dumps(value)}" for key, value in own.items()), *same])
        fresh.config.write_text(f"{fresh.config.read_text()}{table}\n")
        yield host


def devvms(world: World) -> dict[str, dict[str, Any]]:
    """What `followthrough devvms` says of each."""
    return {row["name"]: row for row in json.loads(command(world, "devvms", "--json").stdout)}


def reboot(host: Host, keeps_files: bool = True) -> None:
    """Every process ends; where the workspace is in memory its files are gone too."""
    host.power_off()
    if not keeps_files:
        shutil.rmtree(host.workspace)
    host.power_on()


def slowly(world: World, word: str, seconds: float = 3) -> str:
    """The sample's wrapper, which takes so long before it does `word`."""
    head, _, rest = (SAMPLE / WRAPPER).read_text().partition("\n")
    return f"{head}\n[ $1 != {word} ] || sleep {seconds}\n{rest}"


def job(world: World, name: str) -> Callable[[], list[Path]]:
    """Whether a job of this name has begun."""
    return lambda: list(world.devvm.workspace.glob(f"runs/*/jobs/*~{name}*/supervisor"))


def sessions(world: World) -> int:
    """How many sessions of agents there were."""
    return len([r for r in world.model.requests if r.get("tools") and len(r["messages"]) == 1])


def said(run: dict[str, Any]) -> str:
    return "\n".join(event["text"] for event in run["events"])


def test_a_run_goes_to_the_devvm_that_works_and_stays_there(fresh: World, second: Host) -> None:
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: slowly(fresh, "plan")})
    fresh.devvm.power_off()
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: list(second.workspace.glob("runs/*/jobs/*~plan1*/supervisor")))
    fresh.devvm.power_on()
    ended = finished(fresh)
    assert (ended["outcome"], ended["devvm"]) == ("done", "second"), ended["events"]
    assert "second takes the run; devvm is down since" in said(ended)
    assert not (fresh.devvm.workspace / "runs").exists()
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]
    assert plans_empty(fresh, "nfs")
    assert {name: row["state"] for name, row in devvms(fresh).items()} == {"devvm": "down", "second": "up"}
    assert command(fresh, "devvms").returncode == 1
    checked = command(fresh, "devvms", "--check")
    assert (checked.returncode, "devvm-unreachable" in checked.stdout) == (0, True), checked.stdout
    assert command(fresh, "devvms", "drain", "devvm", "--why", "a new disk").returncode == 0
    assert "[31m" not in command(fresh, "devvms").stdout
    assert devvms(fresh)["devvm"]["drained_why"] == "a new disk"
    assert command(fresh, "devvms", "drain", "nobody").returncode == 2
    assert "drained: it gets no new run" in command(fresh, "doctor").stdout
    assert command(fresh, "devvms", "undrain", "devvm").returncode == 0
    assert not devvms(fresh)["devvm"]["drained"]
    a_look_finds_who_is_away(fresh, second)


def a_look_finds_who_is_away(world: World, second: Host) -> None:
    """Where nobody has tried for a while, and only while Vault gives the key."""
    settings, ledger = load(world.config), open_ledger(f"sqlite:///{world.database}")
    at_once = settings.model_copy(update={"server": settings.server.model_copy(update={"probe_minutes": 0.0})})

    def states() -> list[str]:
        return [ledger.devvms.health(name).state for name in ("devvm", "second")]

    second.power_off()
    pool.probe(settings, ledger)
    assert states() == ["up", "up"], "both were tried a moment ago"
    world.bao.seal()
    pool.probe(at_once, ledger)
    assert states() == ["up", "up"], "Vault's trouble is not theirs"
    world.bao.unseal()
    pool.probe(at_once, ledger)
    assert states() == ["up", "down"]
    second.power_on()
    pool.probe(at_once, ledger)
    assert states() == ["up", "up"]
    ledger.engine.dispose()


def test_an_apply_that_is_lost_is_never_begun_again_and_people_are_told(fresh: World, second: Host) -> None:
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: slowly(fresh, "apply")})
    fresh.serve()
    deliver(fresh, commits)
    eventually(job(fresh, "apply"))
    reboot(fresh.devvm)
    ended = finished(fresh)
    (todo,) = ended["todos"]
    assert (ended["outcome"], todo["outcome"], todo["reason"]) == ("unknown", "unknown", "apply-unknown")
    assert "apply-unknown" in fresh.slack.texts[0] or "nothing tells how it ended" in fresh.slack.texts[0]
    assert FIX not in log(fresh, commits[1])
    assert not (second.workspace / "runs").exists()
    again = push(fresh, {PATH: fresh.forge.file(PATH).decode() + "\nMore.\n"})
    deliver(fresh, again)
    eventually(lambda: len([r for r in fresh.get("/api/runs")["runs"] if r["outcome"]]) == 2)
    assert fresh.get(f"/api/runs/{ended['id']}")["outcome"] == "unknown"
    with closing(sqlite3.connect(fresh.database)) as database:
        assert database.execute("SELECT count(*) FROM effects WHERE key LIKE 'apply %'").fetchone() == (1,)
    fresh.forge.pull()
    assert not job(fresh, "apply")()


@pytest.mark.thorough
@pytest.mark.parametrize(("name", "outcome"), [("agent1", "failed"), ("plan1", "failed"), ("apply", "unknown")])
def test_a_devvm_that_stays_away_fails_the_run_or_leaves_it_unknown(
    fresh: World, second: Host, name: str, outcome: str
) -> None:
    usual = fresh.model.script
    if name == "agent1":
        script(fresh, CONFIG, Attempt(fault="hang"))
    slow = slowly(fresh, "apply" if name == "apply" else "plan")
    rows = (("P1", CONFIG, "Config"), ("P2", "Something without a script", "Config"))
    commits = push(fresh, {PATH: post_mortem(*rows), WRAPPER: slow})
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(job(fresh, name))
    fresh.devvm.power_off()
    ended = finished(fresh)
    first = ended["todos"][0]
    assert (first["outcome"], ended["devvm"]) == (outcome, "devvm")
    assert first["reason"] in ("devvm-unreachable", "apply-connection-lost", "devvm-connection-lost")
    assert len(fresh.slack.texts) == 1
    assert service.process.poll() is None
    fresh.model.script = usual
    if outcome == "failed":
        fresh.forge.pull()
        deliver(fresh, push(fresh, {PATH: fresh.forge.file(PATH).decode() + "\nMore.\n"}))
        done = eventually(
            lambda: [r for r in fresh.get("/api/runs")["runs"] if r["outcome"] and r["id"] != ended["id"]]
        )
        assert (done[0]["devvm"], done[0]["outcome"]) == ("second", "partial")


@pytest.mark.thorough
def test_with_all_down_a_run_waits_and_fails_and_is_tried_again(fresh: World, second: Host) -> None:
    push(fresh, {PATH: post_mortem()})
    fresh.devvm.power_off()
    second.power_off()
    done = run_checkout(fresh)
    assert (done.returncode, "devvm-unreachable" in done.stdout) == (1, True)
    assert "(tried for 15 s)" in done.stdout
    second.power_on()
    again = run_checkout(fresh)
    assert again.returncode == 0, again.stdout
