"""What is applied is the judged file, once; what is committed is the judged blobs."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from app.edges.branch import Branch
from app.edges.devgit import DevGit
from app.errors import Refused
from app.settings import RepositorySettings
from tests.e2e.conftest import NFS, decided, eventually, plans_empty
from tests.world.here import Here
from tests.world.infra import tg, wrapper_environment
from tests.world.world import World

LARGE = pytest.mark.configured(policy={"most_updates": 0})


def plan_file(world: World) -> Path:
    """The plan file that an approval waits for, by the hash that the ledger keeps of it."""
    with closing(sqlite3.connect(world.database)) as database:
        (plans,) = database.execute("SELECT plans FROM approvals").fetchone()
    files = world.devvm.workspace.glob("runs/*/terraform/*.plan")
    return next(file for file in files if sha256(file) in plans)


def sha256(file: Path) -> str:
    return subprocess.run(["sha256sum", file], capture_output=True, text=True, check=True).stdout.split()[0]


@LARGE
def test_another_file_than_the_judged_one_is_not_applied(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    file = plan_file(world)
    assert oct(file.stat().st_mode & 0o777) == "0o600"
    file.write_bytes(file.read_bytes() + b"\0")
    (todo,) = decided(world, run, "approve")["todos"]
    assert (todo["outcome"], todo["reason"]) == ("failed", "plan-file-changed")
    assert plans_empty(world, "nfs")
    eventually(lambda: world.forge.run("branch", "--list", "followthrough/*") == "")


@LARGE
def test_an_apply_that_was_begun_and_left_no_trace_is_not_begun_again(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    file = plan_file(world)
    key = f"apply {run['id']} {run['todos'][0]['id']} nfs {sha256(file)}"
    with closing(sqlite3.connect(world.database)) as database, database:
        database.execute("INSERT INTO effects VALUES (?, ?, '2026-01-01T00:00:00Z')", (key, run["id"]))
    file.unlink()
    (todo,) = decided(world, run, "approve")["todos"]
    assert (todo["outcome"], todo["reason"]) == ("unknown", "apply-unknown")
    assert plans_empty(world, "nfs")


@LARGE
def test_a_plan_whose_state_moved_on_is_not_applied(parked: tuple[World, dict[str, Any]]) -> None:
    world, run = parked
    data = world.folder / "operator"
    data.mkdir()
    environment = wrapper_environment(world.path, world.states, data)
    file = world.forge.checkout / NFS
    as_it_was = file.read_text()
    for text in (as_it_was.replace("/srv/nfs/media", "/srv/nfs/films"), as_it_was):
        file.write_text(text)
        assert tg(world.forge.checkout, "nfs", ["apply", "-auto-approve"], environment).returncode == 0
    (todo,) = decided(world, run, "approve")["todos"]
    assert (todo["outcome"], todo["reason"]) == ("failed", "plan-stale")
    assert plans_empty(world, "nfs")
    eventually(lambda: world.forge.run("branch", "--list", "followthrough/*") == "")


def test_a_commit_that_would_hold_other_files_is_refused(tmp_path: Path) -> None:
    """A path that is the same at the base commit is not in the commit: then it is not the judged change."""
    clone, tree = tmp_path / "clone.git", tmp_path / "tree"
    git = DevGit(Here(), str(clone), str(tree))
    git.init()
    same, other = (git.in_clone("hash-object", "-w", "--stdin", stdin=data).text for data in (b"same", b"other"))
    listing = f"100644 blob {same}\ta.tf\n".encode()
    first = git.in_clone("mktree", stdin=listing).text
    environment = {
        "GIT_AUTHOR_NAME": "a",
        "GIT_AUTHOR_EMAIL": "a",
        "GIT_COMMITTER_NAME": "a",
        "GIT_COMMITTER_EMAIL": "a",
    }
    words = ["git", "--git-dir", str(clone), "commit-tree", first, "-m", "first"]
    commit = subprocess.run(words, env=environment, capture_output=True, text=True, check=True).stdout.strip()
    git.in_clone("worktree", "add", "--quiet", "--detach", str(tree), commit)
    branch = Branch(git, RepositorySettings(name="o/r", clone_url=str(clone)))
    with pytest.raises(Refused, match="GIT-01"):
        branch.commit({"a.tf": same, "b.tf": other}, "both")
    assert branch.head() == commit
    branch.commit({"b.tf": other}, "one")
    assert (tree / "b.tf").read_text() == "other"
