"""PromQL in prose: which parts of a text are expressions, and one spelling for two that mean the same.

The text is anybody's. The parser takes time that grows faster than the text, and ends the thread on some numbers, so
that what it is given is short, and few.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import promql_parser

from app.guard.alerts.promql import too_far

_LONGEST = 400
_LONGEST_COMPARED = 1500
_MOST_TRIED = 24
# Repetitions make a pattern's machine large: nested ones take the parser seconds, with the whole process held.
_REPETITION = re.compile(r"\{\s*\d")
_MOST_REPETITIONS, _MOST_COMPARED_REPETITIONS = 1, 8
_TICKED = re.compile(r"`([^`\n]{1,500})`")
_OPENS = {"(": ")", "{": "}", "[": "]"}
_STRING = re.compile(r"\"(?:\\.|[^\"\\\n]){0,300}\"|'(?:\\.|[^'\\\n]){0,300}'")
_WORDS = r"and|or|unless|by|without|on|ignoring|group_left|group_right|offset|bool"
_NAME = r"[a-zA-Z_:][\w:]{0,100}(?=[({\[]|\s{1,5}(?:by|without)\s{0,5}\()"
_START = re.compile(rf"(?<![\w.:/$`{{(-])(?!(?:{_WORDS})\b){_NAME}", re.A)
_PIECE = re.compile(
    rf"\s{{0,5}}(?:(?:{_WORDS})\b|{_NAME}|[a-z][a-z0-9]*_[\w:]*|[-+*/%^]|[=!]=|[<>]=?|\d+(?:\.\d+)?(?!\w|\.\d))", re.A
)
_METRIC = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|up", re.A)
_EXPORTED = re.compile(
    r"^(?:up$|(?:node|kube|kubelet|container|probe|prometheus|process|go|http|alertmanager|apiserver|etcd|coredns|nginx"
    r"|traefik|windows|mysql|pg|redis|smartmon|blackbox|cert|vault)_)"
    r"|_(?:total|seconds|bytes|count|sum|bucket|info|ratio|status|percent|celsius|size|errors|healthy|timestamp)$"
)
# A name that could as well be a table's is a metric's where the text speaks of measuring.
_MEASURED = re.compile(r"\balert|\bmetri|prometheus|アラート|メトリク", re.IGNORECASE)
_NO_METRIC = re.compile(r"_(?:exporter|lock|unlock|limit|limits|id|name|url|host|port|file|dir|path|key|token)$")


def canonical(expression: str) -> str:
    """One spelling for expressions that differ in white space and layout alone; empty for what is no expression.

    Text over 1500 characters is not read: its white space alone is taken out.
    """
    if len(expression) > _LONGEST_COMPARED:
        return "".join(expression.split())
    return _read(expression, _MOST_COMPARED_REPETITIONS)


def expressions_in(text: str) -> tuple[list[str], str]:
    """The expressions in a text, in its order, and the text with blanks in their places.

    In backticks a bare metric name counts, elsewhere only what has a selector, a call or a range.
    """
    found: dict[int, tuple[int, str]] = {}
    measured = bool(_MEASURED.search(text))
    for tried, span in enumerate(_TICKED.finditer(text)):
        if tried < _MOST_TRIED and (expression := _ticked(span[1].strip(), measured)):
            found[span.start()] = (span.end(), expression)
    bare = _TICKED.sub(lambda span: " " * len(span[0]), text)
    for start, end in _plain(bare):
        found[start] = (end, bare[start:end])
    for start, (end, _) in found.items():
        text = text[:start] + " " * (end - start) + text[end:]
    return list(dict.fromkeys(found[start][1] for start in sorted(found))), text


def _ticked(text: str, measured: bool) -> str:
    # In a cell of a table a bar is written with a backslash.
    for spelt in dict.fromkeys((text, text.replace("\\|", "|"))):
        if _METRIC.fullmatch(spelt):
            return spelt if _is_metric(spelt, measured) else ""
        if _is_expression(spelt):
            return spelt
    return ""


def _is_metric(name: str, measured: bool) -> bool:
    if _NO_METRIC.search(name):
        return False
    return bool(_EXPORTED.search(name)) or (measured and name.count("_") > 1)


def _is_expression(text: str) -> bool:
    bare = _STRING.sub('""', text)
    selects = re.search(r"\{[^{}]*[=~]", bare) or re.search(r"\[\d", bare)
    computes = re.search(r"[a-z_]\(|[<>]|[=!]=", bare) and _METRIC.search(bare)
    return bool(selects or computes) and bool(_read(text))


def _plain(text: str) -> Iterator[tuple[int, int]]:
    """Where expressions stand that nobody put into backticks."""
    position = 0
    for _ in range(_MOST_TRIED):
        start = _START.search(text, position)
        if start is None:
            return
        position = start.end()
        for end in reversed(_ends(text, start.start())[-4:]):
            if _is_expression(text[start.start() : end]):
                yield start.start(), end
                position = end
                break


def _ends(text: str, start: int) -> list[int]:
    """Where an expression that begins here could end."""
    ends, position = [], start
    while position - start < _LONGEST:
        blank = len(text[position : position + 9]) - len(text[position : position + 9].lstrip())
        if text[position + blank : position + blank + 1] in _OPENS:
            position = _closed(text, position + blank)
            if position < 0:
                break
        elif piece := _PIECE.match(text, position):
            position = piece.end()
        else:
            break
        ends.append(position)
    return ends


def _closed(text: str, opened: int) -> int:
    """The place after the bracket that closes the one here, -1 when none does."""
    stack: list[str] = []
    position, last = opened, min(len(text), opened + _LONGEST)
    while position < last:
        if string := _STRING.match(text, position):
            position = string.end()
            continue
        one = text[position]
        if one in _OPENS:
            stack.append(_OPENS[one])
        elif stack and one == stack[-1]:
            stack.pop()
            if not stack:
                return position + 1
        elif one in ")}]\n":
            return -1
        position += 1
    return -1


def _read(text: str, repetitions: int = _MOST_REPETITIONS) -> str:
    """The expression as the parser writes it; empty when it is none."""
    # A repeated group with a large count takes the parser long to compile.
    if not text.strip() or re.search(r"\{\d{3}", text) or len(_REPETITION.findall(text)) > repetitions:
        return ""
    if too_far(text):
        return ""
    try:
        return " ".join(promql_parser.parse(text).prettify().split())
    except ValueError:
        return ""
    except BaseException as error:
        # The parser panics on offsets that are no finite time; its exception is no Exception and has no name to import.
        if type(error).__name__ == "PanicException":
            return ""
        raise
