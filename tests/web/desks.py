"""The same ledger twice: once for commands over the database here, once behind a service on 127.0.0.1."""

from __future__ import annotations

import shutil
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from typer.testing import CliRunner

from app.acts import Doing
from app.checks import Check
from app.cli import app, exits
from app.errors import FollowthroughError
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.deliveries import Delivery
from app.ledger.runs import Run, Todo
from app.main import compose
from app.settings import load
from app.web.application import application
from pipelines import bench, intake
from tests.world.forge import REPOSITORY, Forge

PATH = "docs/post-mortems/2026-04-14-nfs.md"
HOSTILE = "Watch [bold red]it[/] \x1b[31mnow\x9b \u202egnp"
TEXT = (
    "# Post-Mortem: A test\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
    "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
    "| P1 | Let the mounts give up | Config | as said | TODO |\n| P1 | Watch the mounts | Config | as said | TODO |\n"
)
_TOLD = Delivery("d", "github", "push", REPOSITORY, "refs/heads/master", "a" * 40, "b" * 40, "me", "accepted", "", "")


@dataclass(frozen=True)
class Said:
    """What a command came to."""

    code: int
    out: str
    reason: str
    message: str


def command(*words: str, token: str = "", server: str = "") -> Said:
    """A command as an operator gives it; the failures that are ours are told by reason and sentence."""
    environment = {"FOLLOWTHROUGH_TOKEN": token or None, "FOLLOWTHROUGH_SERVER": server or None, "COLUMNS": "160"}
    done = CliRunner().invoke(app, list(words), env=environment)
    error = done.exception
    if isinstance(error, FollowthroughError):
        return Said(exits.code_of(error), done.stdout, error.reason, str(error))
    assert error is None or isinstance(error, SystemExit), error
    return Said(done.exit_code, done.stdout, "", done.stderr)


def configured(folder: Path, name: str, database: Path, forge: Forge) -> Path:
    """A configuration with a database of its own, a copy of this one; forge and mirrors are the same for all."""
    shutil.copyfile(database, folder / f"{name}.db")
    config = folder / f"{name}.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{folder}/{name}.db"\n[server]\ndata = "{folder}/data"\n'
        f'[[repository]]\nname = "{REPOSITORY}"\nclone_url = "{forge.url}"\n'
    )
    return config


def filled(config: Path, forge: Forge) -> str:
    """Runs in every state, what waits for a person, deliveries; returns the id of the run that failed in part."""
    settings = load(config)
    ledger = compose(settings)
    commit = forge.commit({PATH: TEXT}, "docs: post-mortem")
    forge.push()
    bench.mirror(REPOSITORY).sync(str(forge.url), "master")
    failed = Run(bench.run_id_of(REPOSITORY, commit, PATH), REPOSITORY, PATH, commit)
    ledger.runs.add(failed)
    todos = intake.look_at(settings.repository[0], bench.mirror(REPOSITORY), commit, PATH)
    ledger.runs.add_todos(failed, todos)
    for todo, outcome in zip(todos, ("done", "failed"), strict=True):
        ledger.runs.finish_todo(failed.id, todo.id, outcome, "said-so", "said so")
    ledger.runs.set_commit(failed.id, todos[0].id, "d" * 40)
    ledger.checks.keep(failed.id, todos[0].id, [Check("prometheus-rule", "NFSMountFailing", True, "health ok")])
    for number, usd in enumerate((0.25, 0.5)):
        ledger.spend.reserve(failed.id, todos[number].id, 1, 1.0)
        ledger.spend.settle(failed.id, todos[number].id, 1, usd)
    ledger.runs.note(failed.id, "plan", f"1 to add {HOSTILE}", todos[0].id)
    ledger.runs.finish(failed.id, "partial", "said-so", "one of them failed")
    ledger.runs.close(failed.id)
    _waiting(ledger)
    going = Run("going-1", REPOSITORY, "docs/post-mortems/other.md", "c" * 40, delivery="d-done")
    ledger.runs.add(going)
    ledger.runs.add_todos(going, [Todo("t-1", 0, 9, HOSTILE, "", "P0", "Alert", True)])
    ledger.spend.reserve("going-1", "t-1", 1, 2.0)
    for name, decision, reason in (
        ("d-new", "accepted", ""),
        ("d-done", "accepted", "runs-started"),
        ("d-away", "accepted", "fetch-failed"),
        ("d-other", "ignored", "other-branch"),
        ("d-held", "ignored", "pusher-unknown"),
    ):
        ledger.deliveries.store(Delivery(**{**vars(_TOLD), "id": name, "decision": decision, "reason": reason}))
    ledger.engine.dispose()
    return failed.id


def _waiting(ledger: Ledger) -> None:
    run = Run("waits-1", REPOSITORY, "docs/post-mortems/third.md", "e" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(f"t-{n}", n, n, f"{n} {HOSTILE}", "", "P1", "Config", True) for n in (1, 2)])
    for todo in ("t-1", "t-2"):
        ledger.runs.finish_todo("waits-1", todo, "awaiting-approval", "plan-too-large", "4 to add, 3 are allowed")
        plan = {"stack": "stacks/nfs", "job": "", "sha256": "f" * 64, "shown": ["4 to add", HOSTILE]}
        ledger.approvals.ask(
            Parked("waits-1", todo, "e" * 40, "a" * 40, "b" * 40, f"followthrough/waits-1/{todo}", [plan])
        )
    ledger.runs.finish("waits-1", "needs-human")
    ledger.runs.close("waits-1")


@contextmanager
def service(config: Path) -> Iterator[tuple[str, Ledger]]:
    """The service's web side over a ledger, on a free port; nothing executes runs."""
    settings = load(config)
    ledger = compose(settings)
    acts = Doing(settings, ledger)
    with answering(application(settings, ledger, lambda *_: None, lambda: True, acts=acts)) as url:
        yield url, ledger
    ledger.engine.dispose()


@contextmanager
def answering(served: FastAPI, port: int = 0) -> Iterator[str]:
    """An application on 127.0.0.1 as uvicorn serves it; at the end its connections are cut."""
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("127.0.0.1", port))
    config = uvicorn.Config(served, log_config=None, log_level="warning", proxy_headers=False, lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        thread.join(30)
        listening.close()


def opened(config: Path) -> Ledger:
    """The ledger of a configuration."""
    return open_ledger(load(config).database.url)
