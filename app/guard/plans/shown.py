"""A plan as people see it, made from its JSON: every change, leaf by leaf, and no sensitive value.

A value is masked when the plan marks it, when its name or its shape looks like a secret, and wherever a marked value
turns up again: providers copy marked values into attributes that carry no mark.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from app.guard.plans.leaves import (
    ABSENT,
    UNKNOWN,
    Difference,
    Masked,
    Special,
    Step,
    differences,
    is_empty,
    overlay,
    plain,
    scalars,
    shown_path,
)
from app.guard.plans.names import names_of
from app.guard.plans.read import Plan, address_of, changes, drifts, known_before, outputs, planned, verbs
from app.redact import redact

SENSITIVE = "(sensitive value)"
_LONGEST = 200
_MOST_LINES = 500
_SHORTEST_SECRET = 4
_SECRET_NAME = re.compile(
    r"(.*_)?(pass|passwd|passphrase|password|pwd|secret|token|credential|salt|cookie|signature|dsn|key|cert|certificate"
    r"|auth|authorization|connection_string|kubeconfig|jwt|pem)s?(_(id|value|data|string|base64|b64|hash|base|yaml|json))?"
    r"|.*(password|secret|apikey|privatekey|accesskey|token).*|(.*_)?web_?hook(_url)?|slack.*url"
)
_SECRET_URL = re.compile(
    r"(?<=://)(?:hooks\.slack\.com|discord(?:app)?\.com/api/webhooks|outlook\.office\.com)/\S+", re.I
)
# What Go writes as an escape in JSON, beside what everybody does.
_GO_ESCAPES = str.maketrans({char: f"\\u{ord(char):04x}" for char in "<>&\u2028\u2029"})
_VISIBLE = {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"}
Hide = Callable[[str], str]


@dataclass(frozen=True)
class Leaf:
    """One value that a change touches, as people see it; `path` is empty where the whole is one value."""

    path: str
    before: str
    after: str


@dataclass(frozen=True)
class Curtain:
    """What nobody may see of one plan: the values that it marks, as text, and what `hide` takes out of any text."""

    secrets: tuple[str, ...]
    hide: Hide = redact

    def clean(self, text: str) -> str:
        """A text of the plan that is no value: an address, a name; on one line."""
        return visible(self.without(text).replace("\n", "\\n").replace("\t", "\\t"))

    def without(self, text: str) -> str:
        """The text with no secret in it, its control characters as they are."""
        for secret in self.secrets:
            if len(secret) >= _SHORTEST_SECRET:
                text = text.replace(secret, SENSITIVE)
        return self.hide(_SECRET_URL.sub(SENSITIVE, text))


def curtain_of(plan: Plan, hide: Hide = redact) -> Curtain:
    """The curtain before a plan. `hide` knows secrets that the plan does not mark."""
    return Curtain(tuple(_secrets(plan)), hide)


def leaves(change: dict[str, Any], curtain: Curtain) -> Iterator[Leaf]:
    """Every value that a change of a resource or an output touches.

    Values are JSON, cut at 200 characters; what is sensitive is masked. Raises ValueError or RecursionError when there
    are too many to tell.
    """
    before = overlay(change.get("before"), change.get("before_sensitive"), _mask)
    after = overlay(change.get("after"), change.get("after_unknown"), lambda _: UNKNOWN)
    after = overlay(after, change.get("after_sensitive"), _mask)
    for found in differences(before, after):
        for leaf in _expanded(found):
            hidden = _hidden(leaf)
            one, other = (SENSITIVE if hidden else _value(side, curtain) for side in (leaf.before, leaf.after))
            yield Leaf(curtain.clean(shown_path(leaf.path)), one, other)


def visible(text: str) -> str:
    """The text with every character that does not show, or that moves others, as an escape; newlines too."""
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in _VISIBLE else c for c in text)


def render(plan: Plan) -> list[str]:
    """The plan for people, a line each: `address: verbs`, then `address: path: before -> after` for every leaf.

    Moves, imports, drift and outputs have lines too. Values are JSON, cut at 200 characters, control characters are
    written as escapes; a new value has nothing before its arrow but `(absent)`. At most 500 lines, the last says so.
    """
    curtain = curtain_of(plan)
    lines: list[str] = []
    for line in _lines(plan, curtain):
        if len(lines) == _MOST_LINES - 1:
            return [*lines, "... and more: look at the plan itself"]
        lines.append(line)
    return lines


def _lines(plan: Plan, curtain: Curtain) -> Iterator[str]:
    clean = curtain.clean
    for row in changes(plan):
        where, change = address_of(row), row["change"]
        if row.get("previous_address") is not None:
            yield clean(f"{where}: moved from {row['previous_address']}")
        if change.get("importing") is not None:
            yield clean(f"{where}: imported")
        if verbs(row) != ["no-op"]:
            yield clean(f"{where}: {' and '.join(verbs(row))}")
            yield from _leaves(where, change, curtain)
    for row in drifts(plan):
        yield clean(f"{address_of(row)}: changed outside of terraform ({' and '.join(verbs(row))})")
        yield from _leaves(f"{address_of(row)} (outside)", row["change"], curtain)
    for name, change in outputs(plan).items():
        if change["actions"] != ["no-op"]:
            yield clean(f"output.{name}: {' and '.join(change['actions'])}")
            yield from _leaves(f"output.{name}", change, curtain)


def _leaves(where: str, change: dict[str, Any], curtain: Curtain) -> Iterator[str]:
    where = curtain.clean(where)
    try:
        for leaf in leaves(change, curtain):
            path = f"{leaf.path}: " if leaf.path else ""
            yield f"{where}: {path}{leaf.before} -> {leaf.after}"
    except (ValueError, RecursionError):
        yield f"{where}: more changes than can be shown"


def _expanded(found: Difference) -> Iterator[Difference]:
    """Whole objects and lists that come, go or turn into something else, as their leaves."""
    whole = isinstance(found.before, dict | list) or isinstance(found.after, dict | list)
    masked = isinstance(found.before, Masked) or isinstance(found.after, Masked)
    if found.kind == "reordered" or masked or not whole:
        yield found
        return
    for leaf in scalars(found.path, None if found.before is ABSENT else found.before, found.inside):
        yield Difference(leaf.path, leaf.after, ABSENT, leaf.inside)
    yield from scalars(found.path, None if found.after is ABSENT else found.after, found.inside)


def _hidden(leaf: Difference) -> bool:
    if isinstance(leaf.before, Masked) or isinstance(leaf.after, Masked):
        return True
    sides = (leaf.before, leaf.after)
    if any(isinstance(side, dict | list) and _holds_secret(leaf, side) for side in sides):
        return True
    switches = all(is_empty(side) or isinstance(side, bool | Special) for side in sides)
    names = names_of(leaf.path) + [n for step in leaf.path if step.item for n in names_of([Step(step.text)])]
    return not switches and any(_SECRET_NAME.fullmatch(name) for name in names)


def _holds_secret(leaf: Difference, whole: Any) -> bool:
    """What is shown as a whole, as a list in another order, is hidden when anything in it is."""
    return _holds_mask(whole) or any(map(_hidden, scalars(leaf.path, whole, leaf.inside)))


def _holds_mask(value: Any) -> bool:
    if isinstance(value, dict | list):
        return any(_holds_mask(item) for item in (value.values() if isinstance(value, dict) else value))
    return isinstance(value, Masked)


def _mask(value: Any) -> Any:
    return value if value is None else Masked(value)


def _value(value: Any, curtain: Curtain) -> str:
    if value is ABSENT or value is None:
        return ABSENT.shown
    if isinstance(value, Special):
        return value.shown
    if plain(value) in curtain.secrets:
        return SENSITIVE
    text = curtain.without(plain(value) if isinstance(value, str) else json.dumps(value))
    shown = visible(json.dumps(text, ensure_ascii=False) if isinstance(value, str) else text)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}... ({len(text)} characters)"


def _secrets(plan: Plan) -> list[str]:
    """Every scalar that the plan marks as sensitive anywhere, as text, the longest first."""
    found: set[str] = set()
    for change in (*(row["change"] for row in (*changes(plan), *drifts(plan))), *outputs(plan).values()):
        for side in ("before", "after"):
            found |= set(_marked(change.get(side), change.get(f"{side}_sensitive")))
    for instance in (*planned(plan), *known_before(plan)):
        found |= set(_marked(instance.get("values"), instance.get("sensitive_values")))
    declared = _held(_held(_held(plan, "configuration"), "root_module"), "variables")
    for name, variable in _held(plan, "variables").items():
        if _held(declared, name).get("sensitive") and isinstance(variable, dict):
            found |= set(_marked(variable.get("value"), True))
    return sorted({spelled for secret in found for spelled in _spellings(secret)}, key=len, reverse=True)


def _spellings(secret: str) -> Iterator[str]:
    """A text as it is, and as it stands in JSON and in JSON that JSON holds, by Python and by Go (terraform)."""
    yield secret
    none: dict[int, str] = {}
    for in_ascii, escapes in ((True, none), (False, none), (False, _GO_ESCAPES)):
        text = secret
        for _ in range(2):
            text = json.dumps(text, ensure_ascii=in_ascii)[1:-1].translate(escapes)
            yield text


def _held(holder: dict[str, Any], key: str) -> dict[str, Any]:
    found = holder.get(key)
    return found if isinstance(found, dict) else {}


def _marked(value: Any, marks: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _marked(item, marks if marks is True else marks.get(key) if isinstance(marks, dict) else None)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            inner = marks[index] if isinstance(marks, list) and index < len(marks) else None
            yield from _marked(item, True if marks is True else inner)
    elif marks is not None and _is_marked(marks) and not is_empty(value) and not isinstance(value, bool):
        yield plain(value)
        if isinstance(value, str):
            yield from (line.strip() for line in value.splitlines() if len(line.strip()) > 2 * _SHORTEST_SECRET)


def _is_marked(marks: Any) -> bool:
    return marks is True or (isinstance(marks, dict | list) and _holds_true(marks))


def _holds_true(marks: Any) -> bool:
    if isinstance(marks, dict | list):
        return any(_holds_true(mark) for mark in (marks.values() if isinstance(marks, dict) else marks))
    return marks is True
