"""Markdown as a tree with line numbers: mistune's block parser, extended so that every block knows where it stands.

mistune keeps no positions, but its parser is a class with a state, and both are made to be extended: the state here
knows at which source line it begins, and hands that on to the states of list items and quotes inside it.
"""

from __future__ import annotations

import re
import string
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Literal

import mistune
from mistune.block_parser import BlockParser
from mistune.core import BlockState

from app.documents.tables import Row, gfm_tables

Kind = Literal["heading", "paragraph", "list", "item", "table", "html", "code", "quote"]

# Deeper containers are read as text: nobody nests action items that deep, and each level costs another pass.
MAX_NESTED_LEVEL = 8
_LINE_BREAK = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True)
class Block:
    """One block. `line` and `end_line` are 1-based; `head` and `rows` belong to tables, `level` to headings."""

    kind: Kind
    line: int
    end_line: int
    text: str = ""
    level: int = 0
    children: tuple[Block, ...] = ()
    head: Row | None = None
    rows: tuple[Row, ...] = ()


@dataclass
class Source:
    """The text of a file and where each of its lines begins; only \\n, \\r\\n and \\r end a line."""

    text: str
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        position = 0
        for m in _LINE_BREAK.finditer(self.text):
            self.starts.append(position)
            self.ends.append(m.start())
            position = m.end()
        self.starts.append(position)
        self.ends.append(len(self.text))

    def line(self, number: int) -> str:
        """The 1-based line without its line ending."""
        return self.text[self.starts[number - 1] : self.ends[number - 1]]


class LineState(BlockState):
    """A block state that knows the source line of its first line."""

    def __init__(self, parent: Any = None) -> None:
        super().__init__(parent)
        self.first_line = 1
        self.item_line = 1
        self.quote_line = 0
        self.breaks: list[int] = []

    def process(self, src: str) -> None:
        super().process(src)
        ends = accumulate(len(line) + 1 for line in src.split("\n"))
        self.breaks = [end - 1 for end in ends][:-1]

    def line_of(self, position: int) -> int:
        """The source line (1-based) of a position in this state's text."""
        return self.first_line + bisect_right(self.breaks, position - 1)

    def child_state(self, src: str, lazy_line_starts: set[int] | None = None) -> LineState:
        child = super().child_state(src, lazy_line_starts)
        assert isinstance(child, LineState)
        if self.quote_line:
            child.first_line, self.quote_line = self.quote_line, 0
        else:
            marker = self._own_line(self.item_line)
            empty = len(marker.split()) < 2
            child.first_line = self.item_line + (1 if empty else 0)
            self.env.setdefault("items", {})[id(child.tokens)] = self.item_line
            # When another item follows, the parser has just stepped over the line of its marker.
            self.item_line = self.line_of(self.cursor) - 1
        return child

    def append_token(self, token: dict[str, Any]) -> None:
        if token["type"] == "block_code":
            token["line"] = self.line_of(self.cursor)
        super().append_token(token)

    def add_paragraph(self, text: str) -> None:
        super().add_paragraph(text)
        self.tokens[-1].setdefault("line", self.line_of(self.cursor))

    def _own_line(self, number: int) -> str:
        index = number - self.first_line
        begin = self.breaks[index - 1] + 1 if index > 0 else 0
        return self.src[begin : self.breaks[index] if index < len(self.breaks) else len(self.src)]


class LineParser(BlockParser):
    """mistune's block parser with line numbers on its tokens, and without what could take more than linear time."""

    state_cls = LineState
    # Link definitions are left as text: they mean nothing here, and looking for their titles is quadratic.
    DEFAULT_RULES = tuple(name for name in BlockParser.DEFAULT_RULES if name != "ref_link")  # type: ignore[assignment]

    def parse_method(self, m: re.Match[str], state: BlockState) -> int | None:
        assert isinstance(state, LineState)
        line, known = state.line_of(m.start()), len(state.tokens)
        end = super().parse_method(m, state)
        for token in state.tokens[known:]:
            token.setdefault("line", line)
        return end

    def parse_list(self, m: re.Match[str], state: BlockState) -> int:
        assert isinstance(state, LineState)
        outer, state.item_line = state.item_line, state.line_of(m.start())
        end = super().parse_list(m, state)
        state.item_line = outer
        return end

    def extract_block_quote(self, m: re.Match[str], state: BlockState) -> tuple[str, int | None, set[int]]:
        assert isinstance(state, LineState)
        line = state.line_of(state.cursor)
        found = super().extract_block_quote(m, state)
        state.quote_line = line
        return found

    def parse_atx_heading(self, m: re.Match[str], state: BlockState) -> int:
        text = m.group("atx_2").strip(string.whitespace)
        bare = text.rstrip("#")
        if not bare or bare[-1] in string.whitespace:
            text = bare.rstrip(string.whitespace)
        level = len(m.group("atx_1"))
        state.append_token({"type": "heading", "text": text, "attrs": {"level": level}, "style": "atx"})
        return m.end() + 1


_MARKDOWN = mistune.Markdown(block=LineParser(max_nested_level=MAX_NESTED_LEVEL), plugins=[gfm_tables])


def parse_blocks(text: str) -> tuple[Block, ...]:
    """The blocks of a document; line numbers count \\n, \\r\\n and \\r as one line ending each."""
    return _blocks(*parse_tokens(text))


def parse_tokens(text: str) -> tuple[list[dict[str, Any]], dict[int, int]]:
    """The same as mistune's own tokens, inline text not yet parsed.

    Each has the `line` where it begins, but for items of lists: those are told by the id() of their `children`.
    """
    state = LineState()
    state.process(text.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") + "\n")
    _MARKDOWN.block.parse(state)
    return state.tokens, state.env.get("items", {})


def parse_inline(text: str) -> Iterator[dict[str, Any]]:
    """The inline tokens of a cell's text, those inside others too."""
    pending = list(_MARKDOWN.inline(text, {"ref_links": {}}))
    while pending:
        token = pending.pop()
        yield token
        pending += token.get("children", ())


def _blocks(tokens: list[dict[str, Any]], items: dict[int, int]) -> tuple[Block, ...]:
    made = (_block(token, items) for token in tokens)
    return tuple(block for block in made if block is not None)


def _block(token: dict[str, Any], items: dict[int, int]) -> Block | None:
    kind, line = token["type"], token.get("line", 0)
    text = token.get("text", token.get("raw", ""))
    end = line + text.rstrip("\n").count("\n")
    if kind in ("paragraph", "block_text"):
        return Block("paragraph", line, end, text)
    if kind == "heading":
        return Block("heading", line, end, text, level=token["attrs"]["level"])
    if kind == "block_html":
        return Block("html", line, end, text)
    if kind == "block_code":
        first = line + 1 if token["style"] == "fenced" else line
        return Block("code", first, first + text.rstrip("\n").count("\n"), text)
    if kind == "table":
        rows = tuple(token["rows"])
        return Block("table", line, line + 1 + len(rows), head=token["head"], rows=rows)
    if kind in ("list", "list_item", "block_quote"):
        children = _blocks(token["children"], items)
        if kind == "list_item":
            line = items[id(token["children"])]
        end = max((child.end_line for child in children), default=line)
        name: Kind = {"list": "list", "list_item": "item", "block_quote": "quote"}[kind]  # type: ignore[assignment]
        return Block(name, line, end, children=children)
    return None
