"""Giving a commit of the worktree another message, with git here in the DevVM's place."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.edges.branch import Branch
from app.edges.devgit import DevGit
from app.edges.machine import Completed
from app.errors import Failed
from app.settings import RepositorySettings

WHO = ("-c", "user.name=wrapper", "-c", "user.email=w@example.org")
LINES = ("Followthrough-Run: r", "Followthrough-Todo: t")


class Here:
    """What git's edge needs of a machine."""

    name, home = "here", "/"

    def run(self, argv: Sequence[str], *, stdin: bytes = b"", codes: Sequence[int] = (0,), **_: int) -> Completed:
        done = subprocess.run(argv, input=stdin, capture_output=True, check=False)
        if done.returncode not in codes:
            raise Failed("command-failed", done.stderr.decode())
        return Completed(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with one commit of a run."""
    folder = tmp_path / "tree"
    git(tmp_path, "init", "-q", "-b", "master", str(folder))
    for text, message in (("1", "base"), ("2", "\n".join(["ours", "", *LINES]))):
        write_and_commit(folder, "f", text, message)
    return folder


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *WHO, "-C", folder, *words], check=True, capture_output=True, text=True).stdout


def write_and_commit(folder: Path, name: str, text: str, message: str) -> None:
    (folder / name).write_text(text)
    git(folder, "add", name)
    git(folder, "commit", "-q", "-m", message)


def branch(tree: Path) -> Branch:
    made = DevGit(Here(), str(tree / ".git"), str(tree))  # type: ignore[arg-type]
    return Branch(made, RepositorySettings(name="o/r", clone_url=str(tree)))


@pytest.mark.parametrize("wrapped", [0, 1, 2])
def test_what_stands_on_a_reworded_commit_stays_and_so_do_changed_files(tree: Path, wrapped: int) -> None:
    """A wrapper commits its state during apply, and leaves more of it changed."""
    write_and_commit(tree, "state", "0", "\n".join(["ours, too", "", *LINES]))
    for number in range(wrapped):
        write_and_commit(tree, "state", str(number + 1), f"wrapper: state {number}")
    (tree / "state").write_text("not committed")
    one, files = branch(tree), git(tree, "rev-parse", "HEAD^{tree}")
    message = "\n".join(["seen", "", *LINES, "Verified: it works"]) + "\n"
    made = one.reword(one.landed(*LINES), message)
    subjects = git(tree, "log", "--format=%an %s").splitlines()
    assert subjects[:wrapped] == [f"wrapper wrapper: state {n}" for n in reversed(range(wrapped))]
    assert subjects[wrapped].endswith(" seen")
    assert (one.landed(*LINES), git(tree, "rev-parse", "HEAD^{tree}")) == (made, files)
    assert (tree / "state").read_text() == "not committed"
    head = one.head()
    assert (one.reword(made, message), one.head()) == (made, head)


def test_somebody_who_was_faster_is_no_conflict_where_a_file_was_left_changed(tree: Path) -> None:
    """The operator's own check, or the wrapper, writes to a file that git knows."""
    theirs = tree.parent / "theirs"
    git(tree, "checkout", "-q", "--detach")
    git(tree.parent, "clone", "-q", str(tree), str(theirs))
    git(theirs, "checkout", "-q", "-B", "master", "HEAD^")
    git(tree, "update-ref", "refs/worktree/base", git(theirs, "rev-parse", "HEAD").strip())
    write_and_commit(theirs, "other", "1", "theirs")
    (tree / "f").write_text("2 and more")
    one = Branch(branch(tree)._git, RepositorySettings(name="o/r", clone_url=str(theirs)))
    assert one.rebase()
    assert git(tree, "log", "--format=%s").split() == ["ours", "theirs", "base"]
    assert (tree / "f").read_text() == "2 and more"
