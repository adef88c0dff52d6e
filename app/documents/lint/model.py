"""What a rule is, what it says, and what it would change."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from app.documents.text import visible

if TYPE_CHECKING:
    from app.documents.lint.paper import Paper

Level = Literal["error", "warning"]
_QUOTE_LIMIT = 60


@dataclass(frozen=True)
class Limits:
    """The thresholds that a configuration may move."""

    report_hours: float = 48


@dataclass(frozen=True)
class Edit:
    """Replace the characters `start` to `end` of a 1-based source line."""

    line: int
    start: int
    end: int
    value: str


@dataclass(frozen=True)
class Remark:
    """What a rule found: the 1-based line, what is wrong there, and the edit where only one is right."""

    line: int
    text: str
    edit: Edit | None = None


@dataclass(frozen=True)
class Rule:
    """One rule. `reads` says which part of a document it looks at, `why` what a breach costs.

    `certain` is how far its fix goes, empty for a rule without one. An error is a breach that is beyond doubt, a
    warning is one that a person may judge otherwise.
    """

    id: str
    level: Level
    reads: str
    why: str
    check: Callable[[Paper], Iterable[Remark]]
    certain: str = ""


@dataclass(frozen=True)
class Finding:
    """A remark with the rule that made it and the file that it is about."""

    file: str
    line: int
    rule: str
    level: Level
    text: str
    why: str
    edit: Edit | None = None


def quoted(text: str) -> str:
    """Words of a document for a message: on one line, short, without characters that cannot be seen.

    It is cut between words only: half a token would no longer look like one to the redactor.
    """
    words = visible(text[: 4 * _QUOTE_LIMIT]).split()
    whole = len(text) <= 4 * _QUOTE_LIMIT
    kept, length = [], 0
    for word in words if whole else words[:-1]:
        length += len(word) + 1
        if length > _QUOTE_LIMIT:
            break
        kept.append(word)
    return f"“{' '.join(kept)}{'' if whole and len(kept) == len(words) else '…'}”"
