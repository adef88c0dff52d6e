"""Prometheus alert rules in trees: where they stand, what a rule is made of, and which changes of one are small."""

from __future__ import annotations

import re
from itertools import pairwise

from app.guard.alerts.promql import read
from app.guard.alerts.selectors import MASKED
from app.guard.edits.tree import Node, Scalar

_ALERT_KINDS = ("PrometheusRule", "VMRule")
# What may stand above `groups`: the keys of rule files, of Helm charts that ship Prometheus, of manifests.
_ABOVE = re.compile(
    r"\[.*\]|spec|manifest|data|serverFiles|ruleFiles|(additional)?prometheusRules?(Map)?|ruleNamespaces|alerts?|rules"
    r"|server|prometheus|kube-prometheus-stack|victoria-metrics-alert|config|alerting_rules|[\w.-]*\.(ya?ml|rules)",
    re.IGNORECASE,
)
_FREE_NAME_BELOW = re.compile(r"additionalPrometheusRulesMap|prometheusRules?", re.IGNORECASE)
GROUP_KEYS = frozenset({"name", "interval", "limit", "query_offset", "rules"})
RULE_KEYS = frozenset({"alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations"})
_MAPS = ("labels", "annotations")
_NUMBER_KEYS = ("expr", "for", "keep_firing_for", "annotations", "interval")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|`[^`]*`")
_NUMBER = re.compile(r"(?<![\w.$#])((?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.])")
_PART = re.compile(r"(\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(ms|[smhdwy])?")
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31536000, "": 1}
_MOST_TIMES = 10
_LONGEST_WAIT = 30 * 86400
# CODEaX stands where a template's code stood.
_DURATION = re.compile(r"(?:\d+(?:ms|[smhdwy]))+|0|CODE[a-z]+X[smhdwy]?|")
_SERIES = re.compile(r"[A-Za-z_:][\w:]*")
_LABEL = re.compile(r"[A-Za-z_]\w*")


def place(path: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Split a path at a list of alert groups: the path of `groups`, and what lies below. None when it is elsewhere."""
    for at, key in enumerate(path):
        if key == "groups" and _above(path[:at]):
            return path[: at + 1], path[at + 1 :]
    return None


def leads_to_rules(path: tuple[str, ...]) -> bool:
    """Whether a path lies above a list of alert groups and holds nothing else by its name."""
    return _above(path)


def _above(path: tuple[str, ...]) -> bool:
    free = {right for left, right in pairwise(path) if _FREE_NAME_BELOW.fullmatch(left)}
    return all(_ABOVE.fullmatch(key) or key in free for key in path)


def is_rule_manifest(node: Node | None) -> bool:
    """Whether a document is a Kubernetes object that holds alert rules and nothing else."""
    kind = node.get("kind") if isinstance(node, dict) else None
    return isinstance(kind, Scalar) and kind.text in _ALERT_KINDS


def rule_problem(rule: Node | None) -> str | None:
    """What is wrong with a rule that is added, None when it is an ordinary rule."""
    if not isinstance(rule, dict):
        return "it is no mapping"
    if odd := sorted(rule.keys() - RULE_KEYS):
        return f"it has the keys {', '.join(odd)}"
    if ("alert" in rule) == ("record" in rule) or "expr" not in rule:
        return "it is neither an alert nor a record with an expression"
    for key, value in rule.items():
        if not isinstance(value, dict if key in _MAPS else Scalar):
            return f"its {key} has another form"
        if isinstance(value, dict) and not all(isinstance(inner, Scalar) for inner in value.values()):
            return f"its {key} has another form"
    return _unloadable(rule)


def _unloadable(rule: dict[str, Node]) -> str | None:
    """What makes Prometheus refuse a rule, and with it the whole file and every alert in it."""
    text = {key: value.text for key, value in rule.items() if isinstance(value, Scalar)}
    if problem := expression_problem(text["expr"]):
        return f"its expression cannot be read: {problem}"
    for key in ("for", "keep_firing_for"):
        if not _DURATION.fullmatch(text.get(key, "0")):
            return f"its {key} is no duration"
    if not _SERIES.fullmatch(text.get("record", "x")):
        return "its record is no name of a series"
    labels, annotations = rule.get("labels"), rule.get("annotations")
    for name in labels if isinstance(labels, dict) else ():
        if not _LABEL.fullmatch(name) or name == "alertname":
            return f"{name} is no label that a rule may set"
    for value in annotations.values() if isinstance(annotations, dict) else ():
        if isinstance(value, Scalar) and value.text.count("{{") != value.text.count("}}"):
            return "a template in its annotations does not end"
    return None


def stands_in(rule: dict[str, Node]) -> str | None:
    """The series that a rule records under a name which a scraped series may have, or None.

    Recorded names have colons by convention, scraped ones have none: `up` or `node_load1` recorded anew turns off every
    alert that looks at it.
    """
    record = rule.get("record")
    return record.text if isinstance(record, Scalar) and ":" not in record.text else None


def waits_too_long(rule: dict[str, Node]) -> bool:
    """Whether a rule has to hold for so long that it never fires."""
    wait = rule.get("for")
    return isinstance(wait, Scalar) and seconds(wait.text) > _LONGEST_WAIT


def expression_problem(expression: str) -> str | None:
    """Why Prometheus cannot read an expression; None as well where a template's code stands in it."""
    try:
        read(expression, masked=True)
    except ValueError as error:
        return None if MASKED.search(expression) else str(error)
    return None


def says_nothing(expression: str) -> bool:
    """Whether an expression never holds, hardly ever does, or holds without looking at any series. Elsewhere than in
    alert rules, where text that is no PromQL says something."""
    try:
        query = read(expression, masked=True)
    except ValueError:
        return False
    return query.truth == "never" or bool(query.doubt) or (query.truth == "always" and not query.series)


def only_numbers(key: str, before: str, after: str) -> bool:
    """Whether a part of a rule changed in its numbers and durations only, none of them more than tenfold, none to or
    from zero. Numbers within quotes are text."""
    if key not in _NUMBER_KEYS:
        return False
    if key != "annotations" and _QUOTED.findall(before) != _QUOTED.findall(after):
        return False
    blank = (lambda text: text) if key == "annotations" else (lambda text: _QUOTED.sub('""', text))
    before, after = blank(before), blank(after)
    if _NUMBER.sub("#", before).split() != _NUMBER.sub("#", after).split():
        return False
    pairs = zip(_NUMBER.findall(before), _NUMBER.findall(after), strict=True)
    return all(old == new or _near(seconds(old), seconds(new)) for old, new in pairs)


def seconds(number: str) -> float:
    """A duration as Prometheus writes it (1h30m) in seconds; a plain number as it is."""
    return sum(float(part) * _SECONDS[unit] for part, unit in _PART.findall(number))


def _near(old: float, new: float) -> bool:
    return old > 0 and new > 0 and 1 / _MOST_TIMES <= new / old <= _MOST_TIMES
