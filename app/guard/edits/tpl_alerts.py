"""The judgement of alert rules in trees, and of everything else where a TODO of type Alert may change rules only."""

from __future__ import annotations

from collections.abc import Iterator
from posixpath import dirname

from app.guard.edits import alert_rules
from app.guard.edits.tpl_trees import Trees, moves
from app.guard.edits.tree import Node, Scalar, empty
from app.guard.edits.tree_diff import Delta, canonical, diff, flat
from app.guard.model import Found

_METADATA_KEYS = ("name", "namespace", "labels")


def judge_rules(files: tuple[Trees, ...]) -> Iterator[Found]:
    """What people have to look at in alert rules, by any type of TODO: additions and small changes of one pass."""
    changed: dict[str, str] = {}
    moved = moves(files)
    for file in files:
        for delta in in_rules(file):
            where, below = f"{file.path}: {delta.where}", _below(delta.path)
            if delta.before is not None and (dirname(file.path), canonical(delta.before)) in moved:
                continue
            if len(below) == 1 and delta.before is None and _twice(file, delta):
                yield Found(where, "another group of this name is there, and Prometheus refuses the file", "block")
            if len(below) < 3 and not (below[1:] == ("rules",) and delta.before is None):
                yield from _groups(delta, below, where)
            elif len(below) <= 3:
                yield from _rules(delta, where)
            else:
                name = f"{file.path} {delta.path[: len(delta.path) - len(below) + 3]}"
                changed[name] = where
                yield from _part(delta, below[3:], where)
    for where in list(changed.values())[1:]:
        yield Found(where, "it is one more changed rule, and one may change", "needs-approval")


def judge_alert_only(files: tuple[Trees, ...]) -> Iterator[Found]:
    """Everything that differs outside of alert rules: a TODO of type Alert changes nothing else."""
    for file in files:
        for delta in outside_rules(file):
            yield Found(f"{file.path}: {delta.where}", "it is no alert rule", "block")


def in_rules(file: Trees) -> Iterator[Delta]:
    """The differences within lists of alert groups."""
    return (delta for delta in _all(file) if alert_rules.place(delta.path))


def outside_rules(file: Trees) -> Iterator[Delta]:
    """The differences everywhere else, less what a new object of alert rules needs around them."""
    for delta in _all(file):
        manifest = alert_rules.is_rule_manifest(file.after.root if file.after else None) and file.new
        if not alert_rules.place(delta.path) and not (manifest and _of_manifest(delta)):
            yield delta


def _all(file: Trees) -> Iterator[Delta]:
    for delta in file.deltas():
        yield from _opened(delta)


def _opened(delta: Delta) -> Iterator[Delta]:
    """A difference that holds alert groups further down, taken apart until they stand alone."""
    node = delta.after if delta.before is None else delta.before
    whole = delta.before is None or delta.after is None
    if whole and isinstance(node, dict) and node and not alert_rules.place(delta.path):
        for key, value in node.items():
            inner = (value, None) if delta.after is None else (None, value)
            yield from _opened(Delta((*delta.path, key), *inner))
    elif whole and delta.path[-1:] == ("groups",) and isinstance(node, list) and alert_rules.place(delta.path):
        sides: tuple[Node, Node] = ([], node) if delta.before is None else (node, [])
        yield from diff(*sides, delta.path)
    else:
        yield delta


def _of_manifest(delta: Delta) -> bool:
    top = delta.path[:1]
    below = delta.path[1:2]
    return top in (("apiVersion",), ("kind",)) or (top == ("metadata",) and below in [(k,) for k in _METADATA_KEYS])


def _below(path: tuple[str, ...]) -> tuple[str, ...]:
    """Below `groups`: the group, `rules`, the rule, its part."""
    split = alert_rules.place(path)
    return split[1] if split else ()


def _twice(file: Trees, delta: Delta) -> bool:
    """Whether the list that a group was added to holds its name twice."""
    node: Node | None = file.after.root if file.after else None
    for key in delta.path[:-1]:
        node = node.get(key) if isinstance(node, dict) else None
    names = [item.get("name") for item in node if isinstance(item, dict)] if isinstance(node, list) else []
    return isinstance(delta.after, dict) and names.count(delta.after.get("name")) > 1


def _groups(delta: Delta, below: tuple[str, ...], where: str) -> Iterator[Found]:
    if len(below) == 1 and delta.before is None and isinstance(delta.after, dict):
        if odd := sorted(delta.after.keys() - alert_rules.GROUP_KEYS):
            yield Found(where, f"the new group has the keys {', '.join(odd)}", "block")
        rules = delta.after.get("rules", [])
        for rule in rules if isinstance(rules, list) else [rules]:
            yield from _rules(Delta(delta.path, None, rule), where)
    elif below[1:] == ("interval",) and _small("interval", delta.before, delta.after):
        return
    else:
        yield Found(where, "a group of rules was changed or removed", "needs-approval")


def _rules(delta: Delta, where: str) -> Iterator[Found]:
    added = delta.after if isinstance(delta.after, list) else [delta.after]
    if delta.before is not None and not empty(delta.before):
        yield Found(where, f"{_called(delta.before)} was removed or moved", "needs-approval")
    for rule in added if delta.after is not None and delta.path[-1] != "[order]" else ():
        if problem := alert_rules.rule_problem(rule):
            yield Found(where, f"this is no ordinary rule: {problem}", "block")
        if isinstance(rule, dict) and (series := alert_rules.stands_in(rule)):
            yield Found(where, f"it records {series}, and a series of that name may be there already", "needs-approval")
        if isinstance(rule, dict) and alert_rules.waits_too_long(rule):
            yield Found(where, "it has to hold for more than 30 days", "needs-approval")


def _called(node: Node) -> str:
    """The rules of a node by their names."""
    names = [
        rule.get("alert", rule.get("record"))
        for rule in (node if isinstance(node, list) else [node])
        if isinstance(rule, dict)
    ]
    said = ", ".join(name.text for name in names if isinstance(name, Scalar))
    return f"the rule {said}" if said else "a rule"


def _part(delta: Delta, below: tuple[str, ...], where: str) -> Iterator[Found]:
    """One changed part of a rule that was there."""
    for leaf in flat(delta):
        if below[0] not in alert_rules.RULE_KEYS:
            yield Found(where, f"{below[0]} is no part of a rule", "block")
        elif not _small(below[0], leaf.before, leaf.after):
            yield Found(where, "a rule changed in more than its numbers, or by more than tenfold", "needs-approval")


def _small(key: str, before: Node | None, after: Node | None) -> bool:
    if not isinstance(before, Scalar) or not isinstance(after, Scalar):
        return False
    return alert_rules.only_numbers(key, before.text, after.text)
