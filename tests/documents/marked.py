"""Documents whose lines say what has to be found there: `o>` an open item, `d>` a done one, `u>` an unclear one."""

from __future__ import annotations

import re

from app.documents.model import Document
from app.documents.parse import parse

_MARK = re.compile(r"^([odu])>", re.MULTILINE)
_STATUS = {"o": "open", "d": "done", "u": "unclear"}


def unmark(text: str) -> tuple[str, dict[int, str]]:
    """The document without its marks, and the status expected of the item on each marked line."""
    expected = {}
    for number, line in enumerate(text.split("\n"), start=1):
        m = _MARK.match(line)
        if m:
            expected[number] = _STATUS[m.group(1)]
    return _MARK.sub("", text), expected


def found_in(document: Document) -> dict[int, str]:
    """The status of the item on each line that has one."""
    return {item.line: item.status for item in document.items}


def read(text: str, file: str = "docs/post-mortems/2026-04-14-example.md") -> Document:
    """The document parsed from text."""
    return parse(text.encode(), file)
