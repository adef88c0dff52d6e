"""Sets of numbers, as comparisons cut them out: whether something passes, and whether everything does.

NaN is in no set. Infinity is a number here, since series hold it; `finite` sets leave it out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

INF = math.inf
# A cut lies just before its number (0) or just after it (1); a set is made of pairs of cuts.
_Cut = tuple[float, int]


@dataclass(frozen=True)
class Ranges:
    """A set of numbers: pieces in order, none of which touch, each from one cut to another."""

    pieces: tuple[tuple[_Cut, _Cut], ...] = ()

    def __bool__(self) -> bool:
        return bool(self.pieces)

    def __and__(self, other: Ranges) -> Ranges:
        return _tidy((max(a, c), min(b, d)) for a, b in self.pieces for c, d in other.pieces)

    def __or__(self, other: Ranges) -> Ranges:
        return _tidy((*self.pieces, *other.pieces))

    def __sub__(self, other: Ranges) -> Ranges:
        left = self
        for start, end in other.pieces:
            left &= Ranges(((_FIRST, start), (end, _LAST)))
        return left

    @property
    def ends(self) -> tuple[float, float]:
        """The smallest and the largest number around it; of an empty set, everything."""
        return (self.pieces[0][0][0], self.pieces[-1][1][0]) if self.pieces else (-INF, INF)

    @property
    def only(self) -> float | None:
        """The number that it consists of, None when there are several or none."""
        low, high = self.ends
        return low if self and low == high else None


_FIRST: _Cut = (-INF, 0)
_LAST: _Cut = (INF, 1)


def _tidy(pieces: Iterable[tuple[_Cut, _Cut]]) -> Ranges:
    kept: list[tuple[_Cut, _Cut]] = []
    for start, end in sorted(p for p in pieces if p[0] < p[1]):
        if kept and start <= kept[-1][1]:
            kept[-1] = (kept[-1][0], max(kept[-1][1], end))
        else:
            kept.append((start, end))
    return Ranges(tuple(kept))


def between(low: float, high: float) -> Ranges:
    """All numbers from one to another, both of them included."""
    return Ranges((((low, 0), (high, 1)),))


def points(*numbers: float) -> Ranges:
    """Just these numbers."""
    return _tidy(((number, 0), (number, 1)) for number in numbers if not math.isnan(number))


ALL = between(-INF, INF)
NOTHING = Ranges()
FINITE = ALL - points(-INF, INF)
POSITIVE = between(0, INF)


def passing(op: str, limit: float) -> Ranges:
    """The numbers that pass a comparison with a number: `>` 5 is all above 5. With NaN, only `!=` holds."""
    if math.isnan(limit):
        return ALL if op == "!=" else NOTHING
    below, at = Ranges(((_FIRST, (limit, 0)),)) & ALL, points(limit)
    above = ALL - below - at
    return {"<": below, "<=": below | at, "==": at, "!=": below | above, ">=": at | above, ">": above}[op]


def may_pass(op: str, limits: Ranges) -> Ranges:
    """The numbers that pass a comparison with at least one of the limits."""
    low, high = limits.ends
    if op == "==":
        return limits
    if op == "!=":
        return passing(op, low) if limits.only is not None else ALL
    return passing(op, low if op in (">", ">=") else high)


def must_pass(op: str, limits: Ranges) -> Ranges:
    """The numbers that pass a comparison with every one of the limits."""
    low, high = limits.ends
    if op == "==":
        return limits if limits.only is not None else NOTHING
    if op == "!=":
        return ALL - limits
    return passing(op, high if op in (">", ">=") else low)


def computed(op: str, left: Ranges, right: Ranges) -> Ranges:
    """What an arithmetic operator may make of two sets; all numbers where that is not worked out."""
    (a, b), (c, d) = left.ends, right.ends
    if op == "+":
        return _spanned(a + c, b + d)
    if op == "-":
        return _spanned(a - d, b - c)
    if op == "*":
        return _spanned(*_ends([0.0 if 0 in (x, y) else x * y for x in (a, b) for y in (c, d)]))
    if op == "/" and (c > 0 or d < 0):
        return _spanned(*_ends([x / y for x in (a, b) for y in (c, d)]))
    return POSITIVE if op == "/" and a >= 0 and c >= 0 else ALL


def negated(numbers: Ranges) -> Ranges:
    """The same set with the other sign."""
    return Ranges(tuple(((-end[0], 1 - end[1]), (-start[0], 1 - start[1])) for start, end in reversed(numbers.pieces)))


def _ends(numbers: list[float]) -> tuple[float, float]:
    if any(math.isnan(number) for number in numbers):
        return -INF, INF
    return min(numbers), max(numbers)


def _spanned(low: float, high: float) -> Ranges:
    return between(-INF if math.isnan(low) else low, INF if math.isnan(high) else high)
