"""What an agent may change: every path that differs from the base commit, against a table of rules.

Rules read git facts and blobs only, so they hold whatever wrote the files. Ids are those of the threat model
(SECURITY.md, Rules); a path is judged by all rules, and every finding is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.guard.model import Change, Finding, Policy, Verdict

_FILE = re.compile(
    r"(?P<stack>[A-Za-z0-9][A-Za-z0-9._-]*)/([A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*\.(tf|tpl|ya?ml|json)"
)
_FORBIDDEN = re.compile(
    r"(^|/)(terragrunt\.hcl(\.json)?|override\.tf|[^/]*_override\.tf|[^/]*\.(tf|tofu|tftest)\.json|[^/]*\.tfvars[^/]*|\.terraform[^/]*"
    r"|terraform\.d|[^/]*\.tfstate[^/]*|\.git[^/]*|\.claude|\.mcp\.json|claude\.md|agents\.md|\.envrc|secrets)(/|$)",
    re.IGNORECASE,
)
_REGULAR_FILE = "100644"
_ABSENT = "000000"


@dataclass(frozen=True)
class ChangeRule:
    """One row of the table: `check` returns why the change is not let through, or None."""

    id: str
    why: str
    check: Callable[[Change, Policy], str | None]


def stack_of(path: str, policy: Policy) -> str | None:
    """The stack that a path belongs to, or None when it lies outside every stack folder."""
    head, _, rest = path.partition(policy.stacks + "/")
    return rest.split("/")[0] if not head and "/" in rest else None


def _allowed_path(change: Change, policy: Policy) -> str | None:
    inside = change.path.removeprefix(policy.stacks + "/")
    match = _FILE.fullmatch(inside) if inside != change.path else None
    if match is None:
        return (
            f"only .tf, .tpl, .yaml, .yml and .json files with plain names inside {policy.stacks}/<stack>/ may change"
        )
    if match["stack"] not in policy.known_stacks:
        return f"there is no stack {match['stack']} in the base commit; a new stack is made by a person"
    return None


def _forbidden_name(change: Change, policy: Policy) -> str | None:
    if _FORBIDDEN.search(change.path):
        return "this name steers terraform, git or the agent itself; a person changes such files"
    return None


def _protected_stack(change: Change, policy: Policy) -> str | None:
    stack = stack_of(change.path, policy)
    if stack is not None and stack.lower() in {s.lower() for s in policy.protected_stacks}:
        return f"the stack {stack} is protected; its changes are made by a person"
    return None


def _plain_edit(change: Change, policy: Policy) -> str | None:
    if change.status not in ("A", "M"):
        return f"git status {change.status}: files may be added or edited, not deleted, renamed or retyped"
    wanted_base = _ABSENT if change.status == "A" else _REGULAR_FILE
    if (change.base_mode, change.head_mode) != (wanted_base, _REGULAR_FILE):
        return f"file mode {change.base_mode} to {change.head_mode}: only regular files ({_REGULAR_FILE}) may change"
    return None


RULES: tuple[ChangeRule, ...] = (
    ChangeRule("FILE-01", "an agent works inside the stacks that exist, in the file types it knows", _allowed_path),
    ChangeRule("FILE-02", "some names change what terraform, git or an agent does", _forbidden_name),
    ChangeRule("FILE-03", "protected stacks hold what everything else stands on", _protected_stack),
    ChangeRule("FILE-04", "a plain edit is all that a TODO needs", _plain_edit),
)


def exportable(path: str, mode: str, policy: Policy) -> bool:
    """Whether the agent gets to see a file: regular, not of a protected stack, not one that steers git or agents."""
    regular = mode in ("100644", "100755")
    change = Change(path, "M", mode, mode, None, None)
    return regular and _protected_stack(change, policy) is None and _forbidden_name(change, policy) is None


def outside_writes(paths: Sequence[str], policy: Policy) -> list[str]:
    """Those of the paths that an agent tried to write which it may not, whatever the file holds."""
    tried = {path: Change(path, "M", _REGULAR_FILE, _REGULAR_FILE, None, None) for path in paths}
    return [path for path, change in tried.items() if judge_change([change], policy).findings]


def judge_change(changes: Sequence[Change], policy: Policy) -> Verdict:
    """Judge every changed path by every rule. An empty change is not judged here: the caller knows what it means."""
    findings = [
        Finding(rule.id, change.path, why)
        for change in changes
        for rule in RULES
        if (why := rule.check(change, policy)) is not None
    ]
    return Verdict(tuple(findings))
