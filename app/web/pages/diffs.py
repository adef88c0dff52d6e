"""A kept diff as rows of a table: what stands on which line before and after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

_HUNK = re.compile(r"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
Kind = Literal["same", "added", "removed", "skipped"]
_KINDS: dict[str, Kind] = {" ": "same", "+": "added", "-": "removed"}


@dataclass(frozen=True)
class Row:
    """One line of a diff with its number before and after; `skipped` stands for lines that are not in the diff."""

    kind: Kind
    old: int | None
    new: int | None
    text: str

    @property
    def sign(self) -> str:
        """What marks the line for who sees no colour."""
        return {"added": "+", "removed": "\N{MINUS SIGN}"}.get(self.kind, "")


def rows(diff: str) -> Iterator[Row]:
    """The lines of one file's unified diff. What is no part of one is left out."""
    old = new = 0
    begun = False
    for line in diff.split("\n")[2:]:
        if match := _HUNK.match(line):
            old, new = int(match[1]), int(match[2])
            # Of what begins on the first line, nothing is left out before.
            if begun or max(old, new) > 1:
                yield Row("skipped", None, None, line)
            begun = True
        elif (kind := _KINDS.get(line[:1])) is not None:
            yield Row(kind, old if kind != "added" else None, new if kind != "removed" else None, line[1:])
            old, new = old + (kind != "added"), new + (kind != "removed")
