"""The plan for people: every leaf that changes, and never a value that is sensitive."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from app.guard.plans.shown import SENSITIVE, render
from tests.guard.plan.made import plan, row, update
from tests.guard.plan.real import Plans

SECRET = "correct-horse-battery"


def lines(*rows: dict[str, Any], **more: Any) -> list[str]:
    return render(plan(*rows, **more))


def test_a_leaf_is_shown_before_and_after() -> None:
    before = {"spec": [{"timeout": 30, "gone": "x", "list": ["a", "b"]}], "same": 1}
    after = {"spec": [{"timeout": 60, "new": True, "list": ["a", "c", "d"]}], "same": 1}
    assert lines(update("x_y", before, after, after_unknown={"id": True})) == [
        "x_y.x: update",
        "x_y.x: id: (absent) -> (known after apply)",
        'x_y.x: spec[0].gone: "x" -> (absent)',
        'x_y.x: spec[0].list[1]: "b" -> "c"',
        'x_y.x: spec[0].list[2]: (absent) -> "d"',
        "x_y.x: spec[0].new: (absent) -> true",
        "x_y.x: spec[0].timeout: 30 -> 60",
    ]


def test_what_is_created_and_destroyed_is_shown_leaf_by_leaf() -> None:
    made = lines(
        row("create", change={"after": {"a": {"b": 1}}}), row("delete", address="a.b", change={"before": {"c": [2]}})
    )
    assert made == [
        "terraform_data.x: create",
        "terraform_data.x: a.b: (absent) -> 1",
        "a.b: delete",
        "a.b: c[0]: 2 -> (absent)",
    ]


def test_yaml_in_a_text_is_shown_leaf_by_leaf() -> None:
    before, after = "rules:\n- alert: Down\n  for: 5m\n", "rules:\n- alert: Down\n  for: 10m\n- alert: New\n  for: 1m\n"
    assert lines(update("x_y", {"values": [before]}, {"values": [after]}))[1:] == [
        'x_y.x: values[0].rules[Down].for: "5m" -> "10m"',
        'x_y.x: values[0].rules[New].alert: (absent) -> "New"',
        'x_y.x: values[0].rules[New].for: (absent) -> "1m"',
    ]


def test_moves_imports_drift_and_outputs_are_shown() -> None:
    output = {"actions": ["update"], "before": 1, "after": 2, "after_unknown": False}
    moved = row("no-op", address="a.b", previous_address="a.c")
    imported = row("no-op", address="a.d", change={"importing": {"id": "i"}})
    assert lines(moved, imported, row("no-op"), resource_drift=[row("update")], output_changes={"o": output}) == [
        "a.b: moved from a.c",
        "a.d: imported",
        "terraform_data.x: changed outside of terraform (update)",
        "terraform_data.x (outside): input: 1 -> 2",
        "output.o: update",
        "output.o: 1 -> 2",
    ]


@pytest.mark.parametrize(
    ("before", "after", "marks"),
    [
        ({"a": SECRET}, {"a": "other-horse-battery"}, {"a": True}),
        ({"a": {"b": [SECRET]}}, {"a": {"b": ["other-horse-battery"]}}, {"a": {"b": [True]}}),
        ({"a": {"b": [SECRET]}}, {"a": {"b": ["other-horse-battery"]}}, {"a": True}),
        ({"a": [{"name": "n", "x": SECRET}]}, {"a": [{}, {"name": "n", "x": "other-horse-battery"}]}, {"a": True}),
        ({"a": SECRET}, {"a": 1}, True),
        ({"a": f"x: {SECRET}\ny: 1\n"}, {"a": f"x: {SECRET}\ny: other-horse-battery\n"}, {"a": True}),
        ({"a": {SECRET: 1}}, {"a": {SECRET: 2}}, {"a": True}),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "sides", [("before_sensitive", "after_sensitive"), ("before_sensitive",), ("after_sensitive",)]
)
def test_marked_values_are_masked(before: Any, after: Any, marks: Any, sides: tuple[str, ...]) -> None:
    change = update("x_y", before, after, **dict.fromkeys(sides, marks))
    shown = "\n".join(lines(change))
    assert SENSITIVE in shown
    if "before_sensitive" in sides:
        assert SECRET not in shown
    if "after_sensitive" in sides:
        assert "other-horse" not in shown


def test_a_marked_value_is_masked_wherever_it_turns_up() -> None:
    """A provider copied it into an attribute without a mark, into a longer text, and into an output."""
    before = {"a": SECRET, "copy": "x", "url": "x"}
    after = {"a": SECRET, "copy": SECRET, "url": f"psql://me@db/{SECRET}?x=1"}
    marks = {"before_sensitive": {"a": True}, "after_sensitive": {"a": True}}
    output = {"actions": ["create"], "before": None, "after": {"o": SECRET}, "after_unknown": False}
    shown = lines(update("x_y", before, after, **marks), output_changes={"o": output})
    assert SECRET not in str(shown)
    assert f'x_y.x: copy: "x" -> {SENSITIVE}' in shown


def test_a_sensitive_variable_is_masked() -> None:
    whole = plan(row("update", change={"after": {"input": SECRET}}), variables={"v": {"value": SECRET}})
    whole["configuration"]["root_module"]["variables"] = {"v": {"sensitive": True}}
    assert SECRET not in str(render(whole))


@pytest.mark.parametrize("name", ["update", "mark removed", "secret beside it", "output unmarked"])
def test_a_real_plan_shows_no_secret(name: str, plans: Plans) -> None:
    planned = plans[name]
    shown = render(planned.json)
    assert shown
    assert SECRET not in "\n".join(shown)
    assert name == "update" or SECRET in planned.shown


@pytest.mark.parametrize(
    "path",
    ["password", "dbPassword", "DB_PASSWORD", "api_key", "apiKey", "token", "auth_token", "secret", "client-secret",
     "private_key", "credentials", "connection_string", "key", "certificate", "kubeconfig", "webhook_url"],
)  # fmt: skip
def test_names_of_secrets_are_masked_without_a_mark(path: str) -> None:
    for change in (
        update("x_y", {path: "abc"}, {path: "def"}),
        update("x_y", {"data": {path: {"inner": "abc"}}}, {"data": {path: {"inner": "def"}}}),
        update("x_y", {"v": f"{path}: abc\nx: 1\n"}, {"v": f"{path}: def\nx: 1\n"}),
        update("x_y", {"env": [{"name": path, "value": "abc"}]}, {"env": [{"name": path, "value": "def"}]}),
    ):
        shown = lines(change)
        assert len(shown) == 2
        assert shown[1].endswith(f"{SENSITIVE} -> {SENSITIVE}"), shown


@pytest.mark.parametrize("path", ["keyboard", "monkey", "tokenizer_threads_x", "author", "password_enabled", "timeout"])
def test_other_names_are_shown(path: str) -> None:
    values = (True, False) if path == "password_enabled" else (1, 2)
    shown = lines(update("x_y", {path: values[0]}, {path: values[1]}))
    assert (SENSITIVE in shown[1]) == (path == "tokenizer_threads_x")


@pytest.mark.parametrize(
    "value",
    ["hvs.CAESIJlWh1dummydummydummy", "AKIAIOSFODNN7EXAMPLE", "postgres://me:sesame-open@db/x",
     "https://hooks.slack.com/services/T0/B0/abcdef", "ghp_0123456789abcdef0123456789"],
)  # fmt: skip
def test_shapes_of_secrets_are_masked(value: str) -> None:
    shown = lines(update("x_y", {"a": "x"}, {"a": f"say {value} twice"}))
    assert value not in shown[1]
    assert "say" in shown[1]


def test_control_characters_and_long_values_are_tamed() -> None:
    shown = lines(update("x_y", {"a\n\x1b": "x"}, {"a\n\x1b": "\x1b[2J\u202e\u2028\nforged: line" + "y" * 5000}))
    assert all(character.isprintable() for line in shown for character in line)
    assert len(shown[1]) < 400
    assert "characters)" in shown[1]


def test_a_plan_of_thousands_of_leaves_ends() -> None:
    many = {str(i): i for i in range(3000)}
    shown = lines(update("x_y", {"a": many}, {"a": {k: v + 1 for k, v in many.items()}}))
    assert len(shown) == 500
    assert "more" in shown[-1]


def test_rendering_leaves_the_plan_as_it_was(plans: Plans) -> None:
    whole = plans["secret beside it"].json
    before = copy.deepcopy(whole)
    render(whole)
    assert json.dumps(whole) == json.dumps(before)
