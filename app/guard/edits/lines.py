"""Two texts compared by lines, in time that grows with their size whatever they hold.

Lines that stand once in each text are the anchors; what lies between two anchors differs. A hostile text can make the
comparison coarse, never slow.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.guard.model import Change

_DEEPEST = 6


@dataclass(frozen=True)
class Hunk:
    """One place where two texts differ, and the 1-based line where it begins in the first and in the second."""

    old_line: int
    line: int
    before: tuple[str, ...]
    after: tuple[str, ...]


def text_of(blob: bytes | None) -> str | None:
    """A blob as text; empty when it is absent, None when it is not UTF-8 or holds NUL."""
    if blob is None:
        return ""
    try:
        text = blob.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


@lru_cache(maxsize=16)
def hunks_of(change: Change) -> tuple[Hunk, ...]:
    """Where base and head of a change differ; a blob that is no text counts as empty (FILE-07 blocks it)."""
    return hunks(text_of(change.base) or "", text_of(change.head) or "")


def hunks(before: str, after: str) -> tuple[Hunk, ...]:
    """Where two texts differ, in order."""
    return tuple(_compare(before.split("\n"), after.split("\n"), (1, 1), 0))


def _compare(before: Sequence[str], after: Sequence[str], at: tuple[int, int], depth: int) -> Iterator[Hunk]:
    start = 0
    shortest = min(len(before), len(after))
    while start < shortest and before[start] == after[start]:
        start += 1
    end = 0
    while end < shortest - start and before[-1 - end] == after[-1 - end]:
        end += 1
    before, after = before[start : len(before) - end], after[start : len(after) - end]
    if not before and not after:
        return
    anchors = _anchors(before, after) if depth < _DEEPEST else []
    if not anchors:
        yield Hunk(at[0] + start, at[1] + start, tuple(before), tuple(after))
        return
    b = a = 0
    for next_b, next_a in [*anchors, (len(before), len(after))]:
        yield from _compare(before[b:next_b], after[a:next_a], (at[0] + start + b, at[1] + start + a), depth + 1)
        b, a = next_b + 1, next_a + 1


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[tuple[int, int]]:
    """The longest rising run of pairs of lines that stand exactly once in both."""
    in_before, in_after = Counter(before), Counter(after)
    where = {text: n for n, text in enumerate(after) if in_after[text] == 1}
    pairs = [(n, where[text]) for n, text in enumerate(before) if in_before[text] == 1 and text in where]
    tails: list[int] = []
    last: list[int] = []
    previous: list[int] = []
    for at, (_, n) in enumerate(pairs):
        length = bisect_left(tails, n)
        previous.append(last[length - 1] if length else -1)
        if length == len(tails):
            tails.append(n)
            last.append(at)
        else:
            tails[length], last[length] = n, at
    run: list[tuple[int, int]] = []
    at = last[-1] if last else -1
    while at >= 0:
        run.append(pairs[at])
        at = previous[at]
    return run[::-1]
