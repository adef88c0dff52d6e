"""`followthrough monitors` against a real Uptime Kuma, with credentials from a real OpenBao."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from app.guard.monitors.inventory import Monitor, read, write
from tests.world.openbao import MOUNT, ROLE, SECRET_PATH, OpenBao
from tests.world.processes import ROOT, free_port
from tests.world.uptime_kuma import UptimeKuma

CONFIG = """\
[vault]
url = "{vault}"
role = "{role}"
jwt_file = "{jwt}"
kv_mount = "{mount}"
path = "{path}"

[[repository]]
name = "acme/infra"
clone_url = "/nowhere"
monitors = "monitors.yaml"

[repository.verify]
uptime_kuma = "{uptime_kuma}"
minutes = 0.2
"""


class Scene:
    """A folder with a configuration and an inventory, Uptime Kuma, and what holds its credentials."""

    def __init__(self, folder: Path, bao: OpenBao, kuma: UptimeKuma) -> None:
        self.folder, self.bao, self.kuma = folder, bao, kuma
        self.inventory = folder / "monitors.yaml"
        jwt = folder / "jwt"
        jwt.write_text(bao.jwt())
        values = {"vault": bao.url, "role": ROLE, "jwt": jwt, "mount": MOUNT, "path": SECRET_PATH}
        (folder / "followthrough.toml").write_text(CONFIG.format(**values, uptime_kuma=kuma.url))
        self.credentials(kuma.password)

    def credentials(self, password: str) -> None:
        self.bao.write_secret({"uptime_kuma_user": self.kuma.user, "uptime_kuma_password": password})

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        argv = [sys.executable, "-m", "app.cli", "monitors", *words]
        env = {"PATH": os.defpath, "HOME": str(self.folder), "PYTHONPATH": str(ROOT)}
        done = subprocess.run(argv, cwd=self.folder, env=env, capture_output=True, text=True, timeout=120)
        assert self.kuma.password not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return done


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OpenBao, UptimeKuma]]:
    folder = tmp_path_factory.mktemp("monitors")
    (folder / "bao").mkdir()
    with OpenBao(folder / "bao") as bao, UptimeKuma(folder / "kuma") as kuma:
        yield bao, kuma


@pytest.fixture
def scene(tmp_path: Path, servers: tuple[OpenBao, UptimeKuma]) -> Scene:
    return Scene(tmp_path, *servers)


def test_plan_apply_import_and_plan_again(scene: Scene) -> None:
    port = free_port()
    up = Monitor("Uptime Kuma [itself]", "http", f"{scene.kuma.url}/?self", interval=30, tags=("post-mortem",))
    down = Monitor("NFS", "port", f"127.0.0.1:{port}", retries=0)
    scene.inventory.write_bytes(write([up]))

    planned = scene.command("plan")
    assert planned.returncode == 0
    assert "create  Uptime Kuma [itself]" in planned.stdout
    assert planned.stdout.endswith("1 to create, 0 there otherwise, 0 there\n")
    assert "'Uptime Kuma [itself]': its target is a loopback address (127.0.0.1); an agent could not" in planned.stderr

    applied = scene.command("apply")
    assert applied.returncode == 0, applied.stderr
    assert applied.stdout == f"created  1 Uptime Kuma [itself]: up (200 - OK) {scene.kuma.url}/dashboard/1\n"

    scene.inventory.write_bytes(write([up, down, Monitor("Backup", "push", interval=300)]))
    applied = scene.command("apply", "--json")
    assert applied.returncode == 4
    told = {one["name"]: one for one in json.loads(applied.stdout)}
    assert [(one["how"], one["up"]) for one in told.values()] == [("same", True), ("created", False), ("created", None)]
    assert told["NFS"]["message"] == f"connect ECONNREFUSED 127.0.0.1:{port}"
    assert told["NFS"]["link"] == f"{scene.kuma.url}/dashboard/{told['NFS']['id']}"

    imported = scene.command("import")
    assert imported.returncode == 0
    published = json.loads((ROOT / "docs" / "monitors.schema.json").read_text())
    Draft202012Validator(published).validate(yaml.safe_load(imported.stdout))
    assert {monitor.name for monitor in read(imported.stdout.encode())} == {up.name, "NFS", "Backup"}
    scene.inventory.write_text(imported.stdout)
    planned = scene.command("plan", "--json")
    assert [step["action"] for step in json.loads(planned.stdout)] == ["same"] * 3


def test_what_an_inventory_cannot_say_is_told(scene: Scene) -> None:
    client = scene.kuma.api()
    try:
        client.add_monitor(type="mysql", name="A database", databaseConnectionString="mysql://u:Geheim-99@db/x")
        client.add_monitor(type="http", name="Twice", url="http://127.0.0.1:9/1")
        client.add_monitor(type="http", name="twice", url="http://127.0.0.1:9/2")
        client.add_monitor(type="http", name="With a user", url="http://user:Geheim-99@127.0.0.1:9/3")
        client.add_monitor(type="http", name="Posted", url="http://127.0.0.1:9/4", method="POST", body="Geheim-99")
    finally:
        client.disconnect()
    output = scene.folder / "new.yaml"
    done = scene.command("import", "--output", str(output))
    assert done.returncode == 0
    assert done.stdout == ""
    names = [monitor.name for monitor in read(output.read_bytes())]
    assert {"Twice", "Posted"} <= set(names)
    assert not {"twice", "With a user", "A database"} & set(names)
    assert "'A database' (mysql): type must be" in done.stderr
    assert "'twice' (http): another monitor has this name" in done.stderr
    assert "'With a user' (http): target: it has not the form" in done.stderr
    assert "'Posted' (http) has more than an inventory says: body, method" in done.stderr
    assert "Geheim-99" not in done.stderr + output.read_text()

    before = output.read_bytes()
    refused = scene.command("import", "--output", str(output))
    assert (refused.returncode, output.read_bytes()) == (2, before)
    assert "--yes replaces it" in refused.stderr
    assert scene.command("import", "--output", str(output), "--yes").returncode == 0


def test_one_that_fails_does_not_hide_the_others(scene: Scene) -> None:
    other = Monitor("Other", "http", f"{scene.kuma.url}/?other")
    scene.inventory.write_bytes(write([Monitor("Noted", "ping", "a.lan", notifications=("pager",)), other]))
    done = scene.command("apply")
    assert done.returncode == 1
    first, second = done.stdout.splitlines()
    assert first.startswith("failed   Noted: ")
    assert "it has no notification 'pager'" in first
    assert second.startswith("created  ")
    assert "Other: up" in second


def test_what_cannot_be_used_is_said(scene: Scene) -> None:
    missing = scene.command("plan")
    assert missing.returncode == 2
    assert "monitors.yaml" in missing.stderr
    scene.inventory.write_text("monitors:\n  - {name: a, type: push, colour: red}\n")
    wrong = scene.command("plan")
    assert wrong.returncode == 2
    assert "reading monitors.yaml: line 2, entry 1 ('a'): 'colour' is no field of this type" in wrong.stderr
    assert scene.command("plan", "--repository", "acme/other").returncode == 2
    other = scene.folder / "other.yaml"
    other.write_text("monitors: []\n")
    empty = scene.command("apply", "--file", str(other))
    assert (empty.returncode, empty.stdout) == (0, "")


def test_a_wrong_password_names_the_fields(scene: Scene) -> None:
    scene.inventory.write_text("monitors: []\n")
    scene.credentials("Not-the-right-one-7")
    done = scene.command("apply")
    assert done.returncode == 1
    assert "vault.uptime_kuma_password_field" in done.stderr
    assert "(uptime-kuma-login-refused)" in done.stderr
    assert "Not-the-right-one-7" not in done.stdout + done.stderr


def test_the_schema_is_printed(scene: Scene) -> None:
    assert json.loads(scene.command("schema").stdout)["title"] == "Inventory of monitors"
