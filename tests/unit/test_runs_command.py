"""`followthrough runs`, `retry` and `replay` over a ledger of their own, as an operator calls them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.checks import Check
from app.cli import app
from app.errors import BadInput, FollowthroughError, Refused
from app.ledger import Ledger, open_ledger
from app.ledger.deliveries import Delivery
from app.ledger.runs import Run, Todo
from app.settings import load
from pipelines import bench, durable, intake
from tests.world.forge import REPOSITORY, Forge

PATH = "docs/post-mortems/2026-04-14-nfs.md"
ACTIONS = ("Let the mounts give up", "Watch the mounts")
TEXT = (
    "# Post-Mortem: A test\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
    "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
    + "".join(f"| P1 | {action} | Config | as said | TODO |\n" for action in ACTIONS)
)
RUN = Run("r-1", REPOSITORY, PATH, "c" * 40)
TOLD = Delivery("d", "github", "push", REPOSITORY, "refs/heads/master", "a" * 40, "b" * 40, "me", "accepted", "", "")


class Operator:
    """A configuration, its ledger, and the commands that read it."""

    def __init__(self, folder: Path, database: Path) -> None:
        self.folder, self.config = folder, folder / "followthrough.toml"
        shutil.copyfile(database, folder / "l.db")
        self.forge = Forge(folder / "forge.git", folder / "checkout")
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{folder}/l.db"\n[server]\ndata = "{folder}/data"\n'
            f'[[repository]]\nname = "{REPOSITORY}"\nclone_url = "{self.forge.url}"\n'
        )
        self.ledger: Ledger = open_ledger(f"sqlite:///{folder}/l.db")

    def run(self, *words: str, code: int = 0) -> str:
        """What a command prints."""
        done = CliRunner().invoke(app, [*words, "--config", str(self.config)])
        assert done.exit_code == code, (done.output, done.exception)
        return done.output

    def fails(self, kind: type[FollowthroughError], reason: str, *words: str) -> str:
        """What a command is sorry for; its kind becomes the exit code."""
        done = CliRunner().invoke(app, [*words, "--config", str(self.config)])
        assert type(done.exception) is kind
        assert done.exception.reason == reason
        return str(done.exception)

    def push(self, text: str = TEXT) -> str:
        """The post-mortem on the forge and in our mirror; returns its commit."""
        commit = self.forge.commit({PATH: text}, "docs: post-mortem")
        self.forge.push()
        settings = load(self.config)
        bench.use(settings, self.ledger)
        bench.mirror(REPOSITORY).sync(str(self.forge.url), "master")
        return commit

    def ended(self, commit: str, *outcomes: str) -> Run:
        """A run for that commit that is over, its TODOs with these outcomes."""
        run = replace(RUN, id=bench.run_id_of(REPOSITORY, commit, PATH), commit=commit)
        self.ledger.runs.add(run)
        todos = intake.look_at(load(self.config).repository[0], bench.mirror(REPOSITORY), commit, PATH)
        self.ledger.runs.add_todos(run, todos)
        for todo, outcome in zip(todos, outcomes, strict=True):
            self.ledger.runs.finish_todo(run.id, todo.id, outcome, "said-so", "said so")
        self.ledger.runs.finish(run.id, "partial")
        self.ledger.runs.close(run.id)
        return run


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that a service has run on: its tables and those of the library are there."""
    database = tmp_path_factory.mktemp("used") / "l.db"
    code = "import sys; from pipelines import durable as d; d.launch(sys.argv[1], 1, print); d.stop()"
    argv = [sys.executable, "-c", code, f"sqlite:///{database}"]
    subprocess.run(argv, check=True, capture_output=True, cwd=Path(__file__).parents[2], timeout=60)
    open_ledger(f"sqlite:///{database}").engine.dispose()
    with closing(sqlite3.connect(database)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return database


@pytest.fixture
def operator(tmp_path: Path, used: Path) -> Iterator[Operator]:
    made = Operator(tmp_path, used)
    yield made
    made.ledger.engine.dispose()


def filled(ledger: Ledger) -> None:
    """A run with two TODOs, the text of which is hostile."""
    ledger.runs.add(replace(RUN, delivery="the-delivery"))
    action = "Watch [bold red]it[/] \x1b[31mnow\x9b"
    todos = [Todo("t-1", 0, 9, action, "", "P0", "Alert", True), Todo("t-2", 1, 10, "Think", "", "P2", "x", False)]
    ledger.runs.add_todos(RUN, todos)
    ledger.runs.finish_todo("r-1", "t-1", "done", "", "1 to add")
    ledger.runs.set_commit("r-1", "t-1", "d" * 40)
    ledger.runs.finish_todo("r-1", "t-2", "needs-human", "type-needs-human", "")
    ledger.checks.keep("r-1", "t-1", [Check("prometheus-rule", "NFSMountFailing", True, "health ok")])
    ledger.spend.reserve("r-1", "t-1", 1, 1.0)
    ledger.spend.settle("r-1", "t-1", 1, 0.25)
    ledger.runs.note("r-1", "plan", "1 to add \x1b[2J", "t-1")


def test_runs_lists_them_newest_first_with_outcome_todos_and_cost(operator: Operator) -> None:
    assert "no run yet" in operator.run("runs")
    filled(operator.ledger)
    operator.ledger.runs.finish("r-1", "done")
    operator.ledger.runs.close("r-1")
    operator.ledger.runs.add(replace(RUN, id="a-going-one"))
    shown = operator.run("runs")
    assert "1 done, 1 needs-human" in shown
    assert "$0.25" in shown
    assert "goes on" in shown
    listed = json.loads(operator.run("runs", "--json"))
    assert {run["id"]: run["outcome"] for run in listed} == {"r-1": "done", "a-going-one": None}
    assert next(run["todos"] for run in listed if run["id"] == "r-1") == {"done": 1, "needs-human": 1}
    assert all("source" not in run for run in listed)
    assert len(json.loads(operator.run("runs", "--json", "--limit", "1"))) == 1


def test_one_run_is_shown_with_its_todos_checks_and_events_and_no_escape_of_theirs(operator: Operator) -> None:
    filled(operator.ledger)
    shown = operator.run("runs", "r-1")
    for said in ("goes on", "the-delivery", "ddddddd", "type-needs-human", "NFSMountFailing", "1 to add", "[bold"):
        assert said in shown, said
    told = operator.run("runs", "r-1", "--json")
    assert not {"\x1b", "\x9b"} & {*shown, *told}
    (first, _) = json.loads(told)["todos"]
    assert (first["cost_usd"], first["commit"], first["checks"][0]["ok"]) == (0.25, "d" * 40, True)
    assert "no such run" in operator.fails(BadInput, "no-such-run", "runs", "r-2")


def test_a_run_is_followed_until_it_is_over(operator: Operator) -> None:
    filled(operator.ledger)

    def go_on() -> None:
        operator.ledger.runs.note("r-1", "apply", "the last word")
        operator.ledger.runs.finish("r-1", "unknown", "apply-failed", "in part")
        operator.ledger.runs.close("r-1")

    later = threading.Timer(0.5, go_on)
    later.start()
    shown = operator.run("runs", "r-1", "--follow", code=1)
    later.join()
    assert "the last word" in shown
    assert "r-1: unknown" in shown
    assert "\x1b" not in shown
    operator.fails(BadInput, "which-run", "runs", "--follow")


def test_a_run_of_which_something_failed_is_tried_again(operator: Operator) -> None:
    run = operator.ended(operator.push(), "done", "failed")
    again = f"{run.id}-2"
    assert again in operator.run("retry", run.id)
    assert operator.ledger.runs.get(again).commit == run.commit
    url = f"sqlite:///{operator.folder}/l.db"
    assert not durable.is_over(url, "follow_through", again), "it was handed over"
    operator.fails(Refused, "run-goes-on", "retry", again)


def test_a_run_that_is_settled_is_not_tried_again(operator: Operator) -> None:
    run = operator.ended(operator.push(), "done", "refused")
    why = operator.fails(Refused, "nothing-to-retry", "retry", run.id)
    assert "Let the mounts give up: already-done" in why
    assert "already-refused" in why
    assert len(operator.ledger.runs.newest()) == 1
    operator.ledger.runs.add(replace(run, id="elsewhere", commit="e" * 40))
    operator.ledger.runs.close("elsewhere")
    operator.fails(Refused, "commit-gone", "retry", "elsewhere")
    operator.fails(BadInput, "no-such-run", "retry", "nothing")


@pytest.mark.parametrize(("reason", "starts"), [("", True), ("fetch-failed", True), ("runs-started", False)])
def test_a_delivery_is_replayed_as_a_redelivery_is(operator: Operator, reason: str, starts: bool) -> None:
    operator.ledger.deliveries.store(replace(TOLD, reason=reason, message="so it was"))
    operator.ledger.runs.add(replace(RUN, delivery="d"))
    shown = operator.run("replay", "d", "--wait", "0.1")
    assert ("is handed over" in shown) == starts
    assert ("nothing is started twice" in shown and "run r-1" in shown) == (not starts)


def test_a_delivery_that_was_ignored_is_not_replayed_unless_it_waits_for_a_person(
    operator: Operator,
) -> None:
    held = replace(TOLD, decision="ignored", reason="pusher-unknown")
    operator.ledger.deliveries.store(held)
    operator.ledger.deliveries.store(replace(held, id="other", reason="other-branch"))
    operator.fails(Refused, "delivery-ignored", "replay", "other")
    operator.fails(BadInput, "no-such-delivery", "replay", "none")
    assert "is handed over" in operator.run("replay", "d", "--wait", "0.1")
    vouched = operator.ledger.deliveries.get("d")
    assert (vouched.decision, vouched.reason) == ("accepted", "")
    assert vouched.pusher not in ("", "me")


def test_reconcile_needs_no_service_and_says_what_it_found(operator: Operator) -> None:
    operator.push()
    with closing(sqlite3.connect(operator.folder / "l.db")) as database, database:
        database.execute("ALTER TABLE workflow_status RENAME TO away")
    assert "first look" in operator.run("reconcile")
    operator.push(TEXT + "\nMore.\n")
    shown = operator.run("reconcile")
    assert "is delivery reconcile-" in shown
    assert "no service has run on this database yet" in shown
    (found,) = operator.ledger.deliveries.unconcluded()
    assert found.startswith("reconcile-"), "the first service that starts takes it up"
    with closing(sqlite3.connect(operator.folder / "l.db")) as database, database:
        database.execute("ALTER TABLE away RENAME TO workflow_status")
    assert "the running service goes on with it" in operator.run("reconcile")
    operator.forge.url.rename(operator.folder / "away.git")
    assert "fetch-failed" in operator.run("reconcile", code=1)
