"""Every PLAN rule with plans that trip it and plans that it lets through."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from app.guard.plan import RULES
from tests.guard.plan.made import POLICY, found, judged, plan, row, update

A, B = "needs-approval", "block"
Plan = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """A plan and what the rule says to it: a decision, or None where it has nothing to say."""

    rule: str
    name: str
    plan: Plan
    decision: str | None
    more: dict[str, Any] = field(default_factory=dict)


def trips(rule: str, name: str, whole: Plan, decision: str = B, **more: Any) -> Case:
    return Case(rule, name, whole, decision, more)


def passes(rule: str, name: str, whole: Plan, **more: Any) -> Case:
    return Case(rule, name, whole, None, more)


def edited(whole: Plan, edit: Callable[[Plan], Any]) -> Plan:
    edit(whole)
    return whole


def configuration(**resource: Any) -> Plan:
    """A configuration with one resource terraform_data.x, with these keys more."""
    one = {"address": "terraform_data.x", "mode": "managed", "type": "terraform_data", "name": "x", **resource}
    return {
        "provider_config": {"terraform": {"full_name": "terraform.io/builtin/terraform"}},
        "root_module": {"resources": [one]},
    }


def with_configuration(*rows: Any, provider: Any = None, calls: Any = None, **resource: Any) -> Plan:
    made = configuration(**resource)
    made["provider_config"] |= provider or {}
    made["root_module"] |= {"module_calls": calls} if calls else {}
    return plan(*rows, configuration=made)


def with_data(*names: str, rows: Any = (), **expressions: Any) -> Plan:
    """A plan that has read these data sources already."""
    whole = plan(*(rows or [row("update")]))
    values = whole["prior_state"]["values"]["root_module"]["resources"]
    settings = whole["configuration"]["root_module"]["resources"]
    for name in names:
        one = {"address": f"data.http.{name}", "mode": "data", "type": "http", "name": name}
        values.append(one)
        settings.append({**one, "expressions": expressions})
    return whole


EXEC = [{"type": "local-exec", "expressions": {"command": {"constant_value": "id"}}}]
VAULT = {"vault": {"name": "vault", "full_name": "registry.terraform.io/hashicorp/vault"}}
CALL = {"m": {"source": "./m", "module": {}}}
OUTPUT = {
    "actions": ["update"],
    "before": 1,
    "after": 2,
    "after_unknown": False,
    "before_sensitive": False,
    "after_sensitive": False,
}
DRIFT = row("update", address="terraform_data.y")
MANIFEST = {"manifest": {"apiVersion": "v1", "kind": "ConfigMap"}}


def manifest(kind: str) -> Plan:
    return plan(
        update("kubernetes_manifest", {"manifest": {"kind": kind, "n": 1}}, {"manifest": {"kind": kind, "n": 2}})
    )


def failing(status: str) -> Plan:
    return plan(
        row("update"), checks=[{"address": {"kind": "check", "name": "k", "to_display": "check.k"}, "status": status}]
    )


CASES = [
    passes("PLAN-01", "a whole plan", plan(row("update"))),
    passes("PLAN-01", "exit code not known, nothing to do", plan(row("no-op"), applyable=False), exit_code=None),
    passes("PLAN-01", "exit code not known", plan(row("update")), exit_code=None),
    passes("PLAN-01", "a later 1.x", plan(row("update"), format_version="1.12")),
    *(
        trips("PLAN-01", f"{key}={value}", plan(row("update"), **{key: value}))
        for key, value in [
            ("complete", False),
            ("complete", None),
            ("errored", True),
            ("errored", "false"),
            ("applyable", False),
            ("applyable", 1),
            ("format_version", "2.0"),
            ("format_version", "10.1"),
            ("format_version", 1.2),
            ("format_version", "1.2.3"),
            ("format_version", "1.2\n"),
            ("terraform_version", ""),
            ("terraform_version", None),
            ("terraform_version", 1),
            ("surprise", []),
            ("resource_changes", []),
            ("resource_changes", None),
        ]
    ),
    trips(
        "PLAN-01",
        "applyable is false with an effect, exit code not known",
        plan(row("update"), applyable=False),
        exit_code=None,
    ),
    trips("PLAN-01", "exit code 0", plan(row("no-op")), exit_code=0),
    trips("PLAN-01", "exit code 1", plan(row("update")), exit_code=1),
    trips("PLAN-01", "exit code -1", plan(row("update")), exit_code=-1),
    trips("PLAN-01", "exit code 2 without an effect", plan(row("no-op"))),
    trips(
        "PLAN-01",
        "an instance of the state without a change",
        edited(plan(row("update"), row("no-op", address="a.b")), lambda p: p["resource_changes"].pop()),
    ),
    trips("PLAN-01", "an address twice", plan(row("update"), row("update"))),
    passes("PLAN-02", "create", plan(row("create"))),
    passes("PLAN-02", "update", plan(row("update"))),
    *(
        trips("PLAN-02", " ".join(actions), plan(row(*actions)))
        for actions in [
            ["delete"],
            ["delete", "create"],
            ["create", "delete"],
            ["update", "delete"],
            ["delete", "delete"],
        ]
    ),
    trips("PLAN-02", "deposed", plan(row("update"), row("delete", deposed="0badcafe"))),
    trips("PLAN-02", "data", plan(row("delete", address="data.http.x"))),
    trips(
        "PLAN-02", "the last of many", plan(row("update"), row("no-op", address="a.b"), row("delete", address="a.c"))
    ),
    passes("PLAN-03", "update", plan(row("update"))),
    trips("PLAN-03", "forget", plan(row("forget"))),
    trips("PLAN-03", "create and forget", plan(row("create", "forget"))),
    passes(
        "PLAN-04",
        "every key of a row",
        plan(row("update", index=0, module_address="module.m", change={"before_identity": {}, "replace_paths": []})),
    ),
    *(
        trips("PLAN-04", verb, plan(row(verb)))
        for verb in ["transmogrify", "Create", "create ", "cre\u0430te", "invoke", "open"]
    ),
    trips("PLAN-04", "known verbs in an unknown list", plan(row("create", "update"))),
    trips("PLAN-04", "a key of a row", plan(row("update", surprise=1))),
    trips("PLAN-04", "a key of a change", plan(row("update", change={"surprise": 1}))),
    trips("PLAN-04", "a key of drift", plan(row("update"), resource_drift=[{**DRIFT, "surprise": 1}])),
    trips("PLAN-04", "a key of an output", plan(row("update"), output_changes={"o": {**OUTPUT, "surprise": 1}})),
    trips(
        "PLAN-04", "a verb of an output", plan(row("update"), output_changes={"o": {**OUTPUT, "actions": ["publish"]}})
    ),
    trips("PLAN-04", "a key of a check", plan(row("update"), checks=[{"status": "pass", "surprise": 1}])),
    trips("PLAN-04", "a key of a configured resource", with_configuration(row("update"), provisionerz=EXEC)),
    trips("PLAN-04", "a key of a module call", with_configuration(row("update"), calls={"m": {**CALL["m"], "git": 1}})),
    trips("PLAN-04", "a key of a provider", with_configuration(row("update"), provider={"x": {"exec": 1}})),
    trips("PLAN-04", "a key of the prior state", edited(plan(row("update")), lambda p: p["prior_state"].update(x=1))),
    trips(
        "PLAN-04",
        "a key of an instance",
        edited(plan(row("update")), lambda p: p["planned_values"]["root_module"]["resources"][0].update(x=1)),
    ),
    trips(
        "PLAN-04",
        "a key of a child module",
        edited(
            plan(row("update")), lambda p: p["planned_values"]["root_module"].update(child_modules=[{"resource": []}])
        ),
    ),
    trips(
        "PLAN-04", "a key of the configuration", edited(plan(row("update")), lambda p: p["configuration"].update(x=1))
    ),
    trips(
        "PLAN-04",
        "a key of the root module",
        edited(plan(row("update")), lambda p: p["configuration"]["root_module"].update(actions=[])),
    ),
    trips("PLAN-04", "a mode", plan(row("update", mode="ephemeral"))),
    trips("PLAN-04", "a no-op that changes", plan(row("no-op", change={"after": {"input": 2}}))),
    trips("PLAN-04", "a create of what is there", plan(row("create", change={"before": {"input": 2}}))),
    trips("PLAN-04", "a data source that is created", plan(row("create", address="data.http.x"))),
    trips("PLAN-04", "a resource that is read", plan(row("read"))),
    passes(
        "PLAN-05",
        "null",
        plan(row("update", change={"importing": None, "generated_config": None}, previous_address=None)),
    ),
    trips("PLAN-05", "moved", plan(row("update"), row("no-op", address="a.b", previous_address="a.c"))),
    trips("PLAN-05", "imported", plan(row("update"), row("no-op", address="a.b", change={"importing": {"id": "i"}}))),
    trips("PLAN-05", "imported by an unknown id", plan(row("update", change={"importing": {}}))),
    trips("PLAN-05", "generated", plan(row("create", change={"generated_config": "resource {}"}))),
    trips(
        "PLAN-05", "moved while it drifted", plan(row("update"), resource_drift=[{**DRIFT, "previous_address": "a.c"}])
    ),
    passes(
        "PLAN-06",
        "empty",
        plan(row("update"), deferred_changes=[], action_invocations=[], deferred_action_invocations=[]),
    ),
    *(
        trips("PLAN-06", key, plan(row("update"), **{key: [{}]}))
        for key in ("deferred_changes", "deferred_action_invocations", "action_invocations")
    ),
    passes("PLAN-07", "no reason", plan(row("update", action_reason=None))),
    *(
        trips("PLAN-07", reason, plan(row("update", action_reason=reason)))
        for reason in [
            "replace_because_tainted",
            "replace_by_triggers",
            "replace_by_request",
            "replace_because_cannot_update",
            "delete_because_no_module",
            "delete_because_each_key",
            "because_i_can",
            "READ_because_config_unknown",
        ]
    ),
    trips("PLAN-07", "arguments that force", plan(row("update", change={"replace_paths": [["input"]]}))),
    trips(
        "PLAN-07", "a read", plan(row("read", address="data.http.x", action_reason="read_because_config_unknown")), A
    ),
    passes("PLAN-08", "known already", with_data("x")),
    trips("PLAN-08", "read during apply", plan(row("read", address="data.http.x")), A),
    passes("PLAN-09", "expected", plan(row("update")), expected={"terraform_data.x"}),
    passes(
        "PLAN-09",
        "an instance of what is expected",
        plan(row("update", address='terraform_data.x["a.b]"]')),
        expected=["terraform_data.x"],
    ),
    passes(
        "PLAN-09",
        "in an expected module",
        plan(row("update", address='module.m["k"].module.n.terraform_data.x[0]')),
        expected=["module.m"],
    ),
    passes("PLAN-09", "no diff is known", plan(row("create", address="terraform_data.other"))),
    passes("PLAN-09", "a type that the TODO may create", plan(row("create", address="aws_cloudwatch_metric_alarm.x"))),
    passes(
        "PLAN-09",
        "any type where no TODO is known",
        plan(row("create", address="aws_instance.x")),
        policy=replace(POLICY, todo_type=None),
    ),
    passes("PLAN-09", "an object that is not delicate", manifest("ConfigMap")),
    passes("PLAN-09", "a no-op of rights", plan(row("update"), row("no-op", address="kubernetes_role_binding.x"))),
    trips("PLAN-09", "another resource", plan(row("update")), A, expected={"terraform_data.y"}),
    trips(
        "PLAN-09", "a longer name", plan(row("update", address="terraform_data.xy")), A, expected={"terraform_data.x"}
    ),
    trips("PLAN-09", "nothing is expected", plan(row("update")), A, expected=()),
    trips("PLAN-09", "a type that is not on the list", plan(row("create", address="aws_instance.x")), A),
    trips("PLAN-09", "a type of another TODO type", plan(row("create", address="betteruptime_monitor.x")), A),
    trips("PLAN-09", "no list for this TODO type", plan(row("create")), A, policy=replace(POLICY, creates={})),
    *(
        trips("PLAN-09", f"{verb} {kind}", plan(row(verb, address=f"{kind}.x")), policy=replace(POLICY, todo_type=None))
        for verb in ("create", "update")
        for kind in [
            "kubernetes_cluster_role_binding",
            "kubernetes_cluster_role_binding_v1",
            "kubernetes_role",
            "kubernetes_secret_v1",
            "kubernetes_ingress_v1",
            "kubernetes_network_policy",
            "kubernetes_validating_webhook_configuration_v1",
            "kubernetes_service_account",
            "aws_iam_role",
            "google_project_iam_member",
            "aws_security_group_rule",
            "vault_policy",
            "aws_secretsmanager_secret_version",
            "github_repository_webhook",
            "aws_lb_listener_certificate",
            "null_resource",
            "google_compute_firewall",
            "azurerm_role_assignment",
            "aws_s3_bucket_policy",
            "authentik_user",
            "local_file",
        ]
    ),
    *(
        trips("PLAN-09", f"object {kind}", manifest(kind))
        for kind in [
            "ClusterRoleBinding",
            "Secret",
            "Ingress",
            "ClusterPolicy",
            "MutatingWebhookConfiguration",
            "IngressRoute",
            "CiliumNetworkPolicy",
            "CustomResourceDefinition",
        ]
    ),
    trips(
        "PLAN-09",
        "an object in YAML",
        plan(update("kubectl_manifest", {"yaml_body": "kind: Role\n"}, {"yaml_body": "kind: ConfigMap\n"})),
    ),
    trips(
        "PLAN-09",
        "an object in a list",
        plan(update("kubernetes_manifest", MANIFEST, {"manifest": {"kind": "List", "items": [{"kind": "Role"}]}})),
    ),
    trips(
        "PLAN-09",
        "an object that cannot be read",
        plan(update("kubectl_manifest", {"yaml_body": "kind: A\n"}, {"yaml_body": "kind: [\n"})),
    ),
    trips("PLAN-09", "an object without a kind", plan(row("update", address="kubernetes_manifest.x"))),
    passes(
        "PLAN-10",
        "three of each",
        plan(*(row(v, address=f"terraform_data.{v}{i}") for v in ("create", "update") for i in range(3))),
    ),
    trips("PLAN-10", "four creates", plan(*(row("create", address=f"terraform_data.x[{i}]") for i in range(4))), A),
    trips("PLAN-10", "four updates", plan(*(row("update", address=f"terraform_data.x[{i}]") for i in range(4))), A),
    trips("PLAN-10", "a narrower policy", plan(row("update")), A, policy=replace(POLICY, most_updates=0)),
    passes(
        "PLAN-11", "elsewhere", plan(row("update"), row("no-op", address="terraform_data.y"), resource_drift=[DRIFT])
    ),
    trips("PLAN-11", "where the plan changes it back", plan(row("update"), resource_drift=[row("update")]), A),
    trips("PLAN-11", "deleted", plan(row("update"), resource_drift=[row("delete", address="a.b")]), A),
    trips("PLAN-11", "nothing but drift", plan(row("no-op"), resource_drift=[row("update")]), A, exit_code=None),
    passes("PLAN-12", "no-op", plan(row("update"), output_changes={"o": {**OUTPUT, "actions": ["no-op"]}})),
    trips("PLAN-12", "update", plan(row("update"), output_changes={"o": OUTPUT}), A),
    trips("PLAN-12", "create", plan(row("update"), output_changes={"o": {**OUTPUT, "actions": ["create"]}}), A),
    trips("PLAN-12", "delete", plan(row("update"), output_changes={"o": {**OUTPUT, "actions": ["delete"]}})),
    trips(
        "PLAN-12",
        "mark goes",
        plan(row("update"), output_changes={"o": {**OUTPUT, "actions": ["no-op"], "before_sensitive": True}}),
    ),
    passes("PLAN-13", "pass", failing("pass")),
    passes("PLAN-13", "unknown", failing("unknown")),
    trips("PLAN-13", "fail", failing("fail")),
    trips("PLAN-13", "error", failing("error")),
    trips("PLAN-13", "no status", plan(row("update"), checks=[{}])),
    passes(
        "PLAN-14",
        "the same as before",
        with_configuration(row("update"), provisioners=EXEC),
        baseline=with_configuration(row("no-op"), provisioners=EXEC),
    ),
    passes(
        "PLAN-14",
        "the built-in provider for the first time",
        plan(row("create")),
        baseline=edited(plan(row("no-op", address="a.b")), lambda p: p["configuration"].pop("provider_config")),
    ),
    passes("PLAN-14", "none at all", with_configuration(row("create"))),
    passes(
        "PLAN-14",
        "other arguments of a module",
        with_configuration(row("update"), calls={"m": {**CALL["m"], "expressions": {"n": {"constant_value": 2}}}}),
        baseline=with_configuration(row("no-op"), calls=CALL),
    ),
    trips("PLAN-14", "on create", with_configuration(row("create"), provisioners=EXEC)),
    trips("PLAN-14", "on update, no baseline", with_configuration(row("update"), provisioners=EXEC)),
    trips(
        "PLAN-14",
        "on create, in the baseline too",
        with_configuration(row("create", address="terraform_data.x[1]"), provisioners=EXEC),
        baseline=with_configuration(row("no-op", address="terraform_data.x[0]"), provisioners=EXEC),
    ),
    trips(
        "PLAN-14",
        "added",
        with_configuration(row("update"), provisioners=EXEC),
        baseline=with_configuration(row("no-op")),
    ),
    trips(
        "PLAN-14",
        "removed",
        with_configuration(row("update")),
        baseline=with_configuration(row("no-op"), provisioners=EXEC),
    ),
    trips(
        "PLAN-14",
        "in a module",
        with_configuration(
            row("update"),
            calls={
                "m": {"source": "./m", "module": {"resources": [{"address": "terraform_data.y", "provisioners": EXEC}]}}
            },
        ),
        baseline=with_configuration(
            row("no-op"), calls={"m": {"source": "./m", "module": {"resources": [{"address": "terraform_data.y"}]}}}
        ),
    ),
    trips(
        "PLAN-14",
        "a new provider",
        with_configuration(row("update"), provider=VAULT),
        baseline=with_configuration(row("no-op")),
    ),
    trips(
        "PLAN-14",
        "a provider with other arguments",
        with_configuration(
            row("update"),
            provider={"vault": {**VAULT["vault"], "expressions": {"address": {"constant_value": "http://x"}}}},
        ),
        baseline=with_configuration(row("no-op"), provider=VAULT),
    ),
    trips(
        "PLAN-14",
        "the built-in provider with arguments",
        with_configuration(
            row("update"), provider={"t": {"full_name": "terraform.io/builtin/terraform", "expressions": {"x": {}}}}
        ),
        baseline=with_configuration(row("no-op")),
    ),
    trips(
        "PLAN-14",
        "a provider that only a change names",
        plan(row("create", provider_name="registry.terraform.io/evil/foo")),
        baseline=plan(row("no-op", address="a.b")),
    ),
    trips(
        "PLAN-14",
        "a new module",
        with_configuration(row("update"), calls=CALL),
        baseline=with_configuration(row("no-op")),
    ),
    trips(
        "PLAN-14",
        "a module that goes",
        with_configuration(row("update")),
        baseline=with_configuration(row("no-op"), calls=CALL),
    ),
    trips(
        "PLAN-14",
        "a module from elsewhere",
        with_configuration(row("update"), calls={"m": {**CALL["m"], "source": "git::https://x"}}),
        baseline=with_configuration(row("no-op"), calls=CALL),
    ),
    passes("PLAN-15", "read before too", with_data("x"), baseline=with_data("x", rows=[row("no-op")])),
    passes("PLAN-15", "no baseline", with_data("x")),
    trips("PLAN-15", "new", with_data("x", "y"), baseline=with_data("x", rows=[row("no-op")])),
    trips(
        "PLAN-15",
        "asked something else",
        with_data("x", url={"constant_value": "http://e"}),
        A,
        baseline=with_data("x", rows=[row("no-op")]),
    ),
    passes("PLAN-16", "a number", plan(row("update"))),
    trips(
        "PLAN-16",
        "replicas",
        plan(update("kubernetes_deployment", {"spec": [{"replicas": "3"}]}, {"spec": [{"replicas": "0"}]})),
        A,
    ),
    trips(
        "PLAN-16",
        "a mark goes",
        plan(
            update("terraform_data", {"input": {"a": 1}}, {"input": {"a": 2}}, before_sensitive={"input": {"a": True}})
        ),
    ),
    passes("PLAN-17", "no text", plan(row("update"))),
    passes(
        "PLAN-17",
        "the same counts",
        plan(row("create", address="a.b"), row("update")),
        text="x\n\x1b[1mPlan:\x1b[0m 1 to add, 1 to change, 0 to destroy.\n",
    ),
    passes("PLAN-17", "nothing to count", plan(row("no-op"), output_changes={"o": OUTPUT}), text="Changes to Outputs:"),
    passes(
        "PLAN-17", "a replacement", plan(row("delete", "create")), text="Plan: 1 to add, 0 to change, 1 to destroy."
    ),
    passes("PLAN-17", "an import", plan(row("update")), text="Plan: 1 to import, 0 to add, 1 to change, 0 to destroy."),
    trips("PLAN-17", "other counts", plan(row("delete")), text="Plan: 0 to add, 1 to change, 0 to destroy."),
    trips(
        "PLAN-17",
        "two lines",
        plan(row("update")),
        text="Plan: 0 to add, 1 to change, 0 to destroy.\nPlan: 0 to add, 0 to change, 1 to destroy.",
    ),
    trips("PLAN-17", "no line", plan(row("update")), text="No changes."),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.rule} {case.name}")
def test_the_rule_says(case: Case) -> None:
    assert found(judged(case.plan, **case.more)).get(case.rule) == case.decision


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_rule_trips_and_passes(rule: Any) -> None:
    cases = [case for case in CASES if case.rule == rule.id]
    assert any(case.decision == rule.decision for case in cases)
    assert any(case.decision is None for case in cases)


def test_the_table_is_complete_and_says_why() -> None:
    assert [rule.id for rule in RULES] == [f"PLAN-{number:02}" for number in range(1, 18)]
    for rule in RULES:
        assert rule.reads and rule.why and rule.through and not rule.through.endswith(".")


def test_a_verdict_lists_every_finding_with_its_stack() -> None:
    verdict = judged(plan(row("delete", address="a.b"), row("forget", address="a.c"), complete=False), exit_code=1)
    assert {"PLAN-01", "PLAN-02", "PLAN-03"} <= {finding.rule for finding in verdict.findings}
    assert len(verdict.findings) >= 4
    assert all(finding.where.startswith("web: ") for finding in verdict.findings)
