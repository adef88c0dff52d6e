"""PLAN-09 to PLAN-15 and PLAN-17: is it what the judged diff asked for, and nothing beside it?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from app.guard.catalogue import holds_any_object, matches, never_by_machine
from app.guard.model import Found, Policy
from app.guard.plans.read import (
    Plan,
    PlanFacts,
    Row,
    address_of,
    changes,
    configured,
    configured_outputs,
    drifts,
    has_effect,
    known_before,
    module_calls,
    outputs,
    providers,
    verbs,
    without_indexes,
)
from app.guard.plans.text import documents

_BUILT_IN = "terraform.io/builtin/terraform"
_CALL_ITSELF = ("source", "version_constraint", "count_expression", "for_each_expression", "depends_on")
_COUNTS = re.compile(r"^Plan: (?:(\d+) to import, )?(\d+) to add, (\d+) to change, (\d+) to destroy\.", re.MULTILINE)
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def scope(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-09: creates and updates are of resources that the diff touches, and of types that a machine may touch."""
    for row in changes(facts.plan):
        if row["mode"] == "data" or not {"create", "update"} & set(verbs(row)):
            continue
        if why := never_by_machine(row["type"], _objects_in(row)):
            yield Found(address_of(row), why, "block")
        if facts.expected is not None and not _expected(row["address"], facts.expected):
            yield Found(address_of(row), "the edit does not touch it, and the plan does")
        if policy.todo_type is not None and "create" in verbs(row):
            allowed = policy.creates.get(policy.todo_type, ())
            if not matches(row["type"], allowed):
                yield Found(address_of(row), f"creating {row['type']} is not on the list of {policy.todo_type}")


def limits(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-10: how many resources one TODO may create and update."""
    managed = [row for row in changes(facts.plan) if row["mode"] != "data"]
    for verb, most in (("create", policy.most_creates), ("update", policy.most_updates)):
        count = sum(verb in verbs(row) for row in managed)
        if count > most:
            yield Found("plan", f"it would {verb} {count} resources, and {most} is the most")


def drifted(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-11: what drifted and was deleted or would be changed, and plans that only take drift into the state."""
    touched = {row["address"] for row in changes(facts.plan) if verbs(row) != ["no-op"]}
    for row in drifts(facts.plan):
        if "delete" in verbs(row):
            yield Found(address_of(row), "somebody deleted it outside of terraform")
        elif row["address"] in touched:
            yield Found(address_of(row), "somebody changed it outside of terraform, and the plan would change it back")
        elif not has_effect(facts.plan):
            yield Found(address_of(row), "the plan only takes into the state what somebody changed outside of it")


def output_changes(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-12: outputs; one that goes, or that is no longer marked as sensitive, blocks."""
    for name, change in outputs(facts.plan).items():
        where = f"output.{name}"
        if "delete" in change["actions"]:
            yield Found(where, "it would go, and others may read it", "block")
        elif change["actions"] != ["no-op"]:
            yield Found(where, "its value would change, and others may read it")
        if change.get("before_sensitive") is True and not _stays_sensitive(facts.plan, name, change):
            yield Found(where, "it would no longer be marked as sensitive", "block")


def _stays_sensitive(plan: Plan, name: str, change: dict[str, Any]) -> bool:
    """Terraform calls both sides sensitive when one is; only the configuration says what comes."""
    declared = configured_outputs(plan).get(name, {"sensitive": True})
    return change.get("after_sensitive") is True and declared.get("sensitive") is True


def checks(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-13: conditions of the configuration that do not hold; terraform exits with 0 or 2 all the same."""
    for check in facts.plan.get("checks") or []:
        instances = check.get("instances")
        found = [check, *(instances if isinstance(instances, list) else [])]
        if any(not isinstance(one, dict) or one.get("status") not in ("pass", "unknown") for one in found):
            address = check.get("address")
            name = address.get("to_display") if isinstance(address, dict) else None
            yield Found(str(name or "check")[:200], "this check does not hold")


def programs(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-14: provisioners, providers and module sources are those of the base commit; none runs unseen."""
    new = configured(facts.plan)
    touched = {without_indexes(r["address"]): verbs(r) for r in changes(facts.plan) if verbs(r) != ["no-op"]}
    for address, actions in touched.items():
        runs = "create" in actions or facts.baseline is None
        if runs and new.get(address, {}).get("provisioners"):
            yield Found(address, "provisioners run programs when it is created or destroyed")
    if facts.baseline is None:
        return
    old = configured(facts.baseline)
    for address in sorted(new.keys() | old.keys()):
        if _differ(old, new, address, ("provisioners",)):
            yield Found(address, "its provisioners are not those of the base commit")
    yield from _other_providers(facts.plan, facts.baseline)
    calls, old_calls = module_calls(facts.plan), module_calls(facts.baseline)
    for address in sorted(calls.keys() | old_calls.keys()):
        if (address in calls) != (address in old_calls) or _differ(old_calls, calls, address, _CALL_ITSELF):
            yield Found(address, "this module call is not that of the base commit")


def _other_providers(plan: Plan, baseline: Plan) -> Iterator[Found]:
    new, old = providers(plan), providers(baseline)
    for key in sorted(new.keys() | old.keys()):
        found = new.get(key) or old[key]
        plain = found.get("full_name") == _BUILT_IN and not found.get("expressions")
        if not _same(new.get(key), old.get(key)) and not plain:
            yield Found(f"provider {key}", "it is not configured as in the base commit")
    missing = {row.get("provider_name") for row in changes(plan)} - {_BUILT_IN, None}
    known = {str(provider.get("full_name")) for provider in old.values()}
    for name in sorted(str(name) for name in missing - known if old):
        yield Found(f"provider {name}", "the base commit does not use it")


def sources(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-15: data sources that the plan itself has read, against those of the base commit.

    A new one blocks: reading it has already sent or fetched something. Other arguments of an old one wait.
    """
    if facts.baseline is None:
        return
    old = {r["address"] for r in known_before(facts.baseline) if r.get("mode") == "data"}
    for instance in known_before(facts.plan):
        if instance.get("mode") == "data" and instance["address"] not in old:
            yield Found(instance["address"], "this data source is new, and the plan has read it already")
    before, after = configured(facts.baseline), configured(facts.plan)
    for address in sorted(before.keys() & after.keys()):
        same = _same(before[address].get("expressions"), after[address].get("expressions"))
        if after[address].get("mode") == "data" and not same:
            yield Found(address, "this data source is asked something else than in the base commit", "needs-approval")


def counts(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-17: what the plan printed, where it is at hand, counts what the JSON holds."""
    if facts.text is not None:
        yield from judge_counts(facts.text, facts.plan)


def judge_counts(text: str, plan: Plan) -> Iterator[Found]:
    """The line "Plan: A to add, C to change, D to destroy." of a plan's output against the JSON plan.

    A replacement is printed as one to add and one to destroy. No line, or two that differ, are findings where resources
    would change.
    """
    done = [verbs(row) for row in changes(plan) if row["mode"] != "data"]
    counted = tuple(sum(verb in actions for actions in done) for verb in ("create", "update", "delete"))
    printed = {tuple(int(n) for n in found.groups()[1:]) for found in _COUNTS.finditer(_COLOURS.sub("", text))}
    if printed != {counted} and (printed or any(counted)):
        said = " and ".join(sorted(f"{a} to add, {c} to change, {d} to destroy" for a, c, d in printed)) or "nothing"
        yield Found("plan", f"the text says {said}, the JSON {counted[0]}, {counted[1]} and {counted[2]}")


def _expected(address: str, expected: frozenset[str]) -> bool:
    plain = without_indexes(address)
    return any(plain == name or plain.startswith(f"{name}.") for name in map(without_indexes, expected))


def _objects_in(row: Row) -> list[Any]:
    """The Kubernetes objects of a resource that takes any: as data, or as YAML text; None where one cannot be read."""
    if not holds_any_object(row["type"]):
        return []
    found: list[Any] = []
    for side in ("before", "after"):
        values = row["change"].get(side) or {}
        for key in ("manifest", "yaml_body", "yaml_body_parsed"):
            value = values.get(key)
            if value is not None:
                found += (documents(value) or [None]) if isinstance(value, str) else [value]
    return found or [None]


def _differ(old: dict[str, Any], new: dict[str, Any], address: str, keys: tuple[str, ...]) -> bool:
    return any(not _same(old.get(address, {}).get(key), new.get(address, {}).get(key)) for key in keys)


def _same(one: Any, other: Any) -> bool:
    return json.dumps(one or None, sort_keys=True) == json.dumps(other or None, sort_keys=True)
