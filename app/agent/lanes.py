"""Which TODOs of a run may go side by side: those whose words give no sign that they touch the same stack.

A guess, made before any agent has begun, so that what would collide is done one after the other from the start. What it
misses is caught when a stack is held (`may_go`), and then costs another try of the agent.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

# What belongs to these goes where the others of its type go: one file of rules, one inventory.
_SHARED = ("Alert", "Monitor")


@dataclass(frozen=True)
class Wish:
    """What is known of a TODO before it begins: its id, its declared type, and its own words."""

    id: str
    type: str
    text: str


@dataclass(frozen=True)
class Turn:
    """A TODO of a run that has begun and not ended. `place` is its place in the order of priority.

    `touches` is what its change touches, None while that is not known.
    """

    id: str
    place: int
    touches: frozenset[str] | None


def lanes(wishes: Sequence[Wish], stacks: Collection[str], most: int) -> list[list[str]]:
    """TODO ids in lanes: one lane is done in order, lanes side by side.

    `wishes` come in the order of priority and keep it in each lane; lanes are ordered by their first. `most` is how
    many may go side by side: with 1 there is one lane.
    """
    if most == 1:
        return [[wish.id for wish in wishes]] if wishes else []
    found: list[tuple[set[str], list[int]]] = []
    for place, wish in enumerate(wishes):
        signs = set(_signs(wish, stacks))
        alike = [lane for lane in found if lane[0] & signs]
        found = [lane for lane in found if not lane[0] & signs]
        joined = sorted([place, *(earlier for lane in alike for earlier in lane[1])])
        found.append((signs.union(*(lane[0] for lane in alike)), joined))
    return [[wishes[place].id for place in places] for _, places in sorted(found, key=lambda lane: lane[1])]


def may_go(mine: Turn, others: Sequence[Turn]) -> bool:
    """Whether a TODO may take the stacks that it touches: nobody before it in priority wants them, or may want them."""
    earlier = [other for other in others if other.place < mine.place]
    touches = mine.touches or frozenset()
    return all(other.touches is not None and not other.touches & touches for other in earlier)


def _signs(wish: Wish, stacks: Collection[str]) -> Iterator[str]:
    if wish.type in _SHARED:
        yield f"type {wish.type}"
        return
    words = _plain(wish.text)
    for stack in stacks:
        if f" {_plain(stack).strip()} " in words:
            yield f"stack {stack}"


def _plain(text: str) -> str:
    """Lower case, words parted by one space, whatever joined them."""
    words = " ".join(re.findall(r"[^\W_]+", text.casefold()))
    return f" {words} "
