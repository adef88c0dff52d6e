"""Linting files: any bytes, in linear time; fixes that change what they say and nothing else; the three outputs."""

from __future__ import annotations

import json
import pathlib
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from app.cli import app
from app.documents.lint import RULES, Finding, Limits, check, lint
from app.documents.lint.fixes import apply_fixes
from app.documents.lint.model import Edit
from app.documents.parse import Scan, parse
from app.documents.templates import TEMPLATES, Incident, render
from app.errors import BadInput, Refused
from app.settings import load
from tests.documents.fuzz import fuzzed
from tests.documents.test_lint_rules import GOOD
from tests.hang import ends

CORPUS = pathlib.Path(__file__).parents[3] / "shared" / "corpus" / "files"
MESSY = (
    GOOD.replace("| 2026-04-14 |", "| 14 April 2026 |")
    .replace("| SEV2 |", "| **sev-2** (degraded) |")
    .replace("| P1 |", "| `p1` |")
    .replace("| Runbook |", "| runbook |")
)
MENDED = GOOD.replace("| SEV2 |", "| **SEV2** (degraded) |").replace("| P1 |", "| `P1` |")


# --- any document


@fuzzed(200)
@given(st.binary(max_size=2000))
def test_any_bytes_give_findings_or_a_clear_error(data: bytes) -> None:
    try:
        found = lint(data, "x.md")
    except BadInput as error:
        assert error.reason in ("not-utf8", "too-large")
    else:
        assert all(1 <= finding.line <= data.count(b"\n") + data.count(b"\r") + 1 for finding in found)


LINES = [
    *GOOD.split("\n"),
    "- 10:05 x",
    "| 10:01 |",
    "### 09:00",
    "> quote",
    "```",
    "date: 1 May 2026",
    "---",
    "**A:**",
    "| a | b |",
]


@fuzzed(200)
@given(st.lists(st.sampled_from(LINES), max_size=60))
def test_shuffled_documents_are_linted_and_fixed(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    lint(data, "x.md")
    try:
        fixed, _ = apply_fixes(data, "x.md")
    except Refused as error:
        assert error.reason == "fix-not-proven"
    else:
        assert apply_fixes(fixed, "x.md") == (fixed, 0)


@pytest.mark.parametrize(
    "unit",
    [
        "| 10:05 | x |\n",
        "**Date:** x ",
        "**a",
        "the engineer had had ",
        "- 1h 2m 3s\n",
        "1h ",
        "## Timeline 10:00\n",
        '`"“(',
        "delete, and then ",
        "2026-04-14 ~",
        "- [ ] improve monitoring\n",
        "ca. ",
        "9",
        "a:",
    ],
)
def test_the_worst_files_are_linted_to_their_end(unit: str) -> None:
    head = "# T\n\n## Timeline\n\n## Action items\n\n| Action | Type | Status |\n|---|---|---|\n| x | Config | TODO |\n"
    data = (head + unit * (200_000 // len(unit.encode()))).encode()
    with ends():
        lint(b"\n".join(data.split(b"\n")[:9_000]), "x.md")


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_new_post_mortem_lacks_only_what_is_still_to_be_written(template: Any) -> None:
    text = render(template, Incident("Database full", "2026-04-14", "SEV2", ("db",)))
    rules = {finding.rule for finding in lint(text.encode(), "2026-04-14-x.md")}
    assert "section-empty" in rules <= {"review-date", "section-empty"}


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")
def test_real_documents_are_linted_quietly_and_fixed_provably() -> None:
    files = sorted(CORPUS.rglob("*.md"))
    judged = {"timeline-order", "action-vague", "action-destructive", "action-duplicate", "blame", "duration-mismatch"}
    found = [finding for file in files for finding in lint(file.read_bytes(), file.name) if finding.rule in judged]
    assert len(found) <= len(files) / 4
    for file in files:
        before = file.read_bytes()
        after, count = apply_fixes(before, file.name)
        changed = [pair for pair in zip(before.split(b"\n"), after.split(b"\n"), strict=True) if pair[0] != pair[1]]
        assert len(changed) <= count


# --- fixes


@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
def test_fixes_change_only_what_is_certain(eol: str, bom: bytes) -> None:
    fixed, count = apply_fixes(bom + MESSY.replace("\n", eol).encode(), "x.md")
    assert (fixed, count) == (bom + MENDED.replace("\n", eol).encode(), 4)
    assert lint(fixed, "x.md") == []


def test_front_matter_and_bold_lines_are_fixed() -> None:
    text = "---\ndate: 2026/04/14\nseverity: 'Sev 1'\n---\n\n# T\n\n**Severity:** SEV1 **Date:** 2026-04-14\n"
    fixed, _ = apply_fixes(text.encode(), "x.md")
    assert fixed.decode() == text.replace("2026/04/14", "2026-04-14").replace("Sev 1", "SEV1")


def test_no_fix_makes_an_item_the_machines() -> None:
    text = GOOD.replace("| Alert |", "| alert |").replace("| Runbook |", "| *config* |")
    assert apply_fixes(text.encode(), "x.md") == (text.encode(), 0)
    assert not parse(text.encode(), "x.md").todos


@pytest.mark.parametrize("place", [("TODO", "Done"), ("Add an alert", "Add a graph"), ("database full", "disk full")])
def test_a_fix_that_changes_more_is_refused(place: tuple[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    lines = MESSY.split("\n")
    number = next(n for n, line in enumerate(lines) if place[0] in line)
    start = lines[number].index(place[0])
    wrong = Edit(number + 1, start, start + len(place[0]), place[1])

    def tampered(scanned: Scan, off: Collection[str], limits: Limits) -> list[Finding]:
        return [replace(one, edit=wrong) if one.edit else one for one in check(scanned, off, limits)]

    monkeypatch.setattr("app.documents.lint.fixes.check", tampered)
    with pytest.raises(Refused, match="more than") as refused:
        apply_fixes(MESSY.encode(), "x.md")
    assert refused.value.reason == "fix-not-proven"


# --- the command


@pytest.fixture(autouse=True)
def _folder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def run(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["lint", *arguments])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def written(text: str, name: str = "x.md") -> str:
    pathlib.Path(name).write_text(text)
    return name


def test_exit_codes() -> None:
    written(GOOD)
    written(GOOD.replace("(UTC)", ""), "warned.md")
    written(GOOD.replace("SEV2", "High"), "wrong.md")
    assert run("x.md")[:2] == (0, "")
    assert run("x.md", "--strict")[0] == 0
    assert run("warned.md")[0] == 0
    assert run("warned.md", "--strict")[0] == 1
    assert run("x.md", "wrong.md")[0] == 1
    code, out, err = run("none.md", "wrong.md")
    assert code == 2 and "wrong.md:7: severity-format" in out and "file-unreadable" in err
    pathlib.Path("bytes.md").write_bytes(b"\xff")
    assert run("bytes.md")[0] == 2
    with pytest.raises(BadInput, match="at least one"):
        run()


def test_text_is_a_line_for_each_finding() -> None:
    written(GOOD.replace("SEV2", "High").replace("(UTC)", ""))
    assert run("x.md")[1] == (
        "x.md:7: severity-format: the severity “High” is not SEV1, SEV2 or SEV3; "
        "programs that sort, count and link post-mortems cannot read it\n"
        "x.md:23: timeline-utc: the timeline does not say in which time zone it is; write it in UTC; "
        "logs and metrics are in UTC, and readers are in other zones\n"
    )


def test_json_has_findings_fixes_and_times() -> None:
    written(GOOD.replace("| SEV2 |", "| sev-2 |"))
    code, out, _ = run("x.md", "--format", "json")
    data = json.loads(out)
    assert code == 1
    assert data["findings"][0]["rule"] == "severity-format"
    assert data["findings"][0]["fix"] == {"line": 7, "start": 18, "end": 23, "replacement": "SEV2"}
    assert data["times"] == {"x.md": {"ttd_minutes": 15, "ttm_minutes": 80, "ttr_minutes": 95}}


def test_sarif_has_what_the_standard_requires() -> None:
    pathlib.Path("a b").mkdir()
    written(MESSY, "a b/é.md")
    data = json.loads(run("a b/é.md", "none.md", "--format", "sarif")[1])
    assert (data["version"], set(data)) == ("2.1.0", {"$schema", "version", "runs"})
    (only,) = data["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == [rule.id for rule in RULES]
    assert only["invocations"][0]["executionSuccessful"] is False
    assert len(only["results"]) == 4
    for result in only["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
        assert result["level"] in ("error", "warning") and result["message"]["text"]
        place = result["locations"][0]["physicalLocation"]
        assert place["artifactLocation"]["uri"] == "a%20b/%C3%A9.md" and place["region"]["startLine"] >= 1
        (replacement,) = result["fixes"][0]["artifactChanges"][0]["replacements"]
        region = replacement["deletedRegion"]
        assert region["startColumn"] < region["endColumn"] and replacement["insertedContent"]["text"]


def test_fix_writes_the_file_once_and_keeps_its_mode() -> None:
    file = pathlib.Path(written(MESSY))
    file.chmod(0o640)
    code, out, err = run("x.md", "--fix", "--strict")
    assert (code, out) == (0, "") and "4 fixed" in err
    assert file.read_text() == MENDED and file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in pathlib.Path().iterdir()] == ["x.md"]
    assert "fixed" not in run("x.md", "--fix")[2]


def test_nothing_of_a_document_reaches_the_terminal_unredacted() -> None:
    token, key = "ghp_" + "a1B2" * 9, "AKIA" + "ABCD" * 4
    text = GOOD.replace("| SEV2 |", f"| \x1b[31mred {token} |").replace("10:20 | Alert", f"10:01 | {key} \u202e Alert")
    written(text.replace("Write the recovery guide", f"https://u:{'p' * 80}@h guide").replace("| P2 |", "| P9 |"))
    for form in ("text", "json", "sarif"):
        _, out, err = run("x.md", "--format", form)
        for secret in (token, key, "p" * 20, "\x1b", "\u202e"):
            assert secret not in out + err
    assert run("x\x1b]0;y\x07.md")[2].count("\x1b") == 0


def test_a_rule_is_off_with_a_reason_only() -> None:
    written(GOOD.replace("SEV2", "High"))
    written('[lint]\noff = {severity-format = "we use words"}\n', "followthrough.toml")
    assert run("x.md")[0] == 0
    assert json.loads(run("x.md", "--format", "json")[1])["off"] == {"severity-format": "we use words"}
    written('[lint]\noff = {severity-format = " "}\n', "other.toml")
    with pytest.raises(BadInput, match="with a reason"):
        load(pathlib.Path("other.toml"))
    written('[lint]\noff = {severity = "x"}\n', "other.toml")
    with pytest.raises(BadInput, match="names severity") as unknown:
        run("x.md", "--config", "other.toml")
    assert unknown.value.reason == "rule-unknown"


def test_the_rules_are_printed() -> None:
    code, out, _ = run("--rules")
    assert code == 0
    assert all(rule.id in out for rule in RULES)
