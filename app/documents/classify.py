"""Words into types, priorities and statuses.

Understanding is generous, safety is not: `safe_type` and `safe_status` compare the very characters in the document,
everything else only decides what a reader is told.
"""

from __future__ import annotations

import re

from app.documents import words
from app.documents.model import HUMAN_TYPES, SAFE_TYPES, Status
from app.documents.text import fold, resembles
from app.documents.vocabulary import vocabulary

_DONE_SIGNS = re.compile("[✅☑✔✓🎉🟢]")
_OPEN_SIGNS = re.compile("[⬜☐🔲❌✗✘⏳⌛🔄🚧🟡🔴🟠📋🕒⏸⚪]")
_BOX = re.compile(r"\[([^\[\]])\]")
_PRIORITY = re.compile(r"(?<![a-z0-9])p[ -]?([0-4])(?![a-z0-9])")
_PERCENT = re.compile(r"(\d{1,3}) ?%")
_PLACEHOLDER = re.compile(r"\[[^\[\]()]{0,200}\]|<[^<>]{0,200}>|\{[^{}]{0,200}\}")
_NOTHING = re.compile(
    r"^(?:no|none)\b.{0,12}\b(?:action|actions|follow[ -]?ups?|action items|todos?)\b.{0,20}$|^none\b.{0,12}$"
)
_STATUS_LIMIT = 160
_SAFE_STATUSES = ("todo", "to do", "to-do", "open", "pending", "not started", "not done")


def status_of(text: str) -> Status | None:
    """What a status cell or a status phrase says; None when it says nothing at all."""
    label = fold(text[:_STATUS_LIMIT])
    if label in ("", "-", "?", "..."):
        return None
    box = _BOX.search(label)
    if box:
        return {" ": "open", "x": "done", "v": "done"}.get(box.group(1), "unclear")  # type: ignore[return-value]
    if label in ("yes", "y", "x", "oui", "v"):
        return "done"
    if label in ("no", "n", "non"):
        return "open"
    denied = words.NOT_DONE.search(label)
    rest = words.NOT_DONE.pattern.sub(" ", label)
    opened, closed = vocabulary().opened.search(rest), vocabulary().done.search(rest)
    done = bool(_DONE_SIGNS.search(text) or closed or _percent(label) == 100)
    still_open = bool(_OPEN_SIGNS.search(text) or denied or opened or 0 <= _percent(label) < 100)
    if done and still_open:
        first = min(m.start() for m in (denied, opened) if m) if denied or opened else 0
        leads = bool(_OPEN_SIGNS.match(text.strip())) or (
            (denied or opened) and first <= (closed.start() if closed else -1)
        )
        return "open" if leads and not _DONE_SIGNS.search(text) else "unclear"
    if done:
        return "unclear" if words.PARTIAL.search(rest) else "done"
    return "open" if still_open else "unclear"


def priority_of(text: str) -> str | None:
    """P0 to P3 for a priority in figures or words; None for anything else."""
    label = fold(text)
    m = _PRIORITY.search(label)
    if m:
        return f"P{min(int(m.group(1)), 3)}"
    return next((name for name, choices in words.PRIORITIES.items() if choices.search(label)), None)


def type_of(action: str) -> str | None:
    """The type that the action's words suggest; a suggestion never makes an item safe."""
    label = fold(action)
    return next((name for name, choices in words.TYPES if choices.search(label)), None)


def unsafe_type(declared: str | None) -> str:
    """Why a declared type does not make an item safe; empty for exactly Alert, Config or Monitor.

    `declared` is the cell with blanks and tabs removed from its ends, nothing else done to it.
    """
    if declared is None or declared == "":
        return "type-not-declared"
    if declared in SAFE_TYPES:
        return ""
    if declared in HUMAN_TYPES:
        return "type-needs-human"
    return "lookalike-characters" if resembles(declared, SAFE_TYPES) else "type-unknown"


def unsafe_status(declared: str | None) -> str:
    """Why a declared status is not plainly open; empty when it is, or when the table has no status column."""
    if declared is None:
        return ""
    bare = declared.strip("*_").casefold()
    if (declared.isascii() and bare in _SAFE_STATUSES) or bare in vocabulary().said_open:
        return ""
    return "lookalike-characters" if resembles(declared, ("TODO", "Open", "Pending")) else "status-unclear"


def is_empty(text: str) -> bool:
    """Whether a cell or an item says nothing: blank, a dash, "none", a placeholder in brackets."""
    label = fold(text).strip("_*() .")
    return label in words.EMPTY or bool(_PLACEHOLDER.fullmatch(text.strip(" *_`"))) or bool(_NOTHING.match(label))


def _percent(label: str) -> int:
    m = _PERCENT.search(label)
    return int(m.group(1)) if m else -1
