"""What must hold for every edit of every document, generated or real."""

from __future__ import annotations

import re
from dataclasses import replace

from app.documents.edit import fill_follow_up, mark_done
from app.documents.model import FollowUpRow, Item
from app.documents.parse import parse
from app.errors import Refused

HEAD = "## Prevention Plan\n\n| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
URL = "https://git.example.test/infra/commit/abc1234"


def item_of(data: bytes, action: str = "Add alert") -> Item:
    """The item with that action."""
    return next(item for item in parse(data, "x").items if item.action == action)


def lines(data: bytes) -> list[bytes]:
    """The lines of a file, whatever ends them."""
    return re.split(rb"\r\n|\n|\r", data)


def check_marking(data: bytes) -> None:
    """Each item: refused, or exactly one line of the file and one item of the document differ."""
    before = parse(data, "x")
    for item in before.items:
        try:
            changed = mark_done(data, item.id)
        except Refused:
            continue
        after = parse(changed, "x")
        if item.status == "done":
            assert changed == data
            continue
        differing = [old != new for old, new in zip(lines(data), lines(changed), strict=True)]
        assert sum(differing) == 1 and differing[item.line - 1]
        others = [i for i in before.items if i.id != item.id]
        assert [i for i in after.items if i.id != item.id] == others
        (now,) = [i for i in after.items if i.id == item.id]
        assert now.status == "done"
        declared = replace(item.declared, status=now.declared.status)
        assert now == replace(item, status="done", safe=False, reason="", declared=declared)


def check_filling(data: bytes) -> None:
    """Refused, or nothing lost, nothing twice, and the items as before."""
    items = parse(data, "x").items
    rows = [
        FollowUpRow(i.id, i.action, i.priority or "", i.type or "", n % 2 == 0, "2026-04-15", "abc1234", URL)
        for n, i in enumerate(items)
    ]
    try:
        filled = fill_follow_up(data, rows)
    except Refused:
        return
    assert fill_follow_up(filled, rows) == filled
    kept = iter(lines(filled))
    assert all(line in kept for line in lines(data)), "a line of the document was lost"
    assert [i.id for i in parse(filled, "x").items] == [i.id for i in items]
