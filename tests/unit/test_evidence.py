"""What is kept of an apply: how it ended, also where that was badly."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.errors import Unknown
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Todo
from app.settings import Settings
from pipelines import bench as benches
from pipelines import landing
from pipelines.values import StackPlan
from tests.world.here import Ground


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "ground", {"stacks/m/main.tf": "# m\n"})


@pytest.fixture
def ledger(tmp_path: Path, ground: Ground) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), opened)
    opened.runs.add(ground.run)
    opened.runs.add_todos(ground.run, [Todo("t", 0, 1, "as said", "", "P1", "Config", True)])
    yield opened
    opened.engine.dispose()


@pytest.mark.parametrize("code", [0, 3])
def test_the_exit_code_of_an_apply_is_kept_when_it_is_known(ground: Ground, ledger: Ledger, code: int) -> None:
    bench = ground.bench({"apply": f"sh -c 'exit {code}'"}, {})
    job = bench.workspace.job("t", "plan1", "m")
    file = Path(bench.terraform._plan_file(job))
    file.parent.mkdir(parents=True)
    file.write_bytes(b"a plan")
    plan = StackPlan("m", job, hashlib.sha256(b"a plan").hexdigest(), (), ())
    if code:
        with pytest.raises(Unknown):
            landing.apply(bench, "t", plan)
    else:
        landing.apply(bench, "t", plan)
    (kept,) = ledger.evidence.of_todo("r", "t")
    assert (kept["kind"], kept["subject"], kept["hash"], kept["exit_code"]) == ("apply", "m", plan.sha256, code)
