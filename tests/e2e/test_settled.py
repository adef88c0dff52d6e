"""What stays settled is what would come to the same again; what somebody mended is tried again."""

from __future__ import annotations

from tests.e2e.conftest import NFS, PATH, plans_empty, post_mortem, push, run_checkout
from tests.world.world import World

PLANTED = "stacks/nfs/terraform.d/plugins/x"


def test_a_stack_that_was_cleaned_up_is_planned_by_the_next_run(fresh: World) -> None:
    push(fresh, {PLANTED: "x", PATH: post_mortem()}, "planted")
    assert "environment-unsafe" in run_checkout(fresh).stdout
    push(fresh, {PLANTED: None}, "removed")
    done = run_checkout(fresh)
    assert done.returncode == 0, done.stdout
    assert b"soft" in fresh.forge.file(NFS)


def test_a_policy_of_the_repository_holds_whatever_its_file_mode(fresh: World) -> None:
    push(fresh, {PATH: post_mortem(), ".followthrough.toml": 'protected_stacks = ["nfs"]\n'})
    fresh.forge.run("update-index", "--chmod=+x", ".followthrough.toml", at=fresh.forge.checkout)
    fresh.forge.run("commit", "--quiet", "--message", "executable", at=fresh.forge.checkout)
    fresh.forge.push()
    done = run_checkout(fresh)
    assert "change-refused" in done.stdout or "agent-out-of-scope" in done.stdout, done.stdout
    assert plans_empty(fresh, "nfs")
    assert b"soft" not in fresh.forge.file(NFS)


def test_a_policy_of_the_repository_that_is_a_link_stops_its_runs(fresh: World) -> None:
    (fresh.forge.checkout / ".followthrough.toml").symlink_to("README.md")
    fresh.forge.run("add", ".followthrough.toml", at=fresh.forge.checkout)
    push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "it is there and is no plain file" in done.stdout
    assert fresh.model.requests == []
