"""A mistune plugin: pipe tables as GitHub Flavored Markdown defines them, each row with its place in the source.

mistune's own table plugin turns a whole table into a paragraph when one row has a cell too few or too many, which
would hide every action item beside a malformed one. Rules: https://github.github.com/gfm/#tables-extension-
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mistune import Markdown
    from mistune.block_parser import BlockParser
    from mistune.core import BlockState

# A header line with at least one pipe, then a line made of pipes, dashes, colons and blanks. Possessive quantifiers
# keep the match linear on a hostile line.
TABLE_PATTERN = r"^ {0,3}(?![ \t\n])(?=[^\n|]*\|)[^\n]++\n {0,3}[-:|][-:| \t]*+(?:\n|\Z)"
_DELIMITER_CELL = re.compile(r":?-+:?")
_ENDS_TABLE = ("fenced_code", "atx_heading", "thematic_break", "block_quote", "list", "block_html")


@dataclass(frozen=True)
class Cell:
    """One cell: `text` without the blanks around it and with `\\|` unescaped; `start:end` is its place in the line."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Row:
    """One line of a table. `line` is 1-based in the document; `source` is the line without its container's markers."""

    line: int
    source: str
    cells: tuple[Cell, ...]


def split_cells(source: str) -> tuple[Cell, ...]:
    """Cut a line into cells at every pipe without a backslash before it; code spans do not protect a pipe.

    GFM looks at the one character before the pipe only, so `\\\\|` is an escaped pipe too.
    """
    start, end = _trim(source, 0, len(source))
    cuts = [i for i in range(start, end) if source[i] == "|" and (i == start or source[i - 1] != "\\")]
    edges = [start - 1, *cuts, end]
    pieces = [(edges[k] + 1, edges[k + 1]) for k in range(len(edges) - 1)]
    if pieces and pieces[0][0] >= pieces[0][1]:
        pieces = pieces[1:]
    if pieces and pieces[-1][0] >= pieces[-1][1]:
        pieces = pieces[:-1]
    cells = []
    for a, b in pieces:
        a, b = _trim(source, a, b)
        cells.append(Cell(source[a:b].replace("\\|", "|"), a, b))
    return tuple(cells)


def gfm_tables(md: Markdown) -> None:
    """Register the rule in the document, in list items and in block quotes."""
    md.block.register("table", TABLE_PATTERN, _parse_table, before="raw_html")
    md.block.insert_rule(md.block.list_rules, "table", before="raw_html")
    md.block.insert_rule(md.block.block_quote_rules, "table", before="raw_html")


def _parse_table(block: BlockParser, m: re.Match[str], state: BlockState) -> int | None:
    """Read the table that starts at the match; None when header and delimiter do not make one."""
    lines = m.group(0).split("\n")
    columns = _delimiter_columns(lines[1])
    header = split_cells(lines[0])
    if columns == 0 or len(header) != columns:
        return None
    first = _line_number(state, m.start())
    position = m.end()
    breaks = block.compile_sc([name for name in _ENDS_TABLE if name in block.specification])
    rows: list[Row] = []
    while position < state.cursor_max:
        line = state.get_line(position)
        if not line.strip(" \t\v\f\n") or _indent(line) >= 4 or breaks.match(state.src, position):
            break
        source = line.rstrip("\n")
        rows.append(Row(first + 2 + len(rows), source, split_cells(source)))
        position += len(line)
    token: dict[str, Any] = {"type": "table", "head": Row(first, lines[0], header), "rows": rows}
    state.append_token(token)
    return position


def _delimiter_columns(line: str) -> int:
    """How many columns a delimiter row declares; 0 when it is not one."""
    text = line.strip(" \t")
    if text[:1] == "-" and text[1:2] in (" ", "\t"):
        return 0
    pieces = text.split("|")
    if pieces[0].strip(" \t") == "":
        pieces = pieces[1:]
    if pieces and pieces[-1].strip(" \t") == "":
        pieces = pieces[:-1]
    return len(pieces) if all(_DELIMITER_CELL.fullmatch(p.strip(" \t")) for p in pieces) else 0


def _line_number(state: BlockState, position: int) -> int:
    number: int = getattr(state, "line_of", lambda p: state.src.count("\n", 0, p) + 1)(position)
    return number


def _indent(line: str) -> int:
    column = 0
    for char in line:
        if char == " ":
            column += 1
        elif char == "\t":
            column += 4 - column % 4
        else:
            break
    return column


def _trim(source: str, start: int, end: int) -> tuple[int, int]:
    while start < end and source[start] in " \t":
        start += 1
    while end > start and source[end - 1] in " \t":
        end -= 1
    return start, end
