"""The DevVM is rebooted in the middle of an apply: what may have happened in part is a person's."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import FIX, PATH, deliver, eventually, finished, post_mortem, push
from tests.world.infra import SAMPLE
from tests.world.world import World

WRAPPER = "scripts/tg"


def reboot_during(world: World, command: str) -> tuple[str, str, str]:
    """A run whose DevVM is rebooted while the wrapper is at this command; (run id, outcome, reason) of its TODO."""
    head, _, rest = (SAMPLE / WRAPPER).read_text().partition("\n")
    slowly = f'[ "$1" != {command} ] || ! grep -q soft main.tf || {{ : > "$TF_DATA_DIR.begun"; sleep 1000; }}'
    deliver(world, push(world, {PATH: post_mortem(), WRAPPER: f"{head}\n{slowly}\n{rest}"}))
    eventually(lambda: list(world.devvm.workspace.glob("runs/*/terraform/*.begun")))
    world.devvm.power_off()
    world.devvm.power_on()
    ended = finished(world)
    (todo,) = ended["todos"]
    return ended["id"], todo["outcome"], todo["reason"]


@pytest.mark.thorough
def test_an_apply_that_was_cut_off_is_a_person_s_and_its_commit_is_kept(fresh: World) -> None:
    fresh.serve()
    run_id, *came_to = reboot_during(fresh, "apply")
    assert came_to == ["unknown", "apply-unknown"]
    (branch,) = fresh.forge.run("branch", "--list", "--format=%(refname:short)", "followthrough/*").split()
    assert branch.startswith(f"followthrough/{run_id}/")
    assert fresh.forge.run("log", "-1", "--format=%s", branch) == FIX
