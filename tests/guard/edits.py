"""Edits for tests: two sets of files, as the pipeline would read them from git."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.guard.change import judge_change
from app.guard.model import Change, Decision, Edits, Finding, Policy

Files = Mapping[str, str | bytes]
MAIN = "stacks/web/main.tf"
VALUES = "stacks/web/values.yaml"
POLICY = Policy("stacks", frozenset({"monitoring", "web", "vault"}), frozenset({"vault"}), "Config")


@dataclass(frozen=True)
class Case:
    """One edit and what its rule has to say of it: a decision, or None when it lets it through.

    `policy` and `change` replace fields of the policy and of every changed file.
    """

    name: str
    base: Files
    head: Files
    expected: Decision | None = "block"
    policy: Mapping[str, Any] = field(default_factory=dict)
    change: Mapping[str, Any] = field(default_factory=dict)


def edits(base: Files, head: Files, fields: Mapping[str, Any] | None = None) -> Edits:
    """What differs between two sets of files; .tf files that do not differ stand around.

    `fields` replace facts of every change.
    """
    before = {path: content.encode() if isinstance(content, str) else content for path, content in base.items()}
    after = {path: content.encode() if isinstance(content, str) else content for path, content in head.items()}
    around = {p: content for p, content in before.items() if p.endswith(".tf") and after.get(p) == content}
    changes = tuple(
        Change(**{**_facts(path, before.get(path), after.get(path)), **(fields or {})})
        for path in sorted({*before, *after})
        if before.get(path) != after.get(path)
    )
    return Edits(changes, around)


def _facts(path: str, base: bytes | None, head: bytes | None) -> dict[str, Any]:
    modes = {
        "base_mode": "100644" if base is not None else "000000",
        "head_mode": "100644" if head is not None else "000000",
    }
    status = "A" if base is None else "D" if head is None else "M"
    return {"path": path, "status": status, "base": base, "head": head, **modes}


def policy_of(**overrides: Any) -> Policy:
    """The policy of the tests with other values."""
    return Policy(**{**POLICY.__dict__, **overrides})


def findings(case: Case) -> tuple[Finding, ...]:
    """Every finding about a case."""
    return judge_change(edits(case.base, case.head, case.change), policy_of(**case.policy)).findings


def tf(name: str, base: str, head: str, expected: Decision | None = "block", **policy: Any) -> Case:
    """A case of one .tf file."""
    return Case(name, {MAIN: base} if base else {}, {MAIN: head} if head else {}, expected, policy)


def values(name: str, base: str, head: str, expected: Decision | None = "block", **policy: Any) -> Case:
    """A case of one .yaml file."""
    return Case(name, {VALUES: base} if base else {}, {VALUES: head}, expected, policy)
