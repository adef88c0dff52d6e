"""Alert rules as data, and what their expressions are said to mean, held to a real promtool."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from app.guard.alerts.extract import AlertRule, as_rule_file, changed_rules, removed_rules, rules_in
from app.guard.alerts.promql import filled, read
from tests.guard.cases_alerts import DISK, MORE, OTHER, heredoc, indented
from tests.guard.cases_tpl import ADDED, CHART, MANIFEST, RULES, TPL
from tests.guard.edits import edits
from tests.guard.expressions import ALWAYS, DOUBTFUL, EVERYTHING, HONEST, NEVER, REFUSED
from tests.world.prometheus import PROMTOOL

FEWEST_HONEST = 40
# Series `x` and `y` with the same labels, and `up`: what each holds in turn.
WORLDS: tuple[Mapping[str, str], ...] = (
    {"x": "0x20", "y": "0x20", "up": "0x20"},
    {"x": "7x20", "y": "-3x20", "up": "1x20"},
    {"x": "4+1x20", "y": "9x20", "up": "1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1"},
    {"x": "-5x20", "y": "1e9x20", "up": "0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0"},
)


def promtool(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *words], cwd=folder, capture_output=True, text=True, timeout=60)


def rule(name: str, expression: str) -> AlertRule:
    return AlertRule(name, expression, "", {}, {}, "g", "a.yaml")


@pytest.mark.parametrize("expression", ALWAYS)
def test_what_always_fires_is_told(expression: str) -> None:
    query = read(expression)
    assert (query.truth, query.doubt) == ("always", "")
    assert len(query.why) > len("it fires")


@pytest.mark.parametrize("expression", NEVER)
def test_what_never_fires_is_told(expression: str) -> None:
    query = read(expression)
    assert (query.truth, query.doubt) == ("never", "")
    assert len(query.why) > len("it fires")


@pytest.mark.parametrize("world", range(len(WORLDS)))
def test_a_real_prometheus_agrees(world: int, tmp_path: Path) -> None:
    rules = [rule(f"always{at}", text) for at, text in enumerate(ALWAYS)]
    rules += [rule(f"never{at}", text) for at, text in enumerate(NEVER)]
    (tmp_path / "rules.yaml").write_text(as_rule_file(rules))
    series = [{"series": f'{name}{{job="a",instance="i"}}', "values": v} for name, v in WORLDS[world].items()]
    firing = [{"labels": f'{{alertname="always{at}"}}', "value": 1} for at in range(len(ALWAYS))]
    expected = {"expr": 'group by (alertname) (ALERTS{alertstate="firing"})', "eval_time": "10m", "exp_samples": firing}
    test = {"interval": "1m", "input_series": series, "promql_expr_test": [expected]}
    (tmp_path / "test.yaml").write_text(json.dumps({"rule_files": ["rules.yaml"], "tests": [test]}))
    done = promtool(tmp_path, "test", "rules", "test.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expression", HONEST)
def test_nothing_is_held_against_an_honest_expression(expression: str) -> None:
    query = read(expression)
    assert (query.truth, query.why, query.doubt, query.everything) == (None, "", "", "")
    assert query.series


def test_the_honest_expressions_and_what_is_asked_for_them_are_promql(tmp_path: Path) -> None:
    assert len(set(HONEST)) >= FEWEST_HONEST
    asked = {series for expression in HONEST for series in read(expression).series}
    assert all(read(series).series == (series,) for series in asked)
    texts = [*HONEST, *(f"count({series}) > 5" for series in sorted(asked))]
    (tmp_path / "a.yaml").write_text(as_rule_file([rule(f"a{at}", text) for at, text in enumerate(texts)]))
    done = promtool(tmp_path, "check", "rules", "a.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(texts)} rules found" in done.stdout


@pytest.mark.parametrize("expression", DOUBTFUL)
def test_what_may_hardly_ever_fire_is_doubtful(expression: str) -> None:
    query = read(expression)
    assert query.truth is None
    assert query.doubt


@pytest.mark.parametrize("expression", EVERYTHING)
def test_what_watches_everything_is_told(expression: str) -> None:
    assert read(expression).everything


@pytest.mark.parametrize("expression", REFUSED)
def test_what_cannot_be_read_is_refused_with_a_reason(expression: str) -> None:
    with pytest.raises(ValueError, match=r"\w{3}"):
        read(expression)


@pytest.mark.parametrize(
    ("expression", "series"),
    [
        ('rate(x{b="1",a=~"2"}[5m] offset 1h) > 5', ('x{a=~"2",b="1"}',)),
        ("x > 5 and x > y", ("x", "y")),
        ('{__name__="x",a!="\\"\\\\n"} > 5', ('x{a!="\\"\\\\n"}',)),
        ('{"a.b",c="d"} > 5', ('{"a.b",c="d"}',)),
        ("sum_over_time(x[1h:5m] @ end()) > 5", ("x",)),
        ("vector(1)", ()),
    ],
)
def test_what_is_asked_of_a_server(expression: str, series: tuple[str, ...]) -> None:
    assert read(expression).series == series


@pytest.mark.parametrize(
    ("text", "served", "series"),
    [
        ("x > ${limit}", "x > 1", ("x",)),
        ("rate(x[${window}]) > 5", "rate(x[1m]) > 5", ("x",)),
        ("rate(x[${minutes}m]) > 5", "rate(x[1m]) > 5", ("x",)),
        ("x offset ${span} > 5", "x offset 1m > 5", ("x",)),
        ('x{job="${job}",a="b"} > 5', 'x{job="CODEbX",a="b"} > 5', ('x{a="b"}',)),
        ("${metric} > 5", "CODEbX > 5", ()),
        ("${metric}{a='b'} > 5", "CODEbX{a='b'} > 5", ()),
        ("x${suffix} > 5", "xCODEbX > 5", ()),
    ],
)
def test_a_template_with_code_is_judged_as_far_as_it_goes(text: str, served: str, series: tuple[str, ...]) -> None:
    quoted = text.replace("'", "''")
    found = rules_in(TPL, RULES.replace("memory_used_percent > 90", f"'{quoted}'").encode())[1]
    assert found.masked
    query = read(found.expr, masked=True)
    assert (query.truth, query.series) == (None, series)
    assert filled(found.expr) == served


def test_code_hides_nothing_that_is_certain() -> None:
    assert read("up > 1 and x > CODEaX", masked=True).truth == "never"
    assert read("up == 0 or vector(CODEaX)", masked=True).truth == "always"


@given(st.lists(st.sampled_from(["x", "y{a=~'b'}", "(", ")", " and ", " or ", " > ", "5", "[5m]", "sum", "rate(",
    " offset ", "Inf", "NaN", "-", "{", "}", "é", "'", "@ 1e30", "vector(", "absent(", " unless ", "^", "1e999",
    " bool ", "\0", "[1e9y]", "by (a)", "99999999999999999999", "topk(", ",", "CODEaX"]), max_size=12))  # fmt: skip
def test_no_text_does_more_than_be_refused(pieces: list[str]) -> None:
    for masked in (False, True):
        try:
            assert read("".join(pieces), masked=masked).truth in ("always", "never", None)
        except ValueError as error:
            assert str(error)


@pytest.mark.parametrize(
    "deep",
    ["(" * 9000, "(" * 199 + "x" + ")" * 199, "x" + " and x" * 199, "x" + " or x > 5" * 99,
     "-(" * 100 + "x" + ")" * 100, "x" + " + 1" * 199, "abs(" * 199 + "x" + ")" * 199,
     "-" * 8000 + "1", "x{" + 'a=~"[\\\\pL]{90}",' * 400 + "}",
     "x offset NaN", "x offset 9223372036854775808", "time() offset 1e999"],
    ids=range(12),
)  # fmt: skip
def test_deep_text_ends_neither_the_process_nor_its_patience(deep: str) -> None:
    ended: list[object] = []

    def reads() -> None:
        try:
            ended.append(read(deep).truth)
        except ValueError as error:
            ended.append(str(error))

    before = threading.stack_size(512 * 1024)
    try:
        thread = threading.Thread(target=reads)
        thread.start()
        thread.join(10)
    finally:
        threading.stack_size(before)
    assert len(ended) == 1


COMPARED = st.tuples(st.sampled_from(["==", "!=", "<", "<=", ">", ">="]), st.integers(-2, 2))
HELD = {"==": int.__eq__, "!=": int.__ne__, "<": int.__lt__, "<=": int.__le__, ">": int.__gt__, ">=": int.__ge__}


@given(COMPARED, st.lists(st.tuples(st.sampled_from(["and", "or", "unless"]), COMPARED), max_size=4))
def test_limits_of_one_series_are_judged_exactly(
    first: tuple[str, int], more: list[tuple[str, tuple[str, int]]]
) -> None:
    text = f"x {first[0]} {first[1]}"
    # Doubled, so that the numbers between two limits and beyond them are among the values.
    values = {v for v in range(-7, 8) if HELD[first[0]](v, 2 * first[1])}
    for word, (op, limit) in more:
        text = f"({text}) {word} x {op} {limit}"
        right = {v for v in range(-7, 8) if HELD[op](v, 2 * limit)}
        values = {"and": values & right, "or": values | right, "unless": values - right}[word]
    assert read(text).truth == ("never" if not values else "always" if len(values) == len(range(-7, 8)) else None)


FILES = {
    "rule file": (MORE, OTHER),
    "template": (TPL, RULES + ADDED),
    "chart": ("stacks/a/values.yaml", CHART.replace("${", "$${") + indented(ADDED, 4)),
    "manifest": ("stacks/a/r.yaml", MANIFEST + indented(ADDED, 2)),
    "VMRule": ("stacks/a/r.yml", MANIFEST.replace("PrometheusRule", "VMRule") + indented(ADDED, 2)),
    "rules as text": ("stacks/a/c.yaml", "data:\n  nfs.yaml: |\n" + indented(OTHER, 4)),
    "map of a chart": ("stacks/a/v.yaml", "additionalPrometheusRulesMap:\n  nfs:\n" + indented(OTHER, 4)),
    "several documents": ("stacks/a/d.yaml", MANIFEST + "---\n" + OTHER),
    "JSON": ("stacks/a/r.json", json.dumps(yaml.safe_load(OTHER))),
    "heredoc": ("stacks/a/main.tf", heredoc(RULES + ADDED)),
}


@pytest.mark.parametrize("name", FILES)
def test_rules_are_found_wherever_they_stand(name: str) -> None:
    path, text = FILES[name]
    found = {r.name: r for r in rules_in(path, text.encode())}["NfsSlow"]
    assert (found.expr, found.wait) == ("rate(nfs_latency_seconds_sum[5m]) > 0.5", "5m")
    assert (found.labels, list(found.annotations)) == ({"severity": "critical"}, ["summary"])
    assert (found.path, found.group in ("nfs", "nodes"), found.record, found.masked) == (path, True, False, False)


@pytest.mark.parametrize(
    "data", [None, b"", b"\0", b"\xff", b"a: [", b"groups: 1", b"groups: [1, {rules: 2}, {rules: [3, {alert: []}]}]"]
)
def test_what_holds_no_rules_has_none(data: bytes | None) -> None:
    assert [rules_in(path, data) for path in (TPL, MORE, "a.json", "a.tf", "a.py")] == [()] * 5


def test_what_an_edit_does_to_rules() -> None:
    other = OTHER.replace("groups:\n", "groups:\n  - name: old\n    rules: []\n")
    done = edits(
        {TPL: RULES, MORE: OTHER.replace("NfsSlow", "Gone")},
        {TPL: RULES.replace(DISK, "").replace("> 90", "> 95"), MORE: other + DISK},
    )
    assert [(r.name, r.path, r.group) for r in changed_rules(done)] == [
        ("NfsSlow", MORE, "nfs"),
        ("MemoryFull", TPL, "nodes"),
    ]
    assert [r.name for r in removed_rules(done)] == ["Gone"]


def test_a_rule_file_for_promtool_holds_the_rules_and_no_code(tmp_path: Path) -> None:
    text = RULES.replace("for: 15m", "for: ${wait}m").replace("for: 10m", "for: ${wait}") + ADDED
    found = rules_in(TPL, text.encode())
    written = as_rule_file((*found, *rules_in(MORE, OTHER.encode()), rule("B", "1")))
    groups = yaml.safe_load(written)["groups"]
    assert [(g["name"], [r["alert"] for r in g["rules"]]) for g in groups] == [
        ("nodes", ["DiskFull", "MemoryFull", "NfsSlow"]),
        ("nfs", ["NfsSlow"]),
        ("g", ["B"]),
    ]
    assert [r["for"] for r in groups[0]["rules"]] == ["1m", "1m", "5m"]
    assert groups[0]["rules"][0]["expr"] == 'disk_used_percent{job="node"} > 1'
    (tmp_path / "a.yaml").write_text(written)
    done = promtool(tmp_path, "check", "rules", "a.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "expression", ["x offset 1e300", "x[1e40] > 1", "rate(x[5m:1e40]) > 1", "x offset -inf", "x[12345678901s]"]
)
def test_a_far_offset_or_range_is_refused_before_the_parser_panics(
    expression: str, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ValueError, match="no duration"):
        read(expression)
    assert capfd.readouterr().err == ""


def test_digits_in_quotes_are_no_range() -> None:
    assert read('x{code=~"[1e][12345678901]"} > 5').truth is None
