"""What the headings above an item say about it: is this work to be done, is it done already, how urgent is it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from app.documents import words
from app.documents.classify import priority_of, status_of
from app.documents.model import Status
from app.documents.phrases import said
from app.documents.text import LABEL_LIMIT, fold, plain
from app.documents.vocabulary import Vocabulary, vocabulary

Meaning = Literal["action", "mixed", "decoy", "neutral"]

_NUMBERING = re.compile(
    r"^(?:[^\w]+|(?:section|part|partie|step|etape|phase)\s+[0-9ivx]+\b|[0-9]+(?:\.[0-9]+)*[.):]*(?=\s|$)|[ivx]+[.):]\s|[a-z][.)]\s)+"
)
_ASIDE = re.compile(r"[(\[（【]([^()\[\]（）【】]*)[)\]）】]")
_SPLIT = re.compile(r"\s*(?:/|&|\+|,|・|、|\band\b|\bet\b|\bund\b|\by\b)\s*")
_TAIL = re.compile(r"\s+-+\s+|:\s+")
_PREPOSITION = re.compile(
    r"\s+(?:for|to|of|from|on|in|by|after|pour|de|du|des|a|we|that|and|items?|list|tracking|tracker)\b"
)
_HEADING_STATUS = re.compile(r"^(completed|done|closed|finished|open|pending|remaining|outstanding|planned)\b")

_FILLER = re.compile(r"^(?:(?:all|everything|both|already|now|currently)\s+)+")
_ENDS_DONE = re.compile(r"\s(done|completed|applied|implemented|landed|deployed|shipped|resolved|fixed|made|finished)$")


@dataclass(frozen=True)
class Section:
    """One heading: `meaning` and `status` are its own words' or, where they say nothing, the ones of its parent.

    `hold` is the reason that keeps everything under it from a machine: somebody put it off.
    """

    level: int = 0
    title: str = ""
    line: int = 0
    meaning: Meaning = "neutral"
    own: Meaning = "neutral"
    status: Status | None = None
    priority: str | None = None
    hold: str = ""
    due: str | None = None


@dataclass
class Outline:
    """The headings open at a point of the document, outermost first."""

    stack: list[Section] = field(default_factory=list)
    titled: bool = False

    def enter(self, level: int, text: str, line: int) -> Section:
        """Open a heading and close those of its level and deeper. The document's own title means nothing."""
        while self.stack and self.stack[-1].level >= level:
            self.stack.pop()
        own: Meaning = "neutral"
        status: Status | None = None
        parent = self.current
        if self.titled or level > 1:
            own, status = heading_meaning(text, under=parent.meaning), heading_status(text)
            if own == "neutral" and parent.meaning == "neutral" and _postponed(text):
                own = "action"
        self.titled = self.titled or level == 1
        meaning = parent.meaning if own == "neutral" else own
        if parent.meaning == "decoy" and own == "mixed":
            meaning = "decoy"
        section = Section(
            level=level,
            title=plain(text),
            line=line,
            meaning=meaning,
            own=own,
            status=status or parent.status,
            priority=_priority(text) or parent.priority,
            due=_horizon(text) or parent.due,
            hold=parent.hold or ("section-on-hold" if words.ON_HOLD.search(fold(text)) else ""),
        )
        self.stack.append(section)
        return section

    @property
    def parent(self) -> Section:
        """The section around the one entered last."""
        return self.stack[-2] if len(self.stack) > 1 else Section()

    @property
    def current(self) -> Section:
        return self.stack[-1] if self.stack else Section()


def heading_meaning(text: str, under: Meaning = "neutral") -> Meaning:
    """Whether a heading announces work, something that only looks like it, both ("Lessons / follow-ups"), or neither.

    Under work, a topic like "impact" is a decoy only alone: "### Reduce the impact" is a kind of work.
    """
    return _meaning(text[:LABEL_LIMIT], under, vocabulary())


@lru_cache(maxsize=1024)
def _meaning(text: str, under: Meaning, _words: Vocabulary) -> Meaning:
    """The same headings stand in one post-mortem after the other; the words are those that `vocabulary` gives."""
    label = " ".join(_ASIDE.sub(" ", fold(text)).split())
    head, *tail = _TAIL.split(_NUMBERING.sub("", label), maxsplit=1)
    alone = under == "action"
    meaning = _parts_meaning(head, alone)
    if meaning == "neutral" and tail and len(tail[0].split()) <= 5:
        meaning = _parts_meaning(tail[0], alone)
    return meaning


def heading_status(text: str) -> Status | None:
    """The status that a heading gives to what stands under it: "Remediation (Applied)", "Alerting - DEFERRED"."""
    label = fold(text)
    hints = _ASIDE.findall(label) + _TAIL.split(_ASIDE.sub(" ", label).strip())[1:]
    for hint in hints:
        status = said(_FILLER.sub("", hint.strip()))
        if status in ("open", "done"):
            return status
    bare = _NUMBERING.sub("", label)
    m = _HEADING_STATUS.match(bare) or _ENDS_DONE.search(bare)
    if m:
        return status_of(m.group(1))
    return status_of(bare) if bare in vocabulary().done or bare in vocabulary().opened else None


def _postponed(text: str) -> bool:
    """Whether a heading says in brackets or after a dash that its own subject was put off: "Alerting (DEFERRED)"."""
    label = fold(text)
    hints = _ASIDE.findall(label) + _TAIL.split(_ASIDE.sub(" ", label).strip())[1:]
    return any(words.POSTPONED.search(hint) and status_of(hint) == "open" and len(hint.split()) <= 6 for hint in hints)


def _parts_meaning(label: str, alone: bool) -> Meaning:
    found = {_part_meaning(part, alone) for part in _SPLIT.split(label) if part}
    if "decoy" in found:
        return "mixed" if "action" in found else "decoy"
    return "action" if "action" in found else "neutral"


def _part_meaning(part: str, alone: bool) -> Meaning:
    if words.DECOY_TURNS.search(part):
        return "decoy"
    if words.ACTION_PHRASES.search(part):
        return "action"
    for m in vocabulary().headings.pattern.finditer(part):
        before, after = part[: m.start()].split(), part[m.end() :]
        if not m.group(0).isascii() or (not after.strip(" :.!") and len(before) <= 4):
            return "action"
        if not before and _PREPOSITION.match(after):
            return "action"
    decoy = part.strip(" :.") in words.DECOY_HEADINGS if alone else words.DECOY_HEADINGS.search(part)
    return "decoy" if decoy else "neutral"


def _horizon(text: str) -> str | None:
    """Until when, from a heading like "Immediate (next 30 minutes)": what stands in its brackets, or all of it."""
    label = plain(text)
    if not words.HORIZONS.search(fold(label)) or len(label.split()) > 6:
        return None
    aside = _ASIDE.search(label)
    if not aside:
        return re.sub(r"^\W+", "", label)
    told = fold(aside.group(1))
    return None if words.POSTPONED.search(told) or said(told) == "done" else aside.group(1).strip()


def _priority(text: str) -> str | None:
    label = fold(text)
    return priority_of(label) if re.match(r"^\W*(?:p[0-4]\b|(?:critical|high|medium|low)\b.{0,12}$)", label) else None
