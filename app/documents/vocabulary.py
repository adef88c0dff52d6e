"""The words that a document is read with: the built-in ones, and the synonyms that a configuration adds to them.

A document is read under one vocabulary from its first block to its last, so it is set once around the reading and
asked for where a word is compared; nothing else of a reading depends on it. Type words cannot be added: what a
machine may do is called Alert, Config or Monitor in every language.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from app.documents import labels, words
from app.documents.text import Words, fold

WORD_LIMIT = 60
_COLUMNS = ("action", "status", "type", "priority", "owner", "due", "details", "issue")
# What a synonym may be added to: columns by their role, the words of a status, headings of work to be done.
KINDS = (*_COLUMNS, "open", "done", "heading")
# Headers that are an action or its details already where the table has no better column.
_UNDECIDED = "weak"


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """What may differ from one configuration to another.

    `said_open` are the added status words that are plainly open, compared letter by letter but for case. Two are the
    same only as the same object, so that what is worked out under one can be kept for it.
    """

    columns: Mapping[str, Words]
    fields: Mapping[str, Words]
    opened: Words
    done: Words
    headings: Words
    plainly_open: Words
    said_open: frozenset[str] = frozenset()
    fingerprint: str = ""


BUILT_IN = Vocabulary(
    columns=MappingProxyType(labels.COLUMNS),
    fields=MappingProxyType(labels.FIELDS),
    opened=words.OPEN,
    done=words.DONE,
    headings=words.ACTION_HEADINGS,
    plainly_open=words.PLAINLY_OPEN,
)
_IN_USE: ContextVar[Vocabulary] = ContextVar("vocabulary", default=BUILT_IN)


def vocabulary() -> Vocabulary:
    """The vocabulary of the document that is being read."""
    return _IN_USE.get()


@contextmanager
def reading_with(chosen: Vocabulary) -> Iterator[None]:
    """Read what is read inside with this vocabulary."""
    token = _IN_USE.set(chosen)
    try:
        yield
    finally:
        _IN_USE.reset(token)


def vocabulary_with(synonyms: Mapping[str, Sequence[str]]) -> Vocabulary:
    """The built-in vocabulary with synonyms added to it: {kind: words}, the kinds being `KINDS`.

    Raises ValueError, naming the kind and the word, for a kind that does not exist, a word without a letter or on more
    than 60 characters, and a word that means something else already, built in or among the synonyms.
    """
    return _made(tuple((kind, tuple(added)) for kind, added in sorted(synonyms.items())))


@lru_cache(maxsize=16)
def _made(synonyms: tuple[tuple[str, tuple[str, ...]], ...]) -> Vocabulary:
    unknown = [kind for kind, _ in synonyms if kind not in KINDS]
    if unknown:
        raise ValueError(f"{unknown[0]} is nothing that has synonyms; there are {', '.join(KINDS)}")
    added = {kind: frozenset(_word(kind, word) for word in chosen) for kind, chosen in synonyms}
    for kind, chosen in added.items():
        for word in sorted(chosen):
            _only_meaning(kind, word, added)
    if not any(added.values()):
        return BUILT_IN
    columns = {
        role: _joined(known, added.get("issue" if role == "tracker" else role))
        for role, known in labels.COLUMNS.items()
    }
    fields = {name: _joined(known, added.get(name)) for name, known in labels.FIELDS.items()}
    spelt = (word for kind, chosen in synonyms if kind == "open" for word in chosen)
    return Vocabulary(
        columns=MappingProxyType(columns),
        fields=MappingProxyType(fields),
        opened=_joined(words.OPEN, added.get("open")),
        done=_joined(words.DONE, added.get("done")),
        headings=_joined(words.ACTION_HEADINGS, added.get("heading")),
        plainly_open=_joined(words.PLAINLY_OPEN, added.get("open")),
        said_open=frozenset(" ".join(word.split()).casefold() for word in spelt),
        fingerprint=json.dumps([[kind, sorted(chosen)] for kind, chosen in synonyms]),
    )


def _word(kind: str, word: str) -> str:
    if "," in word or not any(char.isalnum() for char in word) or len(word) > WORD_LIMIT:
        raise ValueError(f"{kind}: {word[:WORD_LIMIT]!r} is no word of 1 to {WORD_LIMIT} characters without a comma")
    return fold(word).strip(" :?")


def _only_meaning(kind: str, word: str, added: Mapping[str, frozenset[str]]) -> None:
    """ValueError when a word means something else than its kind where both are looked for."""
    meanings = {other: chosen for other, chosen in _meanings(kind).items() if other != kind}
    built_in = [other for other, chosen in meanings.items() if word in chosen]
    synonym = [other for other, chosen in added.items() if other in meanings and word in chosen]
    if built_in or synonym:
        raise ValueError(f"{kind}: {word!r} means {(built_in + synonym)[0]} already")


def _meanings(kind: str) -> dict[str, Words]:
    """Everything that a word of this kind could be taken for, itself among it."""
    if kind in ("open", "done"):
        return {"open": words.OPEN, "not done": words.NOT_DONE, "done": words.DONE, "partly done": words.PARTIAL}
    if kind == "heading":
        return {"heading": words.ACTION_HEADINGS, "no work": words.DECOY_HEADINGS, "a record": words.DECOY_TURNS}
    roles = {"issue" if role == "tracker" else role: known for role, known in labels.COLUMNS.items()}
    if kind in ("action", "details"):
        del roles[_UNDECIDED]
    return {**roles, "a log": labels.LOG_COLUMNS}


def _joined(known: Words, added: frozenset[str] | None) -> Words:
    return Words(known.words | added) if added else known
