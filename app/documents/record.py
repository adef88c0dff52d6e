"""The Follow-up Implementation section: where it is, and which actions it says were done."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.documents.markdown import Block
from app.documents.tables import Row
from app.documents.text import action_key, fold, visible

TITLE = "Follow-up Implementation"
COLUMNS = ("Date", "Action", "Priority", "Type", "Commit", "Implemented By")
HUMAN = "Needs human review"

ACTION_LIMIT = 300
_BLANK = re.compile(r"[-–—?_*\s]*")


@dataclass(frozen=True)
class Record:
    """The section's blocks in order, its heading first; empty when the document has none. `table` is its first."""

    blocks: tuple[Block, ...] = ()
    table: Block | None = None

    @property
    def names(self) -> list[str]:
        """What each column of the table is called, by the standard's spelling where it is one of its columns."""
        head = self.table.head if self.table else None
        return [_column(cell.text) for cell in head.cells] if head else []

    def action_of(self, row: Row) -> str:
        """The key of the action that a row records; empty when it has none."""
        column = self.names.index("Action") if "Action" in self.names else len(row.cells)
        return row_key(row.cells[column].text) if column < len(row.cells) else ""

    def done_actions(self) -> frozenset[str]:
        """The keys of the actions that somebody or something has implemented."""
        rows = self.table.rows if self.table else ()
        return frozenset(self.action_of(row) for row in rows if self._implemented(row)) - {""}

    def _implemented(self, row: Row) -> bool:
        cells = dict(zip(self.names, row.cells, strict=False))
        said = [cells[name].text for name in ("Commit", "Implemented By") if name in cells]
        return len(row.cells) == len(self.names) and not needs_person(row) and not all(map(_BLANK.fullmatch, said))


def find_record(blocks: tuple[Block, ...]) -> Record:
    """The first section of that title, at whatever depth; rows in quotes, lists or comments do not count."""
    found: list[Block] = []
    for block in blocks:
        if block.kind == "heading":
            if found and block.level <= found[0].level:
                break
            if not found and is_record_title(block.text):
                found = [block]
                continue
        if found:
            found.append(block)
    table = next((block for block in found if block.kind == "table"), None)
    return Record(tuple(found), table)


def is_record_title(text: str) -> bool:
    """Whether a heading names the section, whatever its numbering, case or hyphen."""
    return re.sub(r"[^a-z]+", " ", fold(text)).strip() == "follow up implementation"


def needs_person(row: Row) -> bool:
    """Whether a row waits for a person."""
    return any(fold(cell.text) == fold(HUMAN) for cell in row.cells)


def shortened(action: str) -> str:
    """An action as its cell in the table shows it."""
    text = " ".join(visible(action).split())
    return text if len(text) <= ACTION_LIMIT else text[: ACTION_LIMIT - 1].rstrip() + "…"


def row_key(action: str) -> str:
    """What makes two rows the same: their action, whatever its markup."""
    return action_key(shortened(action))


def _column(header: str) -> str:
    label = fold(header)
    return next((name for name in COLUMNS if fold(name) == label), header)
