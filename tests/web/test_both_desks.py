"""Each command of an operator over the database here and over a service: the same words, the same exit code."""

from __future__ import annotations

import json
import re
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from app.acts import Doing
from app.cli.remote import Remote
from app.cli.there import There
from app.errors import BadInput
from app.ledger import open_ledger
from app.main import compose
from app.settings import load
from app.web.application import application
from tests.web.desks import Said, answering, command, configured, filled, service
from tests.world.forge import Forge

# What is asked, one after the other, and its exit code. FAILED is the id of the run that failed in part.
CASES = (
    ("runs", 0),
    ("runs --json", 0),
    ("runs --limit 1 --json", 0),
    ("runs --outcome partial", 0),
    ("runs --outcome going-on --json", 0),
    ("runs --outcome done", 0),
    ("runs --repository no/such --json", 0),
    ("runs --repository no|such", 2),
    ("runs FAILED", 0),
    ("runs FAILED --json", 0),
    ("runs FAILED --follow", 1),
    ("runs FAILED --follow --json", 1),
    ("runs FAILED --watch", 2),
    ("runs --follow --json", 2),
    ("runs none", 2),
    ("runs none --json", 2),
    ("runs none --follow", 2),
    ("approvals", 0),
    ("approvals --json", 0),
    ("approve t-1", 2),
    ("approve waits-1/t-1 --why looks-right", 0),
    ("approve waits-1/t-1 --json", 1),
    ("approve none/t-1", 2),
    ("decline waits-1/t-2 --json", 0),
    ("decline waits-1/t-9", 1),
    ("approvals", 0),
    ("cancel going-1 --why enough", 0),
    ("cancel going-1", 0),
    ("cancel going-1 --json", 0),
    ("cancel FAILED --json", 1),
    ("cancel none", 2),
    ("pause --why deploy", 0),
    ("pause", 0),
    ("pause --json", 0),
    ("resume --json", 0),
    ("resume", 0),
    ("replay d-new --wait 0", 0),
    ("replay d-away --wait 0 --json", 0),
    ("replay d-held --wait 0", 0),
    ("replay d-done", 0),
    ("replay d-done --json", 0),
    ("replay d-other", 1),
    ("replay none --json", 2),
    ("retry going-1", 1),
    ("retry FAILED", 0),
    ("retry none --json", 2),
    ("spend", 0),
    ("spend --days 2 --json", 0),
    ("spend --days 0", 2),
)
_CHANGING = re.compile(
    r"(?:cli|token):[\w -]+?(?= \d{4}-|$)|\d{4}-\d\d-\d\dT[\d:]+Z|\b\d+ (?:s|min)\b(?: old)?| +(?=[│|])"
)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database that a service has run on: its tables and those of the library are there."""
    database = tmp_path_factory.mktemp("used") / "l.db"
    code = "import sys; from pipelines import durable as d; d.launch(sys.argv[1], 1, print); d.stop()"
    argv = [sys.executable, "-c", code, f"sqlite:///{database}"]
    subprocess.run(argv, check=True, capture_output=True, cwd=Path(__file__).parents[2], timeout=60)
    open_ledger(f"sqlite:///{database}").engine.dispose()
    _into_one_file(database)
    return database


def _into_one_file(database: Path) -> None:
    with closing(sqlite3.connect(database)) as whole:
        whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")


@pytest.fixture
def forge(tmp_path: Path) -> Iterator[Forge]:
    yield Forge(tmp_path / "forge.git", tmp_path / "checkout")


def same(said: Said, as_json: bool) -> tuple[object, ...]:
    """What was said without who said it and when, and of data without the order of names."""
    out, message = (_CHANGING.sub("~", text) for text in (said.out, said.message))
    return said.code, json.loads(out) if as_json else out, said.reason, message


def _until(true: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    for _ in range(1500):
        if true():
            return
        time.sleep(0.02)
    raise AssertionError("it has not come to that")


def test_every_command_says_the_same_here_and_there(tmp_path: Path, used: Path, forge: Forge) -> None:
    seed = configured(tmp_path, "seed", used, forge)
    failed = filled(seed, forge)
    _into_one_file(tmp_path / "seed.db")
    here = configured(tmp_path, "here", tmp_path / "seed.db", forge)
    there = configured(tmp_path, "there", tmp_path / "seed.db", forge)
    words = [(case.replace("FAILED", failed).split(), code) for case, code in CASES]
    with service(there) as (url, ledger):
        token = ledger.access.new_token("olga", ["approve", "operate"], "test")
        afar = [command(*case, server=url, token=token) for case, _ in words]
        done = {(row["by"], row["action"], row["outcome"]) for row in ledger.actions.newest(200)}
    at_home = [command(*case, "--config", str(here)) for case, _ in words]
    for (case, code), one, other in zip(words, at_home, afar, strict=True):
        as_json = "--json" in case
        assert (case, *same(one, as_json)) == (case, *same(other, as_json))
        assert one.code == code, (case, one)
        assert not {"\x1b", "\x9b", "\u202e"} & set(one.out + one.message + other.out + other.message)
        if as_json:
            shown = json.loads(one.out)
            assert not one.reason or shown == {"error": one.reason, "message": one.message}
    assert {
        ("token:olga", "approve", "done"),
        ("token:olga", "cancel", "nothing"),
        ("token:olga", "pause", "done"),
    } <= done


def test_who_may_not_is_told_so(tmp_path: Path, used: Path, forge: Forge) -> None:
    config = configured(tmp_path, "there", used, forge)
    with service(config) as (url, ledger):
        reader = ledger.access.new_token("rea", ["read"], "test")
        assert command("runs", server=url, token=reader).code == 0
        for token, words, code, reason in (
            ("", ("runs", "--json"), 2, "no-token"),
            ("ft_nobody-knows-this-one", ("runs",), 2, "bad-token"),
            (reader, ("pause",), 1, "scope-missing"),
            (reader, ("approve", "r/t"), 1, "scope-missing"),
        ):
            said = command(*words, server=url, token=token)
            assert (said.code, said.reason) == (code, reason), said
            assert not token or token not in said.message + said.out
        assert command("runs", "--server", url, "--config", str(config)).reason == "server-and-config"
        assert command("pause", "--config", str(config), server=url).out.startswith("paused"), "an option wins"


def test_a_run_is_followed_over_a_connection_that_is_lost(tmp_path: Path, used: Path, forge: Forge) -> None:
    """Every line comes once and in order, whoever ends the connection."""
    settings = load(configured(tmp_path, "there", used, forge))
    ledger = compose(settings)
    filled(tmp_path / "there.toml", forge)
    ledger.runs.note("going-1", "agent", "before it is lost")
    came: list[str] = []
    told: list[str] = []

    def follow(url: str) -> None:
        with Remote(url, token) as remote:
            came.extend(event["text"] for event in There(remote).follow("going-1", told.append))

    token = ledger.access.new_token("olga", ["read"], "test")
    with answering(application(settings, ledger, lambda *_: None, lambda: True, acts=Doing(settings, ledger))) as url:
        following = threading.Thread(target=follow, args=(url,))
        following.start()
        _until(lambda: "before it is lost" in came)
    ledger.runs.note("going-1", "agent", "while it was lost \x1b[2J")
    _until(lambda: bool(told))
    port = int(url.rpartition(":")[2])
    served = application(settings, ledger, lambda *_: None, lambda: True, acts=Doing(settings, ledger))
    with answering(served, port):
        _until(lambda: len(came) == 2)
        ledger.runs.note("going-1", "apply", "after it was lost")
        ledger.runs.finish("going-1", "done")
        ledger.runs.close("going-1")
        following.join(60)
    assert came == ["before it is lost", "while it was lost \\u001b[2J", "after it was lost"]
    assert "the connection is lost" in told[0]
    assert "connected again" in told[1]
    ledger.engine.dispose()


def test_a_run_that_is_not_there_is_not_waited_for(tmp_path: Path, used: Path, forge: Forge) -> None:
    missing = pytest.raises(BadInput, match="there is no such run")
    with service(configured(tmp_path, "there", used, forge)) as (url, _), Remote(url, "") as remote, missing:
        list(There(remote).follow("none", print))
