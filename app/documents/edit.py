"""Marking an item as done without changing another byte of the file."""

from __future__ import annotations

import re

from app.documents.follow_up import fill_follow_up
from app.documents.parse import Scan, scan
from app.documents.proof import encode, prove_marked, splice
from app.documents.text import fold, visible
from app.documents.vocabulary import BUILT_IN, Vocabulary
from app.errors import Refused

__all__ = ["fill_follow_up", "mark_done"]

DONE = "Done"
_DECORATION = re.compile(r"^([*_`~]*)(.*?)([*_`~]*)$")
_SIGNS = re.compile(r"^[^\w*_`~]*")


def mark_done(data: bytes, item_id: str, vocabulary: Vocabulary = BUILT_IN) -> bytes:
    """The file with the item's status cell saying Done, or its box ticked; unchanged when it is done already.

    The item is found again by its id, wherever its line is now. Raises BadInput for a file that cannot be read, and
    Refused: `item-gone`, `status-not-editable` (no status cell or box, or words that are not plainly an open status),
    `edit-not-proven`.
    """
    before = scan(data, "", vocabulary)
    item = next((one for one in before.document.items if one.id == item_id), None)
    if item is None:
        raise Refused(
            "item-gone", f"no action item has the id {item_id[:12]!r} any more: its row was removed or reworded"
        )
    if item.status == "done":
        return data
    spot = before.spots.get(item_id)
    if spot is None:
        raise Refused("status-not-editable", f"line {item.line} has no status cell or box to change")
    if spot.box:
        start, end, value = spot.start, spot.end, "x"
    else:
        start, end, value = _status_words(before, spot.line, spot.start, spot.end)
    offset = before.source.starts[spot.line - 1]
    text = splice(before.source.text, offset + start, offset + end, value)
    return prove_marked(before, encode(before, text), item)


def _status_words(before: Scan, line: int, start: int, end: int) -> tuple[int, int, str]:
    """The columns of the open status inside its cell, emphasis left out, and what replaces it."""
    cell = before.source.line(line)[start:end]
    m = _DECORATION.match(cell)
    assert m is not None
    if _SIGNS.sub("", fold(cell)) not in before.vocabulary.plainly_open:
        raise Refused(
            "status-not-editable", f"line {line}: the status {visible(cell)[:40]!r} is not plainly an open one"
        )
    return start + len(m.group(1)), end - len(m.group(3)), DONE
