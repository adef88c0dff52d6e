"""The forge: a real bare repository and an operator's clone of it. FAKE: GitHub's webhook, payload and signature."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

BRANCH = "master"
NO_COMMIT = "0" * 40


class Forge:
    """The bare repository at `path`, served as a file URL, and the operator's own checkout of it at `checkout`."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name, self.path, self.checkout = name, folder / "forge.git", folder / "operator" / "infra"
        self.clone_url = f"file://{self.path}"
        self.checkout.parent.mkdir()
        self._git("init", "--quiet", "--bare", f"--initial-branch={BRANCH}", str(self.path), at=folder)
        self._git("clone", "--quiet", str(self.path), str(self.checkout), at=folder)

    def commit(self, files: Mapping[str, str | bytes | Path], message: str) -> str:
        """Commit files in the operator's checkout (a Path is copied with its mode) and push; returns the hash."""
        if self._git("rev-parse", "--verify", "--quiet", "HEAD", at=self.checkout, codes=(0, 1)):
            self.pull()
        for name, content in files.items():
            target = self.checkout / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, Path):
                target.write_bytes(content.read_bytes())
                target.chmod(content.stat().st_mode)
            else:
                target.write_bytes(content.encode() if isinstance(content, str) else content)
        self._git("add", "--all", at=self.checkout)
        self._git("commit", "--quiet", "-m", message, at=self.checkout)
        self._git("push", "--quiet", "origin", f"HEAD:{BRANCH}", at=self.checkout)
        return self._git("rev-parse", "HEAD", at=self.checkout)

    def pull(self) -> None:
        """Bring the operator's checkout to the branch's tip."""
        self._git("pull", "--quiet", "--rebase", "origin", BRANCH, at=self.checkout)

    def tip(self) -> str:
        """The branch's commit."""
        return self._git("rev-parse", BRANCH, at=self.path)

    def log(self, since: str, form: str = "%h %s") -> list[str]:
        """The branch's commits after `since`, oldest first."""
        log = self._git("log", "--reverse", "-z", f"--format={form}", f"{since}..{BRANCH}", at=self.path)
        return [entry for entry in log.split("\0") if entry]

    def diff(self, before: str, path: str) -> str:
        """What became of a file since a commit."""
        return self._git("diff", before, BRANCH, "--", path, at=self.path)

    def show(self, path: str) -> bytes:
        """A file at the branch's tip."""
        done = subprocess.run(
            ["git", "cat-file", "blob", f"{BRANCH}:{path}"], cwd=self.path, capture_output=True, check=True
        )
        return done.stdout

    def payload(self, before: str, after: str) -> bytes:
        """A push as GitHub tells it; with the keys of its own examples."""
        owner, name = self.name.split("/")
        person = {"name": owner, "email": f"{owner}@example.invalid"}
        commit = {
            "id": after, "tree_id": after, "distinct": True, "message": "docs: post-mortem",
            "timestamp": "2026-04-14T18:00:00Z",
            "url": f"https://forge.invalid/{self.name}/commit/{after}", "author": person, "committer": person,
            "added": [], "removed": [], "modified": [],
        }  # fmt: skip
        repository = {
            "id": 186853002, "name": name, "full_name": self.name, "private": False, "owner": {"login": owner, "id": 1},
            "clone_url": "https://evil.invalid/never-fetched.git", "default_branch": BRANCH, "master_branch": BRANCH,
        }  # fmt: skip
        data: dict[str, Any] = {
            "ref": f"refs/heads/{BRANCH}", "before": before, "after": after, "created": before == NO_COMMIT,
            "deleted": False, "forced": False, "base_ref": None, "compare": "https://evil.invalid/never-fetched",
            "commits": [commit], "head_commit": commit, "repository": repository, "pusher": person,
            "sender": {"login": owner, "id": 1, "type": "User"},
        }  # fmt: skip
        return json.dumps(data).encode()

    def deliver(self, url: str, secret: str, before: str, after: str, delivery: str = "") -> httpx.Response:
        """Post the push to a service, signed, as GitHub does."""
        body = self.payload(before, after)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/demo",
            "X-GitHub-Event": "push",
            "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
            "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
        }
        return httpx.post(f"{url}/webhooks/github", content=body, headers=headers, timeout=30)

    def _git(self, *words: str, at: Path, codes: tuple[int, ...] = (0,)) -> str:
        environment = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "HOME": str(self.path.parent),
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
        }
        for role in ("AUTHOR", "COMMITTER"):
            environment |= {f"GIT_{role}_NAME": "Operator", f"GIT_{role}_EMAIL": "operator@example.invalid"}
        done = subprocess.run(["git", *words], cwd=at, env=environment, capture_output=True, text=True)
        if done.returncode not in codes:
            raise RuntimeError(f"git {' '.join(words)}: {done.stderr}")
        return done.stdout.strip()
