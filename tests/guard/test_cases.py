"""Every rule of the change's table, against edits that trip it and edits that pass it."""

from __future__ import annotations

import pytest

from app.guard.change import RULES, judge_change
from tests.guard.cases_alerts import ALERTS
from tests.guard.cases_files import CASES
from tests.guard.cases_hcl import BLOCKS
from tests.guard.cases_monitors import MONITORS
from tests.guard.cases_tpl import TEMPLATES
from tests.guard.cases_values import VALUES
from tests.guard.edits import Case, edits, findings, policy_of

ALL = {**CASES, **BLOCKS, **VALUES, **TEMPLATES, **ALERTS, **MONITORS}
TRIPPING = [(rule, case) for rule, cases in ALL.items() for case in cases if case.expected]
PASSING = [(rule, case) for rule, cases in ALL.items() for case in cases if not case.expected]
FEWEST_SPELLINGS = 5


def title(value: object) -> str:
    return value.name[:60] if isinstance(value, Case) else str(value)


@pytest.mark.parametrize(("rule", "case"), TRIPPING, ids=title)
def test_a_rule_trips(rule: str, case: Case) -> None:
    decisions = {finding.decision for finding in findings(case) if finding.rule == rule}
    assert decisions, f"{rule} says nothing; others: {[(f.rule, f.why[:90]) for f in findings(case)]}"
    assert case.expected in decisions
    assert case.expected == "block" or "block" not in decisions


@pytest.mark.parametrize(("rule", "case"), PASSING, ids=title)
def test_a_rule_lets_honest_edits_through(rule: str, case: Case) -> None:
    assert [finding for finding in findings(case) if finding.rule == rule] == []


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_every_rule_has_cases_that_trip_and_cases_that_pass(rule: str) -> None:
    tripping = [case for known, case in TRIPPING if known == rule]
    assert len(tripping) >= FEWEST_SPELLINGS
    assert [case for known, case in PASSING if known == rule]
    names = [case.name for case in ALL[rule]]
    assert len(set(names)) == len(names)


def test_the_table_is_whole_and_in_order() -> None:
    ids = [rule.id for rule in RULES]
    assert ids == [
        *(f"FILE-0{n}" for n in range(1, 8)), *(f"HCL-{n:02}" for n in range(14)), *(f"TPL-0{n}" for n in range(1, 4)),
        *(f"ALERT-0{n}" for n in range(1, 7)), *(f"MON-0{n}" for n in range(1, 7)),
    ]  # fmt: skip
    assert set(ALL) == set(ids)
    assert all(rule.reads and rule.why and rule.through.endswith(".") and not rule.why.endswith(".") for rule in RULES)


def test_a_finding_says_where_what_why_and_how_to_get_through() -> None:
    case = next(case for case in BLOCKS["HCL-03"] if case.name == "exec")
    found = [finding for finding in findings(case) if finding.rule == "HCL-03"]
    assert [(f.where, f.decision) for f in found] == [("stacks/web/main.tf:17", "block")]
    assert found[0].why.startswith('added provider "kubernetes"; a provider\'s configuration runs programs')
    assert found[0].why.endswith("Leave providers as they are.")


def test_a_verdict_lists_every_finding_of_every_file() -> None:
    files = {
        "stacks/web/a.tf": 'provider "aws" {\n}\n',
        "stacks/web/b.tf": "moved {\n  from = a.b\n  to = a.c\n}\n",
        "stacks/vault/c.yaml": "a: ${file(1)}\n",
    }
    verdict = judge_change(edits({}, files), policy_of())
    assert {(f.rule, f.where.partition(":")[0]) for f in verdict.findings} >= {
        ("HCL-03", "stacks/web/a.tf"),
        ("HCL-06", "stacks/web/b.tf"),
        ("FILE-03", "stacks/vault/c.yaml"),
        ("TPL-01", "stacks/vault/c.yaml"),
    }
    assert verdict.word == "block"
