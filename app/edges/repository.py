"""Git here: a bare mirror of each repository, or a checkout that we were pointed at; objects are read, nothing runs."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import git

from app.edges.git_here import GitHere
from app.errors import BadInput, Failed, Transient
from app.redact import redact

_SHA = re.compile(r"[0-9a-f]{40}")
_REGULAR_FILE = "100644"
# A ref is locked while it is written, which takes milliseconds; in seconds.
_LONGEST_LOCK = 60.0
# A fetch, the first of a large repository too; in seconds.
_LONGEST_FETCH = 1800


class Repository:
    """Read access to the objects of one repository at `path`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = GitHere(path)
        # What was asked already: both never change while the commits are here. Each process of git costs milliseconds.
        self._contains: dict[tuple[str, str], bool] = {}
        self._logs: dict[tuple[str, str], list[tuple[str, str, str]]] = {}

    def is_there(self) -> bool:
        """Whether this mirror was made already."""
        return (self.path / "HEAD").exists()

    def sync(self, url: str, branch: str, seconds: int = _LONGEST_FETCH) -> str:
        """Fetch the branch from `url` into this mirror, making it when it is not there; return the tip.

        Raises Transient: the forge may be down, and the same fetch is harmless. What a git that was killed has left
        locked is free again a minute later.
        """
        try:
            if not self.is_there():
                self.path.mkdir(parents=True, exist_ok=True)
                self._git.run("init", "--quiet", "--bare", ".")
            ref = f"refs/heads/{branch}"
            words = ("fetch", "--quiet", "--no-tags", "--update-shallow", "--end-of-options", url, f"+{ref}:{ref}")
            self._git.run(*words, network=seconds)
        except git.GitCommandError as error:
            self._free_what_nobody_holds()
            said = redact(str(error.stderr).strip()[-400:])
            raise Transient("fetch-failed", f"fetching {branch} of {self.path.stem}: {said}") from None
        tip = self.resolve(ref)
        # What was cut off before may be here now.
        self._contains, self._logs = {(tip, tip): True}, {}
        return tip

    def _free_what_nobody_holds(self) -> None:
        """Remove git's lock files that are older than any git holds one: whoever made them was killed.

        A mirror is ours alone, and its refs are what the next fetch makes of them.
        """
        for lock in (*self.path.glob("*.lock"), *self.path.glob("refs/**/*.lock")):
            with suppress(FileNotFoundError):
                if time.time() - lock.stat().st_mtime > _LONGEST_LOCK:
                    lock.unlink()

    def resolve(self, revision: str) -> str:
        """The commit that a revision names. Raises BadInput when there is none."""
        try:
            return self._git.run("rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}")
        except git.GitCommandError:
            raise BadInput(
                "no-such-commit", f"looking for {revision} in {self.path}: there is no such commit"
            ) from None

    def has(self, commit: str) -> bool:
        """Whether this full commit id is here."""
        try:
            return bool(_SHA.fullmatch(commit)) and self.resolve(commit) == commit
        except BadInput:
            return False

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether `newer` contains `older`; False when either is not here."""
        if not (_SHA.fullmatch(older) and _SHA.fullmatch(newer)):
            return False
        if (older, newer) not in self._contains:
            ended = self._git.exit_code("merge-base", "--is-ancestor", older, newer)
            if ended not in (0, 1):
                return False
            self._contains[older, newer] = ended == 0
        return self._contains[older, newer]

    def changed_files(self, before: str, after: str) -> list[str]:
        """Paths of regular files that were added or changed between two commits, renames counting as added."""
        raw = self._git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", "--abbrev=40", before, after)
        fields = raw.split("\0")
        return [
            path
            for facts, path in zip(fields[::2], fields[1::2], strict=False)
            if facts.split()[1] == _REGULAR_FILE and facts.split()[4] in ("A", "M", "T")
        ]

    def files(self, commit: str, modes: Sequence[str] = (_REGULAR_FILE,)) -> list[str]:
        """Paths of all files of these git modes at a commit."""
        listed = self._git.run("ls-tree", "-r", "-z", commit)
        entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
        return [path for facts, _, path in entries if facts.split()[0] in modes]

    def blobs(self, commit: str) -> dict[str, tuple[str, int]]:
        """The id and the size in bytes of the blob of each regular file at a commit, by path. Raises Failed."""
        try:
            listed = self._git.run("ls-tree", "-r", "-l", "-z", commit)
        except git.GitCommandError:
            raise Failed("commit-gone", f"listing the files of {commit[:12]} in {self.path}: it is not there") from None
        entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
        found = {path: facts.split() for facts, _, path in entries}
        return {path: (facts[2], int(facts[3])) for path, facts in found.items() if facts[0] == _REGULAR_FILE}

    def read(self, commit: str, path: str) -> bytes:
        """The content of a file at a commit. Raises Failed when it is not there."""
        try:
            return self._git.blob(f"{commit}:{path}")
        except git.GitCommandError:
            raise Failed("file-gone", f"reading {path} at {commit[:12]}: it is not there") from None

    def messages(self, before: str, after: str) -> list[str]:
        """The messages of the commits of `after` that `before` lacks, newest first, each after its author."""
        return [entry for _, _, entry in self._log(before, after)]

    def line(self, before: str, after: str) -> list[tuple[str, str]]:
        """The commits that `before` lacks on the way of first parents from `after`, newest first.

        Each with its author and message, as `messages` gives them.
        """
        way: list[tuple[str, str]] = []
        onward = ""
        for commit, parent, entry in self._log(before, after):
            # No commit comes before one that stands on it.
            if not way or commit == onward:
                way.append((commit, entry))
                onward = parent
        return way

    def _log(self, before: str, after: str) -> list[tuple[str, str, str]]:
        """Of each commit of `after` that `before` lacks: its id, its first parent, its author and message."""
        if (before, after) not in self._logs:
            words = ("log", "-z", "--topo-order", "--format=%H %P%n%an <%ae>%n%B", "--end-of-options")
            listed = self._git.run(*words, f"{before}..{after}").split("\0")
            entries = (entry.partition("\n") for entry in listed if entry)
            facts = ((ids.split(" "), entry) for ids, _, entry in entries)
            self._logs[before, after] = [(ids[0], ids[1], entry) for ids, entry in facts]
        return self._logs[before, after]

    def origins(self) -> list[str]:
        """The URLs of a checkout's remotes."""
        listed = self._git.run("config", "--get-regexp", r"^remote\..*\.url$", codes=(0, 1))
        return [line.split(" ", 1)[1] for line in listed.splitlines() if " " in line]
