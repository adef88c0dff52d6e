"""Binary operators over what is known of their two sides: comparisons, `and`, `or`, `unless`, arithmetic.

Semantics are those of Prometheus 2: a comparison lets elements through as they are, `bool` lets all through as 0 or 1,
sets match by labels. NaN is left out: `x == x` counts as always true, and `x != x` as never.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.guard.alerts.ranges import ALL, FINITE, NOTHING, Ranges, computed, may_pass, must_pass, passing, points
from app.guard.alerts.values import There, Value, fresh, nothing, short

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})
SETS = frozenset({"and", "or", "unless"})
UNCOMPARED = "it compares with nothing, so it fires for every series that it finds"
_TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_BIT = points(0, 1)


@dataclass(frozen=True)
class Matching:
    """How an operator pairs elements. `text` is as it is written; `plain` by all labels; `one_for_all` by none."""

    text: str = ""
    plain: bool = True
    one_for_all: bool = False
    returns_bool: bool = False
    grouped: bool = False


def joined(op: str, left: Value, right: Value, how: Matching) -> Value:
    """What is known of `left op right`."""
    text = f"({left.text} {op}{how.text} {right.text})"
    if op in SETS:
        return replace({"and": _both, "or": _either, "unless": _except}[op](left, right, how), text=text)
    if left.shape == right.shape == "scalar":
        return _scalars(op, left, right, text)
    if empty := next((side for side in (left, right) if side.shape == "vector" and not side.there), None):
        return nothing(text, empty.why)
    if op not in COMPARISONS:
        return _arithmetic(op, left, right, how, text)
    if left.shape == "scalar":
        return _compared(_TURNED.get(op, op), right, left, how, text)
    return (_compared if right.shape == "scalar" else _matched)(op, left, right, how, text)


def _scalars(op: str, left: Value, right: Value, text: str) -> Value:
    a, b = left.constant, right.constant
    if a is None or b is None:
        numbers = _BIT if op in COMPARISONS else computed(op, left.numbers, right.numbers)
        return Value(text, There.ALWAYS, numbers, numbers, shape="scalar")
    number = _folded(op, a, b)
    return Value(text, There.ALWAYS, points(number), not_a_number=math.isnan(number), shape="scalar")


def _folded(op: str, a: float, b: float) -> float:
    if op in COMPARISONS:
        return float(op == "!=" if math.isnan(a) else bool(passing(op, b) & points(a)))
    try:
        return {
            "+": lambda: a + b, "-": lambda: a - b, "*": lambda: a * b, "/": lambda: a / b,
            "%": lambda: math.fmod(a, b), "^": lambda: math.pow(a, b), "atan2": lambda: math.atan2(a, b),
        }[op]()  # fmt: skip
    except ZeroDivisionError:
        return math.nan if a == 0 or math.isnan(a) else math.copysign(math.inf, a) * math.copysign(1, b)
    except OverflowError:
        return -math.inf if a < 0 and math.fmod(b, 2) else math.inf
    except ValueError:
        return math.inf if op == "^" and a == 0 else math.nan


def _compared(op: str, value: Value, limit: Value, how: Matching, text: str) -> Value:
    said = f"{op} {short(limit.text, 30)}"
    if limit.not_a_number or value.not_a_number:
        may = must = ALL if op == "!=" else NOTHING
    else:
        may, must = may_pass(op, limit.numbers), must_pass(op, limit.numbers)
    numbers = value.numbers & may
    none = not (may if value.not_a_number else numbers)
    every = not (must and none) and not (value.loose & FINITE) - must
    if how.returns_bool:
        outcome = points(0) if none else points(1) if every else _BIT
        return fresh(text, value.there, outcome, _bool_why(value, text), loose=_BIT, bare=value.bare)
    if none:
        return nothing(text, f"no value of {short(value.text)} passes {said}")
    bounds = {**value.bounds, value.of: value.bounds[value.of] & may} if value.of else value.bounds
    there = value.there if every else There.MAYBE
    why = f"every value of {short(value.text)} passes {said}" if every and there >= There.GIVEN else ""
    whole = value.whole and may == must
    return replace(
        value, text=text, there=there, numbers=numbers, loose=value.loose & may, why=why, bounds=bounds, whole=whole
    )


def _bool_why(value: Value, text: str) -> str:
    given = value.there >= There.GIVEN
    return f"{short(text)} lets every element through, as 0 or as 1, and an alert fires for both" if given else ""


def _matched(op: str, left: Value, right: Value, how: Matching, text: str) -> Value:
    same = left.text == right.text and how.plain
    holds = op in ("==", "<=", ">=")
    numbers = left.numbers & may_pass(op, right.numbers)
    if how.returns_bool:
        there = min(left.there, right.there, There.GIVEN)
        return fresh(text, there, points(float(holds)) if same else _BIT, _bool_why(left, text), loose=_BIT)
    if same and not holds:
        return nothing(text, f"{short(left.text)} is compared with itself, and {op} never holds for equals")
    if same:
        why = f"{short(left.text)} is compared with itself" if left.there >= There.GIVEN else ""
        return replace(left, text=text, why=why)
    if not numbers:
        return nothing(text, f"no value of {short(left.text)} passes {op} {short(right.text)}")
    bounds = {**left.bounds, left.of: left.bounds[left.of] & numbers} if left.of else left.bounds
    return replace(left, text=text, there=There.MAYBE, numbers=numbers, why="", bounds=bounds, whole=False)


def _arithmetic(op: str, left: Value, right: Value, how: Matching, text: str) -> Value:
    sides = [side for side in (left, right) if side.shape == "vector"]
    there, bare = min(side.there for side in sides), all(side.bare for side in sides) or how.one_for_all
    paired = len(sides) == 2
    if paired and (how.grouped and op == "*"):
        there = There.MAYBE
    elif paired and not bare:
        there = min(there, There.GIVEN)
    numbers, loose = computed(op, left.numbers, right.numbers), computed(op, left.loose, right.loose)
    if paired and left.text == right.text and how.plain and op in ("-", "/"):
        numbers = loose = points(float(op == "/"))
    nan = any(side.not_a_number for side in (left, right))
    why = next((side.why for side in sides if side.why), UNCOMPARED) if there >= There.GIVEN else ""
    return replace(fresh(text, there, NOTHING if nan else numbers, why, loose=loose, bare=bare), not_a_number=nan)


def _for_all(left: Value, right: Value, how: Matching) -> bool:
    """Whether each element of the right is a match for all of the left."""
    return how.one_for_all or (how.plain and left.bare and right.bare)


def _both(left: Value, right: Value, how: Matching) -> Value:
    if empty := next((side for side in (left, right) if not side.there), None):
        return empty
    bounds = _together(left.bounds, right.bounds) if how.plain else dict(left.bounds)
    if impossible := next((text for text, numbers in bounds.items() if not numbers), None):
        return nothing(impossible, f"{short(impossible)} would have to be two things at once")
    if left.text == right.text or (right.there is There.ALWAYS and _for_all(left, right, how)):
        return left
    one = left.of == right.of != "" and how.plain
    there = min(left.there, right.there) if one else There.MAYBE
    numbers = left.numbers & bounds[left.of] if left.of else left.numbers
    whole = one and left.whole and right.whole
    why = (left.why or right.why) if there >= There.GIVEN else ""
    return replace(left, there=there, numbers=numbers, why=why, bounds=bounds, whole=whole)


def _either(left: Value, right: Value, how: Matching) -> Value:
    if not left.there or not right.there:
        return right if not left.there else left
    bounds = {text: left.bounds[text] | right.bounds[text] for text in left.bounds if text in right.bounds}
    one = left.of == right.of != "" and left.whole and right.whole
    numbers, loose = left.numbers | right.numbers, left.loose | right.loose
    there, why = max((left.there, left.why), (right.there, right.why))
    if one and there < There.ALWAYS and not (left.full & FINITE) - bounds[left.of]:
        there = left.given
        why = f"the two sides of `or` let every value of {short(left.of)} through" if there >= There.GIVEN else ""
    bare = left.bare and right.bare
    return replace(
        left if one else Value("", there), there=there, numbers=numbers, loose=loose, why=why, bounds=bounds, bare=bare
    )


def _except(left: Value, right: Value, how: Matching) -> Value:
    if not left.there:
        return left
    if not right.there:
        vacuous = f"what `unless` would take away is never there: {right.why}" if left.there >= There.GIVEN else ""
        return replace(left, why=left.why or vacuous)
    if left.text == right.text or (right.there is There.ALWAYS and _for_all(left, right, how)):
        return nothing(left.text, f"`unless {short(right.text)}` takes away all that there is")
    if not (right.whole and right.of == left.of != ""):
        return replace(left, there=There.MAYBE, why="", whole=False)
    rest = left.bounds[left.of] - right.bounds[left.of]
    if not rest:
        return nothing(left.text, f"`unless {short(right.text)}` takes away all that there is")
    whole = left.whole and how.plain
    return replace(left, there=There.MAYBE, why="", bounds={**left.bounds, left.of: rest}, whole=whole)


def _together(left: Mapping[str, Ranges], right: Mapping[str, Ranges]) -> dict[str, Ranges]:
    return {text: left.get(text, ALL) & right.get(text, ALL) for text in {**left, **right}}
