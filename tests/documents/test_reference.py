"""Tables and task items held against GitHub's own reader, cmark-gfm, with their line numbers.

Where cmark-gfm is known to be alone, the difference has a name and a test here; everything else has to be equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from cmarkgfm.cmark import Options, markdown_to_html_with_extensions
from hypothesis import assume, given
from hypothesis import strategies as st

from app.documents.markdown import Block, parse_blocks
from app.documents.templates import TEMPLATES, Incident, render
from tests.documents import styles_exports, styles_tables, styles_text, test_lint_rules, test_markdown
from tests.documents.fuzz import fuzzed
from tests.documents.marked import unmark

ROOT = Path(__file__).parents[2]
CORPUS = ROOT.parent / "shared" / "corpus" / "files"
_BOX = re.compile(r"\[[ xX]\][ \t]+\S")
_DELIMITER = re.compile(r"[ >]{0,8}[-:|][-:| \t]*-[-:| \t]*")

# (line, cells) of every row of a table, and the line of every task item.
Facts = tuple[list[tuple[int, int]], list[int]]


class Page(HTMLParser):
    """cmark-gfm's page with the source positions that it gives."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: list[tuple[int, int]] = []
        self.tasks: list[int] = []
        self.items: list[int] = []
        self.feed(markdown_to_html_with_extensions(text, Options.CMARK_OPT_SOURCEPOS, ["table", "tasklist"]))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        line = int((dict(attrs).get("data-sourcepos") or "0").split(":")[0])
        if tag == "tr":
            self.rows.append((line, 0))
        elif tag in ("td", "th"):
            self.rows[-1] = (self.rows[-1][0], self.rows[-1][1] + 1)
        elif tag == "li":
            self.items.append(line)
        elif tag == "input":
            self.tasks.append(self.items[-1])

    def handle_endtag(self, tag: str) -> None:
        if tag == "li":
            self.items.pop()


def theirs(text: str) -> Facts:
    page = Page(text)
    return page.rows, page.tasks


def ours(text: str) -> Facts:
    """What we read, said as cmark-gfm says it: two of the named differences are put right here."""
    rows: list[tuple[int, int]] = []
    tasks: list[int] = []
    for block, before, quoted in walk(parse_blocks(text)):
        if block.kind == "table":
            assert block.head is not None
            width = len(block.head.cells)
            # header-after-text: cmark-gfm gives the header the first line of the paragraph that it ended.
            touching = before is not None and before.kind == "paragraph" and before.end_line == block.line - 1
            rows.append((before.line if before and touching else block.line, width))
            rows += [(row.line, width) for row in block.rows]
        # task-in-quote: cmark-gfm draws no boxes in quotes.
        task = block.kind == "item" and block.children and block.children[0].kind == "paragraph" and not quoted
        if task and _BOX.match(block.children[0].text):
            tasks.append(block.line)
    return rows, tasks


def walk(blocks: tuple[Block, ...], quoted: bool = False) -> Iterator[tuple[Block, Block | None, bool]]:
    before: Block | None = None
    for block in blocks:
        yield block, before, quoted
        yield from walk(block.children, quoted or block.kind == "quote")
        before = block


def documents() -> dict[str, str]:
    """Every document that the tests have."""
    found = {f"style: {name}": unmark(text)[0] for name, text in STYLES.items()}
    found |= {f"template: {name}": render(name, Incident("Title", "2026-11-21")) for name in TEMPLATES}
    found |= {str(file.relative_to(ROOT)): file.read_text() for file in (ROOT / "tests/world/sample").rglob("*.md")}
    return found | {"lint": test_lint_rules.GOOD}


STYLES = styles_text.STYLES | styles_tables.STYLES | styles_exports.STYLES
DOCUMENTS = documents()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_of_the_tests_are_read_as_both_references_read_them(name: str) -> None:
    # Neither reference knows front matter: its lines are blank to them, as they are to our blocks.
    text = re.sub(r"\A---\n.*?\n---\n", lambda m: "\n" * m.group(0).count("\n"), DOCUMENTS[name], flags=re.S)
    assert ours(text) == theirs(text)
    test_markdown.same(text)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")
def test_real_documents_are_read_as_cmark_gfm_reads_them() -> None:
    files = sorted(CORPUS.glob("*/*.md"))
    assert files
    for file in files:
        assert ours(file.read_text()) == theirs(file.read_text()), file.name


# Text after a list ends it: a table that would lazily continue an item's paragraph is one of the differences.
END = "end\n\n"
LISTS = ["- item\n\n", "1. one\n\n", "- [ ] task\n\n", "- [x] done\n\n", "- a\n  - [X] nested\n\n", "- [ ]\n\n"]
LISTS += ["> - [ ] q\n\n", "> | a | b |\n> |---|---|\n> | c | d |\n\n", "2) [x]\tt\n\n", "- [ ]  two\n\n"]
LISTS += ["- [ ] t\n\n  | a | b |\n  |---|---|\n  | c | d |\n\n", "- [ ] a\n- [x] b\n  text\n- c\n\n"]
PIECES = ["| a | b |\n", "|---|---|\n", "| c |\n", "| d | e \\| f | g |\n", "x | y\n", "-|-\n", "text\n", "\n", "# H\n"]
PIECES += [
    "```\n",
    "===\n",
    "| `a|b` | c |\n",
    "<b>x</b>\n",
    "**bold**\n",
    "<!--\n",
    "  | e | f |\n",
    "|a|\n|-|\n|b|\n",
]
PIECES += [piece + END for piece in LISTS]


@fuzzed(400)
@given(st.lists(st.sampled_from(PIECES), max_size=14))
def test_generated_documents_are_read_as_cmark_gfm_reads_them(pieces: list[str]) -> None:
    text = "".join(pieces)
    assume(not two_delimiters(text))
    assert ours(text) == theirs(text), text


def two_delimiters(text: str) -> bool:
    """Whether two lines that could be a table's second stand in one stretch of lines."""
    stretches = re.split(r"\n[ \t]*\n", text)
    return any(sum(bool(_DELIMITER.fullmatch(line)) for line in part.split("\n")) > 1 for part in stretches)


@pytest.mark.parametrize(
    ("difference", "text", "we_read", "it_reads"),
    [
        # The delimiter that does not fit ends cmark-gfm's search in this paragraph; markdown-it-py goes on, as we do.
        ("two-delimiters", "text\n-|-\n|---|---|\n| c | d |\n", ([(1, 2), (4, 2)], []), ([], [])),
        # Without a pipe in its header we and markdown-it-py see no table.
        ("header-without-pipe", "text\n|-|\n", ([], []), ([(1, 1)], [])),
        # A row of one pipe has no cell; cmark-gfm ends the table, markdown-it-py and we go on.
        ("row-of-one-pipe", "|a|\n|-|\n|\n", ([(1, 1), (3, 1)], []), ([(1, 1)], [])),
        # Both references take the lines for a paragraph of the item; we see the table and call it not safe (in-list).
        ("lazy-table", "- x\n\n  | e | f |\n-|-\n", ([(3, 2)], []), ([], [])),
    ],
)
def test_named_differences_are_as_they_are_named(difference: str, text: str, we_read: Facts, it_reads: Facts) -> None:
    assert (ours(text), theirs(text)) == (we_read, it_reads), difference


def test_boxes_in_quotes_and_headers_after_text_are_the_differences_that_ours_puts_right() -> None:
    assert theirs("> - [ ] q\n") == ([], [])
    assert [block.kind for block, _, quoted in walk(parse_blocks("> - [ ] q\n")) if quoted] == [
        "list",
        "item",
        "paragraph",
    ]
    after_text = "text\n| a |\n|---|\n"
    assert theirs(after_text) == ([(1, 1)], [])
    assert [block.line for block, _, _ in walk(parse_blocks(after_text)) if block.kind == "table"] == [2]
