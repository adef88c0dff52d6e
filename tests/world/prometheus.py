"""A real Prometheus, Debian's, with a folder of rules and a small exporter whose metrics are ours to choose."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Self

import bcrypt
import httpx

from tests.world import asking
from tests.world.loopback import Answer, Loopback
from tests.world.processes import ROOT, Child, WorldError, free_port, start, wait_until

_UNPACKED = ROOT / ".tools" / "debian" / "usr" / "bin"
USER = "followthrough"
METRICS = {
    'node_nfs_rpc_retransmissions_total{protocol="nfs"}': 12,
    'node_filesystem_avail_bytes{mountpoint="/"}': 6e10,
    'node_filesystem_size_bytes{mountpoint="/"}': 1e11,
    "node_memory_MemAvailable_bytes": 6e9,
    "node_memory_MemTotal_bytes": 8e9,
}
_CONFIG = """global:
  scrape_interval: 1s
  evaluation_interval: 1s
rule_files: ["{rules}/*.yml"]
scrape_configs:
  - job_name: prometheus
    static_configs: [{{targets: ["{own}"]}}]{credentials}
  - job_name: node
    static_configs: [{{targets: ["{exporter}"], labels: {{instance: node-1}}}}]
"""
_CREDENTIALS = "\n    basic_auth: {{username: {user}, password: {password}}}"


def _program(name: str) -> Path:
    unpacked = _UNPACKED / name
    on_path = None if unpacked.exists() else shutil.which(name)
    return Path(on_path) if on_path else unpacked


PROMETHEUS, PROMTOOL, AMTOOL = (_program(name) for name in ("prometheus", "promtool", "amtool"))


def why_not_here() -> str:
    """Why a Prometheus cannot be started here; empty when it can."""
    missing = [program.name for program in (PROMETHEUS, PROMTOOL, AMTOOL) if not program.exists()]
    return (
        f"there is no {', '.join(missing)}; scripts/env unpacks Debian's, and says why it could not" if missing else ""
    )


class Prometheus:
    """Running between `with` and its end. It begins to scrape some seconds later; `wait_for_metrics` waits for that.

    `url` is its address. Rule files go into `rules_folder` and count after `reload`, or after a SIGHUP to the process
    named in `pid_file`. With a `password` it wants basic authentication, of `user`. `metrics` maps series of the job
    node to values, and may be changed at any time. `stop` and `start` are there for fault tests.
    """

    def __init__(self, folder: Path, password: str = "") -> None:
        self.user, self.password = USER if password else "", password
        self.metrics: dict[str, float] = dict(METRICS)
        self.rules_folder, self.pid_file = folder / "rules", folder / "prometheus.pid"
        self._folder, self._port = folder, free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._exporter = Loopback(lambda _: Answer(200, self._exposition(), "text/plain; version=0.0.4"))
        self._child: Child | None = None

    def __enter__(self) -> Self:
        if why := why_not_here():
            raise WorldError(f"Prometheus does not start: {why}")
        self.rules_folder.mkdir(parents=True)
        try:
            self._exporter.start()
            self._write_config()
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._exporter.close()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        argv: list[str | Path] = [
            PROMETHEUS,
            f"--config.file={self._folder / 'prometheus.yml'}",
            f"--web.config.file={self._folder / 'web.yml'}",
            f"--storage.tsdb.path={self._folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--web.enable-lifecycle",
        ]
        env = {"HOME": str(self._folder), "PATH": "/usr/bin:/bin"}
        self._child = start("Prometheus", argv, self._folder / "prometheus.log", env, cwd=self._folder)
        self.pid_file.write_text(f"{self._child.pid}\n")
        wait_until(self._is_ready, self._child)

    def wait_for_metrics(self) -> None:
        """Wait until it has scraped `metrics` and itself: it finds its targets five seconds after it starts."""
        if self._child is None:
            raise WorldError("Prometheus is not running")
        wait_until(self._has_scraped, self._child)

    def stop(self) -> None:
        """End it; what it has scraped stays in its folder."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def reload(self) -> None:
        """Have it read configuration and rules again. Raises WorldError with its reason when it keeps the old ones."""
        answer = asking.post(f"{self.url}/-/reload", auth=self._auth, timeout=10)
        if answer.status_code != 200:
            raise WorldError(f"Prometheus keeps its old rules: {answer.text.strip()}")

    @property
    def _auth(self) -> httpx.BasicAuth | None:
        return httpx.BasicAuth(self.user, self.password) if self.password else None

    def _write_config(self) -> None:
        credentials = _CREDENTIALS.format(user=self.user, password=self.password) if self.password else ""
        own, exporter = (url.removeprefix("http://") for url in (self.url, self._exporter.url))
        config = _CONFIG.format(rules=self.rules_folder, own=own, exporter=exporter, credentials=credentials)
        users = "{}"
        if self.password:
            hashed = bcrypt.hashpw(self.password.encode(), bcrypt.gensalt(4)).decode()
            users = f"{{{self.user}: '{hashed}'}}"
        for name, text in (("prometheus.yml", config), ("web.yml", f"basic_auth_users: {users}\n")):
            file = self._folder / name
            file.touch(mode=0o600)
            file.write_text(text)

    def _exposition(self) -> bytes:
        return "".join(f"{series} {value}\n" for series, value in self.metrics.items()).encode()

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/-/ready", auth=self._auth, timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _has_scraped(self) -> bool:
        query = {"query": "count(up == 1) == 2"}
        answer = asking.post(f"{self.url}/api/v1/query", data=query, auth=self._auth, timeout=10)
        return answer.status_code == 200 and bool(answer.json()["data"]["result"])
