"""This machine in the place of a DevVM: the product's own edges and bench, with command lines run here, without SSH."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from paramiko import Channel

from app.edges.branch import Branch
from app.edges.devvm import DevVM
from app.edges.machine import Completed
from app.edges.terraform import Terraform
from app.edges.workspace import Workspace
from app.errors import Failed
from app.ledger.runs import Run
from app.settings import DevVMSettings, RepositorySettings
from pipelines.bench import Bench
from pipelines.values import Kept
from tests.world.forge import Forge


class Here(DevVM):
    """A DevVM whose command lines run in a shell of this machine, with no home and no configuration of git's."""

    def __init__(self) -> None:
        super().__init__("here", _exchange, _listen, lambda: None)


def _exchange(line: str, stdin: bytes, timeout: int, limit: int) -> Completed:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"}
    done = subprocess.run(["sh", "-c", line], input=stdin, capture_output=True, timeout=timeout, env=environment)
    if len(done.stdout) > limit:
        raise Failed("output-too-long", f"running {line[:100]} here: it printed more than {limit} bytes")
    return Completed(done.returncode, done.stdout, done.stderr.decode("utf-8", "replace"))


def _listen(_: Callable[[Channel], None]) -> AbstractContextManager[int]:
    raise Failed("devvm-no-forwarding", "listening here: this machine has no port to lend")


class Ground:
    """A forge with one commit of `files`, a clone and a run's worktree of it, and benches over them.

    `run` is whose worktree it is.
    """

    def __init__(self, folder: Path, files: Mapping[str, str]) -> None:
        self.forge = Forge(folder / "forge.git", folder / "checkout")
        self.forge.commit(files, "as it was")
        self.forge.push()
        self.run = Run("r", "me/infra", "docs/a.md", self.forge.head())
        self._devvm = DevVMSettings(
            name="here", host="127.0.0.1", user="me", host_key="ssh-ed25519 none", workspace=str(folder / "workspace")
        )
        self.bench({}, {}).workspace.open()

    def bench(self, settings: Mapping[str, object], secret: Mapping[str, str]) -> Bench:
        """The bench of a step of the run, with these fields of the repository's settings and of Vault's secret."""
        repository = RepositorySettings.model_validate(
            {"name": self.run.repository, "clone_url": str(self.forge.url), **settings}
        )
        machine, devvm = Here(), self._devvm
        workspace = Workspace(machine, devvm.workspace, repository, self.run.id)
        terraform = Terraform(machine, repository, workspace.tree, f"{workspace.folder}/terraform", devvm.path)
        branch = Branch(workspace.git, repository)
        return Bench(self.run, repository, machine, workspace, branch, terraform, devvm, secret)


def kept(bench: Bench, path: str, *texts: str) -> Kept:
    """A file of the bench's worktree with each of these texts in turn, each a commit on top of the forge's tip.

    The last commit is as the service keeps one: made of the judged blobs.
    """
    base = commit = bench.branch.to_tip()
    for number, text in enumerate(texts):
        base, blob = commit, bench.workspace.put_blob(text.encode())
        commit = bench.branch.commit({path: blob}, f"change {number}")
    return Kept(commit, bench.branch.tree_of(commit), base, f"followthrough/{bench.run.id}/t")
