"""Tables written as HTML, as far as exports write them: rows of cells, read for people and never acted on."""

from __future__ import annotations

import html
import re

from app.documents.markdown import Block
from app.documents.tables import Cell, Row

_TAG = re.compile(r"<(/?)(table|tr|td|th)\b[^<>]{0,500}>", re.IGNORECASE)
_OTHER_TAG = re.compile(r"</?[a-zA-Z][^<>]{0,500}>")
_MOST_ROWS = 1000


def html_table(block: Block) -> Block | None:
    """The first table in an HTML block as a block of kind table with the lines of its rows; None when it has none.

    Its rows cannot be edited: what their cells hold has no columns in the source.
    """
    rows: list[tuple[int, list[str]]] = []
    line, counted, begun = block.line, 0, -1
    for m in _TAG.finditer(block.text):
        line += block.text.count("\n", counted, m.start())
        counted = m.start()
        name, closing = m.group(2).lower(), m.group(1)
        if begun >= 0 and rows:
            rows[-1][1].append(_text(block.text[begun : m.start()]))
        begun = m.end() if name in ("td", "th") and not closing else -1
        if name == "tr" and not closing:
            rows.append((line, []))
        if (name == "table" and closing) or len(rows) > _MOST_ROWS:
            break
    read = [_row(number, cells) for number, cells in rows if cells]
    return Block("table", read[0].line, read[-1].line, head=read[0], rows=tuple(read[1:])) if len(read) > 1 else None


def _row(line: int, cells: list[str]) -> Row:
    return Row(line, "| " + " | ".join(cells) + " |", tuple(Cell(text, 0, 0) for text in cells))


def _text(markup: str) -> str:
    return " ".join(html.unescape(_OTHER_TAG.sub(" ", markup)).split())
