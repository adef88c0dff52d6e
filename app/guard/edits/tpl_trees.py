"""What an edit does to the trees of its templates, YAML and JSON files."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from posixpath import dirname

from app.guard.edits.interpolation import masked
from app.guard.edits.lines import text_of
from app.guard.edits.tree import NotATree, Scalar, Tree, empty, read_json, read_yaml
from app.guard.edits.tree_diff import Delta, canonical, diff
from app.guard.model import Change, Edits

ENDINGS = (".tpl", ".yaml", ".yml", ".json")


@dataclass(frozen=True)
class Trees:
    """One changed file, both sides read with the code in them masked; None and the problem where one cannot be read."""

    path: str
    new: bool
    before: Tree | None
    after: Tree | None
    problem_before: str = ""
    problem_after: str = ""

    @property
    def readable(self) -> bool:
        """Whether both sides hold mappings or lists, so that their difference has a meaning."""
        sides = [side.root for side in (self.before, self.after) if side]
        return len(sides) == 2 and all(not isinstance(side, Scalar) or empty(side) for side in sides)

    def deltas(self) -> tuple[Delta, ...]:
        """What differs; empty when one side cannot be read."""
        if not self.before or not self.after:
            return ()
        return tuple(diff(self.before.root, self.after.root))


def trees(edits: Edits) -> tuple[Trees, ...]:
    """Every changed file that is a template, YAML or JSON by its name."""
    return _trees(edits.changes)


@lru_cache(maxsize=2)
def _trees(changes: tuple[Change, ...]) -> tuple[Trees, ...]:
    return tuple(_of(change) for change in changes if change.path.endswith(ENDINGS))


def _of(change: Change) -> Trees:
    names: dict[str, str] = {}
    before, problem_before = _read(change.path, change.base, names)
    after, problem_after = _read(change.path, change.head, names)
    return Trees(change.path, change.base is None, before, after, problem_before, problem_after)


def _read(path: str, data: bytes | None, names: dict[str, str]) -> tuple[Tree | None, str]:
    text = text_of(data)
    if text is None:
        return None, "it holds NUL or is not UTF-8"
    text = masked(text, names)
    try:
        return (read_json(text) if path.endswith(".json") and data is not None else read_yaml(text)), ""
    except NotATree as error:
        return None, str(error)


def moves(files: tuple[Trees, ...]) -> frozenset[tuple[str, str]]:
    """(folder, canonical text) of every mapping or list that was removed in one place and added in another.

    Scalars and empty nodes are too common to be recognised.
    """
    gone: set[tuple[str, str]] = set()
    fresh: set[tuple[str, str]] = set()
    for file in files:
        for delta in file.deltas():
            for side, node in ((gone, delta.before), (fresh, delta.after)):
                if isinstance(node, dict | list) and node:
                    side.add((dirname(file.path), canonical(node)))
    return frozenset(gone & fresh)
