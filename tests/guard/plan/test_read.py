"""Reading a plan: only what terraform prints is one, and nothing of it gets into a message."""

from __future__ import annotations

import json
from typing import Any

import pytest

from app.guard.plan import judge_plan, read_plan, summarise
from app.guard.plans.read import without_indexes
from tests.guard.plan.made import POLICY, found, judged, plan, row, shown

GOOD = plan(row("update"))
TEXT = shown(GOOD)
OTHER = shown(plan(row("update"), row("no-op", address="a.b")))


@pytest.mark.parametrize(
    "printed",
    [
        TEXT,
        TEXT + "\n",
        f"state-sync: pulled\n{TEXT}\nbye\n",
        f"hello\r\n{TEXT}\r\nbye",
        '{"level":"info","msg":"terragrunt"}\n' + TEXT,
        TEXT.replace('{"format_version":', '{"format_version": '),
        shown(plan(row("update", change={"after": {"input": "a\u2028b\u0085c\x0b"}}))),
        shown(plan(row("update", change={"after": {"input": '{"format_version":"1.2"}'}}))),
    ],
)
def test_the_line_is_found_among_others(printed: str) -> None:
    assert read_plan(printed)["format_version"] == "1.2"


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "Plan: 1 to add, 0 to change, 0 to destroy.",
        f"{TEXT}\n{TEXT}",
        f"{TEXT}\r{OTHER}",
        f"{TEXT}\n  {OTHER}",
        f"{TEXT}\n\ufeff{OTHER}",
        f"{TEXT}\nshown: {OTHER}",
        f"{TEXT}\n{{ \"format_version\" : \"1.2\" }}",
        f" {TEXT}",
        f"\ufeff{TEXT}",
        f"\x1b[0m{TEXT}",
        f"{TEXT} {OTHER}",
        f"{TEXT}}}",
        TEXT[:-1],
        json.dumps(GOOD, indent=2),
        shown(dict(reversed(GOOD.items()))),
        f"[{TEXT}]",
        '"format_version"',
        '{"format_version":"1.0","terraform_version":"1.11.4","values":{}}\n' + TEXT,
        '{"format_version":' + "[" * 100_000,
        '{"format_version":"1.2","resource_changes":' + "[" * 500 + "]" * 500 + "}",
        TEXT.replace('"errored":false', '"errored":false,"errored":false'),
        TEXT.replace('"input":2', '"input":2,"input":2'),
        TEXT.replace('"input":2', '"input":{"a":{"b":1,"b":1}}'),
        TEXT.replace('"input":2', '"input":NaN'),
        TEXT.replace('"input":2', '"input":-Infinity'),
        TEXT.replace('"input":2', '"input":1e999'),
        TEXT.replace('"input":2', f'"input":{"9" * 5000}'),
        TEXT.replace('"input":2', f'"input":{"9" * 1000}'),
        TEXT.replace('"input":2', f'"input":{"[" * 300}{"]" * 300}'),
        TEXT.replace('"input":2', f'"input":0.{"9" * 5000}'),
        TEXT.replace('"input":2', '"input":"\\ud800"'),
        TEXT.replace('"input":2', '"\\ud800":1'),
        TEXT.replace('"input":2', '"input":"\t"'),
    ],
)  # fmt: skip
def test_anything_else_is_blocked(printed: str) -> None:
    assert found(judged(printed)) == {"PLAN-01": "block"}
    with pytest.raises(ValueError, match=r"^[\x20-\x7e]{10,200}$"):
        read_plan(printed)


def broken(path: str, value: Any) -> str:
    """The good plan with another value at a path of keys and positions."""
    whole = json.loads(TEXT)
    *way, last = path.split(".")
    node = whole
    for key in way:
        node = node[int(key)] if isinstance(node, list) else node.setdefault(key, {})
    node[last] = value
    return shown(whole)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("resource_changes", {}), ("resource_changes", [1]), ("resource_changes", "none"), ("resource_drift", {}),
        ("resource_changes.0.address", None), ("resource_changes.0.address", 1), ("resource_changes.0.address", ""),
        ("resource_changes.0.mode", None), ("resource_changes.0.type", []), ("resource_changes.0.change", None),
        ("resource_changes.0.change", []), ("resource_changes.0.change.actions", None),
        ("resource_changes.0.change.actions", "update"), ("resource_changes.0.change.actions", []),
        ("resource_changes.0.change.actions", [["update"]]), ("resource_changes.0.change.before", []),
        ("resource_changes.0.change.after", "x"), ("resource_changes.0.deposed", 1),
        ("resource_changes.0.action_reason", []), ("resource_changes.0.previous_address", {}),
        ("output_changes", []), ("output_changes", {"o": 1}), ("output_changes", {"o": {"actions": "no-op"}}),
        ("checks", {}), ("checks", [1]), ("deferred_changes", {}), ("action_invocations", "x"), ("planned_values", []),
        ("planned_values.root_module", []), ("planned_values.root_module.resources", {}),
        ("planned_values.root_module.resources", [{}]), ("planned_values.root_module.child_modules", [1]),
        ("prior_state", "x"), ("prior_state.values", []), ("configuration", []), ("configuration.root_module", [1]),
        ("configuration.root_module.resources", {}), ("configuration.root_module.resources", [{"address": 1}]),
        ("configuration.root_module.module_calls", []), ("configuration.root_module.module_calls", {"m": 1}),
        ("configuration.root_module.module_calls", {"m": {"module": []}}), ("configuration.provider_config", {"x": 1}),
        ("configuration.root_module.outputs", []),
    ],
)  # fmt: skip
def test_another_shape_is_blocked(path: str, value: Any) -> None:
    assert found(judged(broken(path, value))) == {"PLAN-01": "block"}


def test_a_baseline_that_cannot_be_read_is_blocked() -> None:
    verdict = judge_plan(TEXT, 2, "web", POLICY, baseline="nothing")
    assert found(verdict) == {"PLAN-01": "block"}
    assert "base commit" in verdict.findings[0].why


def test_what_to_pass_is_said() -> None:
    assert "terraform show -json" in judged(json.dumps(GOOD, indent=2)).findings[0].why


@pytest.mark.parametrize("end", ["", "}"])
def test_the_reason_never_holds_what_the_plan_holds(end: str) -> None:
    values = {"password": "hunter2hunter2"}
    for change in (row("update", change={"after": values}), row("delete", change={"before": values})):
        assert "hunter2" not in str(judged(shown(plan(change)) + end))


def test_summary_names_addresses_and_leaves_out_what_stays() -> None:
    rows = [
        row("create"),
        row("no-op", address="a.b"),
        row("delete", "create", address="a.c"),
        row("delete", deposed="1f"),
    ]
    assert summarise(plan(*rows)) == [
        "create terraform_data.x",
        "delete and create a.c",
        "delete terraform_data.x (deposed 1f)",
    ]


@pytest.mark.parametrize(
    ("address", "plain"),
    [
        ("a.b", "a.b"),
        ("a.b[0]", "a.b"),
        ('module.m["a.b"].a.b["x]\\"["]', "module.m.a.b"),
        ("module.m[1].module.n.a.b[10]", "module.m.module.n.a.b"),
    ],
)
def test_addresses_without_indexes(address: str, plain: str) -> None:
    assert without_indexes(address) == plain


def test_an_address_cannot_forge_a_line() -> None:
    forged = row("delete", address='a.b["x\n\x1b[2Jok hvs.CAESIJlWh1dummydummydummy"]', previous_address="a\nb")
    said = [*summarise(plan(forged)), *(f"{f.where} {f.why}" for f in judged(plan(forged)).findings)]
    assert said
    for line in said:
        assert line.isprintable() and "CAESIJ" not in line
