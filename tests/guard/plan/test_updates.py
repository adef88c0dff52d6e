"""PLAN-16: ordinary updates pass without a finding; what goes, shrinks, opens or redirects waits for a person."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from tests.guard.plan.made import found, judged, plan, row, update

Tree = dict[str, Any]
RULES: Tree = {
    "serverFiles": {
        "alerting_rules.yml": {
            "groups": [
                {
                    "name": "nodes",
                    "rules": [
                        {
                            "alert": "DiskFull",
                            "expr": '100 - node_avail{fs!="tmpfs",code="500"} / node_size * 100 > 85',
                            "for": "15m",
                            "labels": {"severity": "critical"},
                            "annotations": {"summary": "disk of {{ $labels.instance }} is full"},
                        },
                        {"alert": "Down", "expr": "up == 0", "for": "5m", "labels": {"severity": "critical"}},
                    ],
                }
            ]
        }
    },
    "alertmanager": {"config": {"receivers": [{"name": "slack", "slack_configs": [{"api_url": "https://s/a"}]}]}},
    "server": {"replicaCount": 2, "retention": "30d", "resources": {"limits": {"memory": "1Gi", "cpu": "500m"}}},
    "monitors": [{"name": "wiki", "url": "https://wiki.example.org", "interval": 60}],
}
NEW_RULE = {
    "alert": "CertificateExpires",
    "expr": "probe_ssl_earliest_cert_expiry - time() < 86400 * 7",
    "for": "1h",
    "labels": {"severity": "warning"},
    "annotations": {"summary": "renew it", "runbook_url": "https://wiki.example.org/certs"},
}
POD: Tree = {
    "spec": [
        {
            "replicas": "3",
            "template": [
                {
                    "spec": [
                        {
                            "container": [
                                {
                                    "name": "web",
                                    "image": "wiki:4.1.0",
                                    "args": ["--workers=4"],
                                    "env": [{"name": "LOG_LEVEL", "value": "info"}, {"name": "REPLICAS", "value": "3"}],
                                    "resources": [{"limits": {"cpu": "1", "memory": "512Mi"}}],
                                    "liveness_probe": [],
                                    "security_context": [{"privileged": False, "read_only_root_filesystem": True}],
                                }
                            ],
                            "host_network": False,
                            "service_account_name": "wiki",
                            "termination_grace_period_seconds": 30,
                        }
                    ]
                }
            ],
        }
    ]
}


def values(edit: Callable[[Tree], Any]) -> Any:
    """A Helm release whose values text is edited as YAML."""
    after = copy.deepcopy(RULES)
    edit(after)
    sides = ({"name": "p", "values": [yaml.safe_dump(tree, sort_keys=False)]} for tree in (RULES, after))
    return update("helm_release", *sides)


def rules(tree: Tree) -> list[Tree]:
    found: list[Tree] = tree["serverFiles"]["alerting_rules.yml"]["groups"][0]["rules"]
    return found


def expression(new: str) -> Any:
    return values(lambda tree: rules(tree)[0].update(expr=new))


def pod(edit: Callable[[Tree], Any]) -> Any:
    """A deployment with another container or pod."""
    after = copy.deepcopy(POD)
    edit(after)
    return update("kubernetes_deployment", POD, after)


def spec(tree: Tree) -> Tree:
    found: Tree = tree["spec"][0]["template"][0]["spec"][0]
    return found


def container(tree: Tree) -> Tree:
    found: Tree = spec(tree)["container"][0]
    return found


def pair(kind: str, before: Any, after: Any, name: str = "input") -> Any:
    return update(kind, {name: before}, {name: after})


HTTP_PROBE = [{"http_get": [{"path": "/healthz", "port": "8080"}], "period_seconds": 10, "timeout_seconds": 3}]
EXPR = RULES["serverFiles"]["alerting_rules.yml"]["groups"][0]["rules"][0]["expr"]
MONITOR = {"name": "git", "url": "https://git.example.org/healthz", "interval": 60}

HONEST = {
    "rule added in YAML": values(lambda t: rules(t).append(NEW_RULE)),
    "rule added in front": values(lambda t: rules(t).insert(0, NEW_RULE)),
    "group added": values(
        lambda t: t["serverFiles"]["alerting_rules.yml"]["groups"].append({"name": "certs", "rules": [NEW_RULE]})
    ),
    "threshold of an alert": expression(EXPR.replace("> 85", "> 92.5")),
    "an alert waits longer": values(lambda t: rules(t)[0].update({"for": "30m"})),
    "an alert says more": values(lambda t: rules(t)[0]["annotations"].update(summary="clean it up")),
    "retention grows": values(lambda t: t["server"].update(retention="45d")),
    "replicas grow": values(lambda t: t["server"].update(replicaCount=3)),
    "memory limit": values(lambda t: t["server"]["resources"]["limits"].update(memory="1536Mi")),
    "cpu limit": values(lambda t: t["server"]["resources"]["limits"].update(cpu="1")),
    "monitor added": values(lambda t: t["monitors"].append(MONITOR)),
    "interval of a monitor": values(lambda t: t["monitors"][0].update(interval=30)),
    "order of rules": values(lambda t: rules(t).reverse()),
    "probe added": pod(lambda t: container(t).update(liveness_probe=HTTP_PROBE)),
    "grace period": pod(lambda t: spec(t).update(termination_grace_period_seconds=60)),
    "plain variable added": pod(lambda t: container(t)["env"].append({"name": "WORKERS", "value": "8"})),
    "limit of a container": pod(lambda t: container(t)["resources"][0]["limits"].update(memory="1Gi")),
    "argument added": pod(lambda t: t["spec"][0].update(min_ready_seconds=10)),
    "mount option": pair("terraform_data", {"mount_options": "hard,timeo=600"}, {"mount_options": "soft,timeo=100"}),
    "mount options": update(
        "kubernetes_persistent_volume", {"mount_options": ["hard", "ro"]}, {"mount_options": ["soft", "ro"]}
    ),
    "timeout": update("helm_release", {"timeout": 300}, {"timeout": 600}),
    "schedule": update(
        "kubernetes_cron_job_v1", {"spec": [{"schedule": "0 3 * * *"}]}, {"spec": [{"schedule": "*/30 1-5 * * *"}]}
    ),
    "threshold as a number": update("aws_cloudwatch_metric_alarm", {"threshold": 80}, {"threshold": 90.5}),
    "query of a monitor": update(
        "datadog_monitor",
        {"query": "avg(last_5m):avg:cpu{env:prod} > 80"},
        {"query": "avg(last_5m):avg:cpu{env:prod} > 90"},
    ),
    "inert text": pair("terraform_data", {"path": "/srv/media"}, {"path": "/srv/films"}),
    "line of text with a number": pair(
        "terraform_data", ["wiki: http every 60 s"], ["wiki: http every 30 s", "git: tcp every 60 s"]
    ),
    "JSON text": pair(
        "aws_cloudwatch_dashboard",
        json.dumps({"widgets": [{"title": "a"}]}),
        json.dumps({"widgets": [{"title": "a"}, {"title": "b"}]}),
        "dashboard_body",
    ),
    "1 and its text": pair("terraform_data", 1, "1"),
    "null and empty": update("terraform_data", {"input": 1, "tags": None}, {"input": 2, "tags": {}}),
    "comment in YAML": pair("terraform_data", "a: 1\nb: 2\n", "# why\na: 1\nb: 2\n"),
    "what the provider fills in": update(
        "terraform_data", {"input": 1, "output": 1}, {"input": 2}, after_unknown={"output": True}
    ),
    "helm metadata": update(
        "helm_release", {"timeout": 1, "metadata": [{"revision": 1}]}, {"timeout": 2}, after_unknown={"metadata": True}
    ),
    "what the provider fills into what is added": update(
        "terraform_data", {"a": 1}, {"a": 1, "probe": [{"path": "/"}]}, after_unknown={"probe": [{"scheme": True}]}
    ),
    "threshold 0": update("aws_cloudwatch_metric_alarm", {"threshold": 5}, {"threshold": 0}),
    "switched on": update("x_y", {"monitoring_enabled": False}, {"monitoring_enabled": True}),
}

HOSTILE = {
    "replicas to 0": (values(lambda t: t["server"].update(replicaCount=0)), "gets less"),
    "replicas less": (pod(lambda t: t["spec"][0].update(replicas="2")), "gets less"),
    "retention much less": (values(lambda t: t["server"].update(retention="1h")), "gets less"),
    "replicas by variable": (pod(lambda t: container(t)["env"][1].update(value="1")), "gets less"),
    "replicas by helm name": (
        update(
            "helm_release",
            {"set": [{"name": "server.replicas", "value": "3"}]},
            {"set": [{"name": "server.replicas", "value": "1"}]},
        ),
        "gets less",
    ),
    "image by helm name": (
        update("helm_release", {"set": []}, {"set": [{"name": "server.image.tag", "value": "evil"}]}),
        "what runs",
    ),
    "limits a thousandth": (values(lambda t: t["server"]["resources"]["limits"].update(memory="1Mi")), "moves so far"),
    "cpu a thousandth": (values(lambda t: t["server"]["resources"]["limits"].update(cpu="0.1m")), "moves so far"),
    "alert gone": (values(lambda t: rules(t).pop()), "removed"),
    "alert renamed": (values(lambda t: rules(t)[0].update(alert="Other")), "removed"),
    "alert replaced by another": (values(lambda t: rules(t).__setitem__(0, NEW_RULE)), "removed"),
    "group gone": (values(lambda t: t["serverFiles"]["alerting_rules.yml"].update(groups=[])), "removed"),
    "labels gone": (values(lambda t: rules(t)[0].pop("labels")), "removed"),
    "severity": (values(lambda t: rules(t)[0]["labels"].update(severity="none")), "switched off"),
    "other severity": (values(lambda t: rules(t)[0]["labels"].update(severity="info")), "nobody knows"),
    "alert waits for ever": (values(lambda t: rules(t)[0].update({"for": "8760h"})), "moves so far"),
    "alert waits for ages": (values(lambda t: rules(t)[1].update({"for": "52w"})), "moves so far"),
    **{
        f"expr {new}": (expression(new), "alert")
        for new in [
            "vector(0)",
            "absent(up) == 0",
            EXPR.replace("> 85", "> 1e9"),
            EXPR.replace("> 85", "> 100"),
            EXPR.replace("> 85", "> 850000"),
            EXPR + " and vector(0)",
            EXPR.replace("> 85", "< 85"),
            EXPR.replace("* 100", "* 0"),
            EXPR.replace('"500"', '"599"'),
            EXPR.replace("node_avail", "node_free"),
            EXPR.replace("100 -", "0 -"),
            EXPR.replace("> 85", "> -85"),
            EXPR + " > 86",
        ]
    },
    "expr never true": (values(lambda t: rules(t)[1].update(expr="up == 2")), "does not compare with"),
    "receiver": (
        values(lambda t: t["alertmanager"]["config"]["receivers"][0]["slack_configs"][0].update(api_url="https://e")),
        "where something goes",
    ),
    "receiver added": (
        values(lambda t: t["alertmanager"]["config"]["receivers"].append({"name": "x"})),
        "where something goes",
    ),
    "route": (values(lambda t: t["alertmanager"]["config"].update(route={"receiver": "null"})), "where something goes"),
    "remote write": (values(lambda t: t["server"].update(remoteWrite=[{"url": "https://e"}])), "where something goes"),
    "sidecar": (values(lambda t: t["server"].update(sidecarContainers={"x": {"a": 1}})), "what runs"),
    "scrape": (values(lambda t: t.update(extraScrapeConfigs="- job_name: x\n")), "what runs"),
    "monitor goes elsewhere": (values(lambda t: t["monitors"][0].update(url="https://e")), "nobody knows"),
    "monitor gone": (values(lambda t: t["monitors"].clear()), "removed"),
    "values are no YAML": (
        update("helm_release", {"values": ["a: 1\nb: 2\n"]}, {"values": ["a: [\nb: 2\n"]}),
        "no longer be read",
    ),
    "a key twice": (
        update("helm_release", {"values": ["a: 1\nb: 2\n"]}, {"values": ["a: 1\nb: 2\nb: 3\n"]}),
        "no longer be read",
    ),
    "a bomb": (
        update(
            "helm_release",
            {"values": ["a: 1\nb: 2\n"]},
            {
                "values": [
                    "a: &a [x,x,x,x,x,x,x,x,x,x]\n"
                    + "".join(
                        f"{c}: &{c} [{','.join(['*' + p] * 10)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
                    )
                ]
            },
        ),
        "no longer be read",
    ),
    "a deep one": (
        update(
            "helm_release", {"values": ["a: 1\nb: 2\n"]}, {"values": ["a: 1\nb: " + "[" * 5000 + "]" * 5000 + "\n"]}
        ),
        "no longer be read",
    ),
    "privileged": (pod(lambda t: container(t)["security_context"][0].update(privileged=True)), "who may"),
    "read-only goes": (
        pod(lambda t: container(t)["security_context"][0].update(read_only_root_filesystem=False)),
        "switched off",
    ),
    "host network": (pod(lambda t: spec(t).update(host_network=True)), "who may"),
    "service account": (pod(lambda t: spec(t).update(service_account_name="admin")), "who may"),
    "image": (pod(lambda t: container(t).update(image="evil:1")), "what runs"),
    "command added": (pod(lambda t: container(t).update(command=["sh", "-c", "id"])), "what runs"),
    "argument of a command": (pod(lambda t: container(t)["args"].append("--debug")), "what runs"),
    "order of commands": (update("x_y", {"command": ["a", "b"]}, {"command": ["b", "a"]}), "what runs"),
    "probe that runs": (
        pod(lambda t: container(t).update(liveness_probe=[{"exec": [{"command": ["id"]}]}])),
        "what runs",
    ),
    "a host folder": (pod(lambda t: spec(t).update(volume=[{"name": "h", "host_path": [{"path": "/"}]}])), "what runs"),
    "a second container": (pod(lambda t: spec(t)["container"].append({"name": "x", "image": "evil"})), "what runs"),
    "variable removed": (pod(lambda t: container(t)["env"].pop()), "removed"),
    "a secret beside": (pod(lambda t: container(t)["env"].append({"name": "API_TOKEN", "value": "x"})), "who may"),
    "deletion protection": (
        update("aws_db_instance", {"deletion_protection": True}, {"deletion_protection": False}),
        "switched off",
    ),
    "deletion protection left out": (update("aws_db_instance", {"deletion_protection": True}, {}), "removed"),
    "force destroy": (
        update("aws_s3_bucket", {"force_destroy": False}, {"force_destroy": True}),
        "opens, deletes or stops",
    ),
    "force destroy added": (
        update("aws_s3_bucket", {"acl2": 1}, {"acl2": 1, "force_destroy": True}),
        "opens, deletes or stops",
    ),
    "no last snapshot": (
        update("aws_db_instance", {"skip_final_snapshot": "false"}, {"skip_final_snapshot": "true"}),
        "opens, deletes or stops",
    ),
    "versioning": (
        update(
            "aws_s3_bucket_versioning",
            {"versioning_configuration": [{"status": "Enabled"}]},
            {"versioning_configuration": [{"status": "Suspended"}]},
        ),
        "switched off",
    ),
    "backups": (update("aws_db_instance", {"backup_retention_period": 7}, {"backup_retention_period": 0}), "gets less"),
    "storage": (
        update(
            "x_y",
            {"spec": {"resources": {"requests": {"storage": "10Gi"}}}},
            {"spec": {"resources": {"requests": {"storage": "9000Mi"}}}},
        ),
        "gets less",
    ),
    "count added": (update("x_y", {"a": 1}, {"a": 1, "desired_count": 1}), "may mean less"),
    "retention added": (update("x_y", {"a": 1}, {"a": 1, "retention_in_days": 1}), "may mean less"),
    "backup nothing": (update("x_y", {"a": 1}, {"a": 1, "backup_window": 0}), "may mean less"),
    "suspended": (
        update("kubernetes_cron_job_v1", {"spec": [{"suspend": False}]}, {"spec": [{"suspend": True}]}),
        "opens, deletes or stops",
    ),
    "never runs": (
        update("kubernetes_cron_job_v1", {"spec": [{"schedule": "0 3 * * *"}]}, {"spec": [{"schedule": "0 0 30 2 *"}]}),
        "never run",
    ),
    "actions of an alarm": (
        update("aws_cloudwatch_metric_alarm", {"alarm_actions": ["arn:a"]}, {"alarm_actions": ["arn:b"]}),
        "what runs",
    ),
    "comparison": (
        update(
            "aws_cloudwatch_metric_alarm",
            {"comparison_operator": "GreaterThanThreshold"},
            {"comparison_operator": "LessThanThreshold"},
        ),
        "nobody knows",
    ),
    "address": (update("cloudflare_record", {"content": "192.0.2.1"}, {"content": "192.0.2.9"}), "nobody knows"),
    "a script": (update("x_y", {"body": "#!/bin/sh\ntrue\n"}, {"body": "#!/bin/sh\nid\n"}), "nobody knows"),
    "a script in an inert one": (
        update("terraform_data", {"input": "#!/bin/sh\ntrue\n"}, {"input": "#!/bin/sh\nid\n"}),
        "nobody knows",
    ),
    "policy document": (update("x_y", {"policy": '{"a": 1}'}, {"policy": '{"a": 2}'}), "who may"),
    "another sort": (update("terraform_data", {"input": {"a": 1}}, {"input": "none"}), "another sort"),
    "configured, and not known": (
        update("terraform_data", {"input": 1}, {}, after_unknown={"input": True}),
        "known only after apply",
    ),
    "configured in what is added, and not known": (
        update(
            "terraform_data", {"triggers": 1}, {"triggers": 1, "input": {"b": 1}}, after_unknown={"input": {"a": True}}
        ),
        "known only after apply",
    ),
    "a sensitive value": (
        update("x_y", {"a": "x"}, {"a": "y"}, before_sensitive={"a": True}, after_sensitive={"a": True}),
        "a sensitive value changes",
    ),
    "a sensitive number": (
        update("x_y", {"a": 1}, {"a": 2}, before_sensitive={"a": True}, after_sensitive={"a": True}),
        "a sensitive value changes",
    ),
    "a sensitive value added": (
        update("x_y", {"a": 1}, {"a": 1, "b": "y"}, after_sensitive={"b": True}),
        "a sensitive value is added",
    ),
    "timeout 0": (update("helm_release", {"timeout": 300}, {"timeout": 0}), "no limit at all"),
    "replicas as null": (values(lambda t: t["server"].update(replicaCount="null")), "switched off"),
    "replicas in another base": (values(lambda t: t["server"].update(replicaCount="0x0")), "gets less"),
    "inert replicas in another base": (pair("terraform_data", {"replicas": "3"}, {"replicas": "0b0"}), "gets less"),
    "manifests": (values(lambda t: t.update(extraManifests=[{"kind": "Role"}])), "what runs"),
    "merged from elsewhere": (values(lambda t: t["server"].update({"<<": {"replicas": 1}})), "may mean less"),
    "alert becomes null": (values(lambda t: rules(t)[1].update({"for": None})), "switched off"),
    "nothing to compare": (row("update", change={"before": None}), "nothing to compare"),
    "too much": (
        update(
            "terraform_data",
            {"input": {str(i): i for i in range(21_000)}},
            {"input": {str(i): i + 1 for i in range(21_000)}},
        ),
        "more places",
    ),
}

ENDLESS = {
    "texts full of numbers and quotes": pair("x_y", "'1' 1 " * 100_000, "'1' 2 " * 100_000),
    "lists without an end": pair(
        "x_y", [{"name": f"a{i}"} for i in range(5000)], [{"name": f"b{i}"} for i in range(5000)]
    ),
    "added without an end": update("x_y", {}, {"input": [{"name": f"b{i}"} for i in range(50_000)], "x": 1}),
    "YAML without an end": pair("x_y", "a: 1\nb: 2\n", "- [a, b]\n" * 28_000),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_a_judgement_ends(name: str) -> None:
    began = time.process_time()
    assert "PLAN-16" in found(judged(plan(ENDLESS[name])))
    assert time.process_time() - began < 20


@pytest.mark.parametrize("name", HONEST)
def test_ordinary_work_passes(name: str) -> None:
    assert judged(plan(HONEST[name])).findings == ()


@pytest.mark.parametrize("name", HOSTILE)
def test_a_person_looks_at(name: str) -> None:
    change, why = HOSTILE[name]
    findings = [f for f in judged(plan(change)).findings if f.rule == "PLAN-16"]
    assert any(why in f.why for f in findings), [f.why for f in findings]
    assert {f.decision for f in findings} == {"needs-approval"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({"input": {"a": True}}, {}),
        ({"input": True}, {"input": {"b": True}}),
        ({}, {"input": {"a": True}}),
    ],
)
def test_marks_may_not_change(before: Any, after: Any) -> None:
    change = update(
        "terraform_data",
        {"input": {"a": "x", "b": 1}},
        {"input": {"a": "x", "b": 2}},
        before_sensitive=before,
        after_sensitive=after,
    )
    assert found(judged(plan(change)))["PLAN-16"] == "block"


def test_a_mark_in_a_list_may_not_go() -> None:
    sides = ({"input": [{"a": "x"}], "b": 1}, {"input": [{"a": "x"}], "b": 2})
    marks = {"before_sensitive": {"input": [{"a": True}]}, "after_sensitive": {"input": [{}]}}
    assert found(judged(plan(update("terraform_data", *sides, **marks)))) == {"PLAN-16": "block"}


def test_marks_of_values_that_are_not_known_yet_are_left_alone() -> None:
    change = update(
        "terraform_data",
        {"input": 1, "output": {"a": "x"}},
        {"input": 2},
        after_unknown={"output": True},
        before_sensitive={"output": {"a": True}},
    )
    assert judged(plan(change)).allows


def test_a_rule_may_be_added_to_values_that_are_sensitive_as_a_whole() -> None:
    change = HONEST["rule added in YAML"]["change"]
    marks = {"before_sensitive": {"values": [True]}, "after_sensitive": {"values": [True]}}
    assert judged(plan(update("helm_release", change["before"], change["after"], **marks))).allows
    change = HOSTILE["alert gone"][0]["change"]
    verdict = judged(plan(update("helm_release", change["before"], change["after"], **marks)))
    assert [f.rule for f in verdict.findings] == ["PLAN-16"]
    assert "serverFiles" not in verdict.findings[0].why, "keys below a mark may be part of the secret"


def test_a_finding_names_the_path_and_never_the_value() -> None:
    verdict = judged(
        plan(update("x_y", {"spec": [{"Body": "hunter2hunter2"}]}, {"spec": [{"Body": "hunter3hunter3"}]}))
    )
    assert "spec[0].Body: nobody knows what this text does" in verdict.findings[0].why
    assert "hunter" not in str(verdict)


def test_a_path_cannot_forge_a_line() -> None:
    verdict = judged(plan(update("x_y", {"a\nPLAN ok\x1b[2J": "x"}, {"a\nPLAN ok\x1b[2J": "y"})))
    assert "\n" not in verdict.findings[0].why and "\x1b" not in verdict.findings[0].why


@pytest.mark.parametrize(
    ("expressions", "unknown", "waits"),
    [
        ({}, {"id": True}, False),
        ({"name": {"constant_value": "x"}}, {"id": True}, False),
        ({"id": {"references": ["a.b"]}}, {"id": True}, True),
        ({"id": {}}, {"id": True}, True),
        ({"spec": [{"replicas": {"references": ["a.b"]}}]}, {"spec": [{"replicas": True}]}, True),
        ({"spec": [{"replicas": {"references": ["a.b"]}}]}, {"spec": [{"uid": True}]}, False),
        ({"spec": [{"pod": {"replicas": {}}}]}, {"spec": [{"pod": {"replicas": True}}]}, True),
        ({"spec": {"references": ["a.b"]}}, {"spec": [{"replicas": True}]}, True),
        (None, {"id": True}, False),
        (None, {"spec": True}, True),
    ],
)
def test_what_is_not_known_waits_where_the_configuration_sets_it(expressions: Any, unknown: Any, waits: bool) -> None:
    before = {"a": 1, "id": "i", "spec": [{"replicas": 3, "uid": "u", "pod": {"replicas": 1}}]}
    after = {"a": 1, "spec": [{"pod": {}}]} if "spec" in unknown else {"a": 1, "spec": before["spec"]}
    after = {**after, "id": "i"} if "id" not in unknown else after
    whole = plan(update("x_y", before, after, after_unknown=unknown))
    resource = whole["configuration"]["root_module"]["resources"][0]
    if expressions is None:
        whole["configuration"]["root_module"]["resources"] = []
    else:
        resource["expressions"] = expressions
    said = [f.why for f in judged(whole).findings if "known only after apply" in f.why]
    assert bool(said) == waits
