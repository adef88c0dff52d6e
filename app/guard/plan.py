"""What a Terraform plan may do: `terraform show -json` of the saved plan, against a table of rules.

The text that a plan prints is never read: it leaves out forgets, moves, imports and drift (SECURITY.md, Terraform).
Anything that this module does not know, a verb, a key, a format, blocks: a newer terraform must be read before it is
trusted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.guard.model import Finding, Verdict

Plan = dict[str, Any]
CHANGES_PRESENT = 2  # terraform plan -detailed-exitcode

_TOP_LEVEL = {
    "action_invocations", "applyable", "checks", "complete", "configuration", "deferred_action_invocations",
    "deferred_changes", "errored", "format_version", "output_changes", "planned_values", "prior_state",
    "relevant_attributes", "resource_changes", "resource_drift", "terraform_version", "timestamp", "variables",
}  # fmt: skip
_RESOURCE_KEYS = {
    "action_reason", "address", "change", "deposed", "index", "mode", "module_address", "name", "previous_address",
    "provider_name", "type",
}  # fmt: skip
_CHANGE_KEYS = {
    "actions", "after", "after_identity", "after_sensitive", "after_unknown", "before", "before_identity",
    "before_sensitive", "generated_config", "importing", "replace_paths",
}  # fmt: skip
_HARMLESS_VERBS = {"no-op", "create", "update", "read"}
_KNOWN_VERBS = _HARMLESS_VERBS | {"delete", "forget"}


@dataclass(frozen=True)
class PlanRule:
    """One row of the table: `check` yields (address, what was found) for everything that it does not let through."""

    id: str
    why: str
    check: Callable[[Plan], Iterator[tuple[str, str]]]


def _whole(plan: Plan) -> Iterator[tuple[str, str]]:
    if not str(plan.get("format_version", "")).startswith("1."):
        yield "plan", f"format_version {plan.get('format_version')!r} is not 1.x"
    for key, wanted in (("errored", False), ("complete", True), ("applyable", True)):
        if plan.get(key) is not wanted:
            yield "plan", f"{key} is {plan.get(key)!r}, must be {wanted!r}"
    for key in sorted(plan.keys() - _TOP_LEVEL):
        yield "plan", f"unknown key {key!r}"


def _destroys(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, resource in _resources(plan):
        verbs = _verbs(resource)
        if "delete" in verbs:
            yield address, "it would be replaced" if len(verbs) > 1 else "it would be destroyed"


def _forgets(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, resource in _resources(plan):
        if "forget" in _verbs(resource):
            yield address, "it would be dropped from the state while it lives on"


def _unknown(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, resource in _resources(plan):
        for verb in sorted(set(_verbs(resource)) - _KNOWN_VERBS):
            yield address, f"unknown action {verb!r}"
        for key in sorted((resource.keys() - _RESOURCE_KEYS) | (_change(resource).keys() - _CHANGE_KEYS)):
            yield address, f"unknown key {key!r}"


def _moves_and_imports(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, resource in _resources(plan):
        change = _change(resource)
        if resource.get("previous_address") is not None:
            yield address, f"it would move from {resource['previous_address']}"
        if change.get("importing") is not None:
            yield address, "it would be imported"
        if change.get("generated_config") is not None:
            yield address, "its configuration would be generated"


def _deferred(plan: Plan) -> Iterator[tuple[str, str]]:
    for key in ("deferred_changes", "deferred_action_invocations", "action_invocations"):
        if plan.get(key):
            yield "plan", f"{key} is not empty"


def _reasons(plan: Plan) -> Iterator[tuple[str, str]]:
    for address, resource in _resources(plan):
        reason = str(resource.get("action_reason") or "")
        if reason.startswith(("replace_", "delete_")):
            yield address, f"terraform's reason is {reason}"


RULES: tuple[PlanRule, ...] = (
    PlanRule("PLAN-01", "a plan that is not whole says nothing about what apply does", _whole),
    PlanRule("PLAN-02", "nothing is destroyed or replaced by machine", _destroys),
    PlanRule("PLAN-03", "nothing is forgotten by machine: it would run on without anybody's care", _forgets),
    PlanRule("PLAN-04", "what this version does not know, it does not allow", _unknown),
    PlanRule("PLAN-05", "moves, imports and generated configuration rewrite the state", _moves_and_imports),
    PlanRule("PLAN-06", "what is deferred or invoked later cannot be judged now", _deferred),
    PlanRule("PLAN-07", "terraform itself says that it would replace or delete", _reasons),
)


def judge_plan(shown: str, exit_code: int, stack: str) -> Verdict:
    """Judge what the wrapper printed for `show -json` of the saved plan of one stack.

    `exit_code` is that of `plan -detailed-exitcode`. A plan without changes is blocked too: the TODO asked for an
    effect, and an edit without one is either wrong or not finished.
    """
    try:
        plan = read_plan(shown)
    except ValueError as error:
        return Verdict((Finding("PLAN-01", stack, f"the plan cannot be read: {error}"),))
    findings = [
        Finding(rule.id, f"{stack}: {where}", f"{found}; {rule.why}")
        for rule in RULES
        for where, found in rule.check(plan)
    ]
    if exit_code != CHANGES_PRESENT:
        why = "the edit changes nothing in this stack" if exit_code == 0 else f"plan ended with exit code {exit_code}"
        findings.insert(0, Finding("PLAN-01", stack, why))
    return Verdict(tuple(findings))


def read_plan(shown: str) -> Plan:
    """The one line of the wrapper's output that is the plan, parsed strictly. Raises ValueError.

    Wrappers print before it (SECURITY.md, Terraform). No such line, two of them, a repeated key or a missing list of
    resource changes are errors. Never put the text into the message: it holds sensitive values in clear.
    """
    lines = [line for line in shown.splitlines() if line.startswith('{"format_version"')]
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} lines of its output begin as a JSON plan, exactly one must")
    try:
        plan = json.loads(lines[0], object_pairs_hook=_no_repeats)
    except (json.JSONDecodeError, RecursionError):
        raise ValueError("it is not JSON") from None
    changes = plan.get("resource_changes", [])
    if not isinstance(changes, list) or not all(_readable(c) for c in changes):
        raise ValueError("resource_changes is not a list of changes with actions")
    return plan  # type: ignore[no-any-return]


def summarise(plan: Plan) -> list[str]:
    """The plan for people: `create terraform_data.x` for everything that is not a no-op. Values are left out."""
    shown = ((address, _verbs(resource)) for address, resource in _resources(plan))
    return [f"{' and '.join(verbs)} {address}" for address, verbs in shown if verbs != ["no-op"]]


def _readable(resource: Any) -> bool:
    change = resource.get("change") if isinstance(resource, dict) else None
    verbs = change.get("actions") if isinstance(change, dict) else None
    named = isinstance(resource, dict) and isinstance(resource.get("address"), str)
    return named and isinstance(verbs, list) and bool(verbs) and all(isinstance(v, str) for v in verbs)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _resources(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((r["address"], r) for r in plan.get("resource_changes", []))


def _change(resource: dict[str, Any]) -> dict[str, Any]:
    change: dict[str, Any] = resource["change"]
    return change


def _verbs(resource: dict[str, Any]) -> list[str]:
    verbs: list[str] = resource["change"]["actions"]
    return verbs
