"""Action items out of running text: paragraphs that say "Action (open):", and headings that are items themselves."""

from __future__ import annotations

import re

from app.documents import words
from app.documents.classify import status_of
from app.documents.fields import apply_fields
from app.documents.found import SHOWN, Found, why_unsafe_text
from app.documents.markdown import Block
from app.documents.model import Status
from app.documents.phrases import asks, due_of, edge_status, owner_of
from app.documents.sections import Section, heading_meaning, heading_status
from app.documents.text import fold, plain

_MARKER = re.compile(
    r"^[\s>]*[*_]{0,3}([A-Za-zÀ-ÿ][^:：*_]{2,40}?|[^\x00-\x7f]{2,12})(?:\s?\(([^()]{0,60})\))?\s?(?:[:：][*_]{0,3}|[*_]{1,3}\s?[:：])\s*(\S.*)$"
)
_BOLD_LEAD = re.compile(r"^(?:\*\*|__)([^*_]{4,200})(?:\*\*|__)")
_BOLD_LINE = re.compile(r"(?:\*\*|__)([^*_\n]{2,80}?)(?:\*\*|__)\s*[:：]?")
_NUMBERED = re.compile(r"^\W*(?:\d+[.):]|[a-z][.)])\s")
_COUNTED = re.compile(r"(?:action|item|task|todo|action item|follow[ -]?up|step|ai|アクション)[ -]?#?\d{1,3}")


def read_markers(block: Block, section: Section, why: str) -> list[Found]:
    """Lines that announce open work wherever they stand: "**Action (open):** ...", "Left open: ..."."""
    lines = block.text.rstrip("\n").split("\n")
    found: list[Found] = []
    for index, line in enumerate(lines):
        m = _MARKER.match(line) if ":" in line or "：" in line else None
        if not m:
            continue
        label, aside = fold(m.group(1)), fold(m.group(2) or "")
        said = status_of(aside) if aside else None
        known = label in words.OPEN_MARKERS or (label.startswith("action") and said == "open" and len(label) < 12)
        known = known or (section.meaning == "action" and _COUNTED.fullmatch(label) is not None)
        if not known or said == "done":
            continue
        text = " ".join([m.group(3), *(rest.strip() for rest in lines[index + 1 :])])
        status: Status = "done" if edge_status(text) == "done" else "open"
        found.append(_item(text, block.line + index, block.end_line, status, section, why))
        break
    return found


def read_bold_lead(block: Block, section: Section, why: str) -> list[Found]:
    """A paragraph under an action heading that begins with its action in bold."""
    m = _BOLD_LEAD.match(block.text)
    if not m or section.meaning != "action" or m.group(1).rstrip().endswith(":") or not asks(m.group(1)):
        return []
    text = " ".join(block.text.split())
    return [
        _item(text, block.line, block.end_line, heading_status(m.group(1)) or section.status or "open", section, why)
    ]


def read_heading(section: Section, parent: Section, fields: dict[str, str], why: str) -> list[Found]:
    """A heading right under an action heading that holds no item is one itself: "### 1. Pin the chart (DONE)".

    `fields` are the lines under it that only say whose it is, until when, how far.
    """
    if parent.own != "action" or section.own != "neutral" or section.level <= parent.level:
        return []
    status = heading_status(section.title)
    if not (status or fields or _NUMBERED.match(section.title) or asks(section.title)):
        return []
    item = _item(section.title, section.line, section.line, status or parent.status or "open", section, why)
    return [apply_fields(item, fields)]


def bold_title(block: Block) -> str | None:
    """The text of a paragraph that is one bold line and so stands for a heading."""
    m = _BOLD_LINE.fullmatch(block.text.strip())
    return m.group(1) if m and len(m.group(1).split()) <= 10 else None


def lead_in(block: Block, section: Section) -> Section | None:
    """A short line that introduces the list or table after it ("Follow-ups:") as a section of its own."""
    last = block.text.rstrip().split("\n")[-1]
    if not last.endswith((":", "：", ":**", ":__", ":*")):
        return None
    label = plain(last)
    if not label.endswith((":", "：")) or len(label.split()) > 15:
        return None
    own = heading_meaning(label.rstrip(":： "))
    denied = words.NOT_DONE.search(fold(label))
    status: Status | None = "open" if denied else heading_status(label.rstrip(":： "))
    meaning = section.meaning if own == "neutral" else own
    return Section(8, section.title, block.line, meaning, own, status or section.status, section.priority)


def _item(text: str, line: int, end: int, status: Status, section: Section, why: str) -> Found:
    return Found(
        action=text[:SHOWN],
        line=line,
        end_line=end,
        status=status,
        shape="list",
        section=section.title,
        why=why or why_unsafe_text(text),
        priority=section.priority,
        owner=owner_of(text),
        due=due_of(text) or section.due,
    )
