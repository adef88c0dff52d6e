"""Numbers, quantities and durations in values and in the expressions of alerts: by how much did they change?"""

from __future__ import annotations

import re

_TIME = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_SIZE = {"b": 1.0, "": 1.0}
for _power, _letter in enumerate("kmgtpe", start=1):
    _SIZE |= {_letter: 1000.0**_power, f"{_letter}b": 1000.0**_power}
    _SIZE |= {f"{_letter}i": 1024.0**_power, f"{_letter}ib": 1024.0**_power}
_NUMBER = r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"([+-]?{_NUMBER})\s?([A-Za-z%]*)")
_COMPOUND = re.compile(rf"(?:{_NUMBER}(?:ms|[smhdwy]))+")
_PART = re.compile(rf"({_NUMBER})(ms|[smhdwy])")
_TOKEN = re.compile(
    rf"(?<![\w.:/-])(?:{_NUMBER}(?:ms|[smhdwy]))+(?![\w.:/-])|(?<![\w.:/-]){_NUMBER}(?:[KMGTPE]i?B?|%)?(?![\w.:/-])"
)
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_FAR = 1000.0
_MOST_TIMES = 10.0  # of what an alert compares with: farther off it hardly ever fires
_SHORTEST_LOOK = 60.0  # seconds; Prometheus asks once or twice a minute, and needs two answers
_LONGEST = 10_000
_FULL = 100.0

Quantity = tuple[str, float]  # what is measured, and how much


def quantity(value: object) -> Quantity | None:
    """A number, a quantity (10Gi, 500m, 80 %) or a duration (1h30m) as its kind and amount, or None."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return ("", float(value))
    if not isinstance(value, str):
        return None
    text = value.strip()
    if _COMPOUND.fullmatch(text):
        return ("time", sum(float(n) * _TIME[unit] for n, unit in _PART.findall(text)))
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return None
    number, unit = float(match[1]), match[2].lower()
    if unit == "%":
        return ("%", number)
    return None if unit not in _SIZE else ("" if not unit else "size", number * _SIZE[unit])


def compared(before: object, after: object) -> tuple[float, float] | None:
    """Two values as two numbers of one kind, or None. A CPU of 500m beside 1 is half of it."""
    old, new = quantity(before), quantity(after)
    if old is None or new is None:
        return None
    if {old[0], new[0]} == {"", "time"} and all(_milli_or_plain(v) for v in (before, after)):
        return _milli(before), _milli(after)
    if old[0] != new[0] and {old[0], new[0]} != {"", "size"}:
        return None
    return old[1], new[1]


def is_far(before: float, after: float) -> bool:
    """Whether a number moved so far that it no longer does what it did: a thousand times, or to the other sign."""
    if before == 0 or after == 0:
        return abs(before - after) >= _FAR
    return before * after < 0 or not 1 / _FAR < after / before < _FAR


def same_words(before: str, after: str) -> list[tuple[str, str, str]] | None:
    """The numbers in which two texts differ, or None when they differ in anything else.

    Each is (before, after, the words before it). Numbers in quotes, names, addresses, paths and versions are words.
    """
    if max(len(before), len(after)) > _LONGEST:
        return None
    old, new = _cut(before), _cut(after)
    if [word for word, _ in old] != [word for word, _ in new]:
        return None
    words = [word for word, _ in new]
    numbers = [(one, other) for (_, one), (_, other) in zip(old, new, strict=True)]
    return [(one, other, words[i]) for i, (one, other) in enumerate(numbers[:-1]) if one != other]


def objection(before: str, after: str) -> str | None:
    """Why an alert's expression may not change like this without a person, or None.

    Only what it compares with and the time that it looks back over may change, and not so far that it never fires.
    """
    numbers = same_words(before, after)
    if numbers is None:
        return "what the alert looks at changes, not only its numbers"
    for old, new, left in numbers:
        pair = compared(old, new)
        if pair is None or is_far(*pair) or (pair[0] > 0 and not 1 / _MOST_TIMES <= pair[1] / pair[0] <= _MOST_TIMES):
            return "a number in the alert's expression moves so far that it no longer does what it did"
        comparator = re.search(r"(?<![=!~<>])([<>]=?)\s*(?:bool\s*)?$", left)
        looks_back = bool(_COMPOUND.fullmatch(old)) and re.search(r"(\[|offset\s)\s*$", left) is not None
        if comparator is None and not looks_back:
            return "a number changes that the alert does not compare with"
        if comparator is not None and _never(comparator[1], pair, before):
            return "the alert would compare with what cannot be reached"
        if looks_back and pair[1] < min(pair[0], _SHORTEST_LOOK):
            return "the alert would look back over nothing, or next to it"
    return None


def _never(comparator: str, pair: tuple[float, float], text: str) -> bool:
    old, new = pair
    if comparator.startswith("<"):
        return new <= 0 < old
    of_hundred = re.search(r"(?<![\w.])100(?![\w.])|percent|%", text) is not None
    return (old < 1 <= new) or (of_hundred and old < _FULL <= new)


def _cut(text: str) -> list[tuple[str, str]]:
    """The text as (words, number that follows them), the last number empty."""
    quoted = [match.span() for match in _QUOTED.finditer(text)]
    parts, at = [], 0
    for match in _TOKEN.finditer(text):
        if any(begin < match.start() < end for begin, end in quoted):
            continue
        parts.append((text[at : match.start()], match[0]))
        at = match.end()
    return [*parts, (text[at:], "")]


def _milli_or_plain(value: object) -> bool:
    return isinstance(value, int | float) or re.fullmatch(r"\d+(\.\d+)?m?", str(value).strip()) is not None


def _milli(value: object) -> float:
    text = str(value).strip()
    return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
