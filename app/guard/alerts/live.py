"""What a running Prometheus says against an alert before it is applied: LIVE-01 to LIVE-03."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.checks import Check
from app.guard.alerts.extract import AlertRule
from app.guard.model import Finding

_REASONS = {"LIVE-01": "expression-refused", "LIVE-02": "metrics-missing", "LIVE-03": "fires-now"}
_MOST_SHOWN = 3
_LONGEST = 600


@dataclass(frozen=True)
class Answers:
    """What Prometheus said of one rule.

    `unknown` are metrics of which it has nothing: no series now, none within a day, and no target that describes
    them. `matched` says how many series each selector finds now. `firing` are the elements that the expression
    returns now, None when it was not asked; `refused` is why Prometheus would not evaluate it.
    """

    unknown: tuple[str, ...]
    matched: tuple[tuple[str, int], ...]
    firing: tuple[str, ...] | None
    refused: str = ""


def not_loadable(rules: Sequence[AlertRule], complaint: str) -> Finding:
    """LIVE-01: promtool does not take the rules."""
    where = ", ".join(dict.fromkeys(f"{rule.path}: {rule.name}" for rule in rules))
    why = f"promtool refuses the rules: {_line(complaint)}; Prometheus would refuse the whole file. Mend what it names"
    return Finding("LIVE-01", where, why)


def judge(rule: AlertRule, answers: Answers) -> tuple[tuple[Finding, ...], Check]:
    """What speaks against a rule, and the record of what was asked."""
    where = f"{rule.path}: {rule.name}"
    found = []
    if answers.refused:
        found.append(Finding("LIVE-01", where, f"{_line(answers.refused)}. Mend the expression"))
    if answers.unknown:
        named = ", ".join(answers.unknown)
        why = f"Prometheus has no series of {named}, now or within a day, and no target describes it: the alert could"
        found.append(
            Finding("LIVE-02", where, f"{why} never fire. Use a metric that is scraped, or leave it to a person")
        )
    if answers.firing:
        shown = ", ".join(answers.firing[:_MOST_SHOWN])
        why = f"it would fire now, for {len(answers.firing)} series: {_line(shown)}. If that is right, approve it"
        found.append(Finding("LIVE-03", where, why, "needs-approval"))
    reason = _REASONS[found[0].rule] if found else ""
    return tuple(found), Check("prometheus-query", rule.name, not found, _said(answers), reason)


def _said(answers: Answers) -> str:
    if answers.refused:
        return _line(answers.refused)
    series = "no series of " + ", ".join(answers.unknown) if answers.unknown else "its metrics exist"
    matched = "; ".join(f"{_line(selector)} finds {count} series" for selector, count in answers.matched)
    if answers.firing is None:
        fires = "not evaluated"
    else:
        fires = f"would fire for {len(answers.firing)} series" if answers.firing else "would not fire now"
    return "; ".join(part for part in (series, matched, fires) if part)[:_LONGEST]


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST]
