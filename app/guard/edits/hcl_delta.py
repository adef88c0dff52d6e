"""What an edit does to the terraform code of each folder: the blocks that were added, changed or removed.

A folder is one module to terraform, whatever its files are called, so a block that moves from one file to another is
no change. A block is known by its type and labels, nested ones by a literal `name` too; several of the same kind are
compared as a multiset, so that no copy hides behind another. Each local value counts as a block of its own.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import zip_longest
from posixpath import dirname
from typing import TypeVar

from app.guard.edits import hcl
from app.guard.edits.hcl import Block, Expression
from app.guard.edits.hcl_strict import Unreadable
from app.guard.model import Change, Edits, Found


@dataclass(frozen=True)
class Placed:
    """A top-level block and the file that it stands in."""

    file: str
    block: Block

    @property
    def shape(self) -> str:
        return self.block.shape

    @property
    def key(self) -> tuple[str, ...]:
        return (self.block.type, *self.block.labels)


Shaped = TypeVar("Shaped", Block, Placed)


@dataclass(frozen=True)
class Pair:
    """A block that differs: before and after, None when it was not there.

    `above` holds the blocks around it, outermost first, as they are after the edit, or were before it when they are
    gone; `orphan` says that the innermost of them is gone too.
    """

    file: str
    before: Block | None
    after: Block | None
    above: tuple[Block, ...] = ()
    orphan: bool = False

    @property
    def block(self) -> Block:
        """The block as it is, or as it was when it is gone."""
        return self.after or self.before or hcl.read(b"")

    @property
    def top(self) -> Block:
        """The top-level block that it stands in, or is."""
        return self.above[0] if self.above else self.block

    @property
    def where(self) -> str:
        return f"{self.file}:{self.block.line}"

    def __str__(self) -> str:
        verb = "added" if self.before is None else "removed" if self.after is None else "changed"
        return f"{verb} " + " > ".join(block.name for block in (*self.above, self.block))

    @property
    def kind(self) -> str:
        """The block's type; for a dynamic block that of the blocks which it makes."""
        made = self.block.type == "dynamic" and len(self.block.labels) == 1
        return (self.block.labels[0] if made else self.block.type).lower()

    def arguments(self) -> Iterator[tuple[str, Expression | None, Expression | None]]:
        """Name, before and after of every argument whose expression differs."""
        before = dict(self.before.attributes) if self.before else {}
        after = dict(self.after.attributes) if self.after else {}
        for name in dict.fromkeys([*before, *after]):
            old, new = before.get(name), after.get(name)
            if old is None or new is None or old.text != new.text:
                yield name, old, new


@dataclass(frozen=True)
class Folder:
    """A folder's blocks before and after, and what differs, nested blocks too, outer ones first."""

    path: str
    before: tuple[Placed, ...]
    after: tuple[Placed, ...]
    pairs: tuple[Pair, ...]
    blind: bool

    def blocks(self) -> tuple[Placed, ...]:
        """All blocks, those before the edit and those after it."""
        return self.before + self.after


@dataclass(frozen=True)
class Delta:
    """All folders of the edit, and the files that could not be read."""

    folders: tuple[Folder, ...]
    unreadable: tuple[Found, ...]

    @property
    def pairs(self) -> Iterator[Pair]:
        return (pair for folder in self.folders for pair in folder.pairs)


def delta(edits: Edits) -> Delta:
    """What the edits do to terraform code. An unreadable file counts as empty here and is listed."""
    return _delta(edits.changes, tuple(sorted(edits.around.items())))


@lru_cache(maxsize=2)
def _delta(changes: tuple[Change, ...], around: tuple[tuple[str, bytes], ...]) -> Delta:
    unreadable: list[Found] = []
    before: Mapping[str, list[Placed]] = defaultdict(list)
    after: Mapping[str, list[Placed]] = defaultdict(list)
    for change in changes:
        if change.path.endswith(".tf"):
            folder = dirname(change.path)
            before[folder].extend(_blocks(change.path, change.base, "before the edit ", unreadable))
            after[folder].extend(_blocks(change.path, change.head, "", unreadable))
    known: Mapping[str, list[Placed]] = defaultdict(list)
    blind = set()
    for path, data in around:
        lost: list[Found] = []
        known[dirname(path)].extend(_blocks(path, data, "", lost) if path.endswith(".tf") else ())
        if lost:
            blind.add(dirname(path))
    folders = tuple(
        Folder(
            path,
            (*before[path], *known[path]),
            (*after[path], *known[path]),
            tuple(_pairs(before[path], after[path])),
            path in blind,
        )
        for path in sorted({*map(dirname, (change.path for change in changes)), *known})
    )
    return Delta(folders, tuple(unreadable))


def _blocks(path: str, data: bytes | None, when: str, unreadable: list[Found]) -> Iterator[Placed]:
    try:
        file = hcl.read(data or b"")
    except Unreadable as error:
        unreadable.append(Found(f"{path}:{error.line}", f"{when}{error.what}"))
        return
    for name, expression in file.attributes:
        yield Placed(path, _single("", name, expression))
    for block in file.blocks:
        if block.type != "locals" or block.labels or block.blocks:
            yield Placed(path, block)
        else:
            yield from (Placed(path, _single("locals", *item)) for item in block.attributes)


def _single(kind: str, name: str, expression: Expression) -> Block:
    return Block(kind, (name,), expression.line, ((name, expression),), (), f"{kind} {name}={expression.text}")


def _pairs(before: Iterable[Placed], after: Iterable[Placed]) -> Iterator[Pair]:
    groups: dict[tuple[str, ...], tuple[list[Placed], list[Placed]]] = defaultdict(lambda: ([], []))
    for placed in before:
        groups[placed.key][0].append(placed)
    for placed in after:
        groups[placed.key][1].append(placed)
    for old, new in groups.values():
        for left, right in _match(old, new):
            before_block, after_block = left.block if left else None, right.block if right else None
            yield from _nested(Pair((right or left or old[0]).file, before_block, after_block))


def _nested(pair: Pair) -> Iterator[Pair]:
    yield pair
    groups: dict[tuple[str, ...], tuple[list[Block], list[Block]]] = defaultdict(lambda: ([], []))
    for block in pair.before.blocks if pair.before else ():
        groups[_identity(block)][0].append(block)
    for block in pair.after.blocks if pair.after else ():
        groups[_identity(block)][1].append(block)
    for old, new in groups.values():
        for left, right in _match(old, new):
            yield from _nested(Pair(pair.file, left, right, (*pair.above, pair.block), pair.after is None))


def _identity(block: Block) -> tuple[str, ...]:
    name = block.get("name")
    return (block.type, *block.labels, name.text if name and not name.references else "")


def _match(old: list[Shaped], new: list[Shaped]) -> Iterator[tuple[Shaped | None, Shaped | None]]:
    """Pair what differs among blocks of one kind: equal ones drop out, the rest go in order."""
    same = Counter(block.shape for block in old) & Counter(block.shape for block in new)
    gone, fresh = _without(old, same), _without(new, same)
    yield from zip_longest(gone, fresh)


def _without(blocks: list[Shaped], same: Counter[str]) -> list[Shaped]:
    left = same.copy()
    rest = []
    for block in blocks:
        if left[block.shape] > 0:
            left[block.shape] -= 1
        else:
            rest.append(block)
    return rest
