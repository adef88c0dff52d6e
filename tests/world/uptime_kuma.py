"""A real Uptime Kuma server on loopback, with its first user, from .tools/uptime-kuma (scripts/env installs it)."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any, Self

import httpx

from tests.world import asking
from tests.world.processes import ROOT, Child, WorldError, free_port, start, wait_until

_PACKAGE = ROOT / ".tools" / "uptime-kuma" / "node_modules" / "uptime-kuma"
_READY_SECONDS = 60.0


class UptimeKuma:
    """Running between `with` and its end; `url`, `user` and `password` are for its API.

    `folder` holds all that it keeps; with one that held a server's data before it goes on, `user` and `password` being
    those of then. `api()` is a client of the library, logged in, for arranging things.
    """

    def __init__(self, folder: Path, user: str = "followthrough", password: str = "") -> None:
        self._folder = folder
        self._port = free_port()
        self._child: Child | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.user, self.password = user, password or f"Kuma-{secrets.token_urlsafe(12)}-1a"

    def __enter__(self) -> Self:
        new = not (self._folder / "data" / "kuma.db").exists()
        try:
            self.start()
            if new:
                self._set_up()
        except BaseException:
            self.kill()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        """Start it on its port, with what it keeps, and wait until it answers."""
        if not (_PACKAGE / "server" / "server.js").is_file():
            raise WorldError(f"Uptime Kuma is not installed in {_PACKAGE}; run scripts/env")
        data = self._folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        argv = ["node", "server/server.js", f"--port={self._port}", "--host=127.0.0.1", f"--data-dir={data}/"]
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(self._folder), "TZ": "UTC"}
        env |= {"NODE_ENV": "production", "UPTIME_KUMA_DB_TYPE": "sqlite"}
        self._child = start("Uptime Kuma", argv, self._folder / "uptime-kuma.log", env, cwd=_PACKAGE)
        wait_until(self._is_ready, self._child, _READY_SECONDS)

    def kill(self) -> None:
        """End it at once, as a crash would: in order it takes seconds, and what it keeps is nobody's."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def api(self) -> Any:
        """A client of the library, logged in; whoever asks disconnects it."""
        from uptime_kuma_api import UptimeKumaApi

        client = UptimeKumaApi(self.url, timeout=20)
        client.login(self.user, self.password)
        return client

    @property
    def pid(self) -> int:
        """Its process id. Raises WorldError while it is not running."""
        if self._child is None:
            raise WorldError("Uptime Kuma is not running")
        return self._child.pid

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/api/entry-page", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _set_up(self) -> None:
        from uptime_kuma_api import UptimeKumaApi

        client = UptimeKumaApi(self.url, timeout=20)
        try:
            client.setup(self.user, self.password)
        finally:
            client.disconnect()
