"""A post-mortem's title, date and severity: from front matter, tables, bold lines, the title, the file's name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.documents.markdown import Block
from app.documents.record import is_record_title
from app.documents.text import fold, plain, visible, words_of

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
_DATE_KEYS = words_of(
    """date, incident date, date of incident, date found, date de l'incident, date d'incident, when, started, start,
    start time, occurred, datum, fecha, data, 発生日時, 発生日, 日時, 日付, 影響期間, 日期"""
)
_SEVERITY_KEYS = words_of(
    "severity, sev, incident severity, severity level, severite, gravite, 重大度, 深刻度, schweregrad, severidad"
)
_SEV = re.compile(r"(?<![a-z])sev(?:erity)?[ -]?([0-5])(?!\d)")
_BOLD_PAIR = re.compile(r"(?:\*\*|__)([^*_:：]{2,40}?)\s*(?:[:：]\s*(?:\*\*|__)|(?:\*\*|__)\s*[:：])\s*([^|]{1,300})")
_PLAIN_PAIR = re.compile(r"^\W{0,3}([A-Za-zÀ-ÿ' ]{3,30}|[^\x00-\x7f]{2,10})\s?[:：]\s*(\S.{0,300})$")
_NEAR_TOP = 40


def read_metadata(
    blocks: tuple[Block, ...], front: dict[str, str], file: str
) -> tuple[str | None, str | None, str | None]:
    """Title, date (YYYY-MM-DD) and severity, each None when the document does not say."""
    headings = [b for b in blocks if b.kind == "heading" and not is_record_title(b.text)]
    first = next((b for b in headings if b.level == 1), headings[0] if headings else None)
    title = visible(plain(first.text)) if first else front.get("title")
    pairs = [*front.items(), *_pairs(blocks)]
    stated = [value for key, value in pairs if fold(key) in _DATE_KEYS]
    dates = (date_in(text) for text in (*stated, title or "", file.rsplit("/", 1)[-1]))
    severity = next((_severity(value) for key, value in pairs if fold(key) in _SEVERITY_KEYS), None)
    return title or None, next((date for date in dates if date), None), severity


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


def _pairs(blocks: tuple[Block, ...]) -> Iterator[tuple[str, str]]:
    """Keys and values near the top: two-column tables, `**Key:** value`, `Key: value`, as paragraphs or bullets."""
    for block in blocks[:_NEAR_TOP]:
        if block.kind == "table" and block.head is not None and len(block.head.cells) == 2:
            for row in (block.head, *block.rows):
                if len(row.cells) == 2:
                    yield plain(row.cells[0].text).rstrip(":： "), row.cells[1].text
        elif block.kind == "paragraph":
            yield from _lines(block.text)
        elif block.kind == "list":
            for item in block.children[:_NEAR_TOP]:
                if item.children and item.children[0].kind == "paragraph":
                    yield from _lines(item.children[0].text)


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n")[:_NEAR_TOP]:
        bold = list(_BOLD_PAIR.finditer(line[:2000]))
        for m in bold:
            yield m.group(1), m.group(2)
        m2 = None if bold else _PLAIN_PAIR.match(line[:400])
        if m2:
            yield m2.group(1), m2.group(2)


def _severity(text: str) -> str | None:
    """SEV1 to SEV3 where the text says so; otherwise its first words as they stand."""
    label = plain(text)
    m = _SEV.search(fold(label))
    if m:
        return f"SEV{m.group(1)}"
    word = re.sub(r"^\W+", "", re.split(r"\s+[-–—(]|[,;(（—|]", label, maxsplit=1)[0]).strip(" .*")
    return visible(word)[:40] or None


def _date(year: int, month: int, day: int) -> str | None:
    return f"{year:04}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None
