"""`followthrough guard`: the rules alone, for anybody's CI. A verdict on standard output, its word as the exit code."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.cli.sarif import log as sarif_log
from app.cli.sarif import told
from app.documents.parse import parse
from app.edges.checkout import Checkout
from app.errors import BadInput
from app.guard.change import judge_change
from app.guard.model import Finding, Policy, Verdict
from app.guard.plan import judge_plan
from app.guard.policy import FILE, describe
from app.guard.table import rows
from app.guard.todo import judge_todo
from app.settings import RepositorySettings, Settings
from pipelines.rules import policy_for

EXIT_CODES = {"allow": 0, "needs-approval": 3, "block": 1}
_LARGEST_PLAN = 64 * 1024 * 1024
_LEVELS = {"block": "error", "needs-approval": "warning"}


def guard_plan(
    settings: Settings, name: str, file: Path, baseline: Path | None, todo_type: str | None, form: str
) -> int:
    """Judge the JSON of a saved plan, `-` for standard input. Returns the exit code."""
    policy = policy_for(settings, _repository(settings, name), (), todo_type)
    before = _text(baseline) if baseline else None
    return _say(judge_plan(_text(file), None, _name(file), policy, before), policy, form)


def guard_diff(settings: Settings, name: str, folder: Path, base: str, todo_type: str | None, form: str) -> int:
    """Judge what a checkout holds now against a commit, committed or not. Returns the exit code."""
    repository, checkout = _repository(settings, name), Checkout(folder)
    policy = _policy_of(settings, repository, checkout, base, todo_type)
    return _say(judge_change(checkout.edits(base, repository.stacks), policy), policy, form)


def guard_todo(settings: Settings, name: str, place: str, form: str) -> int:
    """Judge the action item at FILE:LINE. Returns the exit code."""
    found = re.fullmatch(r"(.+):([1-9][0-9]{0,6})", place)
    if found is None:
        raise BadInput("bad-place", f"judging {place}: it must be FILE:LINE")
    path, line = Path(found[1]), int(found[2])
    document = parse(_bytes(path), str(path))
    items = [*document.todos, *document.skipped, *document.done]
    item = next((i for i in items if i.line <= line <= i.end_line), None)
    if item is None:
        lines = ", ".join(str(i.line) for i in items) or "none"
        raise BadInput("no-item-there", f"judging {place}: there is no action item; items begin on lines {lines}")
    verdict = judge_todo(item.declared.type, item.line)
    if verdict.allows and not (item.safe and item in document.todos):
        why = f"it is {item.status}" if item in document.done else f"its row was not taken: {item.reason}"
        verdict = Verdict((Finding("TODO-01", f"line {item.line}", f"{why}; see followthrough parse"),))
    return _say(verdict, policy_for(settings, _repository(settings, name), (), item.type), form)


def print_policy(settings: Settings, name: str, folder: Path | None, form: str) -> int:
    """Print the policy in force; with a checkout, narrowed by its own file. Returns 0."""
    repository = _repository(settings, name)
    if folder is None:
        policy = policy_for(settings, repository, (), None)
    else:
        policy = _policy_of(settings, repository, Checkout(folder), "HEAD", None)
    if form == "json":
        print(json.dumps(describe(policy), indent=2, ensure_ascii=False))  # noqa: T201 - standard output is the answer
        return 0
    table = Table("key", "value", title=f"policy {policy.version} of {repository.name}", title_justify="left")
    for key, value in describe(policy).items():
        table.add_row(key, Text(json.dumps(value, ensure_ascii=False) if not isinstance(value, str) else value))
    console.print(table)
    return 0


def _policy_of(
    settings: Settings, repository: RepositorySettings, checkout: Checkout, base: str, todo_type: str | None
) -> Policy:
    known = checkout.known_stacks(base, repository.stacks)
    return policy_for(settings, repository, known, todo_type, checkout.file(base, FILE))


def _repository(settings: Settings, name: str) -> RepositorySettings:
    """The repository of that name, or the only one that is configured; without any, the defaults."""
    if found := settings.repository_named(name):
        return found
    if len(settings.repository) > 1 or name:
        names = ", ".join(r.name for r in settings.repository) or "none"
        raise BadInput("which-repository", f"judging: configured are {names}; name one of them with --repository")
    return settings.repository[0] if settings.repository else RepositorySettings(name="-/-", clone_url="-")


def _say(verdict: Verdict, policy: Policy, form: str) -> int:
    findings = [{key: told(value) for key, value in asdict(f).items()} for f in verdict.findings]
    if form == "text":
        for finding in findings:
            line = f"{finding['decision']:<14} {finding['rule']} {finding['where']}: {finding['why']}"
            console.print(Text(line), soft_wrap=True)
        console.print(Text(f"{verdict.word} (policy {policy.version})"))
    else:
        answer: dict[str, Any] = {"verdict": verdict.word, "findings": findings, "policy": policy.version}
        shown = answer if form == "json" else _sarif(findings)
        print(json.dumps(shown, indent=2, ensure_ascii=False))  # noqa: T201 - standard output is the answer
    return EXIT_CODES[verdict.word]


def _sarif(findings: Sequence[dict[str, str]]) -> dict[str, Any]:
    ids = [row.id for row in rows()]
    rules = [
        {
            "id": row.id,
            "shortDescription": {"text": f"{row.id}: {row.reads}"},
            "fullDescription": {"text": row.why},
            "help": {"text": row.through},
            "defaultConfiguration": {"level": _LEVELS[row.decision]},
        }
        for row in rows()
    ]
    results = [
        {
            "ruleId": finding["rule"],
            "ruleIndex": ids.index(finding["rule"]),
            "level": _LEVELS[finding["decision"]],
            "message": {"text": f"{finding['where']}: {finding['why']}"},
            "locations": [_location(finding["where"])],
        }
        for finding in findings
    ]
    return sarif_log(rules, results, ())


def _location(where: str) -> dict[str, Any]:
    path, _, line = where.partition(":")
    region = {"startLine": int(line) if line.isdigit() and int(line) else 1}
    return {"physicalLocation": {"artifactLocation": {"uri": path or "plan"}, "region": region}}


def _name(file: Path) -> str:
    return "plan" if str(file) == "-" else file.stem


def _text(file: Path) -> str:
    return _bytes(file).decode("utf-8", "surrogateescape")


def _bytes(file: Path) -> bytes:
    try:
        data = sys.stdin.buffer.read(_LARGEST_PLAN + 1) if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise BadInput("unreadable", f"reading {file}: {error.strerror}") from None
    if len(data) > _LARGEST_PLAN:
        raise BadInput("too-large", f"reading {file}: it is larger than 64 MiB")
    return data
