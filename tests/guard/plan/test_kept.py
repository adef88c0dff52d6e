"""A plan as it is kept for people: every change with its values, none of them sensitive, and not too much of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.guard.plans.read import read_plan
from app.guard.shown import shown_plan
from app.ledger import open_ledger
from tests.guard.plan.conftest import Plans
from tests.guard.plan.made import plan, row, update

SECRET = "correct-horse-battery"


def test_changes_are_told_by_resource() -> None:
    created = {"before": None, "after": {"name": "x"}, "after_unknown": {"id": True, "tags": {"owner": True}}}
    kept = shown_plan(
        plan(
            row("create", address="a_b.new", change=created),
            row("no-op", address="a_b.same"),
            row("no-op", address="a_b.moved", previous_address="a_b.old"),
            row("update", address='module.m["k"].a_b.y[0]'),
        )
    )
    assert kept["counts"] == {"create": 1, "no-op": 2, "update": 1}
    new, moved, changed = kept["resources"]
    assert (new["address"], new["action"]) == ("a_b.new", "create")
    assert {leaf["path"]: leaf["after"] for leaf in new["leaves"]} == {
        "id": "(known after apply)",
        "name": '"x"',
        "tags.owner": "(known after apply)",
    }
    assert (moved["action"], moved["note"]) == ("no-op", "moved from a_b.old")
    assert changed["leaves"] == [{"path": "input", "before": "1", "after": "2"}]


def test_sensitive_values_are_masked_wherever_they_are() -> None:
    before = {"a": {"deep": [{"pw": SECRET}]}, "copy": "x"}
    after = {"a": {"deep": [{"pw": f"{SECRET}-2"}]}, "copy": f"psql://me@db/{SECRET}-2"}
    marks = {"a": {"deep": [{"pw": True}]}}
    change = update("a_b", before, after, before_sensitive=marks, after_sensitive=marks)
    drift = row("update", address="a_b.d", change={"before": {"x": SECRET}, "after": {"x": 1}})
    output = {"actions": ["create"], "before": None, "after": {"o": SECRET}, "after_unknown": False}
    kept = shown_plan(plan(change, resource_drift=[drift], output_changes={"o": output}))
    assert SECRET not in json.dumps(kept)
    assert [leaf["path"] for leaf in kept["resources"][0]["leaves"]] == ["a.deep[0].pw", "copy"]
    assert kept["drift"][0]["address"] == "a_b.d"
    assert kept["outputs"][0]["address"] == "output.o"


@pytest.mark.parametrize("name", ["update", "mark removed", "secret beside it", "output unmarked"])
def test_of_a_real_plan_nothing_sensitive_reaches_the_database(name: str, plans: Plans, tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    ledger.changes.keep_plan("r", "t", 1, "web", shown_plan(read_plan(plans[name].shown)))
    (kept,) = ledger.changes.plans("r")
    ledger.engine.dispose()
    assert kept.shown["resources"] or kept.shown["outputs"]
    assert name == "update" or SECRET in plans[name].shown
    for file in tmp_path.iterdir():
        assert SECRET.encode() not in file.read_bytes(), file


def test_what_the_plan_does_not_mark_is_hidden_by_who_knows_it() -> None:
    """Before it is cut: half of a secret is one too."""
    change = update("a_b", {"x": 1}, {"x": "y" * 195 + "hunter2hunter2"})
    kept = shown_plan(plan(change), lambda text: text.replace("hunter2hunter2", "[redacted]"))
    assert "hunter" not in json.dumps(kept)


@pytest.mark.parametrize("secret", [{"password": SECRET}, {"name": "DB_PASSWORD", "value": SECRET}])
def test_what_is_only_put_in_another_order_shows_no_secret_in_it(secret: dict[str, str]) -> None:
    """A list in another order is told as a whole: the names in it say what is secret, and no path does."""
    change = update(
        "a_b", {"env": [secret, {"name": "a", "value": "1"}]}, {"env": [{"name": "a", "value": "1"}, secret]}
    )
    kept = shown_plan(plan(change))
    assert [leaf["path"] for leaf in kept["resources"][0]["leaves"]] == ["env"]
    assert SECRET not in json.dumps(kept)


@pytest.mark.parametrize("escaped", ['"', "\\", "é", "<&>", "\t"])
@pytest.mark.parametrize("go", [False, True])
def test_a_sensitive_value_is_masked_as_json_spells_it(escaped: str, go: bool) -> None:
    """A provider that puts it into a text of JSON marks nothing there."""
    secret = f"correct{escaped}horse"
    policy = json.dumps({"key": secret}, ensure_ascii=not go)
    if go:
        policy = policy.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    before, after = ({"pw": secret, "all": ["x", secret], "doc": f"{n}: {policy}", "key_of": {secret: n}} for n in "12")
    change = update("a_b", before, after | {"all": [secret, "x"]}, before_sensitive={"pw": True})
    kept = json.dumps(shown_plan(plan(change)))
    assert len(json.loads(kept)["resources"][0]["leaves"]) == 4
    assert "horse" not in kept


def test_hostile_addresses_and_keys_are_on_one_line() -> None:
    key = "a\n\x1b[31m\u202e</script>"
    kept = shown_plan(plan(row("update", address=f'a_b.x["{key}"]', change={"after": {key: "\u2066"}})))
    texts: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, dict):
            walk([*value, *value.values()])
        elif isinstance(value, list):
            for item in value:
                walk(item)
        elif isinstance(value, str):
            texts.append(value)

    walk(kept)
    assert all(text.isprintable() for text in texts)


def test_what_is_too_much_is_cut_and_said() -> None:
    many = {f"k{n}": "v" * 300 for n in range(400)}
    new = {"before": None, "after": many}
    kept = shown_plan(plan(*(row("create", address=f"a_b.x{n}", change=new) for n in range(9))))
    assert len(json.dumps(kept)) < 100_000
    assert kept["resources"][0]["cut"] == "more values change than are shown"
    assert [one["address"] for one in kept["resources"]] == [f"a_b.x{n}" for n in range(9)], "what changes is told"
    assert kept["cut"] == ""
    crowd = shown_plan(plan(*(row("create", address=f"a_b.x{n}", change=new) for n in range(900))))
    assert crowd["cut"] == "400 more changes are not shown"
    assert kept["counts"] == {"create": 9}
    assert kept["resources"][0]["leaves"][0]["after"].endswith("... (300 characters)")
