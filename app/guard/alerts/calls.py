"""What functions of PromQL return, as far as it does not depend on what is measured."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from app.guard.alerts.joins import UNCOMPARED
from app.guard.alerts.ranges import ALL, INF, POSITIVE, Ranges, between, points
from app.guard.alerts.values import There, Value, fresh, nothing, short

_PARTS_OF_TIME = {
    "minute": between(0, 59), "hour": between(0, 23), "day_of_week": between(0, 6), "day_of_month": between(1, 31),
    "day_of_year": between(1, 366), "days_in_month": between(28, 31), "month": between(1, 12), "year": ALL,
}  # fmt: skip
_POSITIVE = frozenset({
    "rate", "irate", "increase", "resets", "changes", "abs", "sqrt", "exp", "stddev_over_time", "stdvar_over_time",
    "mad_over_time", "timestamp",
})  # fmt: skip
_SAME_NUMBERS = frozenset({"min_over_time", "max_over_time", "last_over_time", "first_over_time"})
_SAME_ELEMENTS = frozenset({"label_replace", "label_join", "sort", "sort_desc", "sort_by_label", "sort_by_label_desc"})


def called(name: str, args: Sequence[Value]) -> Value:
    """What is known of a function's result."""
    text = f"{name}({', '.join(arg.text for arg in args)})"
    if name in ("time", "pi"):
        numbers = POSITIVE if name == "time" else points(math.pi)
        return Value(text, There.ALWAYS, numbers, numbers, shape="scalar")
    if name == "vector":
        return _vector(text, args[0])
    if name == "scalar":
        return _scalar(text, args[0])
    if name in _PARTS_OF_TIME and not args:
        return fresh(text, There.ALWAYS, _PARTS_OF_TIME[name], _always(text), bare=True)
    of = next((arg for arg in args if arg.shape in ("vector", "matrix")), None)
    if of is None:
        return fresh(text, There.MAYBE)
    if name in ("absent", "absent_over_time"):
        return _absent(text, of)
    if not of.there:
        return nothing(text, of.why)
    if name in _SAME_ELEMENTS:
        return replace(of, text=text, of="", bounds={}, whole=False, bare=False)
    numbers, loose = _numbers(name, of.numbers, args), _numbers(name, of.loose, args)
    if not numbers:
        return nothing(text, f"no number fits the limits of {short(text)}")
    if name in ("count_over_time", "present_over_time"):
        loose |= points(0)
    computed = "" if of.there < There.GIVEN or name.endswith("_over_time") else UNCOMPARED
    return fresh(text, of.there, numbers, of.why or computed, loose=loose, bare=of.bare)


def _always(text: str) -> str:
    return f"{short(text)} always has an element, and an alert fires for every element, whatever its value"


def _vector(text: str, number: Value) -> Value:
    found = fresh(text, There.ALWAYS, number.numbers, _always(text), loose=number.loose, bare=True)
    return replace(found, not_a_number=number.not_a_number)


def _scalar(text: str, of: Value) -> Value:
    sure = of.there is There.ALWAYS and of.bare
    numbers = of.numbers if sure else ALL
    nan = not of.there or (sure and of.not_a_number)
    return Value(text, There.ALWAYS, numbers, numbers, not_a_number=nan, shape="scalar")


def _absent(text: str, of: Value) -> Value:
    if not of.there:
        return fresh(text, There.ALWAYS, points(1), f"what absent() looks for can never be there: {of.why}")
    if of.there is There.ALWAYS:
        return nothing(text, f"{short(of.text)} is always there, so absent() never holds")
    return fresh(text, There.MAYBE, points(1), loose=points(0, 1))


def _numbers(name: str, of: Ranges, args: Sequence[Value]) -> Ranges:
    low, high = of.ends
    if name in _POSITIVE:
        return POSITIVE
    if name in _PARTS_OF_TIME:
        return _PARTS_OF_TIME[name]
    if name in _SAME_NUMBERS:
        return of
    if name == "avg_over_time" or (name == "quantile_over_time" and 0 <= (args[0].constant or 0) <= 1):
        return between(low, high)
    if name == "sum_over_time":
        return between(low if low >= 0 else -INF, high if high <= 0 else INF)
    if name == "count_over_time":
        return between(1, INF)
    if name == "present_over_time":
        return points(1)
    if name == "sgn":
        return between(-1, 1)
    return _clamped(name, of, [arg.constant for arg in args[1:]]) if name.startswith("clamp") else ALL


def _clamped(name: str, of: Ranges, limits: Sequence[float | None]) -> Ranges:
    low, high = of.ends
    known = [limit for limit in limits if limit is not None and not math.isnan(limit)]
    if len(known) != len(limits) or not known:
        return ALL
    least = known[0] if name in ("clamp", "clamp_min") else -INF
    most = known[-1] if name in ("clamp", "clamp_max") else INF
    if least > most:
        return Ranges()
    return between(min(max(low, least), most), min(max(high, least), most))
