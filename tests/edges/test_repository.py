"""What our mirror tells of commits, against what git itself says."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from app.edges.repository import Repository
from tests.world.forge import Forge


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made = Forge(tmp_path / "forge.git", tmp_path / "checkout")
    made.commit({"a.md": "1"}, "first")
    made.push()
    return made


@pytest.fixture
def mirror(tmp_path: Path, forge: Forge) -> Repository:
    made = Repository(tmp_path / "mirror.git")
    made.sync(str(forge.url), "master")
    return made


def git(forge: Forge, *words: str) -> str:
    who = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    argv = ["git", "-C", str(forge.checkout), *who, *words]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def test_the_line_is_that_of_first_parents_and_the_messages_are_all(forge: Forge, mirror: Repository) -> None:
    """A branch is merged whose commits are older and newer than those beside them; another begins before the range."""
    root = git(forge, "rev-parse", "HEAD")
    git(forge, "checkout", "-q", "-b", "early", root)
    git(forge, "commit", "-q", "--allow-empty", "-m", "early")
    git(forge, "checkout", "-q", "master")
    git(forge, "commit", "-q", "--allow-empty", "-m", "before")
    before = git(forge, "rev-parse", "HEAD")
    git(forge, "checkout", "-q", "-b", "side")
    for number in range(3):
        git(forge, "commit", "-q", "--allow-empty", "-m", f"side {number}\n\nmore")
    git(forge, "checkout", "-q", "master")
    git(forge, "commit", "-q", "--allow-empty", "-m", "main")
    git(forge, "merge", "-q", "--no-ff", "-m", "merged", "side", "early")
    git(forge, "commit", "-q", "--allow-empty", "-m", "last")
    git(forge, "push", "-q", "origin", "master")
    tip = mirror.sync(str(forge.url), "master")
    wanted = git(forge, "rev-list", "--first-parent", f"{before}..{tip}").split()
    line = mirror.line(before, tip)
    assert [commit for commit, _ in line] == wanted
    assert [entry.splitlines()[1] for _, entry in line] == ["last", "merged", "main"]
    assert all(entry.startswith("a <a@example.com>\n") for _, entry in line)
    subjects = {message.splitlines()[1] for message in mirror.messages(before, tip)}
    assert subjects == {"last", "merged", "main", "side 0", "side 1", "side 2", "early"}
    assert mirror.line(tip, tip) == []
    assert mirror.messages(tip, tip) == []


def test_what_was_not_here_when_it_was_asked_for_is_asked_for_again(forge: Forge, mirror: Repository) -> None:
    older = mirror.resolve("refs/heads/master")
    forge.commit({"a.md": "2"}, "second")
    newer = forge.push()[1]
    assert not mirror.is_ancestor(older, newer)
    assert not mirror.is_ancestor(newer, newer)
    mirror.sync(str(forge.url), "master")
    for _ in range(2):
        assert mirror.is_ancestor(older, newer)
        assert mirror.is_ancestor(newer, newer)
        assert not mirror.is_ancestor(newer, older)
