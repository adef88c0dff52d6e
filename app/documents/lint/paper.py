"""What the rules read: a scanned document with its stated facts, headings, rows and timelines, each gathered once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.documents.columns import Columns, read_columns
from app.documents.front import cut_front_matter
from app.documents.keys import keys_in, kind_of
from app.documents.lint.model import Limits
from app.documents.lint.timeline import Timeline, read_timelines
from app.documents.markdown import Block
from app.documents.model import Document
from app.documents.parse import Scan
from app.documents.tables import Row
from app.documents.text import fold

_FRONT_KEY = re.compile(r"^([A-Za-z_][\w -]{0,40}):")


@dataclass(frozen=True)
class Stated:
    """A fact that the document states as `Key: value` or in a two-column table: what stands where."""

    kind: str
    value: str
    line: int
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.value)


@dataclass(frozen=True)
class Place:
    """A row of a table, with the columns of its header."""

    head: int
    columns: Columns
    row: Row


@dataclass(frozen=True)
class Paper:
    """One document as the rules see it. `labels` are folded headings and bold keys, with their lines."""

    scan: Scan
    limits: Limits
    stated: tuple[Stated, ...]
    labels: tuple[tuple[int, str], ...]
    places: dict[int, Place]
    timelines: tuple[Timeline, ...]

    @property
    def document(self) -> Document:
        return self.scan.document

    def first(self, kind: str) -> Stated | None:
        """The first fact of a kind that is not left empty, else the first."""
        facts = [fact for fact in self.stated if fact.kind == kind]
        return next((fact for fact in facts if fact.value), facts[0] if facts else None)


def read_paper(scan: Scan, limits: Limits) -> Paper:
    """Everything the rules ask of a scanned document."""
    headings = [block for block in scan.blocks if block.kind == "heading"]
    # The title names the incident, not a section.
    sections = headings[1:] if headings and headings[0].level == 1 else headings
    labels = [(block.line, fold(block.text)) for block in sections]
    stated = list(_front_facts(scan))
    places: dict[int, Place] = {}
    for block in leaves(scan.blocks):
        if block.kind == "table" and block.head is not None:
            columns = read_columns(block.head)
            places.update((row.line, Place(block.head.line, columns, row)) for row in block.rows)
            if len(block.head.cells) == 2:
                stated += (fact for row in (block.head, *block.rows) for fact in _row_fact(scan, row))
        elif block.kind == "paragraph":
            for number in range(block.line, block.end_line + 1):
                keys = list(keys_in(scan.source.line(number)))
                labels += [(number, fold(key)) for key, _, _ in keys]
                stated += [Stated(kind, value, number, start) for key, start, value in keys if (kind := kind_of(key))]
    timelines = tuple(read_timelines(scan.blocks, scan.document.date))
    return Paper(scan, limits, tuple(stated), tuple(sorted(labels)), places, timelines)


def leaves(blocks: tuple[Block, ...]) -> Iterator[Block]:
    """The blocks that hold text of the document's own, lists opened; quotes, code and HTML are others' words."""
    for block in blocks:
        if block.kind in ("list", "item"):
            yield from leaves(block.children)
        elif block.kind in ("heading", "paragraph", "table"):
            yield block


def _front_facts(scan: Scan) -> Iterator[Stated]:
    keys, _ = cut_front_matter(scan.source.text)
    for number in range(2, min(len(scan.source.starts), 100) + 1 if keys else 0):
        line = scan.source.line(number)
        if line.rstrip() in ("---", "..."):
            return
        m = _FRONT_KEY.match(line)
        kind = kind_of(m.group(1)) if m else None
        if m and kind:
            rest = line[m.end() :]
            value = rest.strip(" \t\"'")
            yield Stated(kind, value, number, m.end() + (rest.find(value) if value else 0))


def _row_fact(scan: Scan, row: Row) -> Iterator[Stated]:
    kind = kind_of(row.cells[0].text) if len(row.cells) == 2 else None
    if kind:
        cell = row.cells[1]
        same = scan.source.line(row.line)[cell.start : cell.end] == cell.text
        yield Stated(kind, cell.text, row.line, cell.start if same else -1)
