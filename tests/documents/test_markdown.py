"""The Markdown below everything: mistune with our positions and tables, held against markdown-it-py."""

from __future__ import annotations

import pathlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from app.documents.markdown import Block, Source, parse_blocks
from tests.documents.fuzz import fuzzed

REFERENCE = MarkdownIt("commonmark", {"html": True}).enable("table").disable("inline").disable("reference")
CORPUS = pathlib.Path(__file__).parents[3] / "shared" / "corpus" / "files"

Fact = tuple[str, int, object]


def ours(blocks: tuple[Block, ...]) -> Iterator[Fact]:
    for block in blocks:
        if block.kind == "heading":
            yield "heading", block.line, block.level
        elif block.kind == "item":
            yield "item", block.line, None
        elif block.kind == "table":
            assert block.head is not None
            width = len(block.head.cells)
            for row in (block.head, *block.rows):
                texts = [cell.text for cell in row.cells] + [""] * width
                yield "row", row.line, tuple(texts[:width])
        yield from ours(block.children)


def theirs(text: str) -> Iterator[Fact]:
    row: list[str] | None = None
    for token in REFERENCE.parse(text):
        line = token.map[0] + 1 if token.map else 0
        if token.type == "heading_open":
            yield "heading", line, int(token.tag[1])
        elif token.type == "list_item_open":
            yield "item", line, None
        elif token.type == "tr_open":
            row, at = [], line
        elif token.type == "inline" and row is not None:
            row.append(token.content)
        elif token.type == "tr_close" and row is not None:
            yield "row", at, tuple(row)
            row = None


def same(text: str) -> None:
    assert list(ours(parse_blocks(text))) == list(theirs(text)), text


@pytest.mark.parametrize(
    "text",
    [
        "| a | b |\n|---|---|\n| c | d |\n",
        "a | b\n- | -\nc | d\n",
        "| a | b\n|:-:|--:\n| c\n| c | d | e |\n| f | g |\nno pipe\n\nafter",
        "| a |\n|---|\n| b |\n",
        "|a|\n|-|\n|b|c|\n| |\n||\n|\n",
        "| a | b |\n|---|\n| c | d |\n",
        "| a `x | y` |\n|---|---|\n| \\| | `\\|` | \\\\| |\n",
        "text\n| a | b |\n|---|---|\n| c | d |\n# Heading\n",
        "| a | b |\n|---|---|\n| c | d |\n> quote\n",
        "| a | b |\n|---|---|\n| c | d |\n- item\n",
        "| a | b |\n|---|---|\n| c | d |\n```\n| e | f |\n```\n",
        "| a | b |\n|---|---|\n| c | d |\n    | e | f |\n",
        "   | a | b |\n   |---|---|\n  | c | d |\n",
        "- | a | b |\n  |---|---|\n  | c | d |\n- next\n",
        "> | a | b |\n> |---|---|\n> | c | d |\n",
        "1. x\n\n   - y\n     - z\n\n     w\n2. v\n",
        "- \n  x\n-\n- y\n",
        "-\n  | a | b |\n  |---|---|\n  | c | d |\n-\n  # h\n",
        "Title\n=====\n\nb\n- \n\nc\n---\n",
        "| a | b |\r\n|---|---|\r\n| c | d |\r\n\r\n- x\r\n",
        "a\rb\r\r- c\r",
        "<div>\n| a |\n|---|\n</div>\n\n| a |\n|---|\n| b |\n",
        "<!-- x\n\n- y\n-->\n- z\n",
        "\t- code\n\n-\titem\n\n\t- nested\n",
        "* a\n+ b\n- c\n1) d\n2. e\n",
        "# a #\n## b ## c\n###\n####### no\n#no\n",
        "> a\n- b\n> c\n",
        "- a\n> b\n- c\n",
    ],
)
def test_rows_items_and_headings_stand_where_the_reference_says(text: str) -> None:
    same(text)


# A list ends with a blank line here: a table that lazily continues an item's paragraph is read as its table by us and
# as text by the reference, and is reported as not safe either way.
PIECES = ["| a | b |\n", "|---|---|\n", "| c |\n", "| d | e \\| f | g |\n", "x | y\n", "-|-\n", "text\n", "\n", "# H\n"]
PIECES += [
    "- item\n\n",
    "```\n",
    "===\n",
    "| `a|b` | c |\n",
    "<b>x</b>\n",
    "**bold**\n",
    "1. one\n\n",
    "<!--\n",
]


@fuzzed(400)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_generated_tables_are_the_reference_s_tables(pieces: list[str]) -> None:
    text = "".join(pieces)
    mine = [fact for fact in ours(parse_blocks(text)) if fact[0] == "row"]
    assert mine == [fact for fact in theirs(text) if fact[0] == "row"], text


@fuzzed(200)
@given(st.text(alphabet="|-:\\ ab`\n#>*1.\t<!", max_size=60))
def test_any_text_gives_blocks_within_the_text(text: str) -> None:
    lines = len(Source(text).starts)

    def check(blocks: tuple[Block, ...]) -> None:
        for block in blocks:
            assert 1 <= block.line <= max(lines, block.line * (block.kind == "code"))
            check(block.children)

    check(parse_blocks(text))


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")
def test_real_documents_agree_with_the_reference() -> None:
    files = sorted(CORPUS.glob("*/*.md"))
    assert files
    for file in files:
        same(file.read_bytes().decode())


def test_only_line_feeds_and_returns_end_a_line() -> None:
    text = "a\x0bb\x0cc\x1cd\x85e\u2028f\n- g\r\n- h\r- i"
    assert [block.line for block in parse_blocks(text)[1].children] == [2, 3, 4]
    source = Source(text)
    assert [source.line(n) for n in (2, 3, 4)] == ["- g", "- h", "- i"]
