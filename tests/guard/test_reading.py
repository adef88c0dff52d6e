"""The readers under the rules: HCL as data, YAML as trees, code in templates, texts by lines."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.guard.edits import hcl
from app.guard.edits.alert_rules import only_numbers
from app.guard.edits.hcl import Call, Expression
from app.guard.edits.hcl_strict import Unreadable
from app.guard.edits.interpolation import code_in, masked
from app.guard.edits.lines import hunks
from app.guard.edits.tree import NotATree, Scalar, read_json, read_yaml
from app.guard.edits.tree_diff import diff
from tests.guard.cases_hcl import DEPLOYMENT, READABLE
from tests.guard.cases_values import SECRET, TEMPLATE
from tests.world.terraform import terraform_path


def expression(source: str) -> Expression:
    found = hcl.read(f"locals {{\n  a = {source}\n}}\n".encode()).blocks[0].get("a")
    assert found is not None
    return found


def test_blocks_labels_and_arguments() -> None:
    file = hcl.read(b'resource "a" b "c\\u0064" { # x\n  d = 1\n  e {\n    f = "g"\n  }\n  e {\n  }\n}\n')
    (block,) = file.blocks
    assert (block.type, block.labels, block.line, block.name) == (
        "resource",
        ("a", "b", "cd"),
        1,
        'resource "a" "b" "cd"',
    )
    assert [(name, e.text, e.line) for name, e in block.attributes] == [("d", "1", 2)]
    assert [(b.type, b.line, [n for n, _ in b.attributes]) for b in block.blocks] == [("e", 3, ["f"]), ("e", 6, [])]
    assert [e.text for e in block.expressions()] == ["1", '"g"']


@pytest.mark.parametrize(
    ("source", "references"),
    [
        ("var.a", ("var.a",)),
        ("var . a /* x */", ("var.a",)),
        ('data.a.b.c["d"].e[0]', ("data.a.b.c.d.e.[]",)),
        ("a.b[*].c", ("a.b.[].c",)),
        ("a.b.*.c", ("a.b.[].c",)),
        ("a.b[c.d]", ("a.b.[]", "c.d")),
        ('"x ${a.b} ${"y ${c.d}"}"', ("a.b", "c.d")),
        ("{ a = b.c, (d.e) = 1, f.g = 2 }", ("b.c", "d.e", "f.g")),
        ("[for k, v in a.b : v.c if k == d.e]", ("a.b", "v.c", "k", "d.e")),
        ("f(a.b, g(c.d)...)", ("a.b", "c.d")),
        ("<<E\n${a.b} %{ for x in c.d }${x}%{ endfor }\nE", ("a.b", "c.d", "x")),
        ("!a.b ? -c.d : (e.f)", ("a.b", "c.d", "e.f")),
        ('"$${a.b}"', ()),
    ],
)
def test_references(source: str, references: tuple[str, ...]) -> None:
    assert sorted(expression(source).references) == sorted(references)


def test_calls_keep_their_arguments_in_order() -> None:
    found = expression('templatefile("a", { b = upper(c.d) })')
    assert [call.name for call in found.calls] == ["templatefile", "upper"]
    assert [argument.text for argument in found.calls[0].arguments] == ['"a"', "{ b = upper ( c . d ) }"]
    assert isinstance(found.calls[1], Call) and found.calls[1].arguments[0].references == ("c.d",)


def test_texts_are_unescaped_and_show_where_code_stands() -> None:
    assert [t.text for t in expression('"a\\u0062\\n${c}\\"d"').templates] == ['ab\n${}"d']
    assert [t.text for t in expression("<<-E\n  a ${b}\\n\n  E").templates] == ["<<-E\n  a ${}\\n\n  E"]


def test_the_text_of_an_expression_leaves_layout_and_comments_out() -> None:
    assert expression("[ 1,2 , /* x */ 3 ]").text == expression("[1, # y\n 2, 3]").text
    assert expression('"a  b"').text != expression('"a b"').text
    assert expression('"a ${ b } c"').text == expression('"a ${b} c"').text
    assert expression('"${a} ${b}"').text != expression('"${a}${b}"').text


@pytest.mark.parametrize("text", [READABLE, DEPLOYMENT, TEMPLATE, SECRET])
def test_terraform_reads_what_we_read(text: str, tmp_path: Path) -> None:
    hcl.read(text.encode())
    environment = {
        "PATH": terraform_path(tmp_path / "bin"), "HOME": str(tmp_path), "CHECKPOINT_DISABLE": "1",
        "TF_CLI_CONFIG_FILE": "/dev/null",
    }  # fmt: skip
    (tmp_path / "main.tf").write_text(text)
    command = ["terraform", "fmt", "-list=false", "main.tf"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr


def test_unreadable_code_has_its_line() -> None:
    with pytest.raises(Unreadable) as caught:
        hcl.read(b"locals {\n  a = 1\n  a = 2\n}\n")
    assert (caught.value.line, caught.value.what) == (3, "a is set twice")


def test_yaml_keeps_what_is_written_and_says_what_is_odd() -> None:
    tree = read_yaml("a: yes\nb: '1'\nx.yml: |\n  groups: []\nc: &d [1]\ne: *d\ne: 2\n<<: {}\n")
    assert isinstance(tree.root, dict)
    assert tree.root["a"] == Scalar("yes") and tree.root["b"] == Scalar("1", plain=False)
    assert tree.root["x.yml"] == {"groups": []}
    assert dict(tree.odd) == {"an anchor": 1, "an alias": 1, "the key 'e' stands twice": 1, "a merge key": 1}


def test_json_keeps_numbers_as_they_are_written() -> None:
    assert read_json('{"a": [1.50, 1e999, true, null, "x"]}').root == {
        "a": [Scalar("1.50"), Scalar("1e999"), Scalar("true"), Scalar("null"), Scalar("x", plain=False)]
    }
    with pytest.raises(NotATree):
        read_json("[1,]")


@pytest.mark.parametrize(
    ("before", "after", "differences"),
    [
        ("a: 1\nb: 2", "b: 2\na: 1", []),
        ("a: 1", "a: '1'", ["a"]),
        ("- {name: x, v: 1}\n- {name: y}", "- {name: z}\n- {name: x, v: 2}\n- {name: y}", ["[name=x].v", "[name=z]"]),
        ("[a=1, b]", "[b, a=2, c]", ["[0]", "[1]"]),
        ("[1, 2]", "[2, 1]", ["[order]"]),
        ("[{a: 1}, {a: 1}]", "[{a: 1}]", ["[0]"]),
        ("a:", "a: [1]", ["a[0]"]),
        ("a: {b: {c: 1, d: 2}}", "a: {b: {c: 1, d: 3, e: 4}}", ["a.b.d", "a.b.e"]),
    ],
)
def test_differences_by_meaning(before: str, after: str, differences: list[str]) -> None:
    assert sorted(delta.where for delta in diff(read_yaml(before).root, read_yaml(after).root)) == differences


def test_code_in_templates() -> None:
    text = 'a ${b} $${c} %%{d} $$${e}\n%{ if x ~}\n${ {"}" = "${f}}"} }'
    assert [(code.text, code.first_line, code.last_line) for code in code_in(text)] == [
        ("${b}", 1, 1), ("${e}", 1, 1), ("%{ if x ~}", 2, 2), ('${ {"}" = "${f}}"} }', 3, 3)
    ]  # fmt: skip
    names: dict[str, str] = {}
    assert masked("${a}m ${b} ${a}%{ if c }", names) == "CODEaXm CODEbX CODEaX"
    assert masked("${b}", names) == "CODEbX"


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from("abcde")), st.lists(st.sampled_from("abcde")))
def test_hunks_lead_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    old, new = "\n".join(before), "\n".join(after)
    lines, shift = old.split("\n"), 0
    for hunk in hunks(old, new):
        at = hunk.old_line - 1 + shift
        assert lines[at : at + len(hunk.before)] == list(hunk.before)
        lines[at : at + len(hunk.before)] = hunk.after
        assert hunk.line - 1 == at
        shift += len(hunk.after) - len(hunk.before)
    assert "\n".join(lines) == new


@pytest.mark.parametrize(
    ("key", "before", "after", "small"),
    [
        ("expr", "a > 85", "a > 90.5", True),
        ("expr", "rate(a[5m]) > 1e3", "rate(a[1h]) > 2e3", False),
        ("expr", "rate(a[5m]) > 1e3", "rate(a[10m]) > 2e3", True),
        ("expr", "a2 > 1", "a3 > 1", False),
        ("expr", 'a{b="1"} > 1', 'a{b="2"} > 1', False),
        ("expr", "a > 1", "a >= 1", False),
        ("expr", "a > 10", "a > -10", False),
        ("for", "5m", "30m", True),
        ("for", "5m", "90d", False),
        ("for", "5m", "300s", True),
        ("for", "0s", "5m", False),
        ("labels", "1", "2", False),
        ("annotations", "over 85 %", "over 90 %", True),
        ("annotations", "over 85 %", "under 85 %", False),
    ],
)
def test_small_changes_of_alert_rules(key: str, before: str, after: str, small: bool) -> None:
    assert only_numbers(key, before, after) is small
