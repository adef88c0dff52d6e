"""Plans that somebody has tampered with, and plans that are not plans: never let through, never a crash."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.guard.plan import judge_plan, read_plan
from app.guard.plans.shown import render
from tests.guard.plan.made import POLICY, judged, plan, row, shown, update
from tests.guard.plan.real import Plans

# Scenarios whose plan alone, without exit code, baseline and text, must not pass.
HOSTILE = [
    "delete", "replace", "replace, create first", "deposed", "forget", "move", "import", "check fails", "output goes",
    "targeted", "errored", "provisioner on create", "data source during apply", "mark removed", "five creates",
]  # fmt: skip
# Objects whose keys are names that people give, or values: renaming those is another honest plan.
_FREE = {"before", "after", "after_unknown", "before_sensitive", "after_sensitive", "values", "sensitive_values",
         "expressions", "variables", "outputs", "output_changes", "module_calls", "provider_config", "address",
         "instances", "relevant_attributes", "before_identity", "after_identity"}  # fmt: skip


def keys(node: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of every key that terraform itself gives."""
    if isinstance(node, dict):
        for key, value in node.items():
            yield (*path, key)
            if key in ("output_changes", "module_calls", "provider_config") and isinstance(value, dict):
                for name, named in value.items():
                    yield from keys(named, (*path, key, name))
            elif key not in _FREE:
                yield from keys(value, (*path, key))
    elif isinstance(node, list):
        for index, value in enumerate(node):
            yield from keys(value, (*path, index))


def renamed(whole: Any, path: tuple[str | int, ...]) -> Any:
    """The plan with the last key of a path written another way, in its place."""
    whole = copy.deepcopy(whole)
    node = whole
    for step in path[:-1]:
        node = node[step]
    items = [(f"{key}s" if key == path[-1] else key, value) for key, value in node.items()]
    node.clear()
    node.update(items)
    return whole


@pytest.mark.parametrize("name", HOSTILE)
def test_no_renamed_key_lets_a_hostile_plan_through(name: str, plans: Plans) -> None:
    whole = plans[name].json
    assert not judged(whole, None).allows
    paths = list(keys(whole))
    assert len(paths) > 20
    for path in paths:
        assert not judged(renamed(whole, path), None).allows, path


@pytest.mark.parametrize("name", ["create", "update"])
def test_a_renamed_key_blocks_a_good_plan(name: str, plans: Plans) -> None:
    """So a newer terraform that calls something otherwise is noticed, whatever it is."""
    whole = plans[name].json
    assert judged(whole, None).allows
    free = {"checks", "relevant_attributes", "timestamp"}
    for path in keys(whole):
        if not free & set(path):
            assert judged(renamed(whole, path), None).word == "block", path


VERBS = ["no-op", "create", "update", "read", "delete", "forget", "open", "renew", "invoke", "Delete", "noop", ""]


@pytest.mark.parametrize("name", ["delete", "replace", "replace, create first", "deposed", "forget"])
def test_no_other_verbs_let_a_hostile_plan_through(name: str, plans: Plans) -> None:
    whole = plans[name].json
    hostile = next(
        i for i, r in enumerate(whole["resource_changes"]) if {"delete", "forget"} & set(r["change"]["actions"])
    )
    for actions in [[], *([v] for v in VERBS), *([v, w] for v in VERBS for w in VERBS)]:
        forged = copy.deepcopy(whole)
        forged["resource_changes"][hostile]["change"]["actions"] = actions
        assert not judged(forged, None).allows, actions
    without = copy.deepcopy(whole)
    del without["resource_changes"][hostile]
    assert not judged(without, None).allows


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


@QUICK
@given(st.text(max_size=200))
def test_any_text_is_judged(text: str) -> None:
    assert judge_plan(text, 2, "web", POLICY).word == "block"
    assert judge_plan('{"format_version":' + text, 2, "web", POLICY, baseline=text, expected=[text]).word == "block"


PATHS = list(keys(plan(row("update"), row("create", address="a.b"), checks=[{"status": "pass"}], output_changes={})))


@QUICK
@given(st.sampled_from(PATHS), JSON)
def test_any_json_anywhere_is_judged_and_shown(path: tuple[str | int, ...], value: Any) -> None:
    whole = plan(row("update"), row("create", address="a.b"), checks=[{"status": "pass"}], output_changes={})
    node: Any = whole
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = value
    text = shown(whole)
    assert judge_plan(text, 2, "web", POLICY, baseline=text).word in ("allow", "needs-approval", "block")
    try:
        read = read_plan(text)
    except ValueError:
        return
    assert all(isinstance(line, str) and "\n" not in line for line in render(read))


@QUICK
@given(JSON, JSON, JSON, JSON)
def test_any_update_is_judged_and_shown(before: Any, after: Any, unknown: Any, marks: Any) -> None:
    """Whatever the values, the texts in them and the marks are."""
    sides = [{"v": [json.dumps(v), v, f"a: {json.dumps(v)}\nb: 1\n"]} for v in (before, after)]
    for kind in ("terraform_data", "kubernetes_manifest"):
        change = update(kind, *sides, after_unknown=unknown, before_sensitive=marks, after_sensitive=unknown)
        whole = plan(change)
        assert judge_plan(shown(whole), 2, "web", POLICY).word in ("allow", "needs-approval", "block")
        assert render(whole)
