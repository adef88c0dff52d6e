"""Arbitrary bytes to everything that reads or changes a document: no crash, no hang, work in proportion to size."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.edit import fill_follow_up, mark_done
from app.documents.lint import lint
from app.documents.lint.fixes import apply_fixes
from app.documents.model import FollowUpRow
from app.documents.parse import FILE_LIMIT, LINE_LIMIT, parse
from app.documents.present import to_json
from app.errors import BadInput, Refused
from bench.shapes import SHAPES
from tests.documents import styles_exports, styles_tables, styles_text, test_lint_rules
from tests.documents.checks import HEAD, check_filling, check_marking
from tests.documents.fuzz import fuzzed
from tests.documents.marked import unmark

ROOT = Path(__file__).parents[2]
STYLES = styles_text.STYLES | styles_tables.STYLES | styles_exports.STYLES
SEEDS = [unmark(text)[0].encode() for text in STYLES.values()] + [test_lint_rules.GOOD.encode()]
# What documents break at: ends of lines, of cells, of characters; what opens something; what cannot be seen.
BITS = [
    b"|",
    b"\\|",
    b"\\",
    b"\n",
    b"\r",
    b"\r\n",
    b"\t",
    b"\0",
    b"---\n",
    b"```\n",
    b"<!--",
    b"-->",
    b"<details>",
    b"[ ]",
]
BITS += [
    b"[x]",
    b"**",
    b"~~",
    b"`",
    b"> ",
    b"- ",
    b"1. ",
    b"# ",
    b": ",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\x8b",
    b"\xed\xa0\x80",
]
BITS += [
    "\u202e\U000e0041\u0430日：".encode(),
    b"\xef\xbb\xbf",
    b"&#8203;",
    b"<br>",
    b"https://x.test/",
    b" " * 40,
    b"OPS-1",
]
BITS += [b"Action: x\nOwner: y\n", b"| P1 | Add it | Alert | d | TODO |\n", HEAD.encode(), b"TODO", b"Done", b"10:05 "]


@st.composite
def changed(draw: st.DrawFn) -> bytes:
    """A document of the tests with a few pieces taken out, doubled, moved or put in."""
    data = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(data)))
        end = min(len(data), at + draw(st.sampled_from([0, 0, 1, 2, 10, 80])))
        data = data[:at] + draw(st.sampled_from([b"", data[at:end] * 2, *BITS])) + data[end:]
    return data


ANYTHING = st.one_of(st.binary(max_size=400), st.lists(st.sampled_from(BITS), max_size=40).map(b"".join), changed())


@fuzzed(250)
@given(ANYTHING)
def test_any_bytes_are_read_marked_and_filled_or_refused(data: bytes) -> None:
    try:
        document = parse(data, "x.md")
    except BadInput as error:
        assert error.reason in ("not-utf8", "too-large")
        for change in (lambda: mark_done(data, "x"), lambda: fill_follow_up(data, [ROW]), lambda: lint(data, "x.md")):
            with pytest.raises(BadInput):
                change()
        return
    json.dumps(to_json(document)).encode()
    for item in document.items:
        assert item.reason or item.safe or item.status == "done"
        assert not item.safe or item.declared.type in ("Alert", "Config", "Monitor")
    check_marking(data)
    check_filling(data)


ROW = FollowUpRow("1", "Add alert", "P1", "Alert", False)


@fuzzed(250)
@given(ANYTHING, st.text(max_size=30))
def test_any_bytes_are_linted_and_fixed_or_refused(data: bytes, name: str) -> None:
    try:
        found = lint(data, name)
        fixed, count = apply_fixes(data, name)
    except (BadInput, Refused):
        return
    assert (fixed == data) == (count == 0)
    assert sum(finding.edit is not None for finding in found) >= count
    assert all(finding.line >= 1 and finding.text and finding.why for finding in found)


def calls(work: Callable[[], object]) -> int:
    """How many functions, ours and built-in ones, a piece of work calls: a measure that no other process disturbs."""
    count = 0

    def watch(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


@pytest.mark.parametrize("read", [parse, lint], ids=["parse", "lint"])
@pytest.mark.parametrize("shape", SHAPES)
def test_twice_the_document_is_twice_the_work(shape: str, read: Callable[[bytes, str], object]) -> None:
    once, twice = (SHAPES[shape](n).encode() for n in (200, 400))
    read(twice, "x.md")
    assert calls(lambda: read(twice, "x.md")) <= 2.2 * calls(lambda: read(once, "x.md")) + 500


# Regular expressions do their work inside one call, so the largest documents have to end too. The limit is not a
# measure: all of them take some seconds, and one that takes more than linear time would take hours.
HANG = 240
READ_ALL = """
import sys
from app.documents.lint import lint
from app.documents.parse import FILE_LIMIT, LINE_LIMIT, parse
from bench.shapes import SHAPES
for name, shape in SHAPES.items():
    sizes = (shape(n).encode() for n in range(20_000, 0, -250))
    data = next(d for d in sizes if len(d) <= FILE_LIMIT and d.count(b"\\n") <= LINE_LIMIT)
    parse(data, "x.md")
    lint(data, "x.md")
    print(name)
"""


@pytest.mark.thorough
def test_the_largest_hostile_documents_end() -> None:
    assert (FILE_LIMIT, LINE_LIMIT) == (256 * 1024, 10_000)
    done = subprocess.run(
        [sys.executable, "-c", READ_ALL], cwd=ROOT, capture_output=True, text=True, timeout=HANG, check=False
    )
    assert done.stderr == "" and done.stdout.splitlines() == list(SHAPES)
