"""A lane's own flow, outside of its steps: what it raises ends it, so it waits for what passes."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import unwrap
from pathlib import Path
from unittest.mock import Mock

import pytest
import sqlalchemy as sa

from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Runs, Todo
from app.settings import Settings
from pipelines import bench as benches
from pipelines import closing, durable, ending, postmortem_todos


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), opened)
    run = Run("r", "o/r", "docs/a.md", "c" * 40)
    opened.runs.add(run)
    opened.runs.add_todos(run, [Todo(name, 0, 1, "as said", "", "P1", "Config", True) for name in ("first", "second")])
    yield opened
    opened.engine.dispose()


def test_a_database_that_is_away_between_two_todos_is_waited_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the lane's TODOs would fail, though nothing was wrong with them."""

    class Away(Exception):
        sqlstate = None

    read, asked, followed = Runs.todo, list[str](), list[str]()

    def flaky(self: Runs, run_id: str, todo_id: str) -> Todo:
        asked.append(todo_id)
        if len(asked) == 2:
            raise sa.exc.OperationalError("SELECT", {}, Away("terminating connection"))
        return read(self, run_id, todo_id)

    def follow(_: str, one: Todo) -> str:
        followed.append(one.id)
        return "done"

    monkeypatch.setattr(Runs, "todo", flaky)
    monkeypatch.setattr(postmortem_todos, "follow_todo", follow)
    monkeypatch.setattr(durable, "_WAITS", (0.01,))
    unwrap(postmortem_todos.follow_lane)("r first second")
    assert followed == ["first", "second"]


def test_a_run_that_cannot_be_concluded_holds_nothing_when_it_is_over(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the next run on that stack would wait for it for good."""
    assert ledger.holds.take("o/r", "r", "first", ["stacks/nfs"])
    monkeypatch.setattr(closing, "conclude", Mock(side_effect=RuntimeError("nobody foresaw it")))
    ending.end_run("r", lambda: None)
    assert ledger.runs.is_closed("r")
    assert ledger.holds.take("o/r", "next", "t", ["stacks/nfs"])
