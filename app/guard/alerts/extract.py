"""Alert rules as data: those of a file, those that an edit adds, changes or takes away, and a file made of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from textwrap import dedent

import yaml

from app.guard.alerts.promql import filled
from app.guard.alerts.selectors import MASKED
from app.guard.edits.alert_rules import place
from app.guard.edits.interpolation import masked
from app.guard.edits.lines import text_of
from app.guard.edits.tpl_trees import ENDINGS
from app.guard.edits.tree import Node, NotATree, Scalar, read_json, read_yaml
from app.guard.model import Change, Edits

_HEREDOC = re.compile(r"<<-?([A-Za-z_]\w{0,80})[ \t]*\r?\n")
_DIRECTIVE = re.compile(r"(?<!%)%\{")
_FILLED_SPAN = re.compile(r"CODE[a-z]+X(ms|[smhdwy])?")


@dataclass(frozen=True)
class AlertRule:
    """One rule. `wait` is its `for` as it is written, empty without one; `record`: it records a series instead of
    alerting. `path` is the file, `group` the group's name. `masked`: words stand in it for a template's code."""

    name: str
    expr: str
    wait: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    group: str
    path: str
    record: bool = False
    masked: bool = False

    @property
    def kind(self) -> str:
        """What people call it."""
        return "recorded series" if self.record else "alert"

    @property
    def meaning(self) -> tuple[object, ...]:
        """What stays the same when it moves to another file or group."""
        labels, annotations = sorted(self.labels.items()), sorted(self.annotations.items())
        return (self.record, self.name, self.expr, self.wait, tuple(labels), tuple(annotations))


@dataclass(frozen=True)
class Step:
    """What became of one rule: `before` is None when it was added, `after` when it was taken away."""

    before: AlertRule | None
    after: AlertRule | None


def rules_in(path: str, data: bytes | None) -> tuple[AlertRule, ...]:
    """Every rule of a file: a rule file, a manifest, a chart's values, a template (its code as words), a heredoc of
    terraform code. Empty for a file that is absent or cannot be read."""
    return tuple(_rules(path, data, {}))


def changed_rules(edits: Edits) -> tuple[AlertRule, ...]:
    """The rules that an edit adds or changes, as they are after it."""
    return tuple(step.after for step in steps(edits) if step.after)


def removed_rules(edits: Edits) -> tuple[AlertRule, ...]:
    """The rules that an edit takes away. What moves to another file or group is not, nor what keeps its name."""
    return tuple(step.before for step in steps(edits) if step.before and not step.after)


def rules_after(edits: Edits) -> tuple[AlertRule, ...]:
    """Every rule that stands in the changed files, and in the .tf files around them, after the edit."""
    return _sides(edits.changes)[1] + tuple(r for path, data in edits.around.items() for r in rules_in(path, data))


def steps(edits: Edits) -> tuple[Step, ...]:
    """What the edit does to rules. Those of one name are paired: first in the same place, then wherever."""
    return _steps(edits.changes)


def as_rule_file(rules: Sequence[AlertRule]) -> str:
    """A rule file of Prometheus that holds exactly these rules, a number or a minute where code stood in them."""
    groups: dict[str, list[dict[str, object]]] = {}
    for rule in rules:
        written: dict[str, object] = {"record" if rule.record else "alert": rule.name}
        written["expr"] = filled(rule.expr) if rule.masked else rule.expr
        if rule.wait:
            written["for"] = (
                _FILLED_SPAN.sub(lambda span: f"1{span[1] or 'm'}", rule.wait) if rule.masked else rule.wait
            )
        written |= {key: dict(v) for key, v in (("labels", rule.labels), ("annotations", rule.annotations)) if v}
        groups.setdefault(rule.group or "rules", []).append(written)
    document = {"groups": [{"name": name, "rules": written} for name, written in groups.items()]}
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=10_000)


@lru_cache(maxsize=4)
def _sides(changes: tuple[Change, ...]) -> tuple[tuple[AlertRule, ...], tuple[AlertRule, ...]]:
    before: list[AlertRule] = []
    after: list[AlertRule] = []
    for change in changes:
        names: dict[str, str] = {}
        before += _rules(change.path, change.base, names)
        after += _rules(change.path, change.head, names)
    return tuple(before), tuple(after)


@lru_cache(maxsize=4)
def _steps(changes: tuple[Change, ...]) -> tuple[Step, ...]:
    gone, fresh = (list(side) for side in _sides(changes))
    paired: dict[int, AlertRule] = {}
    for same in (lambda r: r.meaning, lambda r: (r.path, r.group, _who(r)), lambda r: _who(r), lambda r: r.name):
        waiting: dict[object, list[AlertRule]] = {}
        for rule in gone:
            waiting.setdefault(same(rule), []).append(rule)
        for rule in fresh:
            if id(rule) not in paired and (found := waiting.get(same(rule))):
                paired[id(rule)] = found.pop(0)
        left = {id(rule) for rules in waiting.values() for rule in rules}
        gone = [rule for rule in gone if id(rule) in left]
    added = [Step(paired.get(id(rule)), rule) for rule in fresh]
    changed = [s for s in added if s.before is None or s.before.meaning != (s.after.meaning if s.after else ())]
    return (*changed, *(Step(rule, None) for rule in gone))


def _who(rule: AlertRule) -> tuple[object, ...]:
    return (rule.record, rule.name, tuple(sorted(rule.labels.items())))


def _rules(path: str, data: bytes | None, names: dict[str, str]) -> Iterator[AlertRule]:
    text = text_of(data)
    if not text:
        return
    for piece in _heredocs(text) if path.endswith(".tf") else [text] if path.endswith(ENDINGS) else []:
        try:
            plain = masked(piece, names)
            tree = read_json(plain) if path.endswith(".json") else read_yaml(plain)
        except NotATree:
            continue
        directives = _DIRECTIVE.search(piece) is not None
        for rule in _below(tree.root, (), path):
            yield replace(rule, masked=directives or (plain != piece and _has_code(rule)))


def _has_code(rule: AlertRule) -> bool:
    parts = (rule.name, rule.expr, rule.wait, *rule.labels, *rule.labels.values(), *rule.annotations.values())
    return any(MASKED.search(part) for part in parts)


def _heredocs(text: str) -> Iterator[str]:
    """The texts of terraform's heredocs, less the indentation that `<<-` takes away."""
    at = 0
    while begin := _HEREDOC.search(text, at):
        end = re.compile(rf"^[ \t]*{begin[1]}[ \t]*\r?$", re.MULTILINE).search(text, begin.end())
        if end is None:
            return
        yield dedent(text[begin.end() : end.start()])
        at = end.end()


def _below(node: Node, keys: tuple[str, ...], path: str) -> Iterator[AlertRule]:
    """The rules of every list of groups below a node."""
    if keys[-1:] == ("groups",) and place(keys):
        for group in node if isinstance(node, list) else [node]:
            name, rules = (group.get("name"), group.get("rules")) if isinstance(group, dict) else (None, None)
            for rule in rules if isinstance(rules, list) else []:
                yield from _rule(rule, _text(name), path)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _below(value, (*keys, key), path)
    elif isinstance(node, list):
        for value in node:
            yield from _below(value, (*keys, "[]"), path)


def _rule(node: Node, group: str, path: str) -> Iterator[AlertRule]:
    if not isinstance(node, dict):
        return
    record = "alert" not in node
    name, expr = _text(node.get("record" if record else "alert")), _text(node.get("expr"))
    if name:
        labels, annotations = _texts(node.get("labels")), _texts(node.get("annotations"))
        yield AlertRule(name, expr, _text(node.get("for")), labels, annotations, group, path, record)


def _text(node: Node | None) -> str:
    return node.text.strip() if isinstance(node, Scalar) else ""


def _texts(node: Node | None) -> dict[str, str]:
    return {key: _text(value) for key, value in node.items()} if isinstance(node, dict) else {}
