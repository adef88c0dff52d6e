"""What a real terraform plans, judged: whatever text it prints, the verdict is the one that the event deserves."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest

from app.guard.plan import judge_plan, read_plan
from app.guard.plans.read import changes, has_effect
from tests.guard.plan.made import POLICY, found, judged, shown
from tests.guard.plan.real import FULLER, SCENARIOS, Planned, Plans, X, edited

A, B = "needs-approval", "block"
# Every scenario: what is found with the exit code, the baseline and the text at hand.
FINDINGS: dict[str, dict[str, str]] = {
    "create": {},
    "update": {},
    "delete": {"PLAN-02": B, "PLAN-07": B},
    "count to nothing": {"PLAN-02": B, "PLAN-07": B},
    "destroy": {"PLAN-02": B},
    "replace": {"PLAN-02": B, "PLAN-07": B},
    "replace, create first": {"PLAN-02": B, "PLAN-07": B},
    "replace by request": {"PLAN-02": B, "PLAN-07": B},
    "deposed": {"PLAN-02": B, "PLAN-07": B, "PLAN-14": B},
    "forget": {"PLAN-03": B, "PLAN-07": B},
    "move": {"PLAN-01": B, "PLAN-05": B},
    "import": {"PLAN-05": B},
    "check fails": {"PLAN-13": B},
    "check fails, nothing else": {"PLAN-01": B, "PLAN-13": B},
    "output": {"PLAN-12": A},
    "output goes": {"PLAN-12": B},
    "output unmarked": {"PLAN-12": B},
    "targeted": {"PLAN-01": B},
    "errored": {"PLAN-01": B, "PLAN-13": B},
    "empty": {"PLAN-01": B},
    "refresh only": {"PLAN-01": B},
    "prevent_destroy removed": {"PLAN-01": B},
    "prevent_destroy goes with its block": {"PLAN-02": B, "PLAN-07": B},
    "provisioner on create": {"PLAN-14": B},
    "provisioner added": {"PLAN-14": B},
    "provisioner kept": {},
    "data source added": {"PLAN-15": B},
    "data source changed": {"PLAN-15": A},
    "data source during apply": {"PLAN-07": A, "PLAN-08": A},
    "module source": {"PLAN-01": B, "PLAN-14": B},
    "five creates": {"PLAN-10": A},
    "mark removed": {"PLAN-16": B},
    "secret beside it": {},
}
RULES_YAML = """
resource "terraform_data" "rules" {
  input = yamlencode({ groups = [{ name = "nodes", rules = [for name, expr in {
    %s
  } : { alert = name, expr = expr, for = "5m" }] }] })
}
"""
MOUNT = 'resource "terraform_data" "nfs" { input = { path = "/srv", mount_options = "%s" } }\n'
MONITORS = 'resource "terraform_data" "monitors" { input = [%s] }\n'
HONEST = {
    "rule added": (RULES_YAML % 'Down = "up == 0"', RULES_YAML % 'Down = "up == 0", Full = "disk > 85"'),
    "threshold": (RULES_YAML % 'Full = "disk > 85"', RULES_YAML % 'Full = "disk > 90"'),
    "timeout": (X.replace("threshold", "timeout"), FULLER.replace("threshold", "timeout")),
    "mount option": (MOUNT % "hard,timeo=600", MOUNT % "soft,timeo=150,retrans=3"),
    "monitor": (MONITORS % '"wiki: http every 60 s"', MONITORS % '"wiki: http every 60 s", "git: tcp every 60 s"'),
    "argument": (X, X.replace("threshold", 'window = "5m", threshold')),
}
HARMFUL = {
    "rule goes": (RULES_YAML % 'Down = "up == 0", Full = "disk > 85"', RULES_YAML % 'Down = "up == 0"'),
    "rule blinded": (RULES_YAML % 'Full = "disk > 85"', RULES_YAML % 'Full = "vector(0)"'),
    "threshold out of reach": (RULES_YAML % 'Full = "disk > 85"', RULES_YAML % 'Full = "disk > 1e9"'),
    "monitor goes": (MONITORS % '"wiki: http", "git: tcp"', MONITORS % '"git: tcp"'),
    "replicas": (X.replace("threshold", "replicas"), X.replace("threshold = 85", "replicas = 0")),
    "image": (X.replace("text", "image"), X.replace('text = "disk', 'image = "evil')),
    "not known yet, of functions alone": (X, X.replace("{ threshold = 85", "{ threshold = uuid()")),
    "not known yet": (X, X.replace("85", "terraform_data.y.id") + 'resource "terraform_data" "y" {}\n'),
}  # fmt: skip


def verdict(planned: Planned, **more: Any) -> dict[str, str]:
    given = {"baseline": planned.baseline, "text": planned.text, **more}
    return found(judge_plan(planned.shown, planned.exit_code, "web", POLICY, **given))


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_event_is_recognised(name: str, plans: Plans) -> None:
    assert verdict(plans[name]) == FINDINGS[name]


def test_the_text_would_have_let_much_of_it_through(plans: Plans) -> None:
    said = {name for name in SCENARIOS if FINDINGS[name] and " to destroy." in plans[name].text}
    assert {"forget", "import", "check fails", "provisioner added", "mark removed"} <= said
    for name in ("forget", "import", "check fails", "provisioner added", "mark removed"):
        assert "0 to destroy" in plans[name].text


@pytest.mark.parametrize(
    "name", sorted({n for n, f in FINDINGS.items() if "PLAN-02" in f or "PLAN-03" in f or "PLAN-05" in f})
)
def test_what_destroys_or_moves_is_blocked_with_nothing_but_the_plan_at_hand(name: str, plans: Plans) -> None:
    verdict = judge_plan(plans[name].shown, None, "web", replace(POLICY, todo_type=None))
    assert verdict.word == "block"


@pytest.mark.parametrize("name", ["empty", "prevent_destroy removed", "module source"])
def test_nothing_to_do_passes_where_the_exit_code_is_not_known(name: str, plans: Plans) -> None:
    assert judge_plan(plans[name].shown, None, "web", POLICY).allows


@pytest.mark.parametrize("name", HONEST)
def test_honest_edits_pass(name: str, plans: Plans) -> None:
    planned = plans.make(f"honest {name}", edited(*HONEST[name]))
    assert verdict(planned, expected=["terraform_data.other"]) == {"PLAN-09": A}
    address = changes(planned.json)[0]["address"]
    assert verdict(planned, expected=[address]) == {}


@pytest.mark.parametrize("name", HARMFUL)
def test_harm_that_destroys_nothing_waits(name: str, plans: Plans) -> None:
    planned = plans.make(f"harmful {name}", edited(*HARMFUL[name]))
    assert "0 to destroy" in planned.text
    assert verdict(planned) == {"PLAN-16": A}


def test_drift_that_the_plan_would_undo_waits(plans: Plans) -> None:
    """The built-in provider never drifts, so terraform's own update is told as drift too."""
    whole = plans["update"].json
    drift = copy.deepcopy(whole["resource_changes"][0])
    assert found(judged({**whole, "resource_drift": [drift]})) == {"PLAN-11": A}
    drift["change"]["actions"] = ["delete"]
    assert found(judged({**whole, "resource_drift": [drift]})) == {"PLAN-11": A}


def test_every_real_plan_can_be_read_and_has_the_effect_that_its_exit_code_says(plans: Plans) -> None:
    for name in SCENARIOS:
        plan = read_plan("wrapper\n" + plans[name].shown)
        assert has_effect(plan) == (plans[name].exit_code == 2) or name in ("move", "errored"), name
    assert shown(plans["update"].json) == plans["update"].shown.strip()
