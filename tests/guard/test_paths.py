"""What the rest asks of the change's rules by name alone: stacks, what the agent sees, what it tried to write."""

from __future__ import annotations

import pytest

from app.guard.change import exportable, outside_writes, stack_of
from tests.guard.cases_files import CASES
from tests.guard.edits import POLICY

NAMES = ("FILE-01", "FILE-02", "FILE-03")


def test_stack_of() -> None:
    assert stack_of("stacks/web/a/b.tf", POLICY) == "web"
    assert stack_of("stacks/main.tf", POLICY) is None
    assert stack_of("x/stacks/web/main.tf", POLICY) is None


@pytest.mark.parametrize(
    ("path", "mode", "seen"),
    [
        ("stacks/web/main.tf", "100644", True),
        ("scripts/tg", "100755", True),
        ("stacks/web/link.tf", "120000", False),
        ("stacks/web/module", "160000", False),
        ("stacks/vault/main.tf", "100644", False),
        ("stacks/Vault/main.tf", "100644", False),
        (".claude/settings.json", "100644", False),
        ("docs/CLAUDE.md", "100644", False),
        (".mcp.json", "100644", False),
        (".gitattributes", "100644", False),
        ("secrets/tls.key", "100644", False),
    ],
)
def test_what_the_agent_gets_to_see(path: str, mode: str, seen: bool) -> None:
    assert exportable(path, mode, POLICY) is seen


def test_writes_outside_are_judged_by_their_names() -> None:
    named = {
        path for rule in NAMES for case in CASES[rule] if case.expected and len(case.head) == 1 for path in case.head
    }
    assert set(outside_writes(sorted(named), POLICY)) == named
    assert outside_writes(["stacks/web/main.tf", "stacks/web/a/b.yaml"], POLICY) == []
    assert outside_writes(["a.sh", "stacks/web/x.tf", "a.sh"], POLICY) == ["a.sh"]
