"""Several processes reserve money of one day at once: never more than the limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from app.ledger import open_ledger
from tests.world.processes import ROOT

# Each tries 30 times to reserve 1 dollar of 20, a run and a TODO of its own each time.
SPENDS = """
import sys
from app.errors import Refused
from app.guard.money import Limits, allowance
from app.ledger import open_ledger
url, name = sys.argv[1:]
spend = open_ledger(url).spend
print("ready", flush=True)
sys.stdin.readline()
got = 0
for number in range(30):
    try:
        run = f"{name}-{number}"
        got += spend.set_aside(run, "t", 1, lambda so: allowance(Limits(1, 1, 20), Limits(so.todo, so.run, so.day)))
    except Refused:
        continue
print(got)
"""


def reserve_at_once(url: str) -> list[float]:
    """What each of three processes got."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SPENDS, url, name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for name in "abc"
    ]
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    got = [float(process.communicate(timeout=60)[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    return got


def must_be_within(url: str, got: list[float]) -> None:
    ledger = open_ledger(url)
    day = ledger.spend.so_far("", "").day
    ledger.engine.dispose()
    assert sum(got) == pytest.approx(day)
    assert 19 < day <= 20, "all of the day's money, and no more"


def test_processes_on_postgresql_stay_within_the_day(url: str) -> None:
    must_be_within(url, reserve_at_once(url))


def test_processes_on_sqlite_stay_within_the_day(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/l.db"
    must_be_within(url, reserve_at_once(url))
