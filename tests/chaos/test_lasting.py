"""What goes wrong and stays so: nothing is applied, the reason names the part, and a later try does the work."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from app.edges.room import Room
from pipelines.room import too_little
from tests.chaos.faults import locked_state
from tests.e2e.conftest import FIX, PATH, log, plans_empty, post_mortem, push, run_checkout
from tests.world.world import World

IMPOSSIBLE = 1 << 40


@contextmanager
def configured(world: World, section: str, **values: Any) -> Iterator[None]:
    """Other settings while the block lasts."""
    before = world.options.changes
    world.options.changes = {**before, section: {**before.get(section, {}), **values}}
    world.write_config()
    try:
        yield
    finally:
        world.options.changes = before
        world.write_config()


def failed_for(world: World, reason: str) -> subprocess.CompletedProcess[str]:
    """A run of the operator's checkout, which comes to nothing for this reason."""
    done = run_checkout(world)
    assert (done.returncode, reason in done.stdout) == (1, True), done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    return done


@pytest.mark.configured(server={"patience_minutes": 0.05})
def test_a_run_comes_to_nothing_fault_after_fault_and_then_to_its_end(fresh: World) -> None:
    _, after = push(fresh, {PATH: post_mortem()})
    with configured(fresh, "server", least_free_mib=IMPOSSIBLE):
        assert "MiB are free" in failed_for(fresh, "disk-nearly-full").stdout
    with configured(fresh, "devvm", least_free_mib=IMPOSSIBLE):
        failed_for(fresh, "devvm-disk-nearly-full")
    fresh.bao.seal()
    assert "(tried for 3 s)" in failed_for(fresh, "vault-sealed").stdout
    fresh.bao.unseal()
    assert not (fresh.devvm.workspace / "repositories").exists()
    assert fresh.model.requests == []
    with ExitStack() as held, configured(fresh, "repository", lock_minutes=0.04):
        held.enter_context(locked_state(fresh, "nfs"))
        done = failed_for(fresh, "state-locked")
    assert "waited 2s for the lock on the state" in done.stdout
    assert "Operation: OperationTypeApply" in done.stdout, "it says who holds it"
    assert "force-unlock" not in done.stdout
    assert " apply " not in done.stdout
    assert FIX not in log(fresh, after)
    fresh.forge.pull()
    assert run_checkout(fresh).returncode == 0
    assert log(fresh, after).count(FIX) == 1
    assert plans_empty(fresh, "nfs")


@pytest.mark.parametrize(
    ("found", "short"),
    [
        (Room(2 << 30, 1000, 100), ""),
        (Room(2 << 30, 0, 0), ""),
        (Room((1 << 30) - 1, 1000, 1000), "1023 MiB are free, 1024 are asked for"),
        (Room(2 << 30, 1000, 99), "99 of 1000 inodes are free, 10 % are asked for"),
    ],
)
def test_a_disk_is_nearly_full_by_its_bytes_or_its_inodes(found: Room, short: str) -> None:
    assert too_little(found, 1024) == short
    assert too_little(found, 0) == ""
