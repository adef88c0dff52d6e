"""What an agent may change: everything that differs from the base commit, against one table of rules.

Rules read git facts and blobs only, so they hold whatever wrote the files, and judge what the edit added, changed or
removed, never what was there. The rows stand with what they read: `files` (paths, git facts, text), `hcl_*`
(terraform code), `templates` (templates and YAML), `alerts.rules` (what alerts mean), `monitors` (the inventory). Ids
are those of SECURITY.md, Rules; every finding is kept.
"""

from __future__ import annotations

from collections.abc import Sequence

from app.guard.alerts import rules as alerts
from app.guard.edits import files, hcl_blocks, hcl_resources, hcl_values, templates
from app.guard.edits.files import name_problem, protected, stack_of, steering
from app.guard.model import Edits, Policy, Rule, Verdict, judge
from app.guard.monitors import rules as monitors

__all__ = ["RULES", "exportable", "judge_change", "outside_writes", "stack_of"]

_HCL = (*hcl_blocks.RULES, *hcl_values.RULES, *hcl_resources.RULES)
RULES: tuple[Rule[Edits], ...] = (
    *files.RULES,
    *sorted(_HCL, key=lambda rule: rule.id),
    *templates.RULES,
    *alerts.RULES,
    *monitors.RULES,
)


def exportable(path: str, mode: str, policy: Policy) -> bool:
    """Whether the agent gets to see a file: regular, not of a protected stack, not one that steers git or agents."""
    return mode in ("100644", "100755") and protected(path, policy) is None and steering(path, policy) is None


def outside_writes(paths: Sequence[str], policy: Policy) -> list[str]:
    """Those of the paths that an agent tried to write which it may not, whatever the file holds.

    FILE-01 to FILE-03 and MON-01 say which.
    """
    found = dict.fromkeys(paths)
    return [path for path in found if name_problem(path, policy) or monitors.place_problem(path, policy)]


def judge_change(edits: Edits, policy: Policy) -> Verdict:
    """Judge edits by every rule. An empty change is not judged here: the caller knows what it means."""
    return judge(RULES, edits, policy)
