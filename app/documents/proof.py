"""Changing a file's text and proving, by reading it again, that nothing else changed its meaning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.documents.model import Declared, FollowUpRow, Item
from app.documents.parse import Scan, scan
from app.documents.record import row_key
from app.errors import Refused

_BOM = "\ufeff"


def encode(before: Scan, text: str) -> bytes:
    """The bytes of a changed text, with the byte order mark that the file had."""
    return ((_BOM if before.bom else "") + text).encode("utf-8")


def splice(text: str, start: int, end: int, value: str) -> str:
    """The text with the characters `start` to `end` replaced."""
    return text[:start] + value + text[end:]


def prove_marked(before: Scan, data: bytes, item: Item) -> bytes:
    """`data` again, or Refused when reading it differs from `before` in anything but `item` being done."""
    after = scan(data, before.document.file, before.vocabulary)
    old, new = before.document, after.document
    expected = [_done(one) if one.id == item.id else _uncapped(one) for one in old.items]
    actual = [_done(one) if one.id == item.id else _uncapped(one) for one in new.items]
    closed = [one.id for one in new.items if one.status == "done" and one.id == item.id]
    if not (old.head == new.head and expected == actual and closed):
        raise Refused("edit-not-proven", f"marking “{item.action[:80]}” as done would change more than that item")
    return data


def prove_items_kept(before: Scan, data: bytes, rows: Sequence[FollowUpRow]) -> Scan:
    """The changed file read again, or Refused when its items are not the ones of before.

    Lines may have moved, and an item without a status of its own is done when one of the `rows` now says so.
    """
    after = scan(data, before.document.file, before.vocabulary)
    old, new = before.document, after.document
    done = {row_key(row.action) for row in rows if row.done}
    if old.head != new.head or [_kept(one, done) for one in old.items] != [_kept(one, done) for one in new.items]:
        raise Refused("edit-not-proven", "filling the follow-up table would change the action items of the document")
    return after


def _done(item: Item) -> Item:
    """The item as marking it done leaves it: the words of its status aside, all as before."""
    declared = Declared(item.declared.type, item.declared.priority, None)
    return replace(item, status="done", safe=False, reason="", declared=declared)


def _uncapped(item: Item) -> Item:
    """The item without the document-wide limit, which lets the next one in when one is done."""
    return replace(item, safe=True, reason="") if item.reason == "too-many-todos" else item


def _kept(item: Item, done: set[str]) -> Item:
    item = replace(_uncapped(item), line=0, end_line=0)
    return replace(item, status="done", safe=False, reason="") if row_key(item.action) in done else item
