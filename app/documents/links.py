"""Tickets, changes and pages that an item's lines refer to."""

from __future__ import annotations

import re

from app.documents.markdown import Source
from app.documents.text import visible, words_of

MOST_LINKS = 50

# An address; a number with or without its repository; a key such as OPS-7. The parts are bounded, so that the search
# is linear in the line.
_LINK = re.compile(
    r"https?://(?:[^\s<>()|\[\]\"`]|\([^\s<>()|]{0,100}\)){1,500}"
    r"|(?<![\w&/#-])(?:[A-Za-z0-9][\w.-]{0,60}/[\w.-]{1,60})?#[1-9]\d{0,8}(?![\w;])"
    r"|(?<![\w/.@#-])[A-Z][A-Z0-9]{1,9}-[1-9]\d{0,7}(?![\w-])"
)
# Written like a key, but a name with a version, a severity or the item's own number.
_NO_TRACKERS = words_of(
    """SEV, UTF, SHA, ISO, RFC, CVE, CWE, TLS, SSL, AES, RSA, HTTP, MD, GPT, COVID, UTC, GMT, PM, AI, ACTION, ITEM,
    TASK, TODO, STEP, PHASE, RAID, USB, CAT, TIER, LEVEL, TEAM, NODE, HTTPS, SOC, PCI, DSS, RTX, MP"""
).words


def links_in(source: Source, line: int, end_line: int) -> tuple[str, ...]:
    """The addresses and keys in the 1-based lines, each once, in document order; 50 at most."""
    found: dict[str, None] = {}
    for number in range(line, end_line + 1):
        for m in _LINK.finditer(source.line(number)):
            link = visible(m.group(0)).rstrip(".,;:!?*_'\\~")
            if link.partition("-")[0] not in _NO_TRACKERS:
                found.setdefault(link)
            if len(found) == MOST_LINKS:
                return tuple(found)
    return tuple(found)
