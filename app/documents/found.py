"""What the readers of tables, lists and prose hand over: an item, why it may not be safe, and where to edit it."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field

from app.documents.markdown import parse_inline
from app.documents.model import Declared, Shape, Status
from app.documents.tables import Cell, Row
from app.documents.text import has_hidden, has_lookalikes

ROW_LIMIT = 4 * 1024
# How much of an action or a detail is kept; the document has the rest.
SHOWN = 1000

_HARMLESS_TAG = re.compile(r"</?(?:br|b|i|em|strong|code|kbd|sub|sup|s|del|ins|u|tt|small|mark)[ ]?/?>", re.IGNORECASE)


@dataclass(frozen=True)
class Spot:
    """The characters to change when the item is done: columns `start` to `end` of a source line."""

    line: int
    start: int
    end: int
    box: bool = False


@dataclass
class Found:
    """One action item as it stands in the document, before anybody decides whether it is safe."""

    action: str
    line: int
    end_line: int
    status: Status
    shape: Shape
    section: str = ""
    why: str = ""
    declared: Declared = field(default_factory=Declared)
    strict_type: bool = False
    priority: str | None = None
    details: str = ""
    owner: str | None = None
    due: str | None = None
    spot: Spot | None = None
    own_status: bool = True


def why_unsafe_text(source: str) -> str:
    """Why the characters of a source line cannot be trusted to say what a reader sees; empty when they can."""
    if len(source.encode("utf-8", "surrogatepass")) > ROW_LIMIT:
        return "row-too-long"
    if has_hidden(source) or ("&" in source and has_hidden(html.unescape(source))):
        return "hidden-characters"
    return "lookalike-characters" if has_lookalikes(source) else ""


def why_unsafe_row(row: Row) -> str:
    """As `why_unsafe_text`, and `hidden-text` for a cell with markup that a page shows to nobody."""
    return why_unsafe_text(row.source) or ("hidden-text" if any(map(_hides, row.cells)) else "")


def _hides(cell: Cell) -> bool:
    """Whether a cell holds a comment, a tag, an image's alternative text or a link's title."""
    if not any(sign in cell.text for sign in ("<", "](", "![")):
        return False
    return any(
        token["type"] == "image"
        or (token["type"] == "inline_html" and not _HARMLESS_TAG.fullmatch(token["raw"]))
        or (token["type"] == "link" and "title" in token["attrs"])
        for token in parse_inline(cell.text)
    )
