"""Debian's promtool and amtool, over a real sshd."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from app.edges.devvm import DevVM
from app.edges.rule_tools import receivers, rules_problem
from app.errors import Failed, Refused
from tests.e2e.hosts import connected
from tests.world.devvm import DevVM as Host
from tests.world.prometheus import AMTOOL, PROMTOOL
from tests.world.world import temporary_folder

RULE = "groups:\n- name: a\n  rules:\n  - alert: X\n    expr: {}\n    for: 5m\n"
ROUTES = r"""route:
  receiver: default
  routes:
  - matchers: [severity="critical"]
    receiver: pager
    continue: true
  - matchers: [severity="critical"]
    receiver: chat
  - matchers:
    - summary=~"(?s)a \"b\", c=d\\\\.*"
    receiver: quoted
receivers: [{name: default}, {name: pager}, {name: chat}, {name: quoted}]
"""

BOMB = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{c}: &{c} [{','.join([f'*{p}'] * 9)}]\n" for p, c in pairwise("abcdefghij")
)


@pytest.fixture(scope="module")
def machine() -> Iterator[DevVM]:
    with temporary_folder() as folder, Host(folder / "devvm") as host, connected(host) as made:
        yield made


@pytest.fixture
def routes(tmp_path: Path) -> str:
    file = tmp_path / "alert manager.yml"
    file.write_text(ROUTES)
    return str(file)


def problem(machine: DevVM, text: str) -> str | None:
    return rules_problem(machine, str(PROMTOOL), text, os.defpath)


# promtool


@pytest.mark.parametrize("expr", ["up == 0", "vector(1)", "'{{ $x }}'", "up # ' \" $(touch /tmp/x) `id`"])
def test_good_rules_have_no_problem(machine: DevVM, expr: str) -> None:
    assert problem(machine, RULE.format(f"|\n      {expr}")) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (RULE.format("sum("), "unclosed left parenthesis"),
        (RULE.format("up") + "    fur: 5m\n", "field fur not found"),
        (RULE.format("up") + "    labels: {a-b: c}\n", "invalid label name"),
        (RULE.format("up") + "    annotations: {summary: '{{ $labels.x '}\n", "unclosed action"),
        (RULE.format("up").replace("5m", "soon"), "not a valid duration"),
        (RULE.format("up") + "- name: a\n", "repeated in the same file"),
        ("rules of thumb", "cannot unmarshal"),
        ("groups: [", "did not find expected node content"),
    ],
)  # fmt: skip
def test_broken_rules_have_one(machine: DevVM, text: str, said: str) -> None:
    found = problem(machine, text)
    assert found is not None
    assert said in found
    assert "/dev/stdin" not in found


@pytest.mark.parametrize(
    "text",
    [
        "\x00",
        "\udcff: 1\n",
        "groups:\n- name: $(id)\n  rules: [{alert: `id`, expr: '\x1b[31m('}]\n",
        f"{BOMB}groups: *j\n",
        "groups: " + "[" * 20_000,
        "groups:\n- name: a\n  rules:\n" + "".join(f"  - alert: a{n}\n    expr: (\n" for n in range(20_000)),
        RULE.format("(" * 20_000),
    ],
    ids=["nul", "surrogate", "quotes", "bomb", "deep", "many", "brackets"],
)
def test_hostile_text_ends_in_a_short_complaint(machine: DevVM, text: str) -> None:
    began = time.monotonic()
    found = problem(machine, text)
    assert found is not None
    assert 0 < len(found) <= 2000
    assert time.monotonic() - began < 30


def test_the_text_touches_no_disk_and_the_environment_is_empty(machine: DevVM, tmp_path: Path) -> None:
    spy = tmp_path / "promtool"
    spy.write_text(
        f'#!/bin/sh\nenv > {tmp_path}/env\ncat "$3" > /dev/null\nls -l "/proc/self/fd/0" >> {tmp_path}/env\n'
    )
    spy.chmod(0o755)
    assert rules_problem(machine, "promtool", RULE.format("up"), f"{tmp_path}:{os.defpath}") is None
    seen = (tmp_path / "env").read_text()
    assert {line.partition("=")[0] for line in seen.splitlines() if re.match(r"[A-Z_]+=", line)} <= {
        "PATH",
        "LANG",
        "PWD",
        "_",
        "OLDPWD",
        "SHLVL",
    }
    assert "pipe:" in seen


def test_a_tool_is_found_below_home(machine: DevVM) -> None:
    folder = Path(machine.home) / "tools"
    folder.mkdir()
    (folder / "promtool").symlink_to(PROMTOOL)
    assert rules_problem(machine, "~/tools/promtool", RULE.format("up"), os.defpath) is None


def test_a_missing_tool_says_how_to_mend_it(machine: DevVM, tmp_path: Path, routes: str) -> None:
    for name in ("promtool", "/nowhere/promtool", str(tmp_path)):
        with pytest.raises(Failed, match=r"repository\.verify\.promtool") as caught:
            rules_problem(machine, name, RULE.format("up"), str(tmp_path))
        assert caught.value.reason == "promtool-missing"
    with pytest.raises(Failed, match=r"repository\.verify\.amtool") as caught:
        receivers(machine, "amtool", routes, {}, str(tmp_path))
    assert caught.value.reason == "amtool-missing"


@pytest.mark.parametrize("ending", ["exit 2", "kill -9 $$"])
def test_a_tool_that_ends_otherwise_is_no_complaint(machine: DevVM, tmp_path: Path, ending: str, routes: str) -> None:
    spy = tmp_path / "tool"
    spy.write_text(f"#!/bin/sh\necho oh >&2\n{ending}\n")
    spy.chmod(0o755)
    with pytest.raises(Failed, match="oh") as caught:
        rules_problem(machine, str(spy), RULE.format("up"), os.defpath)
    assert caught.value.reason == "promtool-failed"
    with pytest.raises(Failed, match="oh") as caught:
        receivers(machine, str(spy), routes, {}, os.defpath)
    assert caught.value.reason == "amtool-failed"


# amtool


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"severity": "critical"}, ("pager", "chat")),
        ({"severity": "warning", "alertname": "X"}, ("default",)),
        ({}, ("default",)),
        ({"severity": "critical,x"}, ("default",)),
        ({"a": "", "severity": 'x",severity="critical'}, ("default",)),
        ({"summary": 'a "b", c=d\\ and\nmore'}, ("quoted",)),
        ({"summary": "{{ $labels.x }} $(id) `id` --help @/etc/passwd"}, ("default",)),
    ],
)
def test_the_receivers_are_those_of_the_routes(
    machine: DevVM, routes: str, labels: dict[str, str], expected: tuple[str, ...]
) -> None:
    assert receivers(machine, str(AMTOOL), routes, labels, os.defpath) == expected


@pytest.mark.parametrize(
    "labels",
    [
        {"--config.file": "/etc/passwd"},
        {"@/etc/passwd": ""},
        {"a=b": "c"},
        {"": "x"},
        {"a\n": "x"},
        {"a": "x\x00"},
        {"a": "x\x1b[31m"},
        {"a": "x" * 1025},
        {f"a{n}": "x" for n in range(65)},
    ],
)
def test_labels_that_no_alert_has_are_refused(machine: DevVM, routes: str, labels: dict[str, str]) -> None:
    with pytest.raises(Refused) as caught:
        receivers(machine, str(AMTOOL), routes, labels, os.defpath)
    assert caught.value.reason == "labels-refused"
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize(
    ("text", "said"),
    [("route: {receiver: nobody}\n", "undefined receiver"), ("routes: 7\n", "not found in type"), ("", "no route")],
)
def test_a_broken_configuration_says_why(machine: DevVM, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "broken.yml"
    file.write_text(text)
    with pytest.raises(Failed, match=said) as caught:
        receivers(machine, str(AMTOOL), str(file), {}, os.defpath)
    assert caught.value.reason == "alertmanager-config-broken"
    assert "Warning" not in str(caught.value)


def test_a_configuration_that_is_not_there(machine: DevVM) -> None:
    with pytest.raises(Failed, match="does not exist") as caught:
        receivers(machine, str(AMTOOL), "/nowhere/--verify.receivers=x", {}, os.defpath)
    assert caught.value.reason == "alertmanager-config-broken"
