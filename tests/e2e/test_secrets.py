"""After a whole run, no secret is anywhere but in Vault and in the service's own configuration."""

from __future__ import annotations

import gzip
import json
import sqlite3
import threading
import time
import zlib
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import PATH, deliver, finished, post_mortem, push
from tests.world.model import API_KEY
from tests.world.world import World

# Terraform writes the value into each plan's JSON, in clear.
CANARY = "canary-Mu3oJ7rYkq"
_SENSITIVE = f'variable "unused" {{\n  default   = "{CANARY}"\n  sensitive = true\n}}\n'


@pytest.fixture(scope="module")
def command_lines(world: World) -> set[str]:
    """Run one TODO through and collect, all the while, the arguments of every process and what jobs have on disk."""
    commits = push(world, {PATH: post_mortem(), "stacks/nfs/unused.tf": _SENSITIVE.encode()})
    world.serve()
    seen: set[str] = set()
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(seen, world.devvm.workspace, over))
    watcher.start()
    try:
        deliver(world, commits)
        ended = finished(world)
        assert ended["outcome"] == "done", ended["events"]
    finally:
        over.set()
        watcher.join()
    return seen


def test_arguments_hold_no_secret(world: World, command_lines: set[str]) -> None:
    assert any("--setting-sources" in line for line in command_lines), "the agent was seen"
    for name, secret in _secrets(world).items():
        assert not [line for line in command_lines if secret in line], name


@pytest.mark.parametrize(
    "place",
    [
        "followthrough.db",
        "followthrough.db-wal",
        "service.log",
        "service-home",
        "data",
        "devvm/workspace",
        "devvm/home",
    ],
)
def test_disks_hold_no_secret(world: World, command_lines: set[str], place: str) -> None:
    """Database, log, mirrors, and the DevVM's own disk, packed git objects included."""
    files = [f for f in [world.folder / place, *(world.folder / place).rglob("*")] if f.is_file()]
    assert files or place in ("followthrough.db-wal", "service-home")
    for file in files:
        data = _unpacked(file)
        for name, secret in _secrets(world).items():
            assert secret.encode() not in data, f"{name} in {file}"


def test_the_plan_is_kept_without_what_terraform_marks_as_sensitive(world: World, command_lines: set[str]) -> None:
    """The whole file, not the rows: nothing was there and went again either."""
    database = sqlite3.connect(world.database)
    kept = dict(database.execute("SELECT kind, shown FROM changes").fetchall())
    database.close()
    assert json.loads(kept["plan"])["counts"], "the plan was kept"
    assert any(file["diff"] for file in json.loads(kept["diff"])), "the diff was kept"
    for file in world.folder.glob("followthrough.db*"):
        assert CANARY.encode() not in file.read_bytes(), file


def test_what_stood_on_the_devvm_while_jobs_ran_holds_no_secret(world: World, command_lines: set[str]) -> None:
    """The files of a job are gone after the run, so they are collected while it goes on."""
    commands = [text for text in command_lines if text.startswith("export ") and "--setting-sources" in text]
    assert commands, "the agent's own command file was seen"
    for name, secret in _secrets(world).items():
        assert not [text for text in command_lines if secret in text], name


def test_slack_and_the_api_hold_no_secret(world: World, command_lines: set[str]) -> None:
    run = world.get("/api/runs")["runs"][0]["id"]
    told = str(world.slack.messages) + str(world.get(f"/api/runs/{run}")) + str(world.get("/api/deliveries"))
    for name, secret in _secrets(world).items():
        assert secret not in told, name


def test_the_model_was_told_no_secret(world: World, command_lines: set[str]) -> None:
    for name, secret in _secrets(world).items():
        assert secret not in str(world.model.requests), name


def test_the_search_finds_what_is_there(world: World, command_lines: set[str]) -> None:
    """The same search over the one place that holds a secret by right."""
    assert world.webhook_secret.encode() in _unpacked(world.config)


def _secrets(world: World) -> dict[str, str]:
    body = world.devvm.private_key.splitlines()[2]
    tokens = {f"Vault token {n}": token for n, token in enumerate(world.bao.issued_tokens())}
    assert len(tokens) > 5, "each step logs in"
    return tokens | {
        "private key": body,
        "webhook secret": world.webhook_secret,
        "API key": API_KEY,
        "service-account token": world.jwt_file.read_text(),
        "Vault's root token": world.bao.root_token,
        "Slack webhook": world.slack.webhook_url.rsplit("/", 1)[1],
    }


def _unpacked(file: Path) -> bytes:
    data = file.read_bytes()
    for unpack in (zlib.decompress, gzip.decompress):
        try:
            return data + unpack(data)
        except (zlib.error, OSError, EOFError):
            continue
    return data


def _watch(seen: set[str], workspace: Path, over: threading.Event) -> None:
    while not over.is_set():
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                seen.add("\0".join(process.cmdline()))
        # Folders and files may be gone between two looks.
        with suppress(OSError):
            # Not the pipe of an agent: what is read from it the agent does not get.
            for file in filter(Path.is_file, workspace.glob("runs/*/jobs/*/*")):
                with suppress(OSError):
                    seen.add(file.read_text(errors="replace"))
        time.sleep(0.01)


def test_what_a_wrapper_prints_is_hidden_wherever_it_is_told(fresh: World) -> None:
    """A wrapper that prints tokens while it fails: what is stored, shown and sent of it holds none."""
    token = "hvs." + "CAESIJexampleexampleexample"
    tg = fresh.forge.file("scripts/tg").decode()
    leak = f'[ "$command" != apply ] || {{ echo "token {token} secret {fresh.webhook_secret}" >&2; exit 3; }}\n'
    commits = push(fresh, {"scripts/tg": tg.replace("exec terraform", leak + "exec terraform"), PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    ended = finished(fresh)
    assert ended["todos"][0]["reason"] == "apply-failed", ended["events"]
    assert "[redacted]" in ended["todos"][0]["message"], "it was told of, without the secrets"
    told = str(ended) + str(fresh.slack.messages) + (fresh.folder / "service.log").read_text()
    fresh.stop_service()
    stored = b"".join(file.read_bytes() for file in fresh.folder.glob("followthrough.db*"))
    for secret in (token, fresh.webhook_secret):
        assert secret not in told
        assert secret.encode() not in stored
