"""Gives OpenBao what the service expects of it: python provision.py FOLDER URL

Runs once at each `up`, since dev mode forgets everything when it stops. It writes what deploy/kubernetes/vault.sh
writes into a real Vault (login, policy, role), and the DevVM's key, which there a person stores.
"""

from __future__ import annotations

import sys
from pathlib import Path

from hvac import Client
from hvac.exceptions import InvalidPath

POLICY = Path(__file__).resolve().parents[1] / "kubernetes" / "vault-policy.hcl"
NAME = "followthrough"
API_SERVER = "https://kubernetes-stand-in:8443"


def provision(client: Client, secrets: Path, policy: str, api_server: str) -> None:
    """Write login, policy, role and secret; `secrets` is the folder of the compose stack's secrets."""
    if "kubernetes/" not in client.sys.list_auth_methods()["data"]:
        client.sys.enable_auth_method("kubernetes")
    client.auth.kubernetes.configure(
        kubernetes_host=api_server,
        kubernetes_ca_cert=(secrets / "reviewer" / "ca.crt").read_text(),
        token_reviewer_jwt=(secrets / "reviewer" / "token").read_text(),
        disable_local_ca_jwt=True,
    )
    client.sys.create_or_update_policy(NAME, policy)
    client.auth.kubernetes.create_role(
        "ci",
        bound_service_account_names=[NAME],
        bound_service_account_namespaces=[NAME],
        audience="vault",
        policies=[NAME],
        ttl="5m",
        max_ttl="5m",
    )
    fields = {**_stored(client), "devvm_ssh_key": (secrets / "provision" / "devvm_ssh_key").read_text()}
    client.secrets.kv.v2.create_or_update_secret("ci/infra", secret=fields, mount_point="secret")


def _stored(client: Client) -> dict[str, str]:
    """The fields that somebody has put there since the start, such as the model's API key."""
    try:
        answer = client.secrets.kv.v2.read_secret_version("ci/infra", raise_on_deleted_version=True)
    except InvalidPath:
        return {}
    return dict(answer["data"]["data"])


if __name__ == "__main__":
    folder, url = Path(sys.argv[1]), sys.argv[2]
    root_token = (folder / "provision" / "root_token").read_text()
    provision(Client(url=url, token=root_token, timeout=10), folder, POLICY.read_text(), API_SERVER)
