"""What is kept of a post-mortem for pages: its items, and what its own record says of those that are closed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.documents.follow_up import AGENT
from app.documents.metadata import date_in
from app.documents.model import HUMAN_TYPES, SAFE_TYPES, Document, Item
from app.documents.parse import scan
from app.documents.record import Record, find_record, needs_person, row_key
from app.documents.text import plain
from app.documents.vocabulary import BUILT_IN, Vocabulary

# Beyond these, items are not kept one by one: no post-mortem that people read has so many.
MOST_ITEMS = 1000
OTHER = "Other"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True)
class Entry:
    """An item, and when and by whom (run or people) the document's record says that it was done; empty for nothing.

    `type` is one of ours or Other; `due` is YYYY-MM-DD, empty where the document names no such day.
    """

    item: Item
    type: str
    due: str
    closed_on: str = ""
    closed_by: str = ""

    @property
    def shown(self) -> Mapping[str, Any]:
        """The item as pages show it: names as `followthrough parse` prints them."""
        item = self.item
        names = ("id", "action", "type", "priority", "status", "owner", "due", "line", "end_line", "safe", "reason")
        return {name: getattr(item, name) for name in names}


def read(data: bytes, file: str, vocabulary: Vocabulary = BUILT_IN) -> tuple[Document, Sequence[Entry]]:
    """The document in `data` and an entry for each item, MOST_ITEMS at most. Raises BadInput as `parse` does."""
    found = scan(data, file, vocabulary)
    told = _told(find_record(found.blocks))
    return found.document, [_entry(item, told) for item in found.document.items[:MOST_ITEMS]]


def _entry(item: Item, told: Mapping[str, tuple[str, str]]) -> Entry:
    kind = item.type if item.type in (*SAFE_TYPES, *HUMAN_TYPES) else OTHER
    due = date_in(item.due[:200]) or "" if item.due else ""
    if item.status != "done":
        return Entry(item, kind, due)
    return Entry(item, kind, due, *told.get(row_key(item.action), ("", "")))


def _told(record: Record) -> dict[str, tuple[str, str]]:
    """The day on which each action was done and by whom, by the action's key, as far as the table says both."""
    names, found = record.names, {}
    if record.table is None or "Date" not in names:
        return {}
    for row in record.table.rows:
        cells = {name: plain(cell.text) for name, cell in zip(names, row.cells, strict=False)}
        day = _DAY.search(cells.get("Date", ""))
        if day and not needs_person(row) and (key := record.action_of(row)):
            found[key] = (day[0], "run" if cells.get("Implemented By") == AGENT else "people")
    return found
