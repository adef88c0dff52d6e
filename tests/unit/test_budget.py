"""What a try may cost where TODOs go side by side: what may come back is waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Refused
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.ledger.spend import Spend
from app.settings import Settings
from pipelines import agent_work
from pipelines import bench as benches


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings.model_validate({"agent": {"budget_usd": 2.0, "todo_budget_usd": 2.0}}), opened)
    run = Run("r", "o/r", "docs/a.md", "c" * 40)
    opened.runs.add(run)
    opened.runs.add_todos(run, [Todo(name, 0, 1, "as said", "", "P1", "Config", True) for name in ("a", "b")])
    yield opened
    opened.engine.dispose()


def test_money_that_another_sets_aside_at_the_same_moment_is_waited_for(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It comes between the question whether anybody has some and the reservation."""
    ask, waits = Spend.is_open, list[float]()

    def and_then(self: Spend, run_id: str, todo_id: str) -> bool:
        found = ask(self, run_id, todo_id)
        ledger.spend.reserve("r", "a", 1, 2.0)
        return found

    def settled_meanwhile(seconds: float) -> None:
        waits.append(seconds)
        ledger.spend.settle("r", "a", 1, 0.5)

    monkeypatch.setattr(Spend, "is_open", and_then)
    monkeypatch.setattr(agent_work.time, "sleep", settled_meanwhile)
    assert agent_work.budget_of("r", "b", 1) == 1.5
    assert len(waits) == 1


def test_money_that_is_spent_is_not_waited_for(ledger: Ledger) -> None:
    ledger.spend.reserve("r", "a", 1, 2.0)
    ledger.spend.settle("r", "a", 1, None)
    with pytest.raises(Refused) as raised:
        agent_work.budget_of("r", "b", 1)
    assert raised.value.reason == "run-budget-spent"
