"""Action items out of lists: task boxes anywhere, plain bullets where a heading says that they are work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from app.documents import words
from app.documents.classify import is_empty, priority_of, status_of
from app.documents.fields import apply_fields, field_of, fields_in, is_field_list
from app.documents.found import SHOWN, Found, Spot, why_unsafe_text
from app.documents.markdown import Block, Source
from app.documents.model import Status
from app.documents.phrases import asks, due_of, edge_status, owner_of, says_done, tells_past
from app.documents.sections import Section
from app.documents.text import fold, plain
from app.documents.vocabulary import vocabulary

_BOX = re.compile(r"^\[([^\[\]])\]\s+")
_BOX_IN_LINE = re.compile(r"^[ \t>]*(?:(?:[-+*]|\d{1,9}[.)])[ \t]+)+\[([ xX])\](?=[ \t])")
_BOX_STATUS: dict[str, Status] = {" ": "open", "x": "done", "X": "done"}
_TYPED = re.compile(r"^[ \t]{0,8}(?:[•◦▪‣●○·–—]|\d\ufe0f?\u20e3|\d{1,3}\\[.)]|\\[-*+])[ \t]+(?=\S)")
_LABEL = re.compile(r"^[*_]{0,3}([^\n:：*_]{2,30}?)(?: ?\d{1,3})?(?:[*_]{1,3}\s?[:：]|[:：])")
_LABEL_LIMIT = 40
_ONLY_LINK = re.compile(r"^\W*(?:\[[^\[\]]*\]\([^()]*\)|<?https?://\S+>?)\W*$")
_TODO_MARK = re.compile(r"^[\[(*_]{0,3}TODO[\])*_]{0,3}[:\s]")


def read_list(block: Block, section: Section, source: Source, why: str = "") -> list[Found]:
    """The items of a list under a section, nested ones too. `why` is a reason that holds for all of them."""
    if any(map(_is_labelled, block.children)):
        return _read_labelled(block, section, source, why)
    return [found for item in block.children for found in _read_item(item, section, source, why)]


def read_typed_list(block: Block, section: Section, why: str = "") -> list[Found]:
    """The items of a paragraph whose lines begin with typed bullets ("• ", "1\\. ") under an action heading."""
    if section.meaning not in ("action", "mixed") or not _TYPED.match(block.text):
        return []
    lines = block.text.rstrip("\n").split("\n")
    starts = [number for number, line in enumerate(lines) if _TYPED.match(line)]
    found = []
    for start, end in pairwise([*starts, len(lines)]):
        text = " ".join(" ".join([_TYPED.sub("", lines[start]), *lines[start + 1 : end]]).split())
        if _is_work(text, section):
            item = Block("item", block.line + start, block.line + end - 1, text)
            one = _plain_item(item, item, text, section, why)
            one.status = _list_status(text, [], section)
            found.append(one)
    return found


def _is_labelled(item: Block) -> bool:
    """Whether a bullet says that it is the action ("Action: ..."), and leaves owner and date to the ones after it."""
    text = item.children[0].text[:_LABEL_LIMIT] if item.children else ""
    m = _LABEL.match(text) if ":" in text or "：" in text else None
    return bool(m and fold(m.group(1)) in vocabulary().columns["action"])


def _read_labelled(block: Block, section: Section, source: Source, why: str) -> list[Found]:
    """As `read_list`, where bullets that only give a field belong to the action before them."""
    found: list[Found] = []
    for item in block.children:
        head = item.children[0].text if item.children else ""
        pair = field_of(head.split("\n")[0]) if not _is_labelled(item) else None
        if pair and found:
            apply_fields(found[-1], dict([pair]))
        else:
            found += _read_item(item, section, source, why)
    return found


def _read_item(item: Block, section: Section, source: Source, why: str) -> Iterator[Found]:
    head = item.children[0] if item.children and item.children[0].kind == "paragraph" else None
    text = " ".join(head.text.split()) if head else ""
    nested = [child for child in item.children if child.kind == "list"]
    box = _BOX.match(text)
    if head and box and not (section.meaning == "decoy" and words.BOXLESS.search(fold(section.title))):
        yield _boxed(item, head, text[box.end() :], box.group(1), section, source, why)
    elif head and not box and not _is_group(item, text, nested) and _is_work(text, section):
        text, own = _split_fields(head)
        found = _plain_item(item, head, text, section, why)
        found.status = _list_status(text, nested, section)
        yield apply_fields(found, own | fields_in(nested))
    group = head is None or (box is None and _is_group(item, text, nested))
    inner = section if group or not nested else replace(section, meaning="neutral", own="neutral")
    for child in nested:
        yield from read_list(child, inner, source, why)


def _boxed(item: Block, head: Block, text: str, mark: str, section: Section, source: Source, why: str) -> Found:
    found = _plain_item(item, head, text, section, why)
    found.shape = "checkbox"
    found.status = _BOX_STATUS.get(mark, "unclear")
    if found.status == "open" and edge_status(text) == "done":
        found.status = "done" if text.startswith("~~") else "unclear"
    m = _BOX_IN_LINE.match(source.line(item.line))
    if m and head.line == item.line:
        found.spot = Spot(item.line, m.start(1), m.end(1), box=True)
    return found


def _split_fields(head: Block) -> tuple[str, dict[str, str]]:
    """The text of a bullet on one line, and what the lines below its first give as fields."""
    texts: list[str] = []
    fields: dict[str, str] = {}
    first, *rest = head.text.rstrip("\n").split("\n")
    for line in rest:
        pair = field_of(line)
        if pair:
            fields.setdefault(*pair)
        else:
            texts.append(line)
    return " ".join(" ".join([first, *texts]).split()), fields


def _plain_item(item: Block, head: Block, text: str, section: Section, why: str) -> Found:
    return Found(
        action=text[:SHOWN],
        line=item.line,
        end_line=head.end_line,
        status="open",
        shape="list",
        section=section.title,
        why=why or why_unsafe_text(text),
        priority=_priority(text) or section.priority,
        owner=owner_of(text),
        due=due_of(text) or section.due,
    )


def _is_work(text: str, section: Section) -> bool:
    """Whether a bullet without a box is an action item here."""
    if is_empty(text) or _ONLY_LINK.match(text):
        return False
    if _TODO_MARK.match(text) or text[0] in "☐⬜🔲":
        return section.meaning != "decoy"
    if section.meaning == "mixed":
        return edge_status(text) == "open" or asks(text) or _mentions_open(text)
    return section.meaning == "action"


def _is_group(item: Block, text: str, nested: list[Block]) -> bool:
    """Whether a bullet only gathers what stands under it: "Monitoring:" or a word or two above a list."""
    if not any(child.kind in ("list", "table") for child in item.children) or any(map(is_field_list, nested)):
        return False
    label, remarks = plain(text), _remarks(nested)
    if label.endswith((":", "：")) or any(_BOX.match(remark) for remark in remarks):
        return True
    return bool(nested) and len(label.split()) <= 2 and not asks(text) and not any(map(says_done, remarks))


def _remarks(nested: list[Block]) -> list[str]:
    return [item.children[0].text for block in nested for item in block.children if item.children]


def _list_status(text: str, nested: list[Block], section: Section) -> Status:
    said = edge_status(text)
    if said:
        return said
    if any(says_done(remark) or (status_of(remark) == "done" and len(remark) < 40) for remark in _remarks(nested)):
        return "done"
    if tells_past(text):
        return "done"
    return section.status or "open"


def _mentions_open(text: str) -> bool:
    label = fold(text)
    lead = re.match(r"[^.:;]{0,60}?\(([^()]{0,60})\)", label)
    return bool(lead and vocabulary().opened.search(lead.group(1)))


def _priority(text: str) -> str | None:
    label = fold(text[:40])
    m = re.match(r"^[\[(]?(p[0-4]|critical|high|medium|low|urgent)[\])]?\s*(:|-|\s)", label)
    return (
        priority_of(m.group(1)) if m and (m.group(1)[1:].isdigit() or m.group(2) == ":" or label[0] in "[(") else None
    )
