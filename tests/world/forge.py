"""The forge: a bare repository, an operator's clone of it, and the webhook that a push sends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.world import asking
from tests.world.payload import Commit, push_payload, signed_headers

REPOSITORY, BRANCH = "example-org/infra", "master"
NO_COMMIT = "0" * 40
# Git as on a machine where nobody configured anything.
_ENV = {
    "PATH": os.environ.get("PATH", os.defpath),
    "HOME": "/nonexistent",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_AUTHOR_NAME": "Operator",
    "GIT_AUTHOR_EMAIL": "operator@example.org",
    "GIT_COMMITTER_NAME": "Operator",
    "GIT_COMMITTER_EMAIL": "operator@example.org",
    "LC_ALL": "C",
}


class Forge:
    """`url` is the bare repository's path, `checkout` the operator's clone."""

    def __init__(self, bare: Path, checkout: Path) -> None:
        self.url, self.checkout = bare, checkout
        for folder in (bare, checkout):
            folder.mkdir(parents=True)
        self._git(bare, "init", "--quiet", "--bare", "--initial-branch", BRANCH)
        self._git(checkout, "init", "--quiet", "--initial-branch", BRANCH)
        self._git(checkout, "remote", "add", "origin", str(bare))

    def commit(self, files: Mapping[str, bytes | str | None], message: str) -> str:
        """Commit these files (None removes one) in the operator's clone and return the hash.

        Scripts, files of a folder named scripts, are executable.
        """
        for path, data in files.items():
            target = self.checkout / path
            if data is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data.encode() if isinstance(data, str) else data)
            target.chmod(0o755 if target.parent.name == "scripts" else 0o644)
        self._git(self.checkout, "add", "--all", "--force", "--", *files)
        self._git(self.checkout, "commit", "--quiet", "--message", message)
        return self.run("rev-parse", "HEAD", at=self.checkout)

    def push(self) -> tuple[str, str]:
        """Push the operator's clone; returns the branch's commit before and after."""
        before = self.head()
        self._git(self.checkout, "push", "--quiet", "origin", f"HEAD:refs/heads/{BRANCH}")
        return before, self.head()

    def pull(self) -> None:
        """Bring the operator's clone to the branch's commit."""
        self._git(self.checkout, "pull", "--quiet", "--ff-only", "origin", BRANCH)

    def head(self) -> str:
        """The branch's commit; 40 zeros while there is none."""
        return self.run("for-each-ref", "--format=%(objectname)", f"refs/heads/{BRANCH}") or NO_COMMIT

    def file(self, path: str, commit: str = BRANCH) -> bytes:
        """A file as the forge has it."""
        return self._git(self.url, "cat-file", "blob", f"{commit}:{path}")

    def run(self, *words: str, at: Path | None = None) -> str:
        """What git prints, in the bare repository unless told otherwise, without the last newline."""
        return self._git(at or self.url, *words).decode("utf-8", "replace").removesuffix("\n")

    def payload(self, before: str, after: str) -> bytes:
        """The push event that GitHub would send for these two commits of the branch."""
        span = after if before == NO_COMMIT else f"{before}..{after}"
        commits = [self._describe(commit) for commit in self.run("rev-list", "--reverse", span).split("\n") if commit]
        return push_payload(REPOSITORY, BRANCH, before, after, commits)

    def post(self, url: str, secret: str, before: str, after: str, delivery: str = "") -> httpx.Response:
        """Send the signed event of a push to `url`, as the forge would."""
        body = self.payload(before, after)
        return asking.post(url, content=body, headers=signed_headers(body, secret, delivery=delivery), timeout=30)

    def _describe(self, commit: str) -> Commit:
        tree, timestamp, message = self.run("log", "-1", "--format=%T%n%cI%n%B", commit).split("\n", 2)
        listed = self.run("diff-tree", "--root", "--no-commit-id", "--no-renames", "-r", "--name-status", commit)
        changed = [line.split("\t") for line in listed.split("\n") if line]
        added, removed, modified = ([path for status, path in changed if status == wanted] for wanted in "ADM")
        return Commit(commit, tree, message.strip(), timestamp, added, removed, modified)

    def _git(self, at: Path, *words: str) -> bytes:
        done = subprocess.run(["git", "-C", str(at), *words], env=_ENV, capture_output=True, timeout=60)
        if done.returncode:
            raise RuntimeError(f"git {words[0]} in {at}: {done.stderr.decode('utf-8', 'replace').strip()}")
        return done.stdout
