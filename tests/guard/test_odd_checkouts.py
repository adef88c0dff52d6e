"""Checkouts of other shapes: judged whole, or said in one sentence to be none; what is not touched is no finding."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.edges.checkout import Checkout, _blob_id
from app.errors import BadInput
from app.guard.policy import FILE
from tests.guard.test_command import checkout as checkout
from tests.guard.test_command import git, guard


def added(folder: Path, *words: str) -> None:
    git(folder, *words)
    git(folder, "commit", "--quiet", "-m", "more")


def test_a_bare_repository_is_no_checkout(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(checkout), "bare")
    done = guard(tmp_path, "diff", "--repo", "bare")
    assert done.returncode == 2
    assert "no git checkout" in done.stderr


def test_a_folder_inside_is_the_whole_checkout(checkout: Path) -> None:
    (checkout / "run.sh").write_text("#!/bin/sh\n")
    assert guard(checkout / "stacks" / "web", "diff").returncode == 1


def test_a_submodule_that_nobody_touched_is_no_finding(checkout: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", str(checkout), "other")
    git(checkout, "-c", "protocol.file.allow=always", "submodule", "add", "--quiet", str(tmp_path / "other"), "inside")
    added(checkout, "add", ".")
    assert guard(checkout, "diff").returncode == 0
    (checkout / "inside" / "new.tf").write_text("")
    added(checkout / "inside", "add", ".")
    done = guard(checkout, "diff")
    assert done.returncode == 1
    assert "inside" in done.stdout


def test_what_a_sparse_checkout_leaves_out_is_not_deleted(checkout: Path) -> None:
    other = checkout / "stacks" / "dns"
    other.mkdir()
    (other / "main.tf").write_text("")
    added(checkout, "add", ".")
    git(checkout, "sparse-checkout", "set", "stacks/web")
    assert not other.exists()
    assert guard(checkout, "diff").returncode == 0
    git(checkout, "rm", "--quiet", "--cached", "--sparse", "stacks/dns/main.tf")
    assert guard(checkout, "diff").returncode == 1


def test_a_file_that_cannot_be_read_is_said(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, os.strerror(13), str(path))

    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(BadInput, match="Permission denied"):
        Checkout(checkout).edits("HEAD", "stacks")


def test_an_object_that_is_gone_is_said(checkout: Path) -> None:
    file = checkout / "stacks" / "web" / "main.tf"
    name = _blob_id(file.read_bytes())
    (checkout / ".git" / "objects" / name[:2] / name[2:]).unlink()
    file.write_text("# other\n")
    with pytest.raises(BadInput, match="git says"):
        Checkout(checkout).edits("HEAD", "stacks")


@pytest.mark.parametrize("kind", ["link", "executable"])
def test_a_policy_of_another_mode_is_not_passed_over(checkout: Path, kind: str) -> None:
    file = checkout / FILE
    if kind == "link":
        file.symlink_to("elsewhere.toml")
    else:
        file.write_text('protected_stacks = ["web"]\n')
        file.chmod(0o755)
    added(checkout, "add", ".")
    if kind == "link":
        with pytest.raises(BadInput, match="no plain file"):
            Checkout(checkout).file("HEAD", FILE)
    else:
        assert b"web" in Checkout(checkout).file("HEAD", FILE)
