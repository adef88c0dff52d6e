"""What a post-mortem says of itself: in front matter, tables, bold lines, its title, its file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from app.documents.classify import is_empty
from app.documents.keys import BEGAN, keys_in, kind_of, without_comments
from app.documents.markdown import Block
from app.documents.record import is_record_title
from app.documents.sections import heading_meaning
from app.documents.text import fold, plain, visible

_ISO = re.compile(r"(?<!\d)((?:19|20)\d{2})[-/.年](\d{1,2})[-/.月](\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|er)?\.?\s+([a-z]{3,9})\.?,?\s+((?:19|20)\d{2})(?!\d)")
_MONTH_FIRST = re.compile(r"(?<![a-z])([a-z]{3,9})\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+((?:19|20)\d{2})(?!\d)")
_MONTHS = {
    name: number
    for number, names in enumerate(
        [
            "jan january janv janvier",
            "feb february fev fevr fevrier",
            "mar march mars",
            "apr april avr avril",
            "may mai",
            "jun june juin",
            "\n        jul july juil juillet",
            "aug august aout",
            "sep sept september septembre",
            "oct october octobre",
            "nov november novembre",
            "\n        dec december decembre",
        ],
        start=1,
    )
    for name in names.split()
}
_SEV = re.compile(r"(?<![a-z])sev(?:erity)?[ -]?([0-5])(?!\d)")
_PHRASE_END = re.compile(r"\s+[-–—(]|[,;(（—|。]|\.\s")
_DRAFT = re.compile(r"(?:^|[-_. ])(draft|wip)(?=[-_. ]|$)", re.IGNORECASE)
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_SEPARATORS, _OPENING, _CLOSING = ",;、，・\n", "([（", ")]）"
_NEAR_TOP = 40
_SHOWN = 80
_MOST_SERVICES = 50

Pair = tuple[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Head:
    """The facts of a document by the names that `model.Document` has for them."""

    title: str | None
    date: str | None
    severity: str | None
    duration: str | None
    services: tuple[str, ...]
    status: str | None
    published: str | None


def read_head(blocks: tuple[Block, ...], front: dict[str, str], file: str) -> Head:
    """What the document says of itself, None where it does not; front matter is believed first."""
    headings = [b for b in blocks if b.kind == "heading" and not is_record_title(b.text)]
    first = next((b for b in headings if b.level == 1), headings[0] if headings else None)
    title = visible(plain(first.text)) if first else front.get("title")
    ends = _actions_begin(blocks)
    own = [(kind_of(key), key, value) for key, value in (*front.items(), *_pairs(blocks[:ends]))]
    pairs = own + [(kind_of(key), key, value) for key, value in _pairs(blocks[ends:_NEAR_TOP])]
    name = file.rsplit("/", 1)[-1]
    stated = [value for kind, key, value in pairs if kind == "date" or (kind is None and fold(key) in BEGAN)]
    draft = _DRAFT.search(name)
    return Head(
        title=title or None,
        date=_first(date_in(text) for text in (*stated, title or "", name)),
        severity=_first(_severity(value) for value in _values(pairs, "severity")),
        duration=_first(_whole(value) for value in _values(own, "duration")),
        services=_first(_services(value) for value in _values(own, "services")) or (),
        status=_first(_phrase(value) for value in _values(own, "status")) or (draft and draft.group(1).capitalize()),
        published=_first(date_in(value) for value in _values(own, "reported")),
    )


def date_in(text: str) -> str | None:
    """The first date written in a text, as YYYY-MM-DD."""
    m = _ISO.search(text)
    if m:
        return _date(int(m.group(1)), int(m.group(2)), int(m.group(3)))
    label = fold(text)
    m = _DAY_FIRST.search(label)
    if m and m.group(2) in _MONTHS:
        return _date(int(m.group(3)), _MONTHS[m.group(2)], int(m.group(1)))
    m = _MONTH_FIRST.search(label)
    if m and m.group(1) in _MONTHS:
        return _date(int(m.group(3)), _MONTHS[m.group(1)], int(m.group(2)))
    return None


def _values(pairs: list[tuple[str | None, str, str]], wanted: str) -> list[str]:
    return [value for kind, _, value in pairs if kind == wanted]


def _first(found: Iterator[T]) -> T | None:
    return next((value for value in found if value), None)


def _actions_begin(blocks: tuple[Block, ...]) -> int:
    """The number of blocks in front of the first section of work to be done: below it, a status is an item's."""
    for number, block in enumerate(blocks[:_NEAR_TOP]):
        if block.kind == "heading" and block.level > 1 and heading_meaning(block.text) in ("action", "mixed"):
            return number
    return min(len(blocks), _NEAR_TOP)


def _pairs(blocks: tuple[Block, ...]) -> Iterator[Pair]:
    """Keys and values: two-column tables, tables of one row, `**Key:** value`, `Key: value`, lists under a key."""
    key = ""
    for block in blocks:
        if block.kind == "table":
            yield from _table_pairs(block)
        elif block.kind == "paragraph":
            for key, value in _lines(block.text):
                yield key, value
        elif block.kind == "list":
            texts = [i.children[0].text for i in block.children if i.children and i.children[0].kind == "paragraph"]
            if kind_of(key) == "services":
                yield key, "\n".join(texts)
            for text in texts[:_NEAR_TOP]:
                yield from _lines(text)
        key = block.text if block.kind == "heading" else key if block.kind == "paragraph" else ""


def _table_pairs(block: Block) -> Iterator[Pair]:
    assert block.head is not None
    names = [plain(cell.text).rstrip(":： ") for cell in block.head.cells]
    if len(names) == 2:
        for row in (block.head, *block.rows):
            if len(row.cells) == 2:
                yield plain(row.cells[0].text).rstrip(":： "), row.cells[1].text
    elif len(block.rows) == 1 and sum(kind_of(name) is not None for name in names) > 1:
        yield from zip(names, (cell.text for cell in block.rows[0].cells), strict=False)


def _lines(text: str) -> Iterator[Pair]:
    for line in text.split("\n")[:_NEAR_TOP]:
        for key, _, value in keys_in(line):
            yield key, value.split("|")[0]


def _phrase(text: str) -> str | None:
    """The first words of a value, up to a bracket, a comma or a dash."""
    label = plain(without_comments(text))
    word = re.sub(r"^\W+", "", _PHRASE_END.split(label, maxsplit=1)[0]).strip(" .*")
    return visible(word)[:40] or None


def _whole(text: str) -> str | None:
    label = visible(plain(without_comments(text)))[:_SHOWN].strip()
    return None if is_empty(label) else label


def _services(text: str) -> tuple[str, ...]:
    """The services of a list, cut at commas and line breaks that do not stand inside brackets."""
    text = _BREAK.sub("\n", without_comments(text[: _SHOWN * _MOST_SERVICES])).strip()
    if text[:1] == "[" and text[-1:] == "]":
        text = text[1:-1]
    depth, parts = 0, [""]
    for char in text:
        depth = max(0, depth + (char in _OPENING) - (char in _CLOSING))
        if char in _SEPARATORS and (depth == 0 or char == "\n"):
            parts.append("")
            depth = 0
        else:
            parts[-1] += char
    names = (visible(plain(part)).strip(" .\"'")[:_SHOWN] for part in parts[:_MOST_SERVICES])
    return tuple(dict.fromkeys(name for name in names if not is_empty(name)))


def _severity(text: str) -> str | None:
    """SEV1 to SEV3 where the text says so; otherwise its first words as they stand."""
    m = _SEV.search(fold(plain(text)))
    return f"SEV{m.group(1)}" if m else _phrase(text)


def _date(year: int, month: int, day: int) -> str | None:
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None
