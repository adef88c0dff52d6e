"""What a checkout holds now against a commit: committed or not, as git facts and contents. No filter, no hook runs.

Git's own `diff` of a work tree runs the clean filters that its configuration names. Here files are read as they are and
named by their content. A file that git filters (git-crypt, LFS) is taken as it was committed.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import git

from app.edges.git_here import GitHere
from app.errors import BadInput
from app.guard.model import Change, Edits

_ABSENT, _REGULAR, _EXECUTABLE, _LINK, _SUBMODULE = "000000", "100644", "100755", "120000", "160000"
_LEFT_OUT = "S"
_NOT_FILTERED = "unspecified"


@dataclass(frozen=True)
class _File:
    mode: str
    blob: str


class Checkout:
    """A checkout at `path`. Raises BadInput when it is none, or a revision is not there."""

    def __init__(self, path: Path) -> None:
        try:
            # From a folder inside of it git would tell of that folder alone.
            self.path = Path(GitHere(path).run("rev-parse", "--show-toplevel"))
        except git.GitCommandError:
            message = f"reading {path}: it is no git checkout with files in it"
            raise BadInput("no-checkout", message) from None
        self._git = GitHere(self.path)

    def edits(self, base: str, stacks: str) -> Edits:
        """Everything that differs between a commit and what the checkout holds now, files git ignores left out.

        Raises BadInput for a file, or an object of git's, that cannot be read: nobody can judge it.
        """
        try:
            return self._edits(base, stacks)
        except OSError as error:
            raise BadInput("unreadable", f"reading {error.filename or self.path}: {error.strerror}") from None
        except git.GitCommandError as error:
            raise BadInput("unreadable", f"reading {self.path}: git says {str(error.stderr).strip()[-300:]}") from None

    def _edits(self, base: str, stacks: str) -> Edits:
        before, after = self._tree(base), self._now()
        filters = self._filters(sorted(before.keys() | after.keys()))
        head = self._tree("HEAD")
        for path, name in filters.items():
            if name != _NOT_FILTERED and path in after:
                after[path] = head.get(path, after[path])
        changed = [path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)]
        changes = [self._change(path, before.get(path), after.get(path), filters[path]) for path in changed]
        return Edits(tuple(changes), self._around(changed, before, stacks))

    def file(self, commit: str, path: str) -> bytes:
        """A file at a commit; empty when there is none. Raises BadInput for what is there and is no file."""
        entry = self._tree(commit).get(path)
        if entry and entry.mode not in (_REGULAR, _EXECUTABLE):
            raise BadInput("no-plain-file", f"reading {path} in {self.path}: it is there and is no plain file")
        return self._git.blob(entry.blob) if entry else b""

    def known_stacks(self, base: str, stacks: str) -> frozenset[str]:
        """The folders that are stacks at a commit."""
        inside = [path.removeprefix(f"{stacks}/") for path in self._tree(base) if path.startswith(f"{stacks}/")]
        return frozenset(path.split("/")[0] for path in inside if "/" in path)

    def _tree(self, commit: str) -> dict[str, _File]:
        try:
            listed = self._git.run("ls-tree", "-r", "-z", "--end-of-options", commit)
        except git.GitCommandError:
            raise BadInput("no-such-commit", f"looking for {commit} in {self.path}: there is no such commit") from None
        entries = (entry.partition("\t") for entry in listed.split("\0") if entry)
        return {path: _File(facts.split()[0], facts.split()[2]) for facts, _, path in entries}

    def _now(self) -> dict[str, _File]:
        listed = self._git.run("ls-files", "-z", "--others", "--exclude-standard").split("\0")
        found = {path: self._file(self.path / path) for path in listed if path}
        for entry in self._git.run("ls-files", "-z", "--cached", "--stage", "-t").split("\0"):
            facts, _, path = entry.partition("\t")
            if path:
                found[path] = self._tracked(path, *facts.split()[:3])
        return {path: file for path, file in found.items() if file is not None}

    def _tracked(self, path: str, tag: str, mode: str, blob: str) -> _File | None:
        place = self.path / path
        if mode == _SUBMODULE:
            inside = (place / ".git").exists()
            return _File(mode, GitHere(place).run("rev-parse", "HEAD") if inside else blob)
        # A sparse checkout leaves out what it does not want to see; it is there all the same.
        return self._file(place) or (_File(mode, blob) if tag == _LEFT_OUT else None)

    def _file(self, path: Path) -> _File | None:
        try:
            facts = path.lstat()
        except OSError:
            return None
        if stat.S_ISLNK(facts.st_mode):
            return _File(_LINK, _blob_id(str(path.readlink()).encode()))
        if not stat.S_ISREG(facts.st_mode):
            return None
        mode = _EXECUTABLE if facts.st_mode & 0o100 else _REGULAR
        return _File(mode, _blob_id(path.read_bytes()))

    def _filters(self, paths: list[str]) -> dict[str, str]:
        asked = "".join(f"{path}\0" for path in paths)
        told = self._git.run("check-attr", "-z", "--stdin", "filter", stdin=asked).split("\0")
        return dict(zip(told[0::3], told[2::3], strict=False))

    def _change(self, path: str, before: _File | None, after: _File | None, filter_name: str) -> Change:
        status = "A" if before is None else "D" if after is None else "M" if before.mode == after.mode else "T"
        base = self._git.blob(before.blob) if before and before.mode == _REGULAR else None
        return Change(
            path,
            status,
            before.mode if before else _ABSENT,
            after.mode if after else _ABSENT,
            base,
            self._content(path, after) if after and after.mode == _REGULAR else None,
            filter_name,
        )

    def _content(self, path: str, file: _File) -> bytes:
        data = (self.path / path).read_bytes()
        return data if _blob_id(data) == file.blob else self._git.blob(file.blob)

    def _around(self, changed: Collection[str], before: Mapping[str, _File], stacks: str) -> dict[str, bytes]:
        folders = {"/".join(path.split("/")[: stacks.count("/") + 2]) + "/" for path in changed}
        near = [p for p in before if p.endswith(".tf") and p not in changed and p.startswith(tuple(folders))]
        return {path: self._git.blob(before[path].blob) for path in near if before[path].mode == _REGULAR}


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest()
