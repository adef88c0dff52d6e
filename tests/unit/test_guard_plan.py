"""PLAN rules: the JSON plan, held against everything that "0 to destroy" lets through (SECURITY.md, Rules)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.guard.plan import judge_plan, read_plan, summarise


def resource(*actions: str, **more: Any) -> dict[str, Any]:
    change = {"actions": list(actions), "before": None, "after": {}, **more.pop("change", {})}
    return {
        "address": "terraform_data.x",
        "mode": "managed",
        "type": "terraform_data",
        "name": "x",
        "change": change,
        **more,
    }


def plan(*resources: dict[str, Any], **more: Any) -> str:
    whole = {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "resource_changes": list(resources),
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }
    return json.dumps(whole)


def rules(shown: str, exit_code: int = 2) -> set[str]:
    return {finding.rule for finding in judge_plan(shown, exit_code, "web").findings}


@pytest.mark.parametrize("actions", [("create",), ("update",), ("no-op",), ("read",)])
def test_creates_and_updates_pass(actions: tuple[str, ...]) -> None:
    assert judge_plan("wrapper says hello\n" + plan(resource(*actions)) + "\nbye", 2, "web").word == "allow"


@pytest.mark.parametrize(
    ("shown", "rule"),
    [
        (plan(resource("delete")), "PLAN-02"),
        (plan(resource("delete", deposed="abc")), "PLAN-02"),
        (plan(resource("delete", "create")), "PLAN-02"),
        (plan(resource("create", "delete")), "PLAN-02"),
        (plan(resource("update"), resource("no-op"), resource("delete")), "PLAN-02"),
        (plan(resource("forget")), "PLAN-03"),
        (plan(resource("create", "forget")), "PLAN-03"),
        (plan(resource("transmogrify")), "PLAN-04"),
        (plan(resource("update", surprise=1)), "PLAN-04"),
        (plan(resource("update", change={"surprise": 1})), "PLAN-04"),
        (plan(resource("no-op", previous_address="terraform_data.old")), "PLAN-05"),
        (plan(resource("no-op", change={"importing": {"id": "i-1"}})), "PLAN-05"),
        (plan(resource("create", change={"generated_config": "resource {}"})), "PLAN-05"),
        (plan(resource("update"), action_invocations=[{}]), "PLAN-06"),
        (plan(resource("update"), deferred_changes=[{}]), "PLAN-06"),
        (plan(resource("update", action_reason="replace_because_tainted")), "PLAN-07"),
        (plan(resource("update"), complete=False), "PLAN-01"),
        (plan(resource("update"), errored=True), "PLAN-01"),
        (plan(resource("update"), applyable=False), "PLAN-01"),
        (plan(resource("update"), format_version="2.0"), "PLAN-01"),
        (plan(resource("update"), surprise=[]), "PLAN-01"),
    ],
)
def test_everything_else_is_blocked(shown: str, rule: str) -> None:
    assert rule in rules(shown)
    assert judge_plan(shown, 2, "web").word == "block"


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Plan: 1 to add, 0 to change, 0 to destroy.",
        plan(resource("update")) + "\n" + plan(resource("update")),
        '{"format_version":"1.2","resource_changes":[{"address":"a","change":{"actions":["update"]}}',
        plan(resource("update")).replace('"errored": false', '"errored": false, "errored": false'),
        '{"format_version":"1.2","resource_changes":{}}',
        '{"format_version":"1.2","resource_changes":[{"address":"a","change":{"actions":"delete"}}]}',
        '{"format_version":"1.2","resource_changes":[{"address":"a","change":{"actions":[]}}]}',
        '{"format_version":"1.2","resource_changes":[{"change":{"actions":["update"]}}]}',
        '{"format_version":' + "[" * 100_000,
    ],
)
def test_an_unreadable_plan_is_blocked(shown: str) -> None:
    assert rules(shown) == {"PLAN-01"}


@pytest.mark.parametrize("exit_code", [0, 1, 3, -1])
def test_only_a_plan_with_changes_is_let_through(exit_code: int) -> None:
    assert rules(plan(resource("update")), exit_code) == {"PLAN-01"}


def test_the_reason_never_holds_what_the_plan_holds() -> None:
    shown = plan(resource("update", change={"after": {"password": "hunter2hunter2"}}), surprise="hunter2hunter2") + "}"
    assert "hunter2" not in str(judge_plan(shown, 2, "web"))
    shown = plan(resource("delete", change={"before": {"password": "hunter2hunter2"}}))
    assert "hunter2" not in str(judge_plan(shown, 2, "web"))


def test_summary_names_addresses_and_leaves_out_what_stays() -> None:
    shown = plan(resource("create"), resource("no-op", address="terraform_data.y"))
    assert summarise(read_plan(shown)) == ["create terraform_data.x"]
