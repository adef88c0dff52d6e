"""`followthrough lint`: post-mortems in; findings out as text, JSON or SARIF; certain fixes written back."""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.cli.cache import Cache
from app.cli.files import documents_in, read_file
from app.cli.sarif import to_sarif, told
from app.documents.lint import RULE_IDS, RULES, Finding, Limits, check, computed_times
from app.documents.lint.fixes import apply_fixes
from app.documents.lint.model import Edit
from app.documents.parse import scan
from app.documents.vocabulary import BUILT_IN, Vocabulary
from app.errors import BadInput, Refused
from app.settings import LintSettings


@dataclass
class Report:
    """What a call found: findings in the order of the files, the times of each, and the files that gave none."""

    findings: list[Finding] = field(default_factory=list)
    times: dict[str, dict[str, float | None]] = field(default_factory=dict)
    cache: Cache = field(default_factory=lambda: Cache(None, "lint", ""))
    fixed: dict[str, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    unreadable: bool = False


def lint_files(
    paths: Sequence[Path],
    form: str,
    strict: bool,
    fix: bool,
    settings: LintSettings,
    vocabulary: Vocabulary = BUILT_IN,
    cache: Path | None = None,
) -> int:
    """Print the findings in `paths`, after mending what is certain with `fix`. Returns the exit code.

    0 without findings, 1 with errors (with `strict`: or warnings) or when a fix was refused, 2 when a file cannot be
    read. With `cache`, files that have not changed since it was written are not linted again. Raises BadInput:
    `rule-unknown` for a rule that is turned off and does not exist, `path-missing`, `cache-with-fix`.
    """
    unknown = sorted(set(settings.off) - RULE_IDS)
    if unknown:
        raise BadInput(
            "rule-unknown", f"lint.off names {', '.join(unknown)}: `followthrough lint --rules` has them all"
        )
    if not paths:
        raise BadInput("path-missing", "linting: name at least one post-mortem")
    if fix and cache:
        raise BadInput("cache-with-fix", "linting: --fix changes files, so --cache has nothing to keep; leave one away")
    options = [vocabulary.fingerprint, sorted(settings.off), settings.report_hours]
    report = Report(cache=Cache(cache, "lint", json.dumps(options)))
    for path in documents_in(paths):
        try:
            _lint(path, fix, settings, vocabulary, report)
        except (BadInput, Refused) as error:
            report.problems.append(told(f"{error} ({error.reason})"))
            report.unreadable |= isinstance(error, BadInput)
    report.cache.save()
    _show(report, form, settings)
    if report.unreadable:
        return 2
    counted = [finding for finding in report.findings if strict or finding.level == "error"]
    return 1 if counted or report.problems else 0


def print_rules() -> int:
    """Print every rule. Returns the exit code."""
    table = Table(show_lines=False)
    for column in ("rule", "level", "reads", "why", "--fix mends"):
        table.add_column(column, no_wrap=column == "rule")
    for rule in RULES:
        table.add_row(rule.id, rule.level, rule.reads, rule.why, rule.certain)
    Console().print(table)
    return 0


def _lint(path: Path, fix: bool, settings: LintSettings, vocabulary: Vocabulary, report: Report) -> None:
    """Add one file to the report; where its fixes are refused it is reported as it stands."""
    data, name, limits = read_file(path), str(path), Limits(settings.report_hours)
    if fix:
        try:
            fixed, count = apply_fixes(data, name, settings.off, limits, vocabulary)
            if count:
                _replace(path, fixed)
                data, report.fixed[name] = fixed, count
        except Refused as error:
            report.problems.append(told(f"{name}: {error} ({error.reason})"))
    kept = json.loads(report.cache.answer(name, data, lambda: _answer(data, name, settings, vocabulary)))
    report.findings += [_finding_of(one) for one in kept["findings"]]
    report.times[name] = kept["times"]


def _answer(data: bytes, name: str, settings: LintSettings, vocabulary: Vocabulary) -> str:
    scanned = scan(data, name, vocabulary)
    found = check(scanned, settings.off, Limits(settings.report_hours))
    return json.dumps({"findings": [asdict(one) for one in found], "times": computed_times(scanned)})


def _finding_of(kept: dict[str, Any]) -> Finding:
    return Finding(**{**kept, "edit": Edit(**kept["edit"]) if kept["edit"] else None})


def _replace(path: Path, data: bytes) -> None:
    """Write the file as a whole or not at all."""
    target = path.resolve()
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as folder:
            new = Path(folder, target.name)
            new.write_bytes(data)
            shutil.copymode(target, new)
            new.replace(target)
    except OSError as error:
        raise BadInput("not-writable", f"fixing {path}: {error.strerror}; it is as it was") from None


def _show(report: Report, form: str, settings: LintSettings) -> None:
    if form == "json":
        print(json.dumps(_json(report, settings), indent=2, ensure_ascii=False))  # noqa: T201
    elif form == "sarif":
        print(json.dumps(to_sarif(report.findings, settings.off, report.problems), indent=2))  # noqa: T201
    else:
        for one in report.findings:
            print(told(f"{_flat(one.file)}:{one.line}: {one.rule}: {one.text}; {one.why}"))  # noqa: T201
    for problem in [*report.problems, *dict.fromkeys(report.cache.notes)]:
        print(f"followthrough: {_flat(problem)}", file=sys.stderr)  # noqa: T201
    errors = sum(finding.level == "error" for finding in report.findings)
    warnings, files = len(report.findings) - errors, len(report.times)
    counts = f"{_many(errors, 'error')}, {_many(warnings, 'warning')} in {_many(files, 'file')}"
    fixed = f", {sum(report.fixed.values())} fixed" if report.fixed else ""
    cached = f"; {report.cache.made} linted, {report.cache.kept} unchanged" if report.cache.file else ""
    print(counts + fixed + cached, file=sys.stderr)  # noqa: T201


def _many(count: int, word: str) -> str:
    return f"{count} {word}" + ("" if count == 1 else "s")


def _flat(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n").replace("\t", "\\t")


def _json(report: Report, settings: LintSettings) -> dict[str, Any]:
    return {
        "findings": [_finding(finding) for finding in report.findings],
        "times": {told(file): times for file, times in report.times.items()},
        "fixed": {told(file): count for file, count in report.fixed.items()},
        "off": {rule: told(reason) for rule, reason in settings.off.items()},
    }


def _finding(one: Finding) -> dict[str, Any]:
    edit = one.edit
    return {
        "file": told(one.file),
        "line": one.line,
        "rule": one.rule,
        "level": one.level,
        "text": told(one.text),
        "why": one.why,
        "fix": None
        if edit is None
        else {"line": edit.line, "start": edit.start + 1, "end": edit.end + 1, "replacement": told(edit.value)},
    }
