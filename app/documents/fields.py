"""Fields of an item that stand in lines of their own: "Owner: ...", "- **Status**: Done"."""

from __future__ import annotations

import re

from app.documents.classify import priority_of, status_of
from app.documents.found import Found
from app.documents.markdown import Block
from app.documents.text import fold
from app.documents.vocabulary import vocabulary

_FIELD = re.compile(r"^[*_\s]{0,4}([^:：*_]{2,20}?)\s?(?:[*_]{1,3}\s?[:：]|[:：]\s?[*_]{0,3})\s*(.*)$")


def field_of(line: str) -> tuple[str, str] | None:
    """The field that a line gives a value to, as (field, value)."""
    m = _FIELD.match(line) if ":" in line or "：" in line else None
    label = fold(m.group(1)) if m else ""
    name = next((name for name, choices in vocabulary().fields.items() if label in choices), None)
    return (name, m.group(2).strip()) if m and name else None


def fields_in(blocks: tuple[Block, ...] | list[Block]) -> dict[str, str]:
    """The fields in bullets and paragraphs that hold nothing else, the first of each name."""
    found: dict[str, str] = {}
    for line in _lines(blocks):
        pair = field_of(line)
        if pair:
            found.setdefault(*pair)
    return found


def is_field_list(block: Block) -> bool:
    """Whether a list consists of fields, at least half of it."""
    lines = _lines([block])
    return bool(lines) and 2 * sum(field_of(line) is not None for line in lines) >= len(lines)


def apply_fields(item: Found, fields: dict[str, str]) -> Found:
    """The item with what its fields say; a field never makes an item safe."""
    item.owner = fields.get("owner") or item.owner
    item.due = fields.get("due") or item.due
    item.priority = priority_of(fields.get("priority", "")) or item.priority
    said = status_of(fields["status"]) if "status" in fields else None
    item.status = said or item.status
    return item


def _lines(blocks: tuple[Block, ...] | list[Block]) -> list[str]:
    lines: list[str] = []
    for block in blocks:
        if block.kind == "paragraph":
            lines += block.text.rstrip("\n").split("\n")
        elif block.kind == "list":
            lines += [item.children[0].text.split("\n")[0] for item in block.children if item.children]
    return lines
