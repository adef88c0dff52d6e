"""FILE rules: which paths an agent may change (SECURITY.md, Rules)."""

from __future__ import annotations

import pytest

from app.guard.change import RULES, exportable, judge_change, stack_of
from app.guard.model import Change, Policy

POLICY = Policy("stacks", frozenset({"monitoring", "web", "vault"}), frozenset({"vault"}))


def change(path: str, status: str = "M", base: str = "100644", head: str = "100644") -> Change:
    return Change(path, status, base, head, b"old", b"new")


def rules(*changes: Change) -> set[str]:
    return {finding.rule for finding in judge_change(changes, POLICY).findings}


@pytest.mark.parametrize(
    "path",
    [
        "stacks/monitoring/main.tf",
        "stacks/monitoring/rules/nfs.yaml.tpl",
        "stacks/monitoring/a/b/c/values.yml",
        "stacks/web/monitors.json",
    ],
)
def test_ordinary_edits_pass(path: str) -> None:
    assert judge_change([change(path), change(path, "A", "000000")], POLICY).word == "allow"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("scripts/tg", "FILE-01"),
        ("stacks/Monitoring/main.tf", "FILE-01"),
        ("stacks/monitoring/run.sh", "FILE-01"),
        ("stacks/monitoring/zw\u200b.tf", "FILE-01"),
        ("stacks/monitoring/main.tf\n", "FILE-01"),
        ("stacks/monitoring/../vault/main.tf", "FILE-01"),
        ("stacks/main.tf", "FILE-01"),
        ("stacks/brandnew/main.tf", "FILE-01"),
        ("other/stacks/monitoring/main.tf", "FILE-01"),
        ("stacks/monitoring/x_override.tf", "FILE-02"),
        ("stacks/monitoring/override.tf", "FILE-02"),
        ("stacks/monitoring/x.tf.json", "FILE-02"),
        ("stacks/monitoring/x.tofu.json", "FILE-02"),
        ("stacks/monitoring/terragrunt.hcl.json", "FILE-02"),
        ("stacks/monitoring/terraform.tfvars.json", "FILE-02"),
        ("stacks/monitoring/.terraform/modules/modules.json", "FILE-02"),
        ("stacks/monitoring/terraform.d/x.json", "FILE-02"),
        ("stacks/monitoring/.claude/settings.json", "FILE-02"),
        ("stacks/monitoring/secrets/a.yaml", "FILE-02"),
        ("stacks/monitoring/.mcp.json", "FILE-02"),
        ("stacks/vault/main.tf", "FILE-03"),
        ("stacks/VAULT/main.tf", "FILE-03"),
    ],
)
def test_other_paths_are_blocked(path: str, rule: str) -> None:
    assert rule in rules(change(path))
    assert judge_change([change(path)], POLICY).word == "block"


@pytest.mark.parametrize(
    ("status", "base", "head"),
    [
        ("D", "100644", "000000"),
        ("T", "100644", "120000"),
        ("A", "000000", "120000"),
        ("A", "000000", "100755"),
        ("M", "100644", "100755"),
        ("M", "100755", "100644"),
        ("A", "000000", "160000"),
        ("R", "100644", "100644"),
    ],
)
def test_anything_but_a_plain_edit_is_blocked(status: str, base: str, head: str) -> None:
    assert rules(change("stacks/web/main.tf", status, base, head)) == {"FILE-04"}


def test_a_verdict_lists_every_finding_of_every_path() -> None:
    found = judge_change([change("stacks/vault/x_override.tf", "D", head="000000"), change("a.sh")], POLICY).findings
    assert {(f.rule, f.where) for f in found} == {
        ("FILE-02", "stacks/vault/x_override.tf"),
        ("FILE-03", "stacks/vault/x_override.tf"),
        ("FILE-04", "stacks/vault/x_override.tf"),
        ("FILE-01", "a.sh"),
    }


def test_rule_ids_are_unique_and_say_why() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.why for rule in RULES)


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
        ("stacks/vault/main.tf", "100644", False),
        (".claude/settings.json", "100644", False),
        ("docs/CLAUDE.md", "100644", False),
        (".mcp.json", "100644", False),
        (".gitattributes", "100644", False),
        ("secrets/tls.key", "100644", False),
    ],
)
def test_what_the_agent_gets_to_see(path: str, mode: str, seen: bool) -> None:
    assert exportable(path, mode, POLICY) is seen
