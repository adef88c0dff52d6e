"""A post-mortem's bytes into its action items: which are open, which a machine may do, and why not the others."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace

from app.documents.classify import type_of, unsafe_status, unsafe_type
from app.documents.extract import Walk
from app.documents.found import Found, Spot
from app.documents.front import cut_front_matter
from app.documents.links import links_in
from app.documents.markdown import Block, Source, parse_blocks
from app.documents.metadata import read_head
from app.documents.model import Declared, Document, Item
from app.documents.record import find_record, row_key
from app.documents.text import action_key, visible
from app.documents.vocabulary import BUILT_IN, Vocabulary, reading_with
from app.errors import BadInput

FILE_LIMIT = 256 * 1024
# Two thirds of the time of a parse goes by line: this keeps the worst file under a second.
LINE_LIMIT = 10_000
SAFE_LIMIT = 50

# Stands for an action that a reader would not see at all.
_INVISIBLE = "(invisible text)"
_BOM = "\ufeff"


@dataclass(frozen=True)
class Scan:
    """A parsed file with what an editor needs: the text without its byte order mark, and where each item's mark is."""

    bom: bool
    source: Source
    blocks: tuple[Block, ...]
    document: Document
    spots: dict[str, Spot]
    vocabulary: Vocabulary = BUILT_IN


def parse(data: bytes, file: str, vocabulary: Vocabulary = BUILT_IN) -> Document:
    """The document in `data`, read with a vocabulary; `file` is only its name.

    Raises BadInput: `too-large` above 256 KiB or 10,000 lines, `not-utf8` for bytes that are not text.
    """
    return scan(data, file, vocabulary).document


def scan(data: bytes, file: str, vocabulary: Vocabulary = BUILT_IN) -> Scan:
    """As `parse`, with the places that an edit may change."""
    text = decode(data, file)
    bom = text.startswith(_BOM)
    source = Source(text[1:] if bom else text)
    front, body = cut_front_matter(source.text)
    blocks = parse_blocks(body)
    with reading_with(vocabulary):
        found = Walk(source).document(blocks)
        _close_recorded(found, blocks)
        items, spots = _items(found, source)
        head = read_head(blocks, front, file)
    return Scan(bom, source, blocks, Document(file=file, items=_limited(items), **vars(head)), spots, vocabulary)


def decode(data: bytes, file: str) -> str:
    """The text of a file, or BadInput."""
    name = visible(file)
    if len(data) > FILE_LIMIT:
        limit = f"{len(data)} bytes; a post-mortem may have {FILE_LIMIT}"
        raise BadInput("too-large", f"{name}: {limit}: move logs into files of their own")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("not-utf8", f"{name}: byte {error.start} is not UTF-8: save the file as UTF-8") from error
    lines = text.count("\n") + text.count("\r") - text.count("\r\n")
    if lines > LINE_LIMIT:
        raise BadInput("too-large", f"{name}: {lines} lines; a post-mortem may have {LINE_LIMIT}: move logs out of it")
    return text


def _close_recorded(found: list[Found], blocks: tuple[Block, ...]) -> None:
    """An item that has no status of its own is done when the follow-up table says who did it."""
    done = find_record(blocks).done_actions()
    for one in found:
        if done and not one.own_status and one.status == "open" and row_key(one.action) in done:
            one.status = "done"


def _items(found: list[Found], source: Source) -> tuple[list[Item], dict[str, Spot]]:
    seen: Counter[str] = Counter()
    items: list[Item] = []
    spots: dict[str, Spot] = {}
    for one in found:
        key = action_key(one.action)
        seen[key] += 1
        identity = hashlib.sha256(f"{key}\n{seen[key]}".encode()).hexdigest()[:12]
        reason = _reason(one, repeated=seen[key] > 1) if one.status != "done" else ""
        items.append(_item(one, identity, reason, links_in(source, one.line, one.end_line)))
        if one.spot is not None:
            spots[identity] = one.spot
    return items, spots


def _item(one: Found, identity: str, reason: str, links: tuple[str, ...]) -> Item:
    declared = one.declared
    return Item(
        id=identity,
        action=visible(one.action).strip() or _INVISIBLE,
        line=one.line,
        end_line=one.end_line,
        status=one.status,
        safe=one.status == "open" and not reason,
        reason=reason,
        priority=one.priority,
        type=_shown(declared.type) or type_of(one.action),
        details=visible(one.details),
        owner=_shown(one.owner),
        due=_shown(one.due),
        declared=Declared(_shown(declared.type), _shown(declared.priority), _shown(declared.status)),
        shape=one.shape,
        section=visible(one.section),
        links=links,
    )


def _reason(one: Found, repeated: bool) -> str:
    """Why an item that is not done must not be done by a machine; empty when it may. The first rule that says no."""
    if one.why:
        return one.why
    if one.shape != "table":
        return "type-not-declared"
    reason = unsafe_type(one.declared.type) or ("" if one.strict_type else "type-not-declared")
    reason = reason or unsafe_status(one.declared.status)
    if not reason and one.status != "open":
        reason = "status-unclear"
    return reason or ("duplicate-action" if repeated else "")


def _limited(items: list[Item]) -> tuple[Item, ...]:
    """The items with no more than the permitted number safe, in document order."""
    allowed, kept = SAFE_LIMIT, []
    for item in items:
        if item.safe and not allowed:
            item = replace(item, safe=False, reason="too-many-todos")
        allowed -= item.safe
        kept.append(item)
    return tuple(kept)


def _shown(text: str | None) -> str | None:
    return visible(text) if text else text
