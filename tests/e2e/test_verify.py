"""Whether what post-mortems claim still holds, by hand and by clock: a real Prometheus and a real Uptime Kuma say."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, chdir, contextmanager, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from uptime_kuma_api import MonitorType

from app.checks import Check
from app.cli.verify import verify_files
from app.documents.parse import parse
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.settings import load
from pipelines import bench
from tests.world import asking
from tests.world.loopback import Answer, Loopback
from tests.world.openbao import MOUNT, ROLE, SECRET_PATH, OpenBao
from tests.world.processes import ROOT, Child, free_port, start, wait_until
from tests.world.prometheus import Prometheus
from tests.world.slack import Slack
from tests.world.uptime_kuma import UptimeKuma

REPOSITORY, PATH = "me/infra", "docs/post-mortems/2026-04-14-nfs.md"
ALERT, MONITOR = "NFSMountFailing", "NFS server"
RULE = f"""groups:
- name: nfs
  rules:
  - alert: {ALERT}
    expr: rate(node_nfs_rpc_retransmissions_total[5m]) > 100
    for: 5m
    labels: {{severity: warning}}
"""
ROWS = {
    "alert": "| P1 | Add NFS mount failure alerting | Alert | as said | Done |",
    "monitor": "| P1 | Watch the NFS server | Monitor | as said | Done |",
    "config": "| P2 | Let the mounts give up | Config | soft mounts | Done |",
    "alert by hand": f"| P2 | Alert `{ALERT}` pages | Alert | at night | Done |",
    "other alert by hand": "| P2 | Alert `NeverWritten` for the rest | Alert | - | Done |",
    "monitor by hand": "| P2 | Add Uptime Kuma monitor for the NFS server | Monitor | by its name | Done |",
    "target by hand": "| P2 | Probe it | Monitor | TCP check on {target} | Done |",
    "other target by hand": "| P2 | Probe the other | Monitor | TCP check on 10.9.8.7:65000 | Done |",
    "open": "| P3 | Alert `SomeDay` | Alert | - | TODO |",
}


@dataclass
class House:
    """The real servers, a configuration that names them, and a ledger with a run whose TODOs were seen to work."""

    folder: Path
    bao: OpenBao
    prometheus: Prometheus
    kuma: UptimeKuma
    slack: Slack
    target: Loopback
    ledger: Ledger
    api: Any
    monitor: int = 0
    todos: dict[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        return self.folder / "followthrough.toml"

    def file(self, *rows: str) -> Path:
        """A post-mortem that claims these; at its own path it is the one that the ledger knows."""
        host = self.target.url.removeprefix("http://")
        table = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
        text = "".join(f"{ROWS[row].format(target=host)}\n" for row in rows)
        file = self.folder / PATH
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# Post-Mortem: NFS\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n{table}{text}")
        return Path(PATH)

    def configure(self, hours: float = 0.0, prometheus: bool = True, kuma: bool = True, port: int = 0) -> None:
        """Write the configuration."""
        verify = {"prometheus": self.prometheus.url, "prometheus_user": self.prometheus.user} if prometheus else {}
        verify |= {"uptime_kuma": self.kuma.url} if kuma else {}
        tables = {
            "[server]": {"port": port or free_port(), "patience_minutes": 0.05, "data": str(self.folder / "data")},
            "[database]": {"url": str(self.ledger.engine.url)},
            "[github]": {"webhook_secrets": ["a-secret-of-the-webhook"]},
            "[slack]": {"webhook_url": self.slack.webhook_url},
            "[drift]": {"every_hours": hours},
            "[vault]": {
                "url": self.bao.url, "role": ROLE, "kv_mount": MOUNT, "path": SECRET_PATH,
                "jwt_file": str(self.folder / "jwt"), "prometheus_field": "prometheus_password",
            },
            "[[devvm]]": {"host": "127.0.0.1", "user": "nobody", "host_key": "ssh-ed25519 AAAA"},
            "[[repository]]": {"name": REPOSITORY, "clone_url": str(self.folder)},
            "[repository.verify]": verify,
        }  # fmt: skip
        lines = [[name, *(f"{k} = {json.dumps(v)}" for k, v in table.items())] for name, table in tables.items()]
        self.config.write_text("\n".join("\n".join(table) for table in lines) + "\n")

    def verify(self, *words: str | Path) -> subprocess.CompletedProcess[str]:
        """`followthrough verify` to its end."""
        argv = [sys.executable, "-m", "app.cli", "verify", *map(str, words), "--config", str(self.config)]
        return subprocess.run(argv, env=_env(self), cwd=self.folder, capture_output=True, text=True, timeout=120)

    def claims(self, *rows: str) -> tuple[int, dict[str, tuple[str, str]]]:
        """The command in this process: its exit code, and (state, sentence) by the claim's action."""
        out = io.StringIO()
        with chdir(self.folder), redirect_stdout(out):
            code = verify_files(load(self.config), [self.file(*rows)], "", as_json=True)
        bench.ledger().engine.dispose()
        said = json.loads(out.getvalue())[0]["claims"]
        return code, {one["action"]: (one["state"], one["sentence"]) for one in said}

    def rules(self, text: str) -> None:
        """Load this rule file and no other; wait until it was evaluated."""
        for file in self.prometheus.rules_folder.glob("*.yml"):
            file.unlink()
        if text:
            (self.prometheus.rules_folder / "nfs.yml").write_text(text)
        self.prometheus.reload()
        until(lambda: all(rule["health"] != "unknown" for rule in self._loaded()))

    def kept(self, name: str) -> Any:
        """The last answer about one of the run's TODOs."""
        return self.ledger.checks.of_run("r-1")[self.todos[name]][0]

    def _loaded(self) -> list[dict[str, Any]]:
        auth = httpx.BasicAuth(self.prometheus.user, self.prometheus.password)
        groups = asking.get(f"{self.prometheus.url}/api/v1/rules", auth=auth, timeout=5).json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]


def until(is_so: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for something that comes by itself."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)


def _env(house: House) -> dict[str, str]:
    home = house.folder / "home"
    home.mkdir(exist_ok=True)
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "PYTHONPATH": str(ROOT)}
    return {**env, "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("verify")
    with ExitStack() as running:
        bao = running.enter_context(OpenBao(folder / "openbao"))
        (folder / "prometheus").mkdir()
        prometheus = running.enter_context(Prometheus(folder / "prometheus", "password-of-prometheus"))
        kuma = running.enter_context(UptimeKuma(folder / "kuma"))
        slack = running.enter_context(Slack())
        target = running.enter_context(Loopback(lambda _: Answer(200, b"ok", "text/plain")))
        fields = {"prometheus_password": prometheus.password, "uptime_kuma_user": kuma.user}
        bao.write_secret({**fields, "uptime_kuma_password": kuma.password})
        (folder / "jwt").write_text(bao.jwt())
        ledger = open_ledger(f"sqlite:///{folder}/l.db")
        running.callback(ledger.engine.dispose)
        # One session for all that is arranged: twenty logins a minute are let in.
        api = kuma.api()
        running.callback(api.disconnect)
        made = House(folder, bao, prometheus, kuma, slack, target, ledger, api)
        made.rules(RULE)
        made.monitor = _add_monitor(made, MONITOR, target.url)
        _record(made)
        yield made


@pytest.fixture(autouse=True)
def as_claimed(house: House) -> None:
    """Each test begins with everything as it is claimed."""
    house.configure()
    house.rules(RULE)
    house.slack.messages.clear()


def _add_monitor(house: House, name: str, url: str) -> int:
    """A monitor that has had its first heartbeat."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    wanted = {"type": MonitorType.PORT, "name": name, "hostname": host, "port": int(port)}
    number = int(house.api.add_monitor(**wanted, interval=20, maxretries=0)["monitorID"])
    until(lambda: any(house.api.get_heartbeats().get(number) or []))
    return number


def _record(house: House) -> None:
    """A run that did the first two TODOs and the third, as it would be recorded."""
    document = parse((house.folder / house.file("alert", "monitor", "config")).read_bytes(), PATH)
    run = Run("r-1", REPOSITORY, PATH, "c" * 40)
    runs = house.ledger.runs
    runs.add(run)
    runs.describe("r-1", title="NFS", incident_date="2026-04-14")
    names = ("alert", "monitor", "config")
    house.todos = dict(zip(names, (item.id for item in document.done), strict=True))
    seen = (
        Check("prometheus-rule", ALERT, True, "health ok"),
        Check("uptime-kuma", MONITOR, True, f"id={house.monitor} up", link="http://old"),
        Check("plan", "nfs", True, "is empty"),
    )
    runs.add_todos(
        run, [Todo(i.id, n, i.line, i.action, i.details, "P1", i.type or "", True) for n, i in enumerate(document.done)]
    )
    for item, check in zip(document.done, seen, strict=True):
        house.ledger.checks.keep("r-1", item.id, [check])
        runs.finish_todo("r-1", item.id, "done", "", "")
    runs.finish("r-1", "done")
    runs.close("r-1")


def test_all_hold(house: House) -> None:
    code, said = house.claims("alert", "monitor")
    assert said == {
        "Add NFS mount failure alerting": ("holds", f"the alert {ALERT} that closed PM-2026-04-14 holds: health ok"),
        "Watch the NFS server": (
            "holds",
            f"the monitor {MONITOR} that closed PM-2026-04-14 holds: id={house.monitor} up",
        ),
    }
    assert code == 0
    assert house.kept("monitor")["link"] == f"{house.kuma.url}/dashboard/{house.monitor}"
    table = house.verify(PATH)
    assert table.returncode == 0
    assert "health ok" in table.stdout
    for secret in (house.prometheus.password, house.kuma.password):
        assert secret not in table.stdout + table.stderr + str(house.ledger.checks.of_run("r-1"))


def test_a_rule_that_was_removed_is_gone_and_one_that_cannot_be_evaluated_is_unwell(house: House) -> None:
    house.rules("")
    code, said = house.claims("alert", "monitor")
    assert code == 1
    assert said["Add NFS mount failure alerting"] == (
        "gone",
        f"the alert {ALERT} that closed PM-2026-04-14 is gone: no rule of that name is loaded in Prometheus",
    )
    assert (house.kept("alert")["ok"], house.kept("alert")["reason"]) == (False, "alert-not-loaded")
    broken = 'node_memory_MemTotal_bytes * on() group_left() {job="node"} > 0'
    house.rules(RULE.replace("rate(node_nfs_rpc_retransmissions_total[5m]) > 100", f"'{broken}'"))
    code, said = house.claims("alert")
    assert (code, said["Add NFS mount failure alerting"][0]) == (1, "unwell")
    assert "duplicate series" in said["Add NFS mount failure alerting"][1]
    house.rules(RULE)
    assert house.claims("alert")[0] == 0
    assert house.kept("alert")["ok"] is True


def test_a_monitor_is_known_by_its_number_when_renamed_and_gone_when_deleted(house: House) -> None:
    house.api.edit_monitor(house.monitor, name="NAS")
    assert house.claims("monitor")[0] == 0
    house.api.pause_monitor(house.monitor)
    code, said = house.claims("monitor")
    assert (code, said["Watch the NFS server"][0]) == (1, "unwell")
    assert said["Watch the NFS server"][1].endswith(f"id={house.monitor} is paused")
    house.api.delete_monitor(house.monitor)
    code, said = house.claims("monitor")
    assert (code, said["Watch the NFS server"][0]) == (1, "gone")
    red = _add_monitor(house, MONITOR, f"http://127.0.0.1:{free_port()}")
    code, said = house.claims("monitor")
    assert (code, said["Watch the NFS server"][0]) == (1, "unwell")
    assert f"id={red} down: connect ECONNREFUSED" in said["Watch the NFS server"][1]
    house.api.delete_monitor(red)
    house.monitor = _add_monitor(house, MONITOR, house.target.url)
    assert house.claims("monitor")[0] == 0


def test_what_was_done_by_hand_is_found_by_its_words(house: House) -> None:
    code, said = house.claims("alert by hand", "monitor by hand", "target by hand", "open")
    assert {action: state for action, (state, _) in said.items()} == {
        f"Alert `{ALERT}` pages": "holds",
        "Add Uptime Kuma monitor for the NFS server": "holds",
        "Probe it": "holds",
        "Add NFS mount failure alerting": "holds",
        "Watch the NFS server": "holds",
    }
    assert code == 0
    code, said = house.claims("other alert by hand", "other target by hand", "config")
    assert {action: state for action, (state, _) in said.items() if state != "holds"} == {
        "Alert `NeverWritten` for the rest": "gone",
        "Probe the other": "gone",
        "Let the mounts give up": "not-checked",
    }
    assert said["Probe the other"][1] == (
        "the monitor of 'Probe the other' that closed PM-2026-04-14 is gone: "
        "no monitor in Uptime Kuma watches 10.9.8.7:65000"
    )
    assert said["Let the mounts give up"][1] == "claimed, nothing recorded that could be asked"
    assert code == 1
    assert house.claims("config", "alert")[0] == 4


def test_what_does_not_answer_makes_claims_not_checked(house: House) -> None:
    before = house.kept("alert")
    house.prometheus.stop()
    try:
        code, said = house.claims("alert", "monitor")
    finally:
        house.prometheus.start()
    assert (code, said["Add NFS mount failure alerting"][0]) == (4, "not-checked")
    assert "no connection" in said["Add NFS mount failure alerting"][1]
    assert said["Watch the NFS server"][0] == "holds", said
    assert house.kept("alert") == before
    house.bao.seal()
    try:
        code, said = house.claims("alert", "monitor")
    finally:
        house.bao.unseal()
    assert (code, {state for state, _ in said.values()}) == (4, {"not-checked"})
    house.configure(prometheus=False, kuma=False)
    code, said = house.claims("alert", "monitor")
    assert (code, {state for state, _ in said.values()}) == (4, {"not-checked"})
    assert "repository.verify.prometheus is not set" in said["Add NFS mount failure alerting"][1]
    assert house.slack.messages == []


def test_what_cannot_be_read_or_told_apart_is_bad_input(house: House) -> None:
    missing = house.verify("no-such-file.md", house.file("alert"))
    assert missing.returncode == 2
    assert "file-unreadable" in missing.stderr
    assert "health ok" in missing.stdout
    assert house.verify(PATH, "--repository", "other/one").returncode == 2
    house.config.write_text(house.config.read_text() + '[[repository]]\nname = "you/infra"\nclone_url = "x"\n')
    which = house.verify(PATH)
    assert which.returncode == 2
    assert "--repository" in which.stderr
    assert house.verify(PATH, "--repository", REPOSITORY).returncode == 0


@contextmanager
def serving(house: House, port: int) -> Iterator[Child]:
    """The service, until the block ends."""
    argv: list[str | Path] = [sys.executable, "-m", "app.cli", "serve", "--config", house.config]
    child = start("followthrough serve", argv, house.folder / "service.log", _env(house), cwd=house.folder)
    try:
        wait_until(lambda: _answers(port), child, 90)
        yield child
    finally:
        child.stop(15)


def _answers(port: int) -> bool:
    try:
        return asking.get(f"http://127.0.0.1:{port}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def looks(service: Child) -> list[str]:
    """What the log says of each look so far."""
    lines = [json.loads(line) for line in service.log.read_text().splitlines() if line.startswith("{")]
    return [line["message"] for line in lines if "looked for drift" in line["message"]]


def after_looks(service: Child, number: int = 2) -> None:
    """Wait until this many more looks have been taken, begun after now; what they found was told meanwhile."""
    there = len(looks(service))
    until(lambda: len(looks(service)) > there + number)


@pytest.mark.thorough
def test_the_service_looks_every_so_often_and_tells_only_what_changed(house: House) -> None:
    port = free_port()
    house.configure(hours=4 / 3600, port=port)
    gone = f"the alert {ALERT} that closed PM-2026-04-14 is gone: no rule of that name is loaded in Prometheus"
    with serving(house, port) as service:
        after_looks(service)
        assert "claims=2 holds=2 gone=0 unwell=0 not-checked=0" in looks(service)[-1]
        assert house.slack.messages == []

        house.rules("")
        after_looks(service)
        assert [text.splitlines()[1] for text in house.slack.texts] == [f"❌ {gone} ({PATH})"]
        assert house.slack.texts[0].splitlines()[0] == f"*{REPOSITORY}: 1 no longer as claimed*"
        assert house.kept("alert")["reason"] == "alert-not-loaded"
        # Somebody who looks by hand takes nothing from what is told.
        assert house.claims("alert")[0] == 1

        house.prometheus.stop()
        after_looks(service)
        house.prometheus.start()
        assert len(house.slack.messages) == 1
        log = service.log.read_text()
        assert log.count("cannot be seen: the alert") == 1

        house.slack.fail_next(500, 30)
        house.rules(RULE)
        until(lambda: "was not told" in service.log.read_text())
        house.slack._failures.clear()
        until(lambda: len(house.slack.messages) > 1)
        after_looks(service)
        assert [text.splitlines()[1] for text in house.slack.texts[1:]] == [
            f"✅ the alert {ALERT} that closed PM-2026-04-14 holds again: health ok ({PATH})"
        ]
    for secret in (house.prometheus.password, house.kuma.password):
        assert secret not in service.log.read_text() + str(house.slack.messages)


def slot_of(look: str) -> str:
    return look.split("slot=")[1].split()[0]


def test_a_look_is_taken_once_a_slot_also_when_the_service_is_killed(house: House) -> None:
    port = free_port()
    house.configure(hours=3 / 3600, port=port, kuma=False)
    slots: list[str] = []
    for _ in range(2):
        with serving(house, port) as service:
            before = len(looks(service))
            after_looks(service)
            service.kill()
            slots += map(slot_of, looks(service)[before:])
    # The one look that the kill may have cut short goes on at the next start.
    assert len(slots) - 1 <= len(set(slots))
    assert len(set(slots)) >= 4
    assert all(float(slot[17:-1]) % 3 == 0 for slot in slots), "slots are multiples of the interval"


def test_nothing_is_looked_at_without_a_server_to_ask_or_without_an_interval(house: House) -> None:
    for hours, there in ((0.0, True), (1 / 3600, False)):
        port = free_port()
        house.configure(hours=hours, prometheus=there, kuma=there, port=port)
        began = datetime.now(UTC).isoformat(timespec="milliseconds")
        with serving(house, port) as service:
            time.sleep(3)
            assert [look for look in looks(service) if slot_of(look) > began] == []
