"""What the ledger says of a run that a person's decision took up again, and of a delivery that is tried again."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from app.cli.person import person
from app.ledger import open_ledger
from app.ledger.approvals import Parked
from app.ledger.runs import Run, Todo


def test_a_run_that_is_taken_up_again_is_not_closed(tmp_path: Path) -> None:
    """Another repository's run on the same DevVM sweeps what is closed and not kept."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db")
    run = Run("r", "o/r", "p.md", "0" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo("a", 0, 1, "a", "", "P1", "Config", True)])
    ledger.runs.finish_todo("r", "a", "awaiting-approval", "", "")
    ledger.approvals.ask(Parked("r", "a", "c", "t", "b", "followthrough/r/a", []))
    ledger.runs.close("r")
    assert ledger.approvals.decided() == []
    ledger.approvals.decide("r", "a", "declined", "me", "")
    assert ledger.approvals.decided() == [("r", "a")]
    ledger.runs.reopen("r")
    assert not ledger.runs.is_closed("r")
    ledger.runs.finish_todo("r", "a", "refused", "approval-declined", "")
    assert ledger.approvals.decided() == []
    ledger.engine.dispose()


def test_who_decides_is_who_the_system_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "somebody-else")
    assert person() == pwd.getpwuid(os.getuid()).pw_name
    monkeypatch.setattr(os, "getuid", lambda: 4_000_000)
    monkeypatch.delenv("LOGNAME")
    assert person() == "uid 4000000"
