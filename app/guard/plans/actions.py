"""PLAN-01 to PLAN-08: is the plan whole, and what would it do to each resource?

An allow-list throughout: a verb, a key or a reason that is not known here blocks, since a newer terraform must be read
before it is trusted (SECURITY.md, Terraform).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Set
from typing import Any

from app.guard.model import Found, Policy
from app.guard.plans.read import (
    Plan,
    PlanFacts,
    Row,
    address_of,
    changes,
    configured,
    drifts,
    has_effect,
    known_before,
    module_calls,
    outputs,
    planned,
    providers,
    verbs,
    without_indexes,
)

_CHANGES_PRESENT = 2
_TOP_LEVEL = {
    "action_invocations", "applyable", "checks", "complete", "configuration", "deferred_action_invocations",
    "deferred_changes", "errored", "format_version", "output_changes", "planned_values", "prior_state",
    "relevant_attributes", "resource_changes", "resource_drift", "terraform_version", "timestamp", "variables",
}  # fmt: skip
_ROW = {
    "action_reason", "address", "change", "deposed", "index", "mode", "module_address", "name", "previous_address",
    "provider_name", "type",
}  # fmt: skip
_CHANGE = {
    "actions", "after", "after_identity", "after_sensitive", "after_unknown", "before", "before_identity",
    "before_sensitive", "generated_config", "importing", "replace_paths",
}  # fmt: skip
_CHECK = {"address", "instances", "status"}
_CONFIGURED = {
    "address", "count_expression", "depends_on", "expressions", "for_each_expression", "mode", "name",
    "provider_config_key", "provisioners", "schema_version", "type",
}  # fmt: skip
_CALL = {
    "count_expression", "depends_on", "expressions", "for_each_expression", "module", "source", "version_constraint",
}  # fmt: skip
_MODULE = {"module_calls", "outputs", "resources", "variables"}
_PROVIDER = {"alias", "expressions", "full_name", "module_address", "name", "version_constraint"}
_INSTANCE = {
    "address", "depends_on", "deposed_key", "identity", "identity_schema_version", "index", "mode", "name",
    "provider_name", "schema_version", "sensitive_values", "tainted", "type", "values",
}  # fmt: skip
_ACTIONS = (
    ["no-op"], ["create"], ["update"], ["read"], ["delete"], ["delete", "create"], ["create", "delete"], ["forget"],
    ["create", "forget"],
)  # fmt: skip
_READ_REASONS = {"read_because_config_unknown", "read_because_dependency_pending", "read_because_check_nested"}
_PLAN = "plan"


def whole(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-01: the plan is complete, of a known format, and says everything about what apply does."""
    plan = facts.plan
    yield from _exit(facts)
    if not re.fullmatch(r"1\.[0-9]+", _as_text(plan.get("format_version"))):
        yield Found(_PLAN, "format_version is not 1.x")
    if not re.fullmatch(r"[0-9]+\.[0-9]+\.[0-9]+[0-9a-zA-Z.+-]*", _as_text(plan.get("terraform_version"))):
        yield Found(_PLAN, "terraform_version is missing or no version")
    wanted = [("errored", False), ("complete", True)]
    if has_effect(plan) or facts.exit_code is not None:
        wanted.append(("applyable", True))
    for key, value in wanted:
        if plan.get(key) is not value:
            yield Found(_PLAN, f"{key} is not {str(value).lower()}")
    yield from _unknown_keys(_PLAN, plan, _TOP_LEVEL)
    yield from _left_out(plan)


def _exit(facts: PlanFacts) -> Iterator[Found]:
    if facts.exit_code == 0 or (facts.exit_code == _CHANGES_PRESENT and not has_effect(facts.plan)):
        yield Found(_PLAN, "the edit changes nothing in this stack")
    elif facts.exit_code not in (None, _CHANGES_PRESENT):
        yield Found(_PLAN, f"plan ended with exit code {facts.exit_code}")


def _left_out(plan: Plan) -> Iterator[Found]:
    """Instances before or after that no change speaks of, and addresses that two changes speak of."""
    seen: set[tuple[str, Any]] = set()
    for row in changes(plan):
        name = (row["address"], row.get("deposed"))
        if name in seen:
            yield Found(address_of(row), "resource_changes holds it twice")
        seen.add(name)
    for instance in (*planned(plan), *known_before(plan)):
        name = (instance["address"], instance.get("deposed_key"))
        if instance.get("mode") != "data" and name not in seen:
            yield Found(instance["address"], "resource_changes leaves it out")
            seen.add(name)


def destroys(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-02: delete in any list of actions, whatever stands beside it."""
    for row in changes(facts.plan):
        if "delete" in verbs(row):
            yield Found(address_of(row), "it would be replaced" if len(verbs(row)) > 1 else "it would be destroyed")


def forgets(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-03: forget in any list of actions."""
    for row in changes(facts.plan):
        if "forget" in verbs(row):
            yield Found(address_of(row), "it would be dropped from the state while it lives on")


def unknown(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-04: verbs, lists of verbs and keys that are not known, and values that do not fit the verb."""
    plan = facts.plan
    for row in changes(plan):
        yield from _row(row)
        yield from _misfit(row)
    for row in drifts(plan):
        yield from _row(row)
    for name, change in outputs(plan).items():
        yield from _verbs(f"output.{name}", change["actions"])
        yield from _unknown_keys(f"output.{name}", change, _CHANGE)
    for check in plan.get("checks") or []:
        yield from _unknown_keys("checks", check, _CHECK)
    for where, found, known in _walked(plan):
        yield from _unknown_keys(where, found, known)


def _row(row: Row) -> Iterator[Found]:
    where = address_of(row)
    yield from _verbs(where, verbs(row))
    yield from _unknown_keys(where, row, _ROW)
    yield from _unknown_keys(where, row["change"], _CHANGE)
    if row["mode"] not in ("managed", "data"):
        yield Found(where, "its mode is neither managed nor data")
    if without_indexes(row["address"]).split(".")[-2:-1] != [row["type"]]:
        yield Found(where, "its address is one of another type")


def _verbs(where: str, actions: list[str]) -> Iterator[Found]:
    if actions not in _ACTIONS:
        yield Found(where, f"unknown actions {', '.join(map(_shortened, actions))}")


def _misfit(row: Row) -> Iterator[Found]:
    change, actions = row["change"], verbs(row)
    if actions == ["no-op"] and change.get("before") != change.get("after"):
        yield Found(address_of(row), "it is called a no-op and its values differ")
    if actions == ["create"] and change.get("before") is not None:
        yield Found(address_of(row), "it is called a create and is there already")
    if (row["mode"] == "data") != (actions == ["read"]) and actions != ["no-op"] and "delete" not in actions:
        yield Found(address_of(row), "its mode and its action do not fit")


def _walked(plan: Plan) -> Iterator[tuple[str, dict[str, Any], Set[str]]]:
    """Everything else that rules read, with the keys that it may have."""
    configuration = plan.get("configuration") or {}
    yield "configuration", configuration, {"provider_config", "root_module"}
    yield "configuration", configuration.get("root_module") or {}, _MODULE
    for address, resource in configured(plan).items():
        yield address, resource, _CONFIGURED
    for address, call in module_calls(plan).items():
        yield address, call, _CALL
        yield address, call.get("module") or {}, _MODULE
    for key, provider in providers(plan).items():
        yield key, provider, _PROVIDER
    prior = plan.get("prior_state") or {}
    yield "prior_state", prior, {"checks", "format_version", "terraform_version", "values"}
    for name, values in (("planned_values", plan.get("planned_values")), ("prior_state", prior.get("values"))):
        waiting = [(values or {}).get("root_module") or {}]
        yield name, values or {}, {"outputs", "root_module"}
        while waiting:
            module = waiting.pop()
            yield name, module, {"address", "child_modules", "resources"}
            waiting += module.get("child_modules") or []
    for instance in (*planned(plan), *known_before(plan)):
        yield instance["address"], instance, _INSTANCE


def moves(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-05: move, import and generated configuration, on a no-op and on drift too."""
    for row in (*changes(facts.plan), *drifts(facts.plan)):
        change = row["change"]
        if row.get("previous_address") is not None:
            yield Found(address_of(row), f"it would move from {row['previous_address']}")
        if change.get("importing") is not None:
            yield Found(address_of(row), "it would be imported")
        if change.get("generated_config") is not None:
            yield Found(address_of(row), "its configuration would be generated")


def deferred(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-06: anything that is left for later, or invoked."""
    for key in ("deferred_changes", "deferred_action_invocations", "action_invocations"):
        if facts.plan.get(key):
            yield Found(_PLAN, f"{key} is not empty")


def reasons(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-07: terraform's own reasons; a read waits for a person, what is not known blocks."""
    for row in changes(facts.plan):
        reason = row.get("action_reason")
        if reason in _READ_REASONS:
            yield Found(address_of(row), f"terraform's reason is {reason}", "needs-approval")
        elif reason:
            yield Found(address_of(row), f"terraform's reason is {_shortened(reason)}")
        if row["change"].get("replace_paths"):
            yield Found(address_of(row), "some of its arguments force a replacement")


def reads(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-08: a data source that is read while the plan is applied."""
    for row in changes(facts.plan):
        if row["mode"] == "data" and verbs(row) != ["no-op"]:
            yield Found(address_of(row), "it would be read during apply, and nobody has seen what it says")


def _unknown_keys(where: str, found: dict[str, Any], known: Set[str]) -> Iterator[Found]:
    for key in sorted(found.keys() - known):
        yield Found(where, f"unknown key {_shortened(key)}")


def _shortened(word: str) -> str:
    return repr(word[:40])


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else ""
