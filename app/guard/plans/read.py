"""`terraform show -json` of a saved plan, read strictly: what is not in the form that terraform prints is no plan.

Every shape that a rule walks over is checked here once, so that no rule can be made to look away by another type.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

Plan = dict[str, Any]
Row = dict[str, Any]

# Deeper than any provider's schema, and far below what recursion bears.
_DEEPEST = 100
_LONGEST_NUMBER = 400
_BEGINS = '{"format_version":'
# A second plan is found wherever it stands in a line: within a plan's strings the quotes are escaped.
_LOOKS_LIKE_A_PLAN = re.compile(r'\{\s*"format_version"\s*:')
_INDEX = re.compile(r'\[(?:\d+|"(?:[^"\\]|\\.)*")\]')


@dataclass(frozen=True)
class PlanFacts:
    """Everything that the PLAN rules look at.

    `exit_code` is that of `plan -detailed-exitcode`, None when it is not known. `baseline` is the plan of the base
    commit, `expected` the addresses that the judged diff touches, `text` what the plan printed; None where not known.
    """

    plan: Plan
    exit_code: int | None = None
    baseline: Plan | None = None
    expected: frozenset[str] | None = None
    text: str | None = None


def read_plan(shown: str) -> Plan:
    """The one line of the wrapper's output that is the plan, parsed strictly. Raises ValueError.

    Wrappers print before and after it (SECURITY.md, Terraform). No such line, two of them, another beginning than
    terraform's own, repeated keys, odd numbers, deep nesting or a list of another shape are errors. The message never
    holds text of the plan: sensitive values stand there in clear.
    """
    # Not splitlines: it also cuts at characters that JSON strings may hold.
    lines = [line for line in re.split(r"[\r\n]+", shown) if _LOOKS_LIKE_A_PLAN.search(line)]
    if len(lines) != 1:
        raise ValueError(f"{len(lines)} lines of it look like a JSON plan, exactly one must: {_ADVICE}")
    if not lines[0].startswith(_BEGINS):
        raise ValueError(f"it does not begin as terraform prints it: {_ADVICE}")
    plan = _parsed(lines[0])
    _check(plan)
    return plan


_ADVICE = "pass the unchanged output of `terraform show -json PLANFILE`"


def address_of(row: Row) -> str:
    """The address of a resource change, with the key of a deposed object."""
    address: str = row["address"]
    return f"{address} (deposed {row['deposed']})" if row.get("deposed") is not None else address


def changes(plan: Plan) -> list[Row]:
    """All resource changes, the no-ops too."""
    rows: list[Row] = plan.get("resource_changes") or []
    return rows


def drifts(plan: Plan) -> list[Row]:
    """What changed outside of terraform, in the shape of resource changes."""
    rows: list[Row] = plan.get("resource_drift") or []
    return rows


def outputs(plan: Plan) -> dict[str, dict[str, Any]]:
    """The changes of the root module's outputs by name."""
    found: dict[str, dict[str, Any]] = plan.get("output_changes") or {}
    return found


def verbs(row: Row) -> list[str]:
    """The actions of a resource change."""
    found: list[str] = row["change"]["actions"]
    return found


def has_effect(plan: Plan) -> bool:
    """Whether a resource or an output would change; moves, imports and drift alone do not count."""
    actions = [verbs(row) for row in changes(plan)] + [change["actions"] for change in outputs(plan).values()]
    return any(action != ["no-op"] for action in actions)


def without_indexes(address: str) -> str:
    """module.a["k"].aws_x.y[0] as module.a.aws_x.y, the address that the configuration knows."""
    return _INDEX.sub("", address)


def configured(plan: Plan) -> dict[str, dict[str, Any]]:
    """Every resource of the configuration by its address without indexes, those of modules included."""
    return {prefix + _text(r, "address"): r for prefix, module in _modules(plan) for r in _objects(module, "resources")}


def configured_outputs(plan: Plan) -> dict[str, dict[str, Any]]:
    """The outputs of the configuration's root module by name."""
    return _named(_object(_object(plan, "configuration"), "root_module"), "outputs")


def module_calls(plan: Plan) -> dict[str, dict[str, Any]]:
    """Every module call of the configuration by its address without indexes."""
    return {
        f"{prefix}module.{name}": call
        for prefix, module in _modules(plan)
        for name, call in _named(module, "module_calls").items()
    }


def providers(plan: Plan) -> dict[str, dict[str, Any]]:
    """The provider configurations by key."""
    return _named(_object(plan, "configuration"), "provider_config")


def planned(plan: Plan) -> list[dict[str, Any]]:
    """The resource instances that are there after apply."""
    return list(_instances(_object(_object(plan, "planned_values"), "root_module")))


def known_before(plan: Plan) -> list[dict[str, Any]]:
    """The resource instances of the state that the plan began from, data sources included."""
    return list(_instances(_object(_object(_object(plan, "prior_state"), "values"), "root_module")))


def _parsed(line: str) -> Plan:
    try:
        plan = json.loads(
            line,
            object_pairs_hook=_no_repeats,
            parse_constant=_no_constant,
            parse_int=_whole_number,
            parse_float=_number,
        )
        line.encode()
    except (json.JSONDecodeError, RecursionError, UnicodeEncodeError):
        raise ValueError(f"it is not JSON: {_ADVICE}") from None
    _check_depth(plan)
    return plan  # type: ignore[no-any-return]


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _no_constant(_: str) -> float:
    raise ValueError("it holds NaN or Infinity")


def _whole_number(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise ValueError("it holds a number that is too long")
    return int(digits)


def _number(digits: str) -> float:
    number = float(digits)
    if len(digits) > _LONGEST_NUMBER or math.isinf(number):
        raise ValueError("it holds a number that is too large")
    return number


def _check_depth(plan: Any) -> None:
    level = [plan]
    for _ in range(_DEEPEST):
        level = [child for node in level for child in _children(node)]
        for text in level:
            if isinstance(text, str) and not text.isascii():
                _encodable(text)
        if not level:
            return
    raise ValueError("it is nested too deeply")


def _children(node: Any) -> Iterator[Any]:
    if isinstance(node, dict):
        yield from node.keys()
        yield from node.values()
    elif isinstance(node, list):
        yield from node


def _encodable(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("it holds half a character") from None


def _check(plan: Plan) -> None:
    for key in ("resource_changes", "resource_drift"):
        for row in _objects(plan, key):
            _check_row(row, key)
    for change in _named(plan, "output_changes").values():
        _check_actions(change, "output_changes")
    for key in ("checks", "deferred_changes", "deferred_action_invocations", "action_invocations"):
        _objects(plan, key)
    for read in (configured, configured_outputs, module_calls, providers, planned, known_before):
        read(plan)


def _check_row(row: Row, key: str) -> None:
    for name in ("address", "mode", "type"):
        _text(row, name)
    for name in ("deposed", "action_reason", "previous_address", "provider_name"):
        if not isinstance(row.get(name), str | None):
            raise ValueError(f"in {key}, {name} is not a text")
    change = _object(row, "change")
    _check_actions(change, key)
    for marks in ("before_sensitive", "after_sensitive", "after_unknown"):
        if not isinstance(change.get(marks), bool | dict | list | None):
            raise ValueError(f"in {key}, {marks} are no marks")
    for side in ("before", "after"):
        if not isinstance(change.get(side), dict | None):
            raise ValueError(f"in {key}, {side} is not an object")


def _check_actions(change: dict[str, Any], key: str) -> None:
    actions = change.get("actions")
    if not (isinstance(actions, list) and actions and all(isinstance(verb, str) for verb in actions)):
        raise ValueError(f"{key} is not a list of changes with actions")


def _modules(plan: Plan) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every module of the configuration with its address and a dot, the root module first with nothing."""
    waiting = [("", _object(_object(plan, "configuration"), "root_module"))]
    while waiting:
        prefix, module = waiting.pop(0)
        yield prefix, module
        for name, call in _named(module, "module_calls").items():
            waiting.append((f"{prefix}module.{name}.", _object(call, "module")))


def _instances(root: dict[str, Any]) -> Iterator[dict[str, Any]]:
    waiting = [root]
    while waiting:
        module = waiting.pop(0)
        for found in _objects(module, "resources"):
            _text(found, "address")
            yield found
        waiting += _objects(module, "child_modules")


def _object(holder: dict[str, Any], key: str) -> dict[str, Any]:
    found = holder.get(key)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError(f"{key} is not an object")
    return found


def _objects(holder: dict[str, Any], key: str) -> list[dict[str, Any]]:
    found = holder.get(key)
    if found is None:
        return []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ValueError(f"{key} is not a list of objects")
    return found


def _named(holder: dict[str, Any], key: str) -> dict[str, dict[str, Any]]:
    found = _object(holder, key)
    if not all(isinstance(item, dict) for item in found.values()):
        raise ValueError(f"{key} is not an object of objects")
    return found


def _text(holder: dict[str, Any], key: str) -> str:
    found = holder.get(key)
    if not isinstance(found, str) or not found:
        raise ValueError(f"{key} is missing or not a text")
    return found
