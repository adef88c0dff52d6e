"""Rules over what alerts mean: ALERT-01 to ALERT-06. They judge the rules that an edit adds, changes or takes away,
whatever the TODO's type, wherever `alert_rules.place` finds them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from app.guard.alerts.extract import AlertRule, Step, rules_after, steps
from app.guard.alerts.promql import Query, read
from app.guard.alerts.values import short
from app.guard.model import Edits, Found, Policy, Rule

# An edit is small; beyond this a person reads, and nobody can keep the judge busy.
_MOST_READ = 60
_SAID_IN = ("summary", "description", "message")


def _always(edits: Edits, policy: Policy) -> Iterator[Found]:
    for rule, query in _queries(edits):
        if query.truth == "always" and not rule.record:
            yield Found(_where(rule), f"the alert {rule.name} would always fire: {query.why}")


def _never(edits: Edits, policy: Policy) -> Iterator[Found]:
    for rule, query in _queries(edits):
        if query.truth == "never":
            yield Found(_where(rule), f"the {rule.kind} {rule.name} never has anything to say: {query.why}")
        elif query.doubt and not rule.record:
            yield Found(_where(rule), f"the alert {rule.name} may hardly ever fire: {query.doubt}", "needs-approval")
    if len(_asked(edits)) > _MOST_READ:
        yield Found("the edit", f"more than {_MOST_READ} expressions are new, and no more are read", "needs-approval")


def _names(edits: Edits, policy: Policy) -> Iterator[Found]:
    there = Counter(rule.name for rule in rules_after(edits) if not rule.record)
    for rule in _added(edits):
        if not rule.record and there[rule.name] > 1:
            yield Found(_where(rule), f"the new alert {rule.name} has a name that another alert has")


def _parts(edits: Edits, policy: Policy) -> Iterator[Found]:
    for rule in _added(edits):
        if not rule.record and (missing := [part for part in policy.alert_parts if not _has(rule, part)]):
            yield Found(_where(rule), f"the new alert {rule.name} lacks {', '.join(map(_spelled, missing))}")


def _empty(edits: Edits, policy: Policy) -> Iterator[Found]:
    for rule, query in _queries(edits):
        if query.everything:
            yield Found(_where(rule), f"the {rule.kind} {rule.name} watches everything: {query.everything}")
    for rule in _added(edits):
        if not rule.record and not rule.labels and "severity" not in policy.alert_parts:
            yield Found(_where(rule), f"the new alert {rule.name} has an empty label set")


def _less(edits: Edits, policy: Policy) -> Iterator[Found]:
    fresh = {rule.expr: rule for rule in _added(edits)}
    for step in steps(edits):
        if what := _lost(step, fresh):
            yield Found(_where(step.before or step.after), what)


def _lost(step: Step, fresh: dict[str, AlertRule]) -> str | None:
    old, new = step.before, step.after
    if old is None or old.record:
        return None
    if new is None:
        renamed = fresh.get(old.expr)
        return f"the alert {old.name} is renamed to {renamed.name}" if renamed else f"the alert {old.name} is removed"
    if new.record:
        return f"the alert {old.name} becomes a recorded series, which tells nobody"
    if old.labels != new.labels:
        return f"the alert {old.name} gets other labels, so it may reach somebody else, or nobody"
    try:
        before, after = read(old.expr, masked=old.masked), read(new.expr, masked=new.masked)
    except ValueError:
        return None
    gone = [series for series in before.series if series not in after.series]
    return f"the alert {old.name} no longer watches {short(', '.join(gone))}" if gone else None


def _queries(edits: Edits) -> Iterator[tuple[AlertRule, Query]]:
    """The rules whose expression is new, each with what it says; one that cannot be read is TPL-02's business."""
    for rule in _asked(edits)[:_MOST_READ]:
        try:
            yield rule, read(rule.expr, masked=rule.masked)
        except ValueError:
            continue


def _asked(edits: Edits) -> list[AlertRule]:
    return [s.after for s in steps(edits) if s.after and (s.before is None or s.before.expr != s.after.expr)]


def _added(edits: Edits) -> Iterator[AlertRule]:
    return (step.after for step in steps(edits) if step.after and step.before is None)


def _has(rule: AlertRule, part: str) -> bool:
    if part == "for":
        return bool(rule.wait)
    if part == "severity":
        return bool(rule.labels.get("severity"))
    return any(rule.annotations.get(key) for key in _SAID_IN)


def _spelled(part: str) -> str:
    return {"for": "a `for`", "severity": "a label `severity`"}.get(part, "an annotation `summary` or `description`")


def _where(rule: AlertRule | None) -> str:
    return f"{rule.path}: {rule.group}[{rule.name}]" if rule else ""


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "ALERT-01",
        "the PromQL of alerts that an edit adds or changes",
        "block",
        "an alert that fires whatever happens is muted within a day, and with it the one that counts",
        "Compare with a limit that a healthy system keeps; an alert fires for every element, whatever its value.",
        _always,
    ),
    Rule(
        "ALERT-02",
        "the PromQL of rules that an edit adds or changes",
        "block",
        "a rule that can never hold closes a TODO and catches nothing",
        "Write a condition that the next outage fulfils.",
        _never,
    ),
    Rule(
        "ALERT-03",
        "the names of alerts in the changed files and the terraform code around them",
        "block",
        "two alerts of one name cannot be told apart in routes, silences and checks",
        "Give the new alert a name of its own.",
        _names,
    ),
    Rule(
        "ALERT-04",
        "the parts of alerts that an edit adds (`alert_parts` of the policy)",
        "block",
        "who is woken has to read how bad it is and what it is about, and not for a single bad sample",
        "Give it a `for`, a label `severity` and an annotation `summary`.",
        _parts,
    ),
    Rule(
        "ALERT-05",
        "the selectors and labels of rules that an edit adds or changes",
        "block",
        "what is about everything is about nothing: no route, no person, no cause follows from it",
        "Name the metric, and the labels that say whose it is.",
        _empty,
    ),
    Rule(
        "ALERT-06",
        "alerts that an edit takes away, renames, or makes watch other series",
        "needs-approval",
        "an alert that was there caught something once, and nobody notices that it is gone",
        "Leave alerts as they are, and add one beside them.",
        _less,
    ),
)
