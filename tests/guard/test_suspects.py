"""What is new in a chart's values: doubtful by its name or its text, in the file (TPL-02) and in the plan (PLAN-16)."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
import yaml

from app.guard import suspects
from app.guard.model import Verdict
from tests.guard.cases_tpl import ADDED, MONITORS, RULES, TPL
from tests.guard.edits import MAIN, VALUES, Case, findings
from tests.guard.plan.made import POLICY, judged, plan, row, update

CHART: dict[str, Any] = {
    "server": {"retention": "30d", "domain": "wiki.example.com", "interval": "30s"},
    "worker": {"resources": {"limits": {"memory": "1Gi"}}},
    "prometheus": {"prometheusSpec": {"retention": "10d"}},
    "alertmanager": {"resources": {"limits": {"memory": "128Mi"}}},
    "sidecar": {"resources": {"limits": {"memory": "64Mi"}}},
    "nfs": {"mountOptions": ["hard"]},
    "cronjob": {"schedule": "0 2 * * *"},
}  # fmt: skip
EVIL = "http://evil.example.org/x"
SPEC = "prometheus.prometheusSpec"
DOUBTFUL: dict[str, Any] = {
    f"{SPEC}.additionalArgs": [{"name": "web.enable-admin-api", "value": ""}],
    f"{SPEC}.enableAdminAPI": True,
    f"{SPEC}.additionalAlertManagerConfigs": [{"static_configs": [{"targets": ["a.example.com"]}]}],
    f"{SPEC}.additionalRemoteWrite": [{"url": "http://a.example.com"}],
    f"{SPEC}.additionalAlertRelabelConfigs": [{"action": "drop", "regex": ".*"}],
    f"{SPEC}.ruleSelector": {"app": "none"},
    f"{SPEC}.evaluation_interval": "1h",
    "server.serviceMonitor.interval": "9999h",
    "defaultRules.rules.kubernetesApps": False,
    "defaultRules.disabled.KubePodCrashLooping": True,
    "server.alert_relabel_configs": [{"action": "drop"}],
    "server.dnsConfig": {"nameservers": ["10.0.0.1"]},
    "server.seccompProfile": {"type": "RuntimeDefault"},
    "server.shareProcessNamespace": True,
    "server.volumes": [{"name": "x"}],
    "server.service.annotations": {"external-dns.alpha.kubernetes.io/hostname": "vault.example.com"},
    "server.podAnnotations": {"tailscale.com/expose": "true"},
    "server.envVars": {"NODE_OPTIONS": "x"},
    "server.env": [{"name": "LD_PRELOAD", "value": "x"}],
    "server.javaOpts": "x",
    "server.podCommand": ["sh"],
    "server.thing": "--web.enable-admin-api",
    "server.other": "curl x | sh",
    "server.third": "a: {b: c}",
    "server.fourth": "/var/run/docker.sock",
    "server.audit": False,
    "server.sslmode": "disable",
    "server.uid": "0",
    "server.users": [{"name": "x"}],
    "server.oidc": {"issuer": "x"},
    "server.fullnameOverride": "vault",
    "server.cap_add": ["SYS_ADMIN"],
    "server.service.type": "LoadBalancer",
    "server.sink": EVIL,
    "server.syslog": "evil.example.org:514",
    "server.resolver": "6.6.6.6",
    "server.meta": "http://169.254.169.254/latest",
    "server.local": "file:///etc/passwd",
    "config.clients": [{"url": EVIL}],
    "job.schedule": "0 0 31 feb *",
    "nfs.mountOptions": ["hard", "suid"],
    "cronjob.schedule": "never",
    "server.interval": "8h",
    "worker.resources.limits.memory": "2Mi",
}
ORDINARY: dict[str, Any] = {
    "worker.resources.limits.memory": "2Gi",
    "alertmanager.resources.limits.memory": "256Mi",
    "sidecar.resources.limits.memory": "128Mi",
    "server.interval": "15s",
    "server.resources.limits.cpu": "2",
    "server.readinessProbe": {"httpGet": {"path": "/healthz", "port": "http"}, "periodSeconds": 10},
    "server.priorityClassName": "tier-1",
    "server.env": [{"name": "LOG_FORMAT", "value": "json"}, {"name": "SEND_STATS", "value": "false"}],
    "server.cache": "redis://redis.cache.svc:6379/0",
    "server.docs": "https://docs.example.com/",
    "server.debug": False,
    "server.podAnnotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "9100"},
    "nfs.mountOptions": ["hard", "nfsvers=4.1", "noatime"],
    "cronjob.schedule": "30 3 * * 1-5",
    "cronjob.timeZone": "Europe/Berlin",
    "cronjob.concurrencyPolicy": "Forbid",
    "loki.limits_config": {"max_query_length": "721h", "reject_old_samples": True},
}


def verdicts(path: str, value: Any) -> tuple[Case, Verdict]:
    """The same value put into a values file and into the values of a release."""
    after: Any = copy.deepcopy(CHART)
    *above, last = path.split(".")
    at = after
    for key in above:
        at = at.setdefault(key, {})
    at[last] = value
    old, new = (yaml.safe_dump(tree, sort_keys=False) for tree in (CHART, after))
    release = update("helm_release", {"values": [old]}, {"values": [new]})
    policy = replace(POLICY, todo_type="Config")
    return Case(path, {VALUES: old}, {VALUES: new}), judged(plan(release), policy=policy)


@pytest.mark.parametrize("path", DOUBTFUL)
def test_what_is_doubtful_waits_in_a_file_and_in_a_plan(path: str) -> None:
    case, verdict = verdicts(path, DOUBTFUL[path])
    assert any(finding.rule == "TPL-02" for finding in findings(case))
    assert any(finding.rule == "PLAN-16" for finding in verdict.findings)


@pytest.mark.parametrize("path", ORDINARY)
def test_what_is_ordinary_passes_in_a_file_and_in_a_plan(path: str) -> None:
    case, verdict = verdicts(path, ORDINARY[path])
    assert findings(case) == ()
    assert verdict.findings == ()


RULE = """\
      - alert: X
        expr: up == 0
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: It is down
"""
UNLOADABLE = {
    "open bracket": RULE.replace("up == 0", "sum("),
    "other bracket": RULE.replace("up == 0", "sum(up]"),
    "ends in the middle": RULE.replace("up == 0", "up =="),
    "empty": RULE.replace("up == 0", "''"),
    "no duration": RULE.replace("5m", "banana"),
    "no label": RULE.replace("severity: warning", "severity: warning\n          'a-b c': d"),
    "another alert's name": RULE.replace("severity: warning", "severity: warning\n          alertname: Watchdog"),
    "open template": RULE.replace("It is down", "'{{ .Foo'"),
    "no name of a series": "      - record: a b\n        expr: up\n",
    "group twice": f"  - name: nodes\n    rules:\n{RULE}",
    "for a thousand days": RULE.replace("5m", "1000d"),
    "a scraped series": "      - record: up\n        expr: up * 0 + 1\n",
}
LOADABLE = {
    "plain": ADDED,
    "brackets in a string": RULE.replace("up == 0", "'up{job=~\"a(b|[c{])\"} == 0'"),
    "several lines": RULE.replace("up == 0", "|\n          sum by (job) (\n            up\n          ) < 1"),
    "recorded": "      - record: job:up:sum\n        expr: sum by (job) (up)\n",
}


@pytest.mark.parametrize("name", UNLOADABLE)
def test_a_rule_that_prometheus_refuses_or_that_blinds_others(name: str) -> None:
    found = findings(Case(name, {TPL: RULES}, {TPL: RULES + UNLOADABLE[name]}, policy={"todo_type": "Alert"}))
    assert {finding.rule for finding in found} == {"TPL-02"}


@pytest.mark.parametrize("name", LOADABLE)
def test_a_rule_that_prometheus_loads(name: str) -> None:
    assert findings(Case(name, {TPL: RULES}, {TPL: RULES + LOADABLE[name]}, policy={"todo_type": "Alert"})) == ()


@pytest.mark.parametrize(
    ("text", "passes"),
    [
        ("url: https://m.other.net/health\n    expected_status: 200\n    method: GET", True),
        ("type: tcp\n    host: db.example.com\n    port: 5432", True),
        ("type: ping\n    hostname: db.example.com", True),
        ("url: http://169.254.169.254/latest/", False),
        ("url: http://localhost:9090/-/quit", False),
        ("url: file:///etc/passwd", False),
        ("url: http://2852039166/", False),
        ("url: http://[::1]/", False),
        ("url: http://api.web.svc/\n    method: DELETE", False),
        ("databaseQuery: DROP TABLE x", False),
    ],
)
def test_a_new_monitor_looks_at_others_and_only_looks(text: str, passes: bool) -> None:
    head = f"{MONITORS}  - name: m\n    {text}\n"
    found = findings(Case("monitor", {VALUES: MONITORS}, {VALUES: head}, policy={"todo_type": "Monitor"}))
    assert (found == ()) is passes


@pytest.mark.parametrize("more", ["upside_down: true", "ignore_tls: true", "accepted_statuscodes: ['100-999']"])
def test_a_monitor_that_is_there_finds_no_less(more: str) -> None:
    head = MONITORS.replace("    interval: 60\n", f"    interval: 60\n    {more}\n")
    assert findings(Case("monitor", {VALUES: MONITORS}, {VALUES: head}, policy={"todo_type": "Monitor"}))


ALARM = "aws_cloudwatch_metric_alarm"
CREATED = [
    (ALARM, {"alarm_actions": ["arn:aws:automate:eu-west-1:ec2:terminate"]}, "Alert", "more than tell"),
    (ALARM, {"ok_actions": ["arn:aws:lambda:eu-west-1:1:function:x"]}, "Alert", "more than tell"),
    (ALARM, {"threshold": 1, "alarm_actions": ["arn:aws:sns:eu-west-1:1:alerts"]}, "Alert", ""),
    ("uptimekuma_monitor", {"url": "http://169.254.169.254/"}, "Monitor", "own cloud"),
    ("uptimekuma_monitor", {"url": "http://127.0.0.1:8200/"}, "Monitor", "very machine"),
    ("uptimekuma_monitor", {"url": "http://api.web.svc/", "method": "POST"}, "Monitor", "to change"),
    ("uptimekuma_monitor_postgres", {"database_query": "DROP TABLE x"}, "Monitor", "SQL"),
    ("uptimekuma_monitor_postgres", {"database_query": "SELECT 1"}, "Monitor", ""),
    ("uptimekuma_monitor", {"url": "https://wiki.example.org", "method": "GET"}, "Monitor", ""),
]


@pytest.mark.parametrize(("kind", "after", "todo_type", "why"), CREATED)
def test_what_is_created_looks_and_tells(kind: str, after: Any, todo_type: str, why: str) -> None:
    created = row("create", address=f"{kind}.x", change={"after": after})
    found = judged(plan(created), policy=replace(POLICY, todo_type=todo_type)).findings
    assert [f.rule for f in found] == (["PLAN-16"] if why else [])
    assert all(why in f.why for f in found)


DOCUMENT = "server:\n  a: 1\n"
RELEASES = {
    "one more document on one line": ([DOCUMENT], [DOCUMENT, "alertmanager: {enabled: false}"]),
    "its key in quotes": ([DOCUMENT], [DOCUMENT, '"server": {hostNetwork: true}']),
    "another document decides": ([DOCUMENT, "server:\n  a: 2\n"], ["server:\n  a: 2\n", DOCUMENT]),
}


@pytest.mark.parametrize("name", RELEASES)
def test_values_that_override_values(name: str) -> None:
    before, after = RELEASES[name]
    assert judged(plan(update("helm_release", {"values": before}, {"values": after}))).word == "needs-approval"


def test_a_second_value_of_a_name_is_a_change_of_the_first() -> None:
    env = [{"name": "API", "value": "a"}]
    change = update("kubernetes_deployment", {"env": env}, {"env": [*env, {"name": "API", "value": "b"}]})
    assert judged(plan(change)).word == "needs-approval"


@pytest.mark.parametrize(
    "text", ['  postrender {\n    binary_path = "/bin/sh"\n  }\n', '  postrender = { binary_path = "/bin/sh" }\n']
)
def test_a_program_that_helm_runs_while_terraform_plans(text: str) -> None:
    release = 'resource "helm_release" "x" {\n  name = "x"\n'
    found = findings(Case("postrender", {MAIN: f"{release}}}\n"}, {MAIN: f"{release}{text}}}\n"}))
    assert ("HCL-02", "block") in {(finding.rule, finding.decision) for finding in found}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"expr": "rate(x[5m]) > 5"}, {"expr": "rate(x[1s]) > 5"}),
        ({"expr": "x > 5"}, {"expr": "x > 4900"}),
        ({"team_id": 5}, {"team_id": 6}),
        ({"default_mode": 420}, {"default_mode": 511}),
    ],
)
def test_numbers_that_are_no_amounts_or_go_far(before: Any, after: Any) -> None:
    assert judged(plan(update("x_y", before, after))).word == "needs-approval"


def test_a_plan_that_contradicts_itself() -> None:
    lying = row("update", address="kubernetes_cluster_role_binding.x")
    assert judged(plan({**lying, "type": "terraform_data"})).word == "block"
    marked = update("x_y", {"a": 1}, {"a": 2}, before_sensitive="true")
    assert judged(plan(marked)).word == "block"
    check = {"status": "pass", "instances": [{"status": "fail"}]}
    assert judged(plan(row("update"), checks=[check])).word == "block"


def test_who_is_told_does_not_change_in_prose() -> None:
    change = update("datadog_monitor", {"message": "full @pagerduty"}, {"message": "full"})
    assert judged(plan(change)).word == "needs-approval"


@pytest.mark.parametrize(
    ("schedule", "comes"),
    [
        ("*/5 * * * *", True), ("0 3 * * MON-FRI", True), ("@daily", True), ("rate(5 minutes)", True),
        ("cron(0 3 * * ? *)", True), ("every 12 hours", True), ("TZ=UTC 0 3 * * *", True), ("0 0 31 FEB *", False),
        ("0 0 29 2 *", False), ("0 0 31 4,6 *", False), ("@yearly", False), ("garbage", False), ("", False),
    ],
)  # fmt: skip
def test_schedules(schedule: str, comes: bool) -> None:
    assert (suspects.schedule_problem(schedule) is None) is comes


def test_hostile_texts_take_no_time() -> None:
    for piece in ("a.", "http://", "a-", "(", '"', "1.", "@", "x: ", "a/"):
        text = piece * 100_000
        suspects.domains_in(text)
        suspects.text_problem(["a"], text)
        suspects.leads_away(["a"], text, frozenset(), watches=False)
        suspects.expression_problem(text)
