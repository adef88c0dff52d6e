"""Vector selectors: what one asks Prometheus for, whether any series can be it, and whether every series is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from promql_parser import VectorSelector

# What stands where a template's code stood (`app/guard/edits/interpolation.py`).
MASKED = re.compile(r"CODE[a-z]+X")
_SIGNS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}
_BARE_NAME = re.compile(r"[A-Za-z_:][\w:]*")
_BARE_LABEL = re.compile(r"[A-Za-z_]\w*")
# Patterns that are read here: alternatives of plain text with a few `.*`, so that no pattern takes long.
_READ = re.compile(r"(?:[\w/: @,=-]|\\[.\-/]|\.[*+]?)*", re.ASCII)
_LONGEST_PATTERN = 500
_MOST_STARS = 3
# A pattern that fits all of these narrows nothing. They are short: no pattern takes long on them.
_ANY_NAMES = ("ab", "go_x", "kube", "node", "up", "zk:r")
_LONGEST_WIDE = 80
_REPEATED_GROUP = re.compile(r"\)[*+?]")
_MOST_REPEATED, _MOST_REPEATS, _MOST_CHOICES = 1, 12, 4


@dataclass(frozen=True)
class Matcher:
    """One label matcher: the label, `=`, `!=`, `=~` or `!~`, and the value."""

    label: str
    sign: str
    value: str

    def __str__(self) -> str:
        label = self.label if _BARE_LABEL.fullmatch(self.label) else _quoted(self.label)
        return f"{label}{self.sign}{_quoted(self.value)}"


@dataclass(frozen=True)
class Selector:
    """A vector selector without offset and range. `name` is empty when no one metric is named; `alternatives` when it
    joins matchers by `or`, as VictoriaMetrics does, which is not judged."""

    name: str
    matchers: tuple[Matcher, ...]
    alternatives: bool

    def __str__(self) -> str:
        inner = [str(m) for m in self.matchers]
        if not self.name or _BARE_NAME.fullmatch(self.name):
            return self.name + (f"{{{','.join(inner)}}}" if inner or not self.name else "")
        return f"{{{','.join([_quoted(self.name), *inner])}}}"

    @property
    def asked(self) -> Selector | None:
        """What can be asked of a server: without what a template fills in; None when nothing certain is left."""
        if MASKED.search(self.name) or self.alternatives:
            return None
        left = tuple(m for m in self.matchers if not MASKED.search(m.label + m.value))
        return Selector(self.name, left, False) if self.name or any(map(_narrows, left)) else None

    @property
    def everything(self) -> bool:
        """Whether it is (nearly) every series of the server."""
        return not (self.name or self.alternatives or any(map(_narrows, self.matchers)))


def selector_of(node: VectorSelector) -> Selector:
    """A parser's selector as data."""
    matchers = [Matcher(m.name, _SIGNS[str(m.op)], m.value) for m in node.matchers.matchers]
    named = [m for m in matchers if m.label == "__name__" and m.sign == "="]
    name = node.name or (named[0].value if named else "")
    if not node.name and named:
        matchers.remove(named[0])
    matchers.sort(key=lambda m: (m.label, m.sign, m.value))
    return Selector(name, tuple(matchers), bool(node.matchers.or_matchers))


def impossible(selector: Selector) -> str | None:
    """The label that would have to have two values at once, so that no series is ever selected; None without one."""
    every = (*selector.matchers, *([Matcher("__name__", "=", selector.name)] if selector.name else []))
    labels = {matcher.label: [m for m in every if m.label == matcher.label] for matcher in every}
    return next((label for label, matchers in labels.items() if _contradict(matchers)), None)


def _contradict(matchers: Sequence[Matcher]) -> bool:
    if any(MASKED.search(m.value) for m in matchers):
        return False
    wanted = [values for m in matchers if (values := _values(m)) is not None]
    if wanted:
        left = set.intersection(*wanted)
        return not any(all(_fits(m, value) is not False for m in matchers) for value in left)
    taken = {m.value for m in matchers if m.sign == "=~"} & {m.value for m in matchers if m.sign == "!~"}
    return bool(taken) or any(m.sign == "!~" and m.value == ".*" for m in matchers)


def _values(matcher: Matcher) -> set[str] | None:
    """All values that a matcher lets through, when they can be counted."""
    if matcher.sign == "=":
        return {matcher.value}
    if (matcher.sign, matcher.value) == ("!~", ".+"):
        return {""}
    if matcher.sign != "=~" or not _is_read(matcher.value) or re.search(r"(?<!\\)\.", matcher.value):
        return None
    return set(matcher.value.replace("\\", "").split("|"))


def _fits(matcher: Matcher, value: str) -> bool | None:
    """Whether a matcher lets a value through; None when its pattern is not read here."""
    if matcher.sign in ("=", "!="):
        return (matcher.value == value) == (matcher.sign == "=")
    if not _is_read(matcher.value):
        return None
    return any(re.fullmatch(part, value) for part in matcher.value.split("|")) == (matcher.sign == "=~")


def _is_read(pattern: str) -> bool:
    parts = pattern.split("|")
    short = len(pattern) <= _LONGEST_PATTERN and all(len(re.findall("[*+]", part)) <= _MOST_STARS for part in parts)
    return short and all(_READ.fullmatch(part) for part in parts)


def _narrows(matcher: Matcher) -> bool:
    if matcher.sign == "=":
        return matcher.value != ""
    return matcher.sign == "=~" and not _wide(matcher.value)


def _wide(pattern: str) -> bool:
    repeats, choices = sum(map(pattern.count, "*+?")), pattern.count("|")
    groups = len(_REPEATED_GROUP.findall(pattern))
    if len(pattern) > _LONGEST_WIDE or "{" in pattern or groups > _MOST_REPEATED:
        return False
    if groups and (repeats > _MOST_REPEATS or choices > _MOST_CHOICES):
        return False
    try:
        return all(re.fullmatch(pattern, name) for name in _ANY_NAMES)
    except (re.error, RecursionError):
        return False


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def texts(selectors: Sequence[Selector]) -> Iterator[str]:
    """What to ask a server for, each selector once, in order."""
    yield from dict.fromkeys(str(asked) for selector in selectors if (asked := selector.asked))
