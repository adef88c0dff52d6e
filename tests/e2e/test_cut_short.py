"""A step that is cut short and done again asks everything once more and takes no file from what it started."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.ledger import open_ledger
from app.ledger.runs import Run, Todo
from app.settings import Settings
from pipelines import bench, closing
from tests.e2e.conftest import (
    FIX,
    FOLLOW_UP,
    NFS,
    PATH,
    deliver,
    eventually,
    finished,
    log,
    post_mortem,
    push,
    pushed_meanwhile,
)
from tests.world.infra import SAMPLE
from tests.world.world import World

WRAPPER = "scripts/tg"
# Plans that hold the edit take ten seconds, and fail when somebody takes it away meanwhile.
SLOWLY = "{ ! grep -q soft main.tf || for _ in $(seq 100); do grep -q soft main.tf || exit 9; sleep 0.1; done; }\n"


def job_of(world: World, name: str) -> list[Path]:
    return list(world.devvm.workspace.glob(f"runs/*/jobs/*~{name}*~nfs/supervisor"))


def test_a_push_that_is_cut_short_verifies_what_it_was_about_to(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    theirs = fresh.forge.file(NFS).decode().replace("/srv/nfs/media", "/srv/nfs/films")
    tip = pushed_meanwhile(fresh, {NFS: theirs}, "not applied by its author")
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: job_of(fresh, "again"))
    service.kill()
    fresh.serve()
    (todo,) = finished(fresh)["todos"]
    assert (todo["outcome"], todo["reason"]) == ("unknown", "not-converged")
    assert log(fresh, tip) == [FOLLOW_UP]


@pytest.mark.thorough
def test_a_plan_that_goes_on_keeps_its_files(fresh: World) -> None:
    head, _, rest = (SAMPLE / WRAPPER).read_text().partition("\n")
    commits = push(fresh, {PATH: post_mortem(), WRAPPER: f"{head}\n[ $1 != plan ] || {SLOWLY}{rest}"})
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: job_of(fresh, "plan1"))
    service.kill()
    fresh.serve()
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert "PLAN-01" not in str(ended["events"])
    assert log(fresh, commits[1]) == [FIX, FOLLOW_UP]


def test_a_todo_whose_apply_had_begun_and_whose_end_was_not_recorded_is_unknown(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db")
    bench.use(Settings.model_construct(**_needed()), ledger)
    run = Run("r", "o/r", PATH, "0" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(name, n, n, name, "", "P1", "Config", True) for n, name in enumerate("ab")])
    ledger.runs.begin_effect("r", "apply r a nfs 00")
    assert closing.conclude("r", "internal-error", "the end could not be recorded") == "unknown"
    assert [t["outcome"] for t in ledger.runs.todos("r")] == ["unknown", "cancelled"]
    ledger.engine.dispose()


def _needed() -> dict[str, object]:
    return {name: field.default_factory() for name, field in Settings.model_fields.items() if field.default_factory}
