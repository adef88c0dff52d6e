"""Which addresses an edit can change in a plan: what it edits, and what is made from that (PLAN-09).

A changed file, local or variable reaches every block that mentions it; a changed block reaches every block that refers
to it. What is not connected to the edit at all should not be in its plan.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from posixpath import basename, dirname

from app.guard.edits.hcl import Expression, read
from app.guard.edits.hcl_strict import Unreadable
from app.guard.model import Edits

_ADDRESSED = {"resource": "", "data": "data.", "module": "module."}


@dataclass(frozen=True)
class _Part:
    """Something with a name, and everything that it mentions: dotted references and literal texts."""

    name: str
    shape: str
    references: frozenset[str]
    texts: frozenset[str]


def expected_addresses(edits: Edits) -> tuple[str, ...] | None:
    """Addresses (`type.name`, `module.name`) in order; None when a file cannot be read, and another rule says so."""
    heads = {c.path: c.head for c in edits.changes if c.path.endswith(".tf") and c.head is not None}
    bases = {c.path: c.base for c in edits.changes if c.path.endswith(".tf") and c.base is not None}
    try:
        now = list(_parts({**edits.around, **heads}))
        before = {(part.name, part.shape) for part in _parts({**edits.around, **bases})}
    except Unreadable:
        return None
    reached = {part.name for part in now if (part.name, part.shape) not in before}
    files = {basename(change.path) for change in edits.changes if not change.path.endswith(".tf")}
    folders = {basename(dirname(path)) for path in heads | bases}
    while more := [part for part in now if part.name not in reached and _made_from(part, reached, files, folders)]:
        reached |= {part.name for part in more}
    return tuple(sorted(name for name in reached if not name.startswith(("local.", "var.", "data.", "other "))))


def _made_from(part: _Part, reached: Iterable[str], files: Iterable[str], folders: Iterable[str]) -> bool:
    if any(name == text or text.startswith((f"{name}.", f"{name}[")) for name in reached for text in part.references):
        return True
    named = [*files, *(folders if part.name.startswith("module.") else ())]
    return any(_mentions(text, name) for text in part.texts for name in named)


def _mentions(text: str, name: str) -> bool:
    """Whether a path in a text is, or ends in, this name; a pattern such as *.yaml counts for every file that fits."""
    last = text.rstrip("/").rpartition("/")[2]
    pattern = ".*".join(re.escape(piece) for piece in last.split("*"))
    return last == name or ("*" in last and re.fullmatch(pattern, name) is not None)


def _parts(files: dict[str, bytes]) -> Iterator[_Part]:
    for path, data in sorted(files.items()):
        for block in read(data).blocks:
            if block.type == "locals":
                yield from (_part(f"local.{name}", value.text, [value]) for name, value in block.attributes)
            elif block.type == "variable":
                yield _part(f"var.{'.'.join(block.labels)}", block.shape, block.expressions())
            elif block.type in _ADDRESSED:
                yield _part(_ADDRESSED[block.type] + ".".join(block.labels), block.shape, block.expressions())
            else:
                yield _part(f"other {path} {block.name}", block.shape, block.expressions())


def _part(name: str, shape: str, expressions: Iterable[Expression]) -> _Part:
    found = list(expressions)
    references = frozenset(reference for e in found for reference in e.references)
    return _Part(name, shape, references, frozenset(template.text for e in found for template in e.templates))
