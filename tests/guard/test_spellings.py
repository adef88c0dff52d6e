"""Any text: nothing crashes the judgement, nothing makes it slow, and no layout hides a hostile construct."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.guard.change import judge_change
from app.guard.model import Change, Edits
from tests.guard.cases_hcl import BLOCKS, DEPLOYMENT
from tests.guard.cases_tpl import CHART, RULES
from tests.guard.cases_values import VALUES
from tests.guard.edits import MAIN, Case, edits, findings, policy_of
from tests.hang import ends

WORDS = [
    "resource", "data", "locals", "provisioner", "lifecycle", '"a"', '"', "${", "%{", "}", "{", "[", "]", "(", ")", "=",
    "\n", " ", "\t", "<<EOT\n", "\nEOT\n", "<<-E\n", "#", "//", "/*", "*/", "\\", "file(", "var.x", "1", "~", ",", "?",
    ":", "for ", " in ", "if ", "\r", "\0", "\ufeff", "\u00a0", "é", "- ", "groups:", "rules:", "alert: x\n", "&a ",
    "expr: y\n", "*a ", "<<: ", "!!x ", "|\n", "---\n",
]  # fmt: skip
TEXTS = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(st.sampled_from(WORDS), max_size=60).map(lambda words: "".join(words).encode()),
)
QUICK = settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])


@QUICK
@given(TEXTS, TEXTS, st.sampled_from(["a.tf", "a.yaml", "a.json", "a.tpl", "a.sh"]), st.sampled_from(["Alert", None]))
@example(b"", b"a = <<A\n${<<B\n", "a.tf", None)
@example(b"\xff", b"\xff\xfe", "a.yaml", "Alert")
@example(b"groups: 1", b"groups: [{rules: {a: 1}}, 2]", "a.yaml", "Alert")
@example(
    b"groups: [{name: a, rules: [{alert: b, expr: c}]}]",
    b"groups: [{name: a, rules: [{alert: b, expr: [c]}]}]",
    "a.yaml",
    "Alert",
)
def test_no_text_crashes_the_judgement(base: bytes, head: bytes, name: str, todo_type: str | None) -> None:
    change = Change(f"stacks/web/{name}", "M", "100644", "100644", base, head)
    verdict = judge_change(Edits((change,), {"stacks/web/b.tf": base}), policy_of(todo_type=todo_type))
    assert all(finding.where and finding.why for finding in verdict.findings)


@QUICK
@given(st.data())
def test_damage_anywhere_in_ordinary_files_is_judged(data: st.DataObject) -> None:
    name, text = data.draw(st.sampled_from([("a.tf", DEPLOYMENT), ("a.tpl", CHART), ("a.yaml", RULES)]))
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 40))
    head = text[:at] + "".join(data.draw(st.lists(st.sampled_from(WORDS), max_size=5))) + text[at + cut :]
    verdict = judge_change(edits({f"stacks/web/{name}": text}, {f"stacks/web/{name}": head}), policy_of())
    assert all(finding.where and finding.why for finding in verdict.findings)


TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|#[^\n]*|//[^\n]*|/\*.*?\*/|[ \t]+|[\w.-]+|.', re.DOTALL)
BLANKS = [" ", "\t", "  ", " /* } */ ", "/**/ ", ' /* " */']


def respelled(text: str, seed: int) -> str:
    """The same code with other blanks and comments between its words."""
    chance = random.Random(seed)
    words = TOKEN.findall(text)
    return "".join(
        chance.choice(BLANKS)
        if not word.strip(" \t")
        else word + (chance.choice(["", " ", "/* x */"]) if word in "={(," else "")
        for word in words
    )


PLAIN = [
    (rule, case)
    for rule, cases in {**BLOCKS, **VALUES}.items()
    for case in cases
    if rule != "HCL-00" and MAIN in case.head and not re.search(r"[$%]\{|<<", str(case.head[MAIN]))
]


@pytest.mark.parametrize(("rule", "case"), PLAIN, ids=lambda value: value.name if isinstance(value, Case) else value)
def test_layout_and_comments_change_no_judgement(rule: str, case: Case) -> None:
    plain = {finding.decision for finding in findings(case) if finding.rule == rule}
    for seed in range(3):
        head = {**case.head, MAIN: respelled(str(case.head[MAIN]), seed)}
        found = findings(Case(case.name, case.base, head, case.expected, case.policy))
        assert {finding.decision for finding in found if finding.rule == rule} == plain, head[MAIN]
        assert "HCL-00" not in {finding.rule for finding in found}


def test_layout_alone_is_no_change() -> None:
    for seed in range(20):
        assert judge_change(edits({MAIN: DEPLOYMENT}, {MAIN: respelled(DEPLOYMENT, seed)}), policy_of()).allows


MANY = "".join(DEPLOYMENT.replace('"web" {', f'"web{n}" {{') for n in range(120))
HOSTILE = {
    "two thousand lines": (MANY, MANY.replace("replicas = 2", "replicas = 3")),
    "same block again and again": ("a {\n}\n" * 20_000, "a {\n  b = 1\n}\n" * 20_000),
    "same line again and again": ("# x\n" * 50_000, "# x\n# y\n" * 50_000),
    "two lines that take turns": ("# x\n# y\n" * 30_000, "# y\n# x\n# z\n" * 30_000),
    "references": ("", "locals {\n  a = [" + "var.x, " * 40_000 + "]\n}\n"),
    "calls": ("", "locals {\n  a = [" + 'file("x"), ' * 25_000 + "]\n}\n"),
    "locals in a chain": ("", "locals {\n" + "".join(f"  a{n} = local.a{n + 1}\n" for n in range(8_000)) + "}\n"),
    "open code": ("", "# ${" * 60_000),
    "open strings": ("", '"${' * 60_000),
    "heredocs": ("", "a = <<EOT\n" * 30_000),
    "quotes": ("", '"' * 400_000),
    "keys": ("", "-----BEGIN A" * 20_000),
    "base64": ("", ("A" * 20 + "\n") * 20_000),
    "numbers": (
        "groups:\n  - rules:\n    - alert: a\n      expr: " + "1" * 200_000,
        "groups:\n  - rules:\n    - alert: a\n      expr: " + "2" * 200_000,
    ),
    "blanks": ("", " " * 500_000),
    "units": ("a: " + "1m" * 100_000, "a: " + "1m" * 100_000 + "1"),
    "list": ("a: [" + "x, " * 25_000 + "]", "a: [" + "y, " * 25_000 + "]"),
    "mappings": (
        "\n".join(f"- {{name: a, v: {n}}}" for n in range(5_000)),
        "\n".join(f"- {{name: a, v: {n + 1}}}" for n in range(5_000)),
    ),
}


@pytest.mark.parametrize("name", ["a.tf", "a.yaml", "a.tpl", "a.json"])
@pytest.mark.parametrize("texts", HOSTILE.values(), ids=HOSTILE)
def test_every_judgement_ends(texts: tuple[str, str], name: str) -> None:
    base, head = texts
    with ends():
        judge_change(edits({f"stacks/web/{name}": base}, {f"stacks/web/{name}": head}), policy_of(todo_type="Alert"))
