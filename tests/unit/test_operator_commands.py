"""Help and exit codes in one table, completion in a real shell, the live table on a real terminal, what days cost."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from app.cli import app, exits
from app.errors import BadInput, Refused, Unknown
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.clock import today
from app.ledger.runs import Run, Todo
from app.settings import load
from app.web.application import application
from tests.web.desks import answering

ROOT = Path(__file__).parents[2]
RUN = Run("r-1", "o/r", "docs/post-mortems/a.md", "c" * 40)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "followthrough.toml"
    file.write_text(f'[database]\nurl = "sqlite:///{tmp_path}/l.db"\n[agent]\nday_budget_usd = 8\n')
    return file


@pytest.fixture
def ledger(config: Path) -> Iterator[Ledger]:
    made = open_ledger(load(config).database.url)
    made.runs.add(RUN)
    todos = [Todo("t-1", 0, 9, "Watch \x1b[31mit", "", "P0", "Alert", True), Todo("t-2", 1, 9, "b", "", "", "", True)]
    made.runs.add_todos(RUN, todos)
    yield made
    made.engine.dispose()


def commands(of: typer.Typer, group: str = "") -> Iterator[tuple[str, str]]:
    """Every command with its help as it is shown."""
    for command in of.registered_commands:
        name = command.name or getattr(command.callback, "__name__", "")
        yield f"{group} {name}".strip(), str(command.help)
    for inner in of.registered_groups:
        assert inner.typer_instance is not None
        below = f"{group} {inner.name or ''}".strip()
        if inner.typer_instance.registered_callback:
            yield below, str(inner.typer_instance.info.help)
        yield from commands(inner.typer_instance, below)


def test_every_command_tells_its_exit_codes_from_the_one_table() -> None:
    told = dict(commands(app))
    assert set(told) == set(exits.TABLE), "each command has its row, and each row its command"
    for name, shown in told.items():
        assert shown.endswith(exits.sentence(name)), name
        assert shown.count("Exit code") == 1, name
        assert f"| `{name}` | `0` |" in exits.markdown()
    assert "130 Ctrl-C ended --watch" in " ".join(CliRunner().invoke(app, ["runs", "--help"]).output.split())
    codes = [exits.code_of(kind("a-reason", "")) for kind in (BadInput, Refused, Unknown)]
    assert codes == [2, 1, 1]


def test_help_loads_nothing_that_only_some_commands_need() -> None:
    code = (
        "import sys; from app.cli import app; from typer.testing import CliRunner as C\n"
        "assert C().invoke(app, ['runs', '--help']).exit_code == 0\n"
        "print({'httpx', 'sqlalchemy', 'dbos', 'fastapi', 'paramiko'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert done.stdout == "set()\n", done.stderr


def completed(words: str, config: Path) -> list[str]:
    """What bash offers for the last of these words, by the script that --show-completion prints."""
    program = config.parent / "followthrough"
    if not program.exists():
        program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m app.cli "$@"\n')
        program.chmod(0o700)
    script = (
        'source "$1"; COMP_WORDS=($2); [[ "$2" == *" " ]] && COMP_WORDS+=(""); COMP_CWORD=$((${#COMP_WORDS[@]}-1))\n'
        'made=$(complete -p followthrough | sed "s/.*-F \\([^ ]*\\).*/\\1/")\n'
        '"$made" followthrough; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    shown = config.parent / "completion.bash"
    environment = {"PATH": f"{config.parent}:{os.environ['PATH']}", "HOME": str(config.parent)}
    if not shown.exists():
        asking = ["bash", "-c", "followthrough --show-completion; exit $?"]
        shown.write_bytes(subprocess.run(asking, check=True, capture_output=True, env=environment, timeout=60).stdout)
    argv = ["bash", "-c", script, "bash", str(shown), words]
    done = subprocess.run(argv, capture_output=True, text=True, env=environment, cwd=config.parent, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout
    return done.stdout.split()


def test_a_shell_completes_commands_runs_and_what_waits(config: Path, ledger: Ledger) -> None:
    ledger.approvals.ask(Parked("r-1", "t-1", "c", "t", "b", "followthrough/r-1/t-1", []))
    assert completed("followthrough appro", config) == ["approve", "approvals"]
    assert completed("followthrough cancel ", config) == ["r-1"]
    assert completed("followthrough approve r", config) == ["r-1/t-1"]


@pytest.mark.parametrize("text", ["", "[database]\nurl = 1\n", '[database]\nurl = "postgresql://127.0.0.1:1/x"\n'])
def test_completion_offers_nothing_where_there_is_no_database_and_makes_none(config: Path, text: str) -> None:
    config.write_text(text or config.read_text())
    words = {"_FOLLOWTHROUGH_COMPLETE": "complete_bash", "COMP_CWORD": "4"}
    words["COMP_WORDS"] = f"followthrough cancel --config {config} x"
    done = CliRunner().invoke(app, [], env=words, prog_name="followthrough")
    assert (done.exit_code, done.output.split()) == (0, [])
    assert not (config.parent / "l.db").exists()


@pytest.fixture
def watching(config: Path, ledger: Ledger) -> Iterator[list[str]]:
    """How a service's runs are watched."""
    served = application(load(config), ledger, lambda *_: None, lambda: True)
    with answering(served) as url:
        # Whoever runs the tests in the background has switched Ctrl-C off for all that they start.
        yield ["env", "--default-signal=INT", sys.executable, "-m", "app.cli", "runs", "--watch", "--server", url]


def test_the_live_table_is_drawn_in_place_and_ends_quietly(watching: list[str], ledger: Ledger) -> None:
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "120", "LINES": "40"}
    table = subprocess.Popen(watching, cwd=ROOT, stdout=theirs, stderr=theirs, stdin=theirs, env=environment)
    os.close(theirs)
    drawn = _until(ours, "goes on")
    ledger.runs.finish("r-1", "done")
    ledger.runs.close("r-1")
    drawn += _until(ours, "done")
    table.send_signal(signal.SIGINT)
    drawn += _until(ours, "\x1b[?25h")
    assert table.wait(60) == 130
    os.close(ours)
    assert "Traceback" not in drawn
    assert "Aborted" not in drawn
    assert "\x1b[1A" in drawn, "it goes up to draw over what was there"
    assert "\x1b[2J" not in drawn, "it does not clear the screen"
    assert "31mit" not in drawn


def _until(terminal: int, wanted: str) -> str:
    """What a terminal is sent until this is among it."""
    came = ""
    while wanted not in came:
        came += os.read(terminal, 65536).decode("utf-8", "replace")
    return came


def test_elsewhere_each_change_is_a_line(watching: list[str], ledger: Ledger) -> None:
    with subprocess.Popen(watching, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as lines:
        assert lines.stdout is not None
        assert lines.stderr is not None
        assert "r-1: goes on, 2 open, $0.00, o/r docs/post-mortems/a.md" in lines.stdout.readline()
        ledger.runs.finish_todo("r-1", "t-1", "done", "", "")
        assert "1 done, 1 open" in lines.stdout.readline()
        lines.send_signal(signal.SIGINT)
        assert lines.wait(60) == 130
        assert (lines.stdout.read(), lines.stderr.read()) == ("", "")


def test_what_days_cost(ledger: Ledger) -> None:
    nothing = ledger.spend.report(3, 8.0)
    yesterday = (date.fromisoformat(today()) - timedelta(days=1)).isoformat()
    assert [day["day"] for day in nothing["days"]][:2] == [today(), yesterday]
    assert len(nothing["days"]) == 3
    assert nothing["landed"] == {"changes": 0, "usd": 0.0, "usd_each": None}
    assert nothing["outcomes"] == []
    ledger.spend.reserve("r-1", "t-1", 1, 1.0)
    ledger.spend.settle("r-1", "t-1", 1, 0.1)
    ledger.spend.reserve("r-1", "t-1", 2, 1.0)
    ledger.spend.settle("r-1", "t-1", 2, 0.2)
    ledger.spend.reserve("r-1", "t-2", 1, 2.0)
    ledger.spend.reserve("gone", "t-9", 1, 0.5)
    ledger.runs.finish_todo("r-1", "t-1", "done", "", "")
    ledger.runs.set_commit("r-1", "t-1", "d" * 40)
    found = ledger.spend.report(1, 8.0)
    assert found["days"] == [{"day": today(), "spent_usd": 0.3, "reserved_usd": 2.5, "limit_usd": 8.0}]
    assert found["total_usd"] == 2.8
    assert found["landed"] == {"changes": 1, "usd": 0.3, "usd_each": 2.8}
    assert found["outcomes"] == [
        {"outcome": "open", "todos": 1, "usd": 2.0},
        {"outcome": "gone", "todos": 1, "usd": 0.5},
        {"outcome": "done", "todos": 1, "usd": 0.3},
    ]
