"""PromQL expressions of alerts: what they ask for, and whether they say anything.

An alert fires for every element that its expression returns, whatever its value (0 too), so a bare `vector(0)` always
fires, and `vector(0) > 1` never does. The judgement holds for whatever is measured, NaN left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import promql_parser

from app.guard.alerts.selectors import MASKED, texts
from app.guard.alerts.truth import Reader
from app.guard.alerts.values import There, short

Truth = Literal["always", "never"]
_LONGEST = 4096
# Each of these may be one level deeper; the parser and the walk over its tree take a frame or three for each.
_LEVEL = re.compile(r"[-+*/%^<>=({\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_MOST_LEVELS = 200
# A repetition makes a pattern's machine large, and a far offset makes the parser panic.
_REPETITION = re.compile(r"\{\d")
_MOST_REPETITIONS = 8
_FAR = re.compile(r"(?:\boffset\s*[-+]?|\[(?:[^\[\]]*:)?)\s*(?:inf|nan|[\d.]{10}|[\d.]+e)", re.IGNORECASE)
_NO_MATCHER = "vector selector must contain at least one non-empty matcher"
_TIMES = re.compile(r"(\[\s*|:\s*|\boffset\s+-?\s*)CODE[a-z]+X(?![\w:])")
_UNITS = re.compile(r"CODE[a-z]+X(?=(?:ms|[smhdwy])\b)")
_NUMBER = re.compile(rf"(?<![\w:]){MASKED.pattern}(?![\w:])")
_TEXT = re.compile(r'("(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`)')


@dataclass(frozen=True)
class Query:
    """What an expression asks for and says.

    `series` are its selectors without offset and range, `metrics` the names in them, each once; what a template fills
    in is in neither. `truth` is "always" when it has an element whatever is measured, or whatever value its series
    have; "never" when it cannot have one; None when it depends. `why` is the sentence for it. `doubt` says why it may
    hardly ever fire, `everything` names a selector that no label narrows; both are empty for an ordinary one.
    """

    series: tuple[str, ...] = ()
    metrics: tuple[str, ...] = ()
    truth: Truth | None = None
    why: str = ""
    doubt: str = ""
    everything: str = ""


def read(expression: str, *, masked: bool = False) -> Query:
    """An expression as a query; `masked` when a template's code in it was replaced by words.

    Raises ValueError that says what is wrong: it is too large, no PromQL, or no instant vector.
    """
    return _read(judged(expression) if masked else expression)


def judged(expression: str) -> str:
    """A masked expression as it is judged: code that may be a number is one that nobody knows."""
    return _with_code(expression, "scalar({})")


def filled(expression: str) -> str:
    """A masked expression as a server would read it: code that may be a number is 1."""
    return _with_code(expression, "1")


def too_far(expression: str) -> bool:
    """Whether an offset or a range outside of quotes is so far that the parser would panic, and print that it did."""
    return _FAR.search("".join(_TEXT.split(expression)[::2])) is not None


def _with_code(expression: str, number: str) -> str:
    if len(expression) > _LONGEST:
        return expression
    parts = _TEXT.split(expression)
    parts[::2] = [_TIMES.sub(r"\g<1>1m", _UNITS.sub("1", part)) for part in parts[::2]]
    numbers = list(parts)
    numbers[::2] = [_NUMBER.sub(lambda word: number.format(word[0]), part) for part in parts[::2]]
    # Where no number may stand, the code stood for a name: of a metric, a label or a function.
    return "".join(numbers if _parses("".join(numbers)) else parts)


def _parses(expression: str) -> bool:
    try:
        _parsed(expression)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=1024)
def _read(expression: str) -> Query:
    try:
        tree = _parsed(expression)
    except ValueError as error:
        if str(error) == _NO_MATCHER:
            return Query(everything="a selector without any label that is not empty")
        raise
    reader = Reader()
    value = reader.value(tree)
    if value.shape in ("matrix", "string"):
        raise ValueError(f"it is a {value.shape}, and an alert needs one value at a time")
    truth, why = _truth(value.there, value.why, value.shape)
    wide = next((str(selector) for selector in reader.selectors if selector.everything), "")
    metrics = dict.fromkeys(s.name for s in reader.selectors if s.name and not MASKED.search(s.name))
    doubt = reader.doubts[0] if reader.doubts and truth is None else ""
    return Query(tuple(texts(reader.selectors)), tuple(metrics), truth, why, doubt, short(wide))


def _truth(there: There, why: str, shape: str) -> tuple[Truth | None, str]:
    if shape == "scalar":
        return "always", "a number is always there, and an alert fires for it whatever it is"
    if there is There.NEVER:
        return "never", why
    if there is There.ALWAYS or (there is There.GIVEN and why):
        return "always", why or "it has an element whatever is measured"
    return None, ""


def _parsed(expression: str) -> promql_parser.Expr:
    if len(expression) > _LONGEST:
        raise ValueError(f"it has {len(expression)} characters, and more than {_LONGEST} are not read")
    if len(_LEVEL.findall(expression)) > _MOST_LEVELS or len(_REPETITION.findall(expression)) > _MOST_REPETITIONS:
        raise ValueError("it has more operators, brackets or repetitions than are read")
    if too_far(expression):
        raise ValueError("an offset or a range in it is no duration")
    try:
        return promql_parser.parse(expression)
    except (ValueError, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
    except BaseException as error:
        # A panic of the parser is no Exception; everything else of that kind (an interrupt) goes on.
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError("the parser gave up on it") from None
