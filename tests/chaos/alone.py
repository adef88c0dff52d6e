"""The service alone, beside forges: what comes of deliveries until a run needs Vault and a DevVM."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import httpx

from tests.world import asking
from tests.world.payload import push_payload, signed_headers
from tests.world.processes import ROOT, Child, free_port, start, wait_until

_SKEWED = Path(__file__).with_name("skewed")
SECRET = "between the forge and us"


class Alone:
    """`url` is where it answers, `webhook_url` where pushes are told; `forges` maps OWNER/NAME to a bare repository.

    Runs whose TODOs are all for people end by themselves; the first one for a machine finds no Vault.
    """

    def __init__(self, folder: Path, forges: dict[str, Path], server: str = "", more: str = "") -> None:
        self.folder, self.database, self.data = folder, folder / "followthrough.db", folder / "data"
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.webhook_url = f"{self.url}/webhooks/github"
        self.config = folder / "followthrough.toml"
        tables = [
            f'[server]\nport = {port}\ndata = "{self.data}"\nreconcile_minutes = 0\npatience_minutes = 1\n{server}',
            f'[database]\nurl = "sqlite:///{self.database}"\n[github]\nwebhook_secrets = ["{SECRET}"]',
            '[[devvm]]\nhost = "127.0.0.1"\nuser = "nobody"\nhost_key = "none"',
            *(f'[[repository]]\nname = "{name}"\nclone_url = "{url}"' for name, url in forges.items()),
            more,
        ]
        self.config.write_text("\n".join(tables) + "\n")
        self.child: Child | None = None

    def serve(self, clock_is_off: float = 0) -> Child:
        """Start it, with a clock that is off by so many seconds, and wait until it is ready."""
        argv: list[str | Path] = [sys.executable, "-m", "app.cli", "serve", "--config", self.config]
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        if clock_is_off:
            env |= {"PYTHONPATH": f"{_SKEWED}:{ROOT}", "CLOCK_IS_OFF": str(clock_is_off)}
        self.child = start("followthrough serve", argv, self.folder / "service.log", env, cwd=self.folder)
        wait_until(self._is_ready, self.child, 60)
        return self.child

    def tell(self, repository: str, before: str, after: str, name: str) -> int:
        """Tell it of a push, as a delivery of this name; returns the status of the answer."""
        body = push_payload(repository, "master", before, after, [])
        headers = signed_headers(body, SECRET, delivery=name)
        return asking.post(self.webhook_url, content=body, headers=headers, timeout=60).status_code

    def kill(self) -> None:
        """kill -9."""
        if self.child is not None:
            self.child.kill()
            self.child = None

    def stop(self) -> None:
        """End it as an operator does."""
        if self.child is not None:
            self.child.stop(15)
            self.child = None

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False
