"""Done means seen to work: alerts in a real Prometheus, monitors in a real Uptime Kuma, the operator's own check.

One post-mortem asks for everything, so that it is played in one run; the tests look at what came of each TODO.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import psutil
import pytest
from uptime_kuma_api import MonitorType

from tests.e2e.conftest import (
    HEAD,
    PATH,
    TABLE,
    command,
    deliver,
    eventually,
    finished,
    log,
    plans_empty,
    push,
)
from tests.world import asking
from tests.world.answers import RULES
from tests.world.infra import INVENTORY
from tests.world.model import Attempt, Call, edit, read
from tests.world.world import Options, World

GROUPS, MONITORS, DNS, NFS_STACK = "groups:\n", "monitors:\n", "stacks/dns/main.tf", "stacks/nfs/main.tf"
MEDIA = '    path          = "/srv/nfs/media"\n    mount_options = '
CHECK = """#!/bin/sh
# The operator's own look at a stack, after a change of it.
echo "looking at $1"
[ "$1" != dns ] || { echo "the zone does not answer"; exit 3; }
"""
ROUTES = """route:
  receiver: nobody
  routes:
    - receiver: operators
      matchers: [severity="warning"]
receivers:
  - name: nobody
  - name: operators
"""


def rule(name: str, expr: str) -> tuple[Call, ...]:
    """Add an alert in a group of its own, at the top of the rules."""
    text = (
        f"  - name: {name}\n    rules:\n      - alert: {name}\n        expr: {expr}\n        for: 5m\n"
        f"        labels:\n          severity: warning\n        annotations:\n          summary: about {name}\n"
    )
    return read(RULES), edit(RULES, GROUPS, GROUPS + text)


def instead(old: str, new: str) -> tuple[Call, ...]:
    """Mend an expression that an earlier try wrote."""
    return read(RULES), edit(RULES, f"expr: {old}\n", f"expr: {new}\n")


def monitor(name: str, target: str) -> tuple[Call, ...]:
    """Add a monitor of a port, at the top of the inventory."""
    text = f"  - name: {name}\n    type: port\n    target: {target}\n    interval: 20\n    retries: 0\n"
    return read(INVENTORY), edit(INVENTORY, MONITORS, MONITORS + text)


@dataclass(frozen=True)
class Case:
    """A TODO, what the agent does for it in its tries, and what comes of it."""

    action: str
    type: str
    tries: tuple[tuple[Call, ...], ...]
    outcome: str
    reason: str
    says: str

    @property
    def attempts(self) -> list[Attempt]:
        return [Attempt(calls) for calls in self.tries]


NFS = "rate(node_nfs_rpc_retransmissions_total[5m]) > 50"
NOWHERE = "nfs_server_that_nobody_scrapes > 5"
CASES = (
    Case("an alert that works", "Alert", (rule("NfsRetransmits", NFS),), "done", "", "rule NfsRetransmits health ok"),
    Case(
        "an alert on a metric that nobody has",
        "Alert",
        (rule("NobodyHasIt", NOWHERE), ()),
        "needs-human",
        "metrics-missing",
        "no series of nfs_server_that_nobody_scrapes",
    ),
    Case(
        "an alert whose metric is mended at the second try",
        "Alert",
        (rule("Mended", NOWHERE), instead(NOWHERE, "node_memory_MemAvailable_bytes < 5")),
        "done",
        "",
        "prometheus rule Mended health ok",
    ),
    Case(
        "an alert that cannot be evaluated",
        "Alert",
        (rule("ManyToMany", "up / on (nothing) up > 5"), ()),
        "refused",
        "change-refused",
        "LIVE-01",
    ),
    Case(
        "an alert that fires at once",
        "Alert",
        (rule("Firing", "node_filesystem_avail_bytes > 5"),),
        "awaiting-approval",
        "approval-needed",
        "LIVE-03",
    ),
    Case(
        "a monitor of what somebody watches already",
        "Monitor",
        (monitor("nfs", "nfs.example.org:2049"),),
        "done",
        "",
        "uptime-kuma monitor nfs id=",
    ),
    Case(
        "a monitor of what is down",
        "Monitor",
        (monitor("nfs-admin", "nfs.example.org:2050"),),
        "needs-human",
        "monitor-down",
        "down",
    ),
    Case(
        "a setting that the operator's check passes",
        "Config",
        ((read(NFS_STACK), edit(NFS_STACK, f'{MEDIA}"nfsvers=4.2,hard', f'{MEDIA}"nfsvers=4.2,soft')),),
        "done",
        "",
        "command sh scripts/check nfs exit 0",
    ),
    Case(
        "a setting that the operator's check fails",
        "Config",
        ((read(DNS), edit(DNS, "ttl = 300", "ttl = 200")),),
        "needs-human",
        "check-failed",
        "the zone does not answer",
    ),
)  # fmt: skip


@pytest.fixture(scope="module")
def verified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, dict[str, Any], str]]:
    """A world after one run of every case, its run, and the commit before."""
    limits = {"cage_test": "off", "budget_usd": 100}
    verify = {"config": "sh scripts/check {stack}", "minutes": 0.4, "alertmanager_config": "alertmanager.yml"}
    options = Options(prometheus=True, uptime_kuma=True, changes={"agent": limits, "repository": {"verify": verify}})
    with World(tmp_path_factory.mktemp("verified"), options) as world:
        assert world.uptime_kuma is not None
        by_hand = world.uptime_kuma.api()
        try:
            target = {"hostname": "nfs.example.org", "port": 2049}
            by_hand.add_monitor(type=MonitorType.PORT, name="storage, by hand", interval=20, **target)
        finally:
            by_hand.disconnect()
        world.model.script = {case.action: case.attempts for case in CASES}
        rows = "".join(f"| P1 | {case.action} | {case.type} | as said | TODO |\n" for case in CASES)
        commits = push(world, {PATH: HEAD + TABLE + rows, "scripts/check": CHECK, "alertmanager.yml": ROUTES})
        world.serve()
        deliver(world, commits)
        yield world, finished(world, seconds=400), commits[1]


def todo_of(run: dict[str, Any], action: str) -> dict[str, Any]:
    return next(dict(todo) for todo in run["todos"] if todo["action"] == action)


def said(todo: dict[str, Any]) -> str:
    """Everything that people can read about a TODO."""
    checks = [f"{check['kind']} {check['subject']} {check['answer']}" for check in todo["checks"]]
    return f"{todo['message']} {todo['findings']} {checks}".replace("prometheus-rule", "prometheus rule")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.action)
def test_each_is_done_only_when_it_was_seen_to_work(verified: tuple[World, dict[str, Any], str], case: Case) -> None:
    _, run, _ = verified
    todo = todo_of(run, case.action)
    assert (todo["outcome"], todo["reason"]) == (case.outcome, case.reason), todo
    told = said(todo).replace("uptime-kuma nfs", "uptime-kuma monitor nfs")
    assert case.says in told, told


def test_it_is_known_whom_an_alert_reaches_and_that_promtool_took_it(
    verified: tuple[World, dict[str, Any], str],
) -> None:
    _, run, _ = verified
    checks = {c["kind"]: c for c in todo_of(run, "an alert that works")["checks"]}
    assert checks["alertmanager-route"]["answer"] == "reaches operators"
    assert checks["promtool"]["answer"] == "would be loaded"
    assert "would not fire now" in checks["prometheus-query"]["answer"]
    assert all(check["ok"] and check["at"] for check in checks.values())


def test_what_was_landed_says_in_git_what_was_seen(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, before = verified
    found = {entry.split("]")[0]: entry for entry in log(world, before, "%B")}
    by_action = {key.split(": ")[1].split(" [")[0]: text for key, text in found.items()}
    assert "Verified: prometheus rule NfsRetransmits health ok" in by_action["an alert that works"]
    assert "Verified: plan of monitoring is empty" in by_action["an alert that works"]
    assert "Verified: uptime-kuma monitor nfs id=1 up" in by_action["a monitor of what somebody watches already"]
    assert "Not-Verified: uptime-kuma monitor nfs-admin id=2 down" in by_action["a monitor of what is down"]
    assert "Not-Verified: command sh scripts/check dns exit 3" in by_action["a setting that the operator's check fails"]
    refused = {case.action for case in CASES if case.outcome in ("refused", "awaiting-approval")}
    assert not refused & set(by_action)


def test_the_name_of_a_user_is_hidden_nowhere(verified: tuple[World, dict[str, Any], str]) -> None:
    _, run, _ = verified
    kept = [event["text"] for event in run["events"] if "is kept on" in event["text"]]
    assert kept
    assert all("followthrough/" in text for text in kept)


def test_what_is_not_done_stays_open_in_the_document(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    text = world.forge.file(PATH).decode()
    for case in CASES:
        row = next(line for line in text.splitlines() if f"| {case.action} |" in line)
        assert row.endswith("| Done |" if case.outcome == "done" else "| TODO |"), row
    assert "| a monitor of what is down | P1 | Monitor | — | Needs human review |" in text


def test_an_agent_that_guessed_a_metric_hears_of_it(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    asked = [str(request) for request in world.model.requests if "mended at the second try" in str(request)]
    assert any("LIVE-02" in request for request in asked)


def test_one_monitor_each_and_none_twice(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    assert world.uptime_kuma is not None
    api = world.uptime_kuma.api()
    try:
        assert [found["name"] for found in api.get_monitors()] == ["storage, by hand", "nfs-admin"]
    finally:
        api.disconnect()


def test_slack_says_how_it_was_seen_and_what_was_not(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    text = world.slack.texts[0]
    assert "prometheus rule NfsRetransmits health ok" in text
    assert "id=2 down" in text


def test_the_agent_of_a_monitor_may_edit_the_inventory_alone(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    asked = next(str(r) for r in world.model.requests if "a monitor of what is down" in str(r))
    assert INVENTORY in asked
    assert "edit nothing else" in asked


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        psutil.Process(pid).send_signal(signal.SIGCONT)


def test_an_approved_alert_that_prometheus_does_not_confirm_is_landed_and_left_to_a_person(
    verified: tuple[World, dict[str, Any], str],
) -> None:
    world, run, _ = verified
    todo = todo_of(run, "an alert that fires at once")
    assert world.prometheus is not None
    tip = world.forge.head()
    with frozen(int(world.prometheus.pid_file.read_text())):
        done = command(world, "approve", f"{run['id']}/{todo['id']}")
        assert done.returncode == 0, done.stderr
        ended = eventually(lambda: _decided(world, run["id"], todo["id"]))
    assert (ended["outcome"], ended["reason"]) == ("needs-human", "prometheus-slow"), ended
    assert "Not-Verified: prometheus rule Firing" in log(world, tip, "%B")[0]
    assert plans_empty(world, "monitoring")
    eventually(lambda: world.get(f"/api/runs/{run['id']}")["outcome"])


def _decided(world: World, run_id: str, todo_id: str) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = world.get(f"/api/runs/{run_id}")["todos"]
    todo = next(todo for todo in found if todo["id"] == todo_id)
    return None if todo["outcome"] == "awaiting-approval" else todo


def test_without_prometheus_no_alert_is_applied(verified: tuple[World, dict[str, Any], str]) -> None:
    world, _, _ = verified
    assert world.prometheus is not None
    world.model.script = {"one more alert": [Attempt(rule("OneMore", NFS))]}
    world.prometheus.stop()
    other = PATH.replace("-nfs", "-other")
    text = HEAD + TABLE + "| P1 | one more alert | Alert | as said | TODO |\n"
    commits = push(world, {other: text})
    deliver(world, commits)
    run = eventually(lambda: next((r for r in world.get("/api/runs")["runs"] if r["post_mortem"] == other), None))
    (todo,) = finished(world, run["id"])["todos"]
    assert (todo["outcome"], todo["reason"]) == ("failed", "prometheus-unreachable")
    assert "OneMore" not in world.forge.file(RULES).decode()
    with pytest.raises(httpx.TransportError):
        asking.get(world.prometheus.url, timeout=2)
