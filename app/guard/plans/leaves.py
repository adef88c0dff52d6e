"""Two values of a plan, compared leaf by leaf, and into the YAML and JSON texts that they hold.

Lists are compared by what their items are called, not by where they stand: a rule put in between changes one item.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from app.guard.plans.text import structured

# More leaves than any change that a person would want to read; beyond it nobody has judged the rest.
_MOST_LEAVES = 20_000
_MOST_PAIRS = 1_000_000
_NAMES = ("alert", "record", "name", "key", "id", "job_name", "metric_name", "uid", "path", "address", "host", "target")
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


class Special:
    """A value that JSON does not have. Compared by identity."""

    def __init__(self, shown: str) -> None:
        self.shown = shown

    def __repr__(self) -> str:
        return self.shown


ABSENT = Special("(absent)")
UNKNOWN = Special("(known after apply)")


@dataclass(frozen=True)
class Masked:
    """A value that nobody may see; two of them compare by what they hide."""

    value: Any


class Step(NamedTuple):
    """One step of a path: a key, or an item of a list by its name or position."""

    text: str
    item: bool = False


Path = tuple[Step, ...]


@dataclass(frozen=True)
class Difference:
    """One place where two values differ. What is added or removed as a whole is one difference.

    `inside` is the length of the path up to the text that was parsed to get here, None outside of texts.
    """

    path: Path
    before: Any
    after: Any
    inside: int | None = None
    reordered: bool = False

    @property
    def kind(self) -> Literal["added", "removed", "changed", "reordered"]:
        """added and removed mean that nothing stands on the other side."""
        if self.reordered:
            return "reordered"
        if is_empty(self.before):
            return "added"
        return "removed" if is_empty(self.after) else "changed"


def differences(before: Any, after: Any) -> Iterator[Difference]:
    """Every place where two trees of JSON values differ. Raises ValueError when there are too many to judge."""
    for count, found in enumerate(_walk(before, after, (), None)):
        if count >= _MOST_LEAVES:
            raise ValueError("it changes in too many places")
        yield found


def scalars(path: Path, value: Any, inside: int | None = None) -> Iterator[Difference]:
    """Every leaf of a value that is added as a whole, into texts too. Raises ValueError when there are too many."""
    for count, found in enumerate(_scalars(path, value, inside)):
        if count >= _MOST_LEAVES:
            raise ValueError("it adds too much")
        yield found


def _scalars(path: Path, value: Any, inside: int | None) -> Iterator[Difference]:
    if isinstance(value, str) and (parsed := structured(value)) is not None:
        inside, value = inside or len(path), parsed
    if isinstance(value, dict):
        for key in sorted(value):
            yield from _scalars((*path, Step(str(key))), value[key], inside)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _scalars((*path, Step(_name(item) or str(index), True)), item, inside)
    elif value is not None:
        yield Difference(path, ABSENT, value, inside)


def is_empty(value: Any) -> bool:
    """Whether nothing stands here: null, an empty text, list or object, or no value at all."""
    return value is ABSENT or value in (None, "", [], {})


def overlay(value: Any, marks: Any, wrap: Any) -> Any:
    """The value with `wrap(value)` wherever the marks of a plan (after_unknown, *_sensitive) say true."""
    if marks is True:
        return wrap(value)
    if isinstance(marks, dict):
        held = value if isinstance(value, dict) else {}
        if value is not None and not isinstance(value, dict):
            return wrap(value) if _any_mark(marks) else value
        merged = {key: overlay(held.get(key), marks.get(key), wrap) for key in {**held, **marks}}
        return merged if value is not None or _any_mark(marks) else None
    if isinstance(marks, list):
        if value is not None and not isinstance(value, list):
            return wrap(value) if _any_mark(marks) else value
        items = list(value or [])
        items += [None] * (len(marks) - len(items)) if _any_mark(marks) else []
        return [overlay(item, marks[i] if i < len(marks) else None, wrap) for i, item in enumerate(items)]
    return value


def shown_path(path: Sequence[Step]) -> str:
    """input.groups["a b"].rules[DiskFull].expr"""
    text = ""
    for step in path:
        if step.item:
            text += f"[{step.text}]"
        elif _PLAIN_KEY.fullmatch(step.text):
            text += f".{step.text}" if text else step.text
        else:
            text += f"[{json.dumps(step.text)}]"
    return text


def plain(value: Any) -> str:
    """A scalar as text, so that 1 and "1", true and "true" are the same."""
    return value if isinstance(value, str) else json.dumps(value, default=repr)


def _any_mark(marks: Any) -> bool:
    if isinstance(marks, dict):
        return any(map(_any_mark, marks.values()))
    if isinstance(marks, list):
        return any(map(_any_mark, marks))
    return marks is True


def _walk(before: Any, after: Any, path: Path, inside: int | None) -> Iterator[Difference]:
    if (is_empty(before) and is_empty(after)) or before is after:
        return
    if is_empty(before) or is_empty(after):
        yield Difference(path, before, after, inside)
    elif isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys(), key=str):
            yield from _walk(before.get(key, ABSENT), after.get(key, ABSENT), (*path, Step(str(key))), inside)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path, inside)
    elif isinstance(before, str) and isinstance(after, str) and before != after:
        yield from _texts(before, after, path, inside)
    elif isinstance(before, dict | list | Special | Masked) or isinstance(after, dict | list | Special | Masked):
        if before != after:
            yield Difference(path, before, after, inside)
    elif plain(before) != plain(after):
        yield Difference(path, before, after, inside)


def _texts(before: str, after: str, path: Path, inside: int | None) -> Iterator[Difference]:
    old, new = structured(before), structured(after)
    if old is None or new is None:
        yield Difference(path, before, after, inside)
    else:
        yield from _walk(old, new, path, inside or len(path))


def _lists(before: list[Any], after: list[Any], path: Path, inside: int | None) -> Iterator[Difference]:
    old, new = _left_over(before, after)
    if len(old) * len(new) > _MOST_PAIRS:
        raise ValueError("it changes in too many places")
    if not old and not new:
        if [_canonical(item) for item in before] != [_canonical(item) for item in after]:
            yield Difference(path, before, after, inside, reordered=True)
        return
    for label, one, other in _pairs(old, new, before):
        yield from _walk(one, other, (*path, Step(label, True)), inside)


Numbered = list[tuple[int, Any]]


def _left_over(before: list[Any], after: list[Any]) -> tuple[Numbered, Numbered]:
    """The items of both lists, with their positions, that have no equal in the other."""
    stock: dict[str, Numbered] = {}
    for position, item in enumerate(before):
        stock.setdefault(_canonical(item), []).append((position, item))
    new = []
    for position, item in enumerate(after):
        if not (same := stock.get(_canonical(item))):
            new.append((position, item))
        else:
            same.pop(0)
    return sorted((left for same in stock.values() for left in same), key=lambda left: left[0]), new


def _pairs(old: Numbered, new: Numbered, before: list[Any]) -> Iterator[tuple[str, Any, Any]]:
    """Items that are the same thing before and after: by name where they have one, else by order and sort.

    A second value of a name that is there already replaces the first, as in a container's environment.
    """
    rest = list(old)
    named = {_name(item): item for item in before if isinstance(item, dict) and "value" in item and _name(item)}
    for position, item in new:
        name = _name(item)
        partner = next(
            (i for i, (_, other) in enumerate(rest) if _sort(other) is _sort(item) and _name(other) == name), None
        )
        other = named.get(name, ABSENT) if partner is None else rest.pop(partner)[1]
        yield name or str(position), other, item
    for position, item in rest:
        yield _name(item) or str(position), item, ABSENT


def _name(item: Any) -> str:
    if not isinstance(item, dict):
        return ""
    return next((item[key] for key in _NAMES if isinstance(item.get(key), str) and item[key]), "")


def _sort(item: Any) -> type:
    return type(item) if isinstance(item, dict | list) else str


def _canonical(item: Any) -> str:
    return json.dumps(item, sort_keys=True, default=repr)
