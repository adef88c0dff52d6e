"""A push whose webhook never came is followed by a running service, and once only.

The repository is in dry-run mode, so that its runs end without Vault and DevVM: a find goes the way of a webhook's
delivery from there on, which the other tests follow to its end.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import PATH, eventually, post_mortem
from tests.world import asking
from tests.world.forge import REPOSITORY, Forge
from tests.world.processes import ROOT, Child, free_port, start, wait_until

SECRET = "between the forge and us"


class Service:
    """The service alone, beside a forge."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.forge = folder, Forge(folder / "forge.git", folder / "checkout")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.child: Child | None = None

    def serve(self, minutes: float) -> None:
        """Start it, to look for pushes this often."""
        config = self.folder / "followthrough.toml"
        config.write_text(
            f'[server]\nport = {self.url.rpartition(":")[2]}\ndata = "{self.folder}/data"\n'
            f"reconcile_minutes = {minutes}\n"
            f'[database]\nurl = "sqlite:///{self.folder}/l.db"\n[github]\nwebhook_secrets = ["{SECRET}"]\n'
            '[[devvm]]\nhost = "127.0.0.1"\nuser = "nobody"\nhost_key = "none"\n'
            f'[[repository]]\nname = "{REPOSITORY}"\nclone_url = "{self.forge.url}"\nmode = "dry-run"\n'
        )
        argv: list[str | Path] = [sys.executable, "-m", "app.cli", "serve", "--config", config]
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        self.child = start("followthrough serve", argv, self.folder / "service.log", env, cwd=self.folder)
        wait_until(self._is_ready, self.child)

    def stop(self) -> None:
        if self.child is not None:
            self.child.stop(15)
            self.child = None

    def push(self, files: dict[str, bytes | str | None]) -> tuple[str, str]:
        self.forge.commit(files, "docs: somebody's")
        return self.forge.push()

    def runs(self) -> list[dict[str, Any]]:
        """The runs that are over."""
        listed = asking.get(f"{self.url}/api/runs", timeout=30).json()["runs"]
        return [run for run in listed if run["outcome"]]

    def reasons(self) -> dict[str, str]:
        listed = asking.get(f"{self.url}/api/deliveries", timeout=30).json()["deliveries"]
        return {delivery["id"]: delivery["reason"] for delivery in listed}

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    made = Service(tmp_path)
    made.push({"README.md": "x\n"})
    yield made
    made.stop()


def test_a_push_whose_webhook_never_came_is_followed_once(service: Service) -> None:
    service.serve(60 * 24)
    first = service.push({PATH: post_mortem()})
    service.forge.post(f"{service.url}/webhooks/github", SECRET, *first, delivery="in-time")
    eventually(lambda: service.reasons().get("in-time") == "runs-started", 20)
    service.stop()
    away = service.push({PATH.replace("nfs", "dns"): post_mortem()})
    service.serve(0.03)
    found = eventually(lambda: [r for r in service.runs() if r["delivery"].startswith("reconcile-")], 20)
    assert [(run["commit"], run["outcome"]) for run in found] == [(away[1], "nothing-to-do")], "at the start"
    lost = service.push({PATH.replace("nfs", "tls"): post_mortem()})
    eventually(lambda: [r for r in service.runs() if r["commit"] == lost[1]], 20)
    for name, commits in (("late-1", away), ("late-2", lost)):
        service.forge.post(f"{service.url}/webhooks/github", SECRET, *commits, delivery=name)
        assert eventually(lambda name=name: service.reasons().get(name), 20) == "already-followed"
    assert len(service.runs()) == 3
    assert sorted(service.reasons().values()) == ["already-followed"] * 2 + ["runs-started"] * 3
