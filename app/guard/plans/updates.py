"""PLAN-16: what an update changes inside of a resource, leaf by leaf, into the YAML and JSON texts that it holds.

Additions and numbers are ordinary work; what goes, what is switched off, what gets less, what runs, who may and where
messages go are for a person. A text that is none of these may only change where its name says that it is harmless.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from app.guard import suspects
from app.guard.model import Found, Policy
from app.guard.plans import names as say
from app.guard.plans.leaves import (
    UNKNOWN,
    Difference,
    Path,
    differences,
    is_empty,
    overlay,
    plain,
    scalars,
    shown_path,
)
from app.guard.plans.numbers import compared, is_far, objection, same_words
from app.guard.plans.read import PlanFacts, Row, address_of, changes, configured, verbs, without_indexes
from app.guard.plans.text import structured

_ON = {"true", "yes", "on"}
_OFF = {"false", "no", "off"}
_STOPPED = {
    "disabled", "disable", "suspended", "suspend", "paused", "inactive", "off", "none", "false", "no", "0", "never",
    "muted", "null", "~", "nil",
}  # fmt: skip
# Arguments that providers fill in themselves; asked only where the configuration is not at hand.
_FILLED_IN = {
    "id",
    "output",
    "metadata",
    "status",
    "arn",
    "etag",
    "self_link",
    "resource_version",
    "generation",
    "last_updated",
}
# Nothing outside of the state reads what this type holds: what it feeds shows as a change of its own.
_INERT = "terraform_data"
_LONGEST_PATH = 200
# Lists of names and values, each of which replaces a default.
_ENTRIES_OF_SETTINGS = ("set", "set_list", "parameter")
_HANDLE = re.compile(r"@[\w.-]+")

Marks = set[tuple[str, ...]]


def updates(facts: PlanFacts, policy: Policy) -> Iterator[Found]:
    """PLAN-16: every update, leaf by leaf. Values are never named: some are sensitive."""
    settings = configured(facts.plan)
    for row in changes(facts.plan):
        if row["mode"] != "data" and verbs(row) == ["create"]:
            yield from _created(row)
        if row["mode"] == "data" or "update" not in verbs(row):
            continue
        resource = settings.get(without_indexes(row["address"]))
        expressions = None if resource is None else resource.get("expressions") or {}
        try:
            yield from _update(row, expressions, watches=policy.todo_type == "Monitor")
        except (ValueError, RecursionError):
            yield Found(address_of(row), "it changes in more places than can be judged")


def _created(row: Row) -> Iterator[Found]:
    """A new alert or monitor looks and tells: it asks no odd address, changes nothing, and its alarm does not act."""
    try:
        leaves = list(scalars((), row["change"].get("after"), None))
    except (ValueError, RecursionError):
        yield Found(address_of(row), "it holds more than can be judged")
        return
    marks = _marks(row["change"].get("after_sensitive"))
    for leaf in leaves:
        names, text = say.names_of(leaf.path), plain(leaf.after)
        if say.is_prose(names):
            continue
        if what := suspects.acts(names, text) or suspects.leads_away(names, text, frozenset(), watches=True):
            yield Found(address_of(row), f"{_printed(leaf.path, marks)}: {what}")


def _update(row: Row, expressions: Any, *, watches: bool) -> Iterator[Found]:
    where, change = address_of(row), row["change"]
    before, after = change.get("before"), change.get("after")
    if before is None or after is None:
        yield Found(where, "there is nothing to compare it with")
        return
    whole = overlay(after, change.get("after_unknown"), lambda _: UNKNOWN)
    old, new = _marks(change.get("before_sensitive")), _marks(change.get("after_sensitive"))
    yield from _marked_otherwise(where, before, whole, old, new)
    known = suspects.domains_in(json.dumps(before).replace("\\n", " "))
    for found in differences(before, whole):
        if found.after is UNKNOWN:
            objections = list(_unknown(found, expressions))
        else:
            objections = _objections(found, row["type"], expressions)
            if found.kind == "added" and not objections:
                leaves = scalars(found.path, found.after, found.inside)
                alone = not isinstance(found.after, dict | list)
                objections = [w for leaf in leaves if (w := _suspect(leaf, known, watches=watches, alone=alone))]
            if found.inside is None and (old | new) & _prefixes(found.path):
                objections.append("a sensitive value changes")
        for what in dict.fromkeys(objections):
            yield Found(where, f"{_printed(found.path, old | new)}: {what}")


def _objections(found: Difference, resource_type: str, expressions: Any) -> list[str]:
    names = say.names_of(found.path)
    if found.kind == "removed":
        return ["it is removed"]
    if found.kind == "changed" and suspects.share_of_resources(names):
        names = names[-3:]
    if (word := say.delicate(names) or suspects.power(names, first=False)) is not None:
        return [f"{word} says what runs, who may do something, or where something goes"]
    if found.kind == "reordered":
        return ["the last of them decides, and they changed places"] if names[-1] == "values" else []
    if found.kind == "added":
        leaves = list(scalars(found.path, found.after, found.inside))
        return [what for leaf in leaves for what in _added(leaf, expressions)]
    return _changed(found, names, resource_type)


def _unknown(found: Difference, expressions: Any) -> Iterator[str]:
    if not _filled_in(found.path, expressions):
        yield "its value is known only after apply"


def _added(leaf: Difference, expressions: Any) -> Iterator[str]:
    names = say.names_of(leaf.path)
    if leaf.after is UNKNOWN:
        yield from _unknown(leaf, expressions)
    elif (word := say.delicate(names)) is not None:
        yield f"{word} says what runs, who may do something, or where something goes"
    elif (switch := _switch(leaf.after)) is not None and say.dangerous(names, switch):
        yield f"{names[-1]} opens, deletes or stops something"
    elif say.kept(names) and (_is_nothing(leaf.after) or say.kept_by_default(names)):
        yield f"{names[-1]} may mean less than what is kept now"


def _suspect(leaf: Difference, known: frozenset[str], *, watches: bool, alone: bool) -> str | None:
    """What a value that is new says by its name or its text."""
    names, text = say.names_of(leaf.path), "" if leaf.after is UNKNOWN else plain(leaf.after)
    if word := suspects.power(names, first=True):
        return f"{word} says what runs, who may do something, or where something goes"
    if word := suspects.steering([step.text for step in leaf.path], text):
        return f"{word} steers programs"
    if any(suspects.program_file(step.text) for step in leaf.path[leaf.inside or 0 :]):
        return "it is a file with a program"
    if say.is_prose(names):
        return None
    if say.is_expression(names):
        return suspects.expression_problem(text) if names[-1] == "expr" else None
    if (on := _switch(leaf.after)) is not None:
        return suspects.switched(names, on, alone=alone or names[0] in _ENTRIES_OF_SETTINGS)
    if "cron" in names[-1] or "schedule" in names[-1]:
        return suspects.schedule_problem(text)
    if "\n" in text.strip():
        return "it holds a text of several lines"
    return suspects.text_problem(names, text) or suspects.leads_away(names, text, known, watches=watches)


def _changed(found: Difference, names: list[str], resource_type: str) -> list[str]:
    before, after = found.before, found.after
    if isinstance(before, dict | list) or isinstance(after, dict | list):
        return ["it becomes something of another sort"]
    old, new = _switch(before), _switch(after)
    if old is not None and new is not None:
        if old and not new:
            return ["it is switched off"]
        return [f"{names[-1]} opens, deletes or stops something"] if say.dangerous(names, True) else []
    if (pair := compared(before, after)) is not None:
        return _number(pair, names)
    return _text(plain(before), plain(after), names, resource_type)


def _number(pair: tuple[float, float], names: list[str]) -> list[str]:
    before, after = pair
    if names[-1].endswith(("_id", "_ids")):
        return ["it names something else"]
    if say.kept(names) and after < before:
        return [f"{names[-1]} gets less"]
    if after == 0 != before and not say.may_be_zero(names):
        return ["it becomes 0, which often means no limit at all"]
    far = is_far(before, after) or suspects.too_far(names, before, after)
    return ["it moves so far that it no longer does what it did"] if far else []


def _text(before: str, after: str, names: list[str], resource_type: str) -> list[str]:
    if say.is_expression(names):
        why = objection(before, after)
        return [why] if why else []
    if after.strip().lower() in _STOPPED:
        return ["it is switched off"]
    if structured(before) is not None:
        return ["it was YAML or JSON and can no longer be read as such"]
    if "cron" in names[-1] or "schedule" in names[-1]:
        return [why] if (why := suspects.schedule_problem(after)) else []
    if say.is_free(names):
        same = _HANDLE.findall(before) == _HANDLE.findall(after)
        loose = suspects.text_problem(names, after) if "mount_options" in names else None
        return [loose] if loose else [] if same else ["it names others who are told of it"]
    if say.kept(names):
        return [f"nobody can tell whether {names[-1]} gets less"]
    numbers = same_words(before, after)
    if numbers is not None:
        pairs = [compared(old, new) for old, new, _ in numbers]
        return [what for pair in pairs if pair for what in _number(pair, names)]
    if resource_type == _INERT and "\n" not in before.strip() + after.strip():
        return []
    return ["nobody knows what this text does"]


def _switch(value: Any) -> bool | None:
    word = plain(value).strip().lower()
    return True if word in _ON else False if word in _OFF else None


def _is_nothing(value: Any) -> bool:
    pair = compared(value, 0)
    return is_empty(value) or (pair is not None and pair[0] <= 0) or _switch(value) is False


def _filled_in(path: Path, expressions: Any) -> bool:
    """Whether a provider fills this in, rather than the configuration: then nobody hides anything there."""
    if expressions is None:
        return bool(path) and path[0].text in _FILLED_IN
    return not expressions or not any(_configures(expressions, [step.text for step in path if not step.item]))


def _configures(node: Any, keys: list[str]) -> Iterator[bool]:
    # An empty object is an expression too: one of functions alone, such as uuid().
    if isinstance(node, list):
        for item in node:
            yield from _configures(item, keys)
    elif isinstance(node, dict) and node and keys and not {"references", "constant_value"} & node.keys():
        yield from _configures(node[keys[0]], keys[1:]) if keys[0] in node else ()
    else:
        yield True


def _marked_otherwise(where: str, before: Any, after: Any, old: Marks, new: Marks) -> Iterator[Found]:
    before_paths, after_paths = set(_paths(before)), set(_paths(after))
    for path in sorted(old - new):
        if path in after_paths and not any(path[:i] in new for i in range(len(path))):
            yield Found(where, f"{'.'.join(path)[:_LONGEST_PATH]}: it is no longer marked as sensitive", "block")
    for path in sorted(new - old):
        if not any(path[:i] in old for i in range(len(path))):
            is_new = path not in before_paths
            what = "a sensitive value is added" if is_new else "it is marked as sensitive now"
            yield Found(where, f"{'.'.join(path)[:_LONGEST_PATH]}: {what}", "needs-approval" if is_new else "block")


def _marks(marks: Any, path: tuple[str, ...] = ()) -> Marks:
    """The paths, without positions in lists, that the plan marks as sensitive."""
    if marks is True:
        return {path}
    if isinstance(marks, dict):
        return {found for key, mark in marks.items() for found in _marks(mark, (*path, key))}
    return {found for mark in marks for found in _marks(mark, path)} if isinstance(marks, list) else set()


def _paths(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    if value is None or value is UNKNOWN:
        return
    yield path
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from _paths(item, path)


def _prefixes(path: Path) -> Marks:
    keys = tuple(step.text for step in path if not step.item)
    return {keys[:i] for i in range(len(keys) + 1)}


def _printed(path: Path, marks: Marks) -> str:
    """The path for people, cut where a sensitive value begins: keys below may be part of it."""
    end = next((i for i in range(len(path) + 1) if marks & {tuple(s.text for s in path[:i] if not s.item)}), len(path))
    text = shown_path(path[:end]) or "the whole of it"
    return text if len(text) <= _LONGEST_PATH else text[:_LONGEST_PATH] + "..."
