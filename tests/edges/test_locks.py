"""What a git that was killed has left locked is no obstacle for ever: in our mirror here, and in the DevVM's clone."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from app.edges.devgit import DevGit
from app.edges.repository import Repository
from app.errors import Transient
from tests.world.forge import Forge
from tests.world.here import Here


@pytest.fixture
def forge(tmp_path: Path) -> Forge:
    made = Forge(tmp_path / "forge.git", tmp_path / "checkout")
    made.commit({"a.md": "1"}, "first")
    made.push()
    return made


def more(forge: Forge) -> str:
    forge.commit({"a.md": "2"}, "second")
    return forge.push()[1]


@pytest.mark.parametrize("place", ["refs/heads/master.lock", "HEAD.lock"])
def test_a_mirror_whose_fetch_was_killed_is_fetched_a_minute_later(tmp_path: Path, forge: Forge, place: str) -> None:
    mirror = Repository(tmp_path / "mirror.git")
    mirror.sync(str(forge.url), "master")
    tip, lock = more(forge), mirror.path / place
    lock.touch()
    with pytest.raises(Transient, match="fetching master"):
        mirror.sync(str(forge.url), "master")
    assert lock.exists(), "somebody may hold it still"
    long_ago = time.time() - 120
    os.utime(lock, (long_ago, long_ago))
    with pytest.raises(Transient):
        mirror.sync(str(forge.url), "master")
    assert not lock.exists()
    assert mirror.sync(str(forge.url), "master") == tip


def test_a_devvm_that_went_down_in_a_fetch_is_fetched_again(tmp_path: Path, forge: Forge) -> None:
    clone = tmp_path / "clone.git"
    git = DevGit(Here(), str(clone), str(tmp_path / "tree"))
    git.init()
    git.fetch(str(forge.url), "master")
    tip = more(forge)
    (clone / "refs/heads/master.lock").touch()
    (clone / "HEAD.lock").touch()
    assert git.fetch(str(forge.url), "master") == tip
