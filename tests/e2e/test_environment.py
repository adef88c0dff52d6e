"""What a plan runs is decided by the operator, not by what lies in a repository or in a home folder."""

from __future__ import annotations

import platform

import pytest

from tests.e2e.conftest import CONFIG, NFS, PATH, post_mortem, push, run_checkout, script
from tests.world.model import Attempt, edit, read
from tests.world.world import World

PLATFORM = {"x86_64": "linux_amd64", "aarch64": "linux_arm64"}[platform.machine()]
PLANTED = f"registry.terraform.io/evil/foo/1.0.0/{PLATFORM}/terraform-provider-foo_v1.0.0"
NEEDS_IT = 'terraform {\n  required_providers {\n    foo = { source = "evil/foo" }\n  }\n}\n\nprovider "foo" {}\n'


@pytest.mark.parametrize(
    "place", ["terraform.d/plugins/x", pytest.param(".terraform/environment", marks=pytest.mark.thorough)]
)
def test_a_stack_that_brings_its_own_programs_is_not_planned(fresh: World, place: str) -> None:
    push(fresh, {f"stacks/nfs/{place}": "x", PATH: post_mortem()}, "planted")
    done = run_checkout(fresh)
    assert done.returncode == 4, done.stdout
    assert "environment-unsafe" in done.stdout
    assert "ENV-02" in done.stdout


def test_with_a_mirror_nothing_else_is_installed(fresh: World) -> None:
    """A provider that lies in the DevVM user's own folder runs without a mirror, and does not with one."""
    sprung = fresh.folder / "sprung"
    program = fresh.devvm.home / ".terraform.d" / "plugins" / PLANTED
    program.parent.mkdir(parents=True)
    program.write_text(f"#!/bin/sh\ntouch '{sprung}'\n")
    program.chmod(0o755)
    mirror = fresh.folder / "mirror"
    mirror.mkdir()
    script(fresh, CONFIG, Attempt([read(NFS), edit(NFS, "/srv/nfs/media", "/srv/nfs/films")]))
    fresh.options.changes = {"repository": {"provider_mirror": str(mirror)}}
    fresh.write_config()
    push(fresh, {"stacks/nfs/providers.tf": NEEDS_IT, PATH: post_mortem()}, "needs a program")
    done = run_checkout(fresh)
    assert "plan-failed" in done.stdout, done.stdout
    assert not sprung.exists()
    fresh.options.changes = {}
    fresh.write_config()
    fresh.forge.pull()
    run_checkout(fresh)
    assert sprung.exists(), "without the mirror the program is run, so the test could see it"
