"""Everything around the service, started together in one folder and stopped together."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, TypeVar

import httpx

from tests.parts import scripts
from tests.parts.forge import Forge
from tests.parts.model import Model, Script
from tests.parts.openbao import OpenBao
from tests.parts.processes import Child, free_port, wait_until
from tests.parts.slack import Slack
from tests.parts.sshd import SSHD
from tests.parts.token_review import TokenReview
from tests.parts.tools import ROOT, claude, terraform_folder


class _Stoppable(Protocol):
    def stop(self) -> object: ...


Part = TypeVar("Part", bound=_Stoppable)
NAME = "example/infra"
SAMPLE = Path(__file__).with_name("sample")


class World:
    """Real git, sshd, OpenBao, terraform and Claude Code; fake Slack, token review and, unless `api_key`, model."""

    def __init__(
        self,
        folder: Path,
        *,
        api_key: str = "",
        model_scripts: Mapping[str, Script] | None = None,
        packaged_terraform: bool = False,
        progress: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.folder, self._started = folder, ExitStack()
        try:
            self._start(api_key, model_scripts or scripts.SCRIPTS, packaged_terraform, progress)
        except BaseException:
            self._started.close()
            raise

    def _start(
        self, api_key: str, model_scripts: Mapping[str, Script], packaged: bool, progress: Callable[[str], None]
    ) -> None:
        self.secret = secrets.token_hex(20)
        progress("Vault: OpenBao with Kubernetes auth")
        self.review = self._keep(TokenReview(self.folder))
        self.vault = self._keep(OpenBao(self.folder, self.review))
        self.jwt = self.folder / "service-account-token"
        self.jwt.write_text(self.review.token())
        progress("DevVM: OpenSSH server")
        self.sshd = self._keep(SSHD(self.folder))
        progress("Slack sink" if api_key else "Slack sink, scripted model")
        self.slack = self._keep(Slack())
        self.model = self._keep(Model(model_scripts))
        self.real_model = bool(api_key)
        self.api_key = api_key or f"sk-ant-scripted-{secrets.token_hex(8)}"
        fields = {"devvm_ssh_key": self.sshd.private_key, "anthropic_api_key": self.api_key}
        self.vault.write("ci/infra", fields)
        progress("forge: a bare repository with the sample infrastructure")
        self.forge = Forge(self.folder, NAME)
        sample = {str(p.relative_to(SAMPLE)): p for p in SAMPLE.rglob("*") if p.is_file() and "docs" not in p.parts}
        self.base = self.forge.commit(sample, "sample infrastructure")
        self.terraform = terraform_folder(self.folder / "bin", packaged)
        self.state = self.folder / "state"
        self.state.mkdir()
        for stack in sorted((self.forge.checkout / "stacks").iterdir()):
            progress(f"terraform: stack {stack.name}")
            self.tg("apply", "--non-interactive", stack=stack.name)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.workspace = self.folder / "workspace"
        self.config = self.folder / "followthrough.toml"
        self.configure(base_url="" if api_key else self.model.url)

    def configure(self, *, base_url: str | None = None, agent: str = "", repository: str = "") -> None:
        """Write the service's configuration; the last two are lines added to their sections."""
        if base_url is None:
            base_url = self.model.url
        lines = [
            "[server]", f"port = {self.port}", f'public_url = "{self.url}"', f'data = "{self.folder}/data"',
            "[database]", f'url = "sqlite:///{self.folder}/followthrough.db"',
            "[github]", f'webhook_secrets = ["{self.secret}"]',
            "[vault]", f'url = "{self.vault.url}"', f'jwt_file = "{self.jwt}"', 'api_key_field = "anthropic_api_key"',
            "[agent]", f'base_url = "{base_url}"', agent,
            "[slack]", f'webhook_url = "{self.slack.url}"',
            "[[devvm]]", 'host = "127.0.0.1"', f"port = {self.sshd.port}", f'user = "{self.sshd.user}"',
            f'host_key = "{self.sshd.host_key}"', f'workspace = "{self.workspace}"', f'claude = "{claude()}"',
            f'path = "{self.terraform}:/usr/local/bin:/usr/bin:/bin"',
            "[[repository]]", f'name = "{NAME}"', f'clone_url = "{self.forge.clone_url}"',
            'web_url = "https://forge.example/infra"', f'environment = {{ SAMPLE_STATE_DIR = "{self.state}" }}',
            repository,
        ]  # fmt: skip
        self.config.write_text("\n".join(lines) + "\n")
        self.config.chmod(0o600)

    def tg(self, *words: str, stack: str) -> str:
        """Run the sample's wrapper in the operator's checkout, as the operator does."""
        environment = {
            "PATH": f"{self.terraform}:/usr/bin:/bin",
            "HOME": str(self.folder),
            "SAMPLE_STATE_DIR": str(self.state),
            "TF_DATA_DIR": f"{self.folder}/operator/terraform/{stack}",
            "TF_CLI_CONFIG_FILE": "/dev/null",
        }
        folder = self.forge.checkout / "stacks" / stack
        done = subprocess.run(
            [self.forge.checkout / "scripts/tg", *words], cwd=folder, env=environment, capture_output=True, text=True
        )
        if done.returncode:
            raise RuntimeError(f"scripts/tg {' '.join(words)} in {stack}: {done.stderr}")
        return done.stdout

    def command(self, *words: str) -> list[str]:
        """A followthrough command line with this world's configuration."""
        return [sys.executable, "-m", "app.cli", *words, "--config", str(self.config)]

    def environment(self) -> dict[str, str]:
        """The environment of the service: nothing of the caller's but where programs are."""
        return {"PATH": os.environ.get("PATH", ""), "HOME": str(self.folder), "PYTHONPATH": str(ROOT), "TERM": "dumb"}

    def run(self, *words: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self.command(*words),
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def serve(self) -> Child:
        """Start the service and wait until it is ready."""
        child = Child(self.command("serve"), self.folder / "service.log", self.environment(), self.folder)
        self._keep(child)
        wait_until(self._ready, "the service", log=child.log)
        return child

    def operator_is_at(self, commit: str) -> bool:
        """Whether the operator's checkout still is at this commit, with nothing changed in it."""
        head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=self.forge.checkout, capture_output=True, text=True)
        status = subprocess.run(
            ["git", "status", "--porcelain"], cwd=self.forge.checkout, capture_output=True, text=True
        )
        return head.stdout.strip() == commit and status.stdout == ""

    def get(self, path: str) -> Any:
        """Something of the service's API."""
        return httpx.get(f"{self.url}{path}", timeout=10).raise_for_status().json()

    def stop(self) -> None:
        """End everything, last started first."""
        self._started.close()

    def __enter__(self) -> World:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.stop()

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=1).status_code == 200
        except httpx.HTTPError:
            return False

    def _keep(self, part: Part) -> Part:
        self._started.callback(part.stop)
        return part
