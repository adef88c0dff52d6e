"""What the text of an item says about itself: done or open, whose, until when."""

from __future__ import annotations

import re

from app.documents import words
from app.documents.classify import status_of
from app.documents.model import Status
from app.documents.text import fold, plain
from app.documents.vocabulary import vocabulary

_STRUCK = re.compile(r"^[-*_ ]{0,4}~~[^~]+~~[ .*_]*$")
_LEADING_SIGN = re.compile(r"^[-*_ ]{0,4}(\\?\[[^\[\]\\]\\?\](?=\s)|[✅☑✔✓⬜☐🔲❌✗✘⏳⌛🔄🚧])")
_TRAILING_SIGN = re.compile(r"[✅☑✔✓⬜☐🔲❌⏳⌛🔄🚧]\ufe0f?[ .*_]*$")
_LEADING_LABEL = re.compile(r"^[\[(]?([^\[\]():.-]{2,20}?)[\])]?\s*(?::|-\s|\]\s|\)\s)")
_TRAILING_ASIDE = re.compile(r"[\[(]([^\[\]()]{2,120})[\])]\s*[.!]?$")
_BETWEEN_CLAUSES = re.compile(r"[.:;。、]\s|[。:：、]|\s-+>?\s|→\s?|=>\s?")
_DATE = re.compile(r"[\d./-]{6,10}")
_REFERENCE = re.compile(
    r"^(?:\d{4}-\d{2}-\d{2}\s*)?(?:(?:pr|mr|issue|commit|see|in|status|statut)\b\s*:?\s*)?(?:#\d+\s*)?"
)
_CIRCUMSTANCE = re.compile(r"$|(?:in|on|by|via|with|as|for|this|same|see|pr|mr|commit|today)\b|[#\d,;:(\-`@]")
_REPORT = re.compile(
    r"\b(?:has|have|was|were)\s+(?:been\s+|now\s+|since\s+)*([a-z]+)\b|\b(?:is|are)\s+now\b|\bnow\s+[a-z]{2,}s\b"
)
_OWNER = re.compile(
    r"(?:owner|assignee|assigned to|responsible|responsable|担当者?)\s*[:：]\s*(@?[^.,;、。()\[\]]{1,60})", re.I
)
_MENTION = re.compile(r"(?<![\w`/])@([A-Za-z0-9][A-Za-z0-9_-]{0,38})\b(?![./@])")
_DUE = re.compile(
    r"(?:due|deadline|eta|target|by|until|before|期限|échéance|avant)(?:\s+date)?\s*[:：]?\s*(\d{4}-\d{2}-\d{2}[^,;.()。、*（）]{0,20})",
    re.I,
)


def edge_status(text: str) -> Status | None:
    """The status that an item's text carries at its beginning or end; None when it says nothing of itself."""
    if is_struck(text):
        return "done"
    sign = _LEADING_SIGN.match(text) or _TRAILING_SIGN.search(text)
    if sign:
        return status_of(sign.group(0).strip(" *_."))
    label = fold(text) if len(text) <= 300 else fold(text[:150]) + " " + fold(text[-150:])
    lead = _LEADING_LABEL.match(label)
    if lead and (lead.group(1) in vocabulary().done or lead.group(1) in vocabulary().opened):
        return status_of(lead.group(1))
    aside = _TRAILING_ASIDE.search(label)
    endings = [aside.group(1)] if aside and aside.start() > 0 else []
    return next((told for told in map(said, endings + _last_clauses(label)) if told), None)


def _last_clauses(label: str) -> list[str]:
    """What a label ends with after its last stop, colon or dash; the clause before a date that ends it too."""
    parts = [part.strip() for part in _BETWEEN_CLAUSES.split(label.rstrip(". "))]
    ends = parts[-2:] if _DATE.fullmatch(parts[-1]) else parts[-1:]
    return [end for end in reversed(ends) if 1 < len(end) <= 60] if len(parts) > len(ends) else []


def said(phrase: str) -> Status | None:
    """The status of a phrase that begins with a status word and goes on with at most when, where or by whom."""
    bare = _REFERENCE.sub("", phrase.strip())
    if len(phrase.split()) > 14:
        return None
    for choices in (words.NOT_DONE, vocabulary().opened):
        m = choices.search(bare)
        if m and m.start() == 0:
            return status_of(bare)
    m = vocabulary().done.search(bare)
    if m and m.start() == 0 and _CIRCUMSTANCE.match(bare[m.end() :].strip()):
        return status_of(bare)
    return None


def is_struck(text: str) -> bool:
    """Whether the whole text is struck through."""
    return bool(_STRUCK.match(text.strip()))


def tells_past(text: str) -> bool:
    """Whether a bullet reports ("Added an alert", "The probe now checks the body") instead of asking."""
    label = fold(text)
    first = re.match(r"\W*([a-z]+)\b", label)
    if first and first.group(1) in words.PAST_VERBS:
        return True
    return not asks(text) and any(m.group(1) is None or m.group(1) in words.PAST_VERBS for m in _REPORT.finditer(label))


def asks(text: str) -> bool:
    """Whether a bullet begins with an imperative, after a bold label if it has one."""
    label = re.sub(r"^\W*\d+[.):]\s*", "", fold(text))
    first = re.match(r"\W*(?:[^:]{1,40}:\s+)?([a-z]+)\b", label)
    start = re.match(r"\W*([a-z]+)\b", label)
    return any(m and m.group(1) in words.IMPERATIVES for m in (first, start))


def says_done(text: str) -> bool:
    """Whether a remark under an item says that the item was done ("This has been done: ...")."""
    label = re.sub(r"^(?:this|it|that)\s+(?:has been|was|is)\s+", "", fold(text))
    m = vocabulary().done.search(label)
    return bool(m and m.start() == 0 and not words.NOT_DONE.search(label) and not words.PARTIAL.search(label))


def owner_of(text: str) -> str | None:
    """The owner named in an item's text."""
    bare = plain(text)
    m = _OWNER.search(bare) or _MENTION.search(bare)
    return m.group(1).strip() if m else None


def due_of(text: str) -> str | None:
    """The due date named in an item's text."""
    m = _DUE.search(plain(text))
    return m.group(1).strip() if m else None
