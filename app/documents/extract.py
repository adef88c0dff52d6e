"""From blocks to items: walk the document once, knowing at each block which headings stand above it."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from app.documents.classify import status_of
from app.documents.columns import Columns, read_columns
from app.documents.fields import fields_in, is_field_list
from app.documents.found import Found
from app.documents.html_tables import html_table
from app.documents.lists import read_list, read_typed_list
from app.documents.markdown import Block, Source, parse_blocks, parse_inline
from app.documents.model import SAFE_TYPES
from app.documents.prose import bold_title, lead_in, marked_title, read_bold_lead, read_heading, read_markers
from app.documents.rows import is_action_table, read_row, read_table
from app.documents.sections import Outline, Section
from app.documents.tables import Row, split_cells
from app.documents.text import fold, words_of

_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)([^<>]{0,500})")
_HIDING = re.compile(r"(?:hidden|style|class|inert|popover)", re.IGNORECASE)
# Elements that have no content, or that the next block closes.
_BRIEF = words_of("area, br, col, embed, hr, img, input, link, meta, source, track, wbr, p, li, dt, dd, option").words
# Elements that can keep what stands between their tags from a reader.
_WRAPPERS = words_of(
    """details, dialog, template, div, section, article, aside, span, center, font, figure, fieldset, form,
    table, select, textarea, script, style, noscript, noembed, noframes, iframe, object, svg, math, canvas,
    audio, video, title, button, label, ruby"""
).words
_TAG_LINE = re.compile(r"^[ \t]*<[^\n]*", re.MULTILINE)
_FENCED_ROW = re.compile(r"^[ \t]*(?:<!--)?[ \t]*(\|.*\|)[ \t]*(?:-->)?[ \t]*$")


class OpenHeading(NamedTuple):
    """The last heading: its section and its parent's, how many items were known, and why it may not be seen."""

    section: Section
    parent: Section
    known: int
    why: str


@dataclass
class Walk:
    """One pass over the blocks of a document; `found` grows in document order."""

    source: Source
    found: list[Found] = field(default_factory=list)
    outline: Outline = field(default_factory=Outline)
    open_tags: Counter[str] = field(default_factory=Counter)
    columns: tuple[int, Columns] | None = None
    heading: OpenHeading | None = None
    fields: dict[str, str] = field(default_factory=dict)
    filled: set[int] = field(default_factory=set)

    def document(self, blocks: tuple[Block, ...]) -> list[Found]:
        """The items of the whole document."""
        self._blocks(blocks, "", top=True)
        self._leave_heading(None)
        return self.found

    def _blocks(self, blocks: tuple[Block, ...], why: str, top: bool = False) -> None:
        lead: Section | None = None
        for block in blocks:
            if top and self._opens_section(block):
                lead = None
                continue
            self._note_fields(block)
            known = len(self.found)
            self._block(block, lead or self.outline.current, why or self._hidden())
            if len(self.found) > known:
                self.filled.add(self.outline.current.line)
            if top and "<" in block.text:
                self._count_tags(block)
            lead = lead_in(block, self.outline.current) if block.kind == "paragraph" else None

    def _block(self, block: Block, section: Section, why: str) -> None:
        if block.kind == "table":
            self._table(block, section, why)
        elif block.kind == "list":
            self._list(block, section, why)
        elif block.kind == "quote":
            self._blocks(block.children, "in-quote")
        elif block.kind == "html":
            self._html(block, section, why)
        elif block.kind == "code":
            self._unseen_rows(block, section, "in-fence")
        elif block.kind == "paragraph":
            self._paragraph(block, section, why)

    def _opens_section(self, block: Block) -> bool:
        """Enter the section of a heading, or of a bold line that stands for one."""
        if block.kind == "paragraph":
            marked, title = marked_title(block), bold_title(block)
            if marked:
                block = Block("heading", block.line, block.end_line, marked[1], marked[0])
            elif title:
                self.outline.enter(7, title, block.line)
                return True
        if block.kind == "heading":
            self._enter_heading(block)
        return block.kind == "heading"

    def _table(self, block: Block, section: Section, why: str) -> None:
        assert block.head is not None
        columns = read_columns(block.head)
        self.columns = (len(block.head.cells), columns) if is_action_table(columns, section) else None
        self.found += read_table(block, section, self.source, why)

    def _html(self, block: Block, section: Section, why: str) -> None:
        table = html_table(block) if "<!--" not in block.text else None
        if table is None:
            self._unseen_rows(block, section, "in-comment" if "<!--" in block.text else "in-html")
            return
        for item in read_table(table, section, self.source, why or "in-html"):
            item.spot = None
            self.found.append(item)

    def _list(self, block: Block, section: Section, why: str) -> None:
        self.columns = None
        if self.heading and self.heading.parent.own == "action" and is_field_list(block):
            return
        if why and section.meaning != "action":
            section = Section(section.level, section.title, section.line, "neutral")
        known = len(self.found)
        items = read_list(block, section, self.source, why)
        taken = {item.line for item in items}
        self.found += items
        for item in block.children:
            for child in item.children:
                if child.kind in ("table", "quote", "code", "html"):
                    self._blocks((child,), why or "in-list")
                elif child.kind == "paragraph" and not (item.line in taken and section.meaning == "action"):
                    self.found += read_markers(child, section, why)
        self.found[known:] = sorted(self.found[known:], key=lambda found: found.line)

    def _paragraph(self, block: Block, section: Section, why: str) -> None:
        rows = block.text.rstrip("\n").split("\n")
        if self.columns and all(_FENCED_ROW.match(line) for line in rows):
            self._orphans(block.line, rows, section, why or "row-outside-table")
        else:
            self.columns = None
            self.found += (
                read_markers(block, section, why)
                or read_bold_lead(block, section, why)
                or read_typed_list(block, section, why)
            )

    def _enter_heading(self, block: Block) -> None:
        self._leave_heading(block.level)
        section = self.outline.enter(block.level, block.text, block.line)
        self.heading = OpenHeading(section, self.outline.parent, len(self.found), self._hidden())
        self.columns, self.fields = None, {}

    def _leave_heading(self, level: int | None) -> None:
        """When a section ends without an item in it, its heading may be the item."""
        if self.heading and (level is None or level <= self.heading.section.level):
            section, parent, known, why = self.heading
            # Items right under the parent are the list; then the headings below it only go into detail.
            if len(self.found) == known and parent.line not in self.filled:
                self.found += read_heading(section, parent, self.fields, why)
        self.heading = None

    def _note_fields(self, block: Block) -> None:
        """Under a heading that is an item, bullets like "Owner: ..." belong to it and are no items."""
        if block.kind in ("list", "paragraph") and self.heading and self.heading.parent.own == "action":
            for name, value in fields_in((block,)).items():
                self.fields.setdefault(name, value)

    def _unseen_rows(self, block: Block, section: Section, why: str) -> None:
        """Rows in a fence or a comment are no items, but one that would have been taken for safe is reported."""
        if section.meaning not in ("action", "mixed") or "|" not in block.text:
            return
        known = len(self.found)
        text = _TAG_LINE.sub("", block.text.replace("<!--", "").replace("-->", ""))
        tables = [inner for inner in parse_blocks(text) if inner.kind == "table"]
        for table in tables:
            for item in read_table(table, section, Source(text), why):
                item.line += block.line - 1
                item.end_line, item.spot = item.line, None
                self.found.append(item)
        if not tables and self.columns:
            self._orphans(block.line, block.text.rstrip("\n").split("\n"), section, why)
        self.found[known:] = [item for item in self.found[known:] if _tempting(item)]

    def _orphans(self, line: int, rows: list[str], section: Section, why: str) -> None:
        """Rows cut off from their table, read with the columns of the table before them."""
        assert self.columns is not None
        width, columns = self.columns
        for index, text in enumerate(rows):
            m = _FENCED_ROW.match(text)
            if m and not re.fullmatch(r"[|:\- \t]+", m.group(1)):
                row = Row(line + index, m.group(1), split_cells(m.group(1)))
                item = read_row(row, width, columns, section, self.source, why)
                if item:
                    item.spot = None
                    self.found.append(item)

    def _hidden(self) -> str:
        """Why what stands here may not be seen: an HTML element is open around it."""
        if self.open_tags["details"]:
            return "in-details"
        return "in-html" if any(self.open_tags.values()) else ""

    def _count_tags(self, block: Block) -> None:
        """Follow the elements that are opened and closed around the Markdown between their tags."""
        if block.kind == "paragraph":
            text = "".join(token["raw"] for token in parse_inline(block.text) if token["type"] == "inline_html")
        else:
            text = block.text if block.kind == "html" else ""
        for m in _TAG.finditer(_without_comments(text)):
            name = m.group(2).lower()
            if m.group(1):
                self.open_tags[name] = max(0, self.open_tags[name] - 1)
            elif name in _WRAPPERS or (name not in _BRIEF and _HIDING.search(m.group(3))):
                self.open_tags[name] += 1


def _without_comments(text: str) -> str:
    """The text without its comments. `<!-->` is a whole one to a browser; one that ends in `--!>` is left in."""
    if "--!>" in text:
        return text
    kept, position = [], 0
    while (begin := text.find("<!--", position)) >= 0:
        kept.append(text[position:begin])
        end = text.find("-->", begin + 2)
        position = end + 3 if end >= 0 else len(text)
    return "".join([*kept, text[position:]])


def _tempting(item: Found) -> bool:
    declared = item.declared
    return declared.type in SAFE_TYPES and (declared.status is None or status_of(fold(declared.status)) == "open")
