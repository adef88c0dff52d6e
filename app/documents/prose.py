"""Action items out of running text: paragraphs that say "Action (open):", and headings that are items themselves."""

from __future__ import annotations

import re
from itertools import pairwise

from app.documents import words
from app.documents.classify import status_of
from app.documents.fields import apply_fields, field_of
from app.documents.found import SHOWN, Found, why_unsafe_text
from app.documents.markdown import Block
from app.documents.model import Status
from app.documents.phrases import asks, due_of, edge_status, owner_of
from app.documents.sections import Section, heading_meaning, heading_status
from app.documents.text import fold, plain
from app.documents.vocabulary import vocabulary

_MARKER = re.compile(
    r"^[\s>]*[*_]{0,3}([A-Za-zÀ-ÿ][^:：*_]{2,40}?|[^\x00-\x7f]{2,12})(?:\s?\(([^()]{0,60})\))?\s?(?:[:：][*_]{0,3}|[*_]{1,3}\s?[:：])\s*(\S.*)$"
)
_BOLD_LEAD = re.compile(r"^(?:\*\*|__)([^*_]{4,200})(?:\*\*|__)")
_BOLD_LINE = re.compile(r"(?:\*\*|__)([^*_\n]{2,80}?)(?:\*\*|__)\s*[:：]?")
_EQUALS = re.compile(r"(={1,6})[ \t]+(\S[^\n]{0,200}?)(?:[ \t]+=+)?")
_NAME_LIMIT = 60
_NUMBERED = re.compile(r"^\W*(?:\d+[.):]|[a-z][.)])\s")
_COUNTED = re.compile(r"(?:action|item|task|todo|action item|follow[ -]?up|step|ai|アクション)[ -]?#?\d{1,3}")


def read_markers(block: Block, section: Section, why: str) -> list[Found]:
    """Lines that announce open work wherever they stand: "**Action (open):** ...", "Left open: ..."."""
    lines = block.text.rstrip("\n").split("\n")
    starts = [n for n, line in enumerate(lines) if (":" in line or "：" in line) and _announces(lines, n, section)]
    found = []
    for start, end in pairwise([*starts, len(lines)]):
        m = _MARKER.match(lines[start])
        assert m is not None
        fields: dict[str, str] = {}
        texts = [m.group(3)]
        for line in lines[start + 1 : end]:
            pair = field_of(line)
            if pair:
                fields.setdefault(*pair)
            else:
                texts.append(line.strip())
        text = " ".join(texts)
        status: Status = "done" if edge_status(text) == "done" else "open"
        last = block.line + end - 1
        found.append(apply_fields(_item(text, block.line + start, last, status, section, why), fields))
    return found


def _announces(lines: list[str], number: int, section: Section) -> bool:
    """Whether a line begins with a label that announces work: open work anywhere, an action where it is work."""
    m = _MARKER.match(lines[number])
    if not m:
        return False
    label, aside = fold(m.group(1)), fold(m.group(2) or "")
    said = status_of(aside) if aside else None
    if said == "done":
        return False
    if label in words.OPEN_MARKERS or (label.startswith("action") and said == "open" and len(label) < 12):
        return True
    action = label in vocabulary().columns["action"] or _COUNTED.fullmatch(label) is not None
    if not action or section.meaning == "decoy":
        return False
    after = field_of(lines[number + 1]) if number + 1 < len(lines) else None
    return section.meaning == "action" or (after is not None and after[0] in ("owner", "due", "status"))


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
    status = heading_status(section.title) or edge_status(section.title)
    if not (status or fields or _NUMBERED.match(section.title) or asks(section.title)):
        return []
    item = _item(section.title, section.line, section.line, status or parent.status or "open", section, why)
    return [apply_fields(item, fields)]


def marked_title(block: Block) -> tuple[int, str] | None:
    """The level and the text of a heading as AsciiDoc and wikis write it: one line that begins with equals signs."""
    m = _EQUALS.fullmatch(block.text.strip()) if block.text.startswith("=") else None
    return (len(m.group(1)), m.group(2)) if m else None


def bold_title(block: Block) -> str | None:
    """The text of a paragraph that is one bold line and so stands for a heading."""
    m = _BOLD_LINE.fullmatch(block.text.strip()) if block.text.lstrip().startswith(("**", "__")) else None
    return m.group(1) if m and len(m.group(1).split()) <= 10 else None


def lead_in(block: Block, section: Section) -> Section | None:
    """A short line that introduces the list or table after it ("Follow-ups:") as a section of its own."""
    last = block.text.rstrip().split("\n")[-1]
    if _names_a_section(block.text.strip()):
        last += ":"
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


def _names_a_section(text: str) -> bool:
    """Whether a whole paragraph is a few words without a stop that would make a heading: "ACTION ITEMS"."""
    short = len(text) <= _NAME_LIMIT and "\n" not in text and len(text.split()) <= 4 and text[-1:].isalnum()
    return short and heading_meaning(text) in ("action", "decoy")


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
