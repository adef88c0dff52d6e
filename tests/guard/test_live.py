"""What a running Prometheus says against an alert, as data."""

from __future__ import annotations

import pytest

from app.guard.alerts.extract import AlertRule
from app.guard.alerts.live import Answers, judge, not_loadable

RULE = AlertRule("NfsRetransmits", "nfs_x > 5", "5m", {"severity": "warning"}, {}, "nfs", "stacks/m/rules.yaml")
WELL = Answers((), (("nfs_x", 2),), ())


@pytest.mark.parametrize(
    ("answers", "rule", "decision", "says"),
    [
        (Answers((), (), None, "many-to-many matching"), "LIVE-01", "block", "many-to-many matching"),
        (Answers(("nfs_x",), (), ()), "LIVE-02", "block", "no series of nfs_x"),
        (Answers((), (("nfs_x", 2),), ('{job="a"} 9',)), "LIVE-03", "needs-approval", '{job="a"} 9'),
    ],
)
def test_what_speaks_against_a_rule(answers: Answers, rule: str, decision: str, says: str) -> None:
    (finding,), check = judge(RULE, answers)
    assert (finding.rule, finding.decision, finding.where) == (rule, decision, "stacks/m/rules.yaml: NfsRetransmits")
    assert says in finding.why
    assert not check.ok
    assert check.reason in ("expression-refused", "metrics-missing", "fires-now")


def test_a_rule_that_is_well_is_recorded_with_what_was_asked() -> None:
    findings, check = judge(RULE, WELL)
    assert findings == ()
    assert (check.ok, check.subject) == (True, "NfsRetransmits")
    assert check.answer == "its metrics exist; nfs_x finds 2 series; would not fire now"


def test_everything_against_a_rule_is_said_at_once() -> None:
    findings, _ = judge(RULE, Answers(("a", "b"), (), ("1",)))
    assert [finding.rule for finding in findings] == ["LIVE-02", "LIVE-03"]
    assert "a, b" in findings[0].why


def test_what_servers_say_is_one_line_and_cut() -> None:
    hostile = "x\n" * 5000
    (finding,), check = judge(RULE, Answers((), (), None, hostile))
    assert "\n" not in finding.why + check.answer
    assert len(finding.why) + len(check.answer) < 2000


def test_promtools_complaint_names_the_rules() -> None:
    finding = not_loadable([RULE, RULE], "group nfs:\n  bad expression")
    assert (finding.rule, finding.decision) == ("LIVE-01", "block")
    assert finding.where == "stacks/m/rules.yaml: NfsRetransmits"
    assert "group nfs: bad expression" in finding.why
