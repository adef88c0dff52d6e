"""Findings as SARIF 2.1.0, the form in which GitHub annotates: https://docs.oasis-open.org/sarif/sarif/v2.1.0/."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.documents.lint import RULES, Finding
from app.documents.lint.model import Rule
from app.redact import redact

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_INDEX = {rule.id: index for index, rule in enumerate(RULES)}


def to_sarif(findings: Sequence[Finding], off: Mapping[str, str], problems: Sequence[str]) -> dict[str, Any]:
    """One run with every rule, the findings, and the problems as notifications; rules in `off` are not enabled.

    Columns count code points from 1. A file below the working folder has a relative address, which GitHub needs.
    """
    return log([_rule(rule, off) for rule in RULES], [_result(finding) for finding in findings], problems)


def log(
    rules: Sequence[Mapping[str, Any]], results: Sequence[Mapping[str, Any]], problems: Sequence[str]
) -> dict[str, Any]:
    """The frame around rules and results that are SARIF already."""
    notifications = [{"level": "error", "message": {"text": told(text)}} for text in problems]
    return {
        "$schema": _SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "followthrough", "rules": rules}},
                "columnKind": "unicodeCodePoints",
                "invocations": [{"executionSuccessful": not problems, "toolExecutionNotifications": notifications}],
                "results": results,
            }
        ],
    }


def told(text: str) -> str:
    """A text that came from a file or is its name, fit to be printed: redacted, and without bytes that are no text."""
    return redact(text.encode("utf-8", "backslashreplace").decode("utf-8"))


def _rule(rule: Rule, off: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": rule.id,
        "shortDescription": {"text": f"{rule.id}: {rule.reads}"},
        "fullDescription": {"text": rule.why},
        "help": {"text": told(f"Turned off: {off[rule.id]}") if rule.id in off else rule.why},
        "defaultConfiguration": {"level": rule.level, "enabled": rule.id not in off},
    }


def _result(finding: Finding) -> dict[str, Any]:
    place = {"uri": _address(finding.file)}
    result: dict[str, Any] = {
        "ruleId": finding.rule,
        "ruleIndex": _INDEX[finding.rule],
        "level": finding.level,
        "message": {"text": told(f"{finding.text}; {finding.why}")},
        "locations": [{"physicalLocation": {"artifactLocation": place, "region": {"startLine": finding.line}}}],
    }
    edit = finding.edit
    if edit:
        region = {"startLine": edit.line, "startColumn": edit.start + 1, "endColumn": edit.end + 1}
        change = {"deletedRegion": region, "insertedContent": {"text": told(edit.value)}}
        result["fixes"] = [{"artifactChanges": [{"artifactLocation": place, "replacements": [change]}]}]
    return result


def _address(file: str) -> str:
    path, here = Path(file).resolve(), Path.cwd().resolve()
    inside = path.is_relative_to(here)
    name = path.relative_to(here).as_posix() if inside else path.as_posix()
    return ("" if inside else "file://") + quote(name.encode("utf-8", "surrogateescape"))
