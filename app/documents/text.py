"""Words out of Markdown: plain text, folding for comparison, and characters that a reader cannot see."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Long text is never a label; cutting it first keeps every pattern below linear in what matters.
LABEL_LIMIT = 300

_LINK = re.compile(
    r"!?\[([^\[\]]{0,300})\](?:\([^()\s]{0,500}(?:\([^()\s]{0,100}\)[^()\s]{0,500})?\)|\[[^\[\]]{0,80}\])"
)
_WIKI_LINK = re.compile(r"\[\[([^\[\]]{0,300})\]\]")
_EMPHASIS = re.compile(r"\*{1,3}|~~|`+|(?<![^\W_])_{1,3}|_{1,3}(?![^\W_])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_MARKUP = re.compile(r"[*_~`\[\\]")
_TOKEN = re.compile(r"[a-z0-9]+|#")
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "―": "-", "−": "-", "‑": "-"})

# Letters without an image of their own, which Unicode does not put among the format characters.
_BLANK_LETTERS = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
_VARIATIONS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_UNSEEN_THOUGH_PRINTABLE = re.compile(f"[{_BLANK_LETTERS}{_VARIATIONS}]")
_VARIATION = re.compile(f"[{_VARIATIONS}]")

# Letters of other scripts that look like a Latin one, from https://www.unicode.org/Public/security/latest/confusables.txt
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеорсухіјѕһԁԛԝьΑΒΕΖΗΙΚΜΝΟΡΤΥΧοινρκϲɑɡⅼℓոսօᎪᎠᏟᎷᎢᏒ",
    "ABESIJKMHOPCTYXaeopcyxijshdqwbABEZHIKMNOPTYXoivpkcagllnuoADCMTR",
)


def plain(text: str) -> str:
    """Markdown without its markup, on one line: what a reader sees, nearly."""
    if _MARKUP.search(text):
        text = _WIKI_LINK.sub(r"\1", text)
        text = _LINK.sub(r"\1", text)
        text = _EMPHASIS.sub("", text)
        text = _ESCAPE.sub(r"\1", text)
    return " ".join(text.split())


def fold(text: str) -> str:
    """A label made comparable: no markup, case, accents or typographic quotes; for understanding, never for safety."""
    return _fold(text[:LABEL_LIMIT])


@lru_cache(maxsize=4096)
def _fold(text: str) -> str:
    text = plain(text)
    if text.isascii():
        return text.lower()
    text = unicodedata.normalize("NFKC", text).translate(_TYPOGRAPHY).casefold()
    parts = (c for c in unicodedata.normalize("NFD", text) if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", "".join(parts))


def action_key(action: str) -> str:
    """An action made comparable: the same for two that differ in markup, case or blanks only."""
    bare = plain(visible(action))
    return " ".join("".join(fold(bare[i : i + LABEL_LIMIT]) for i in range(0, len(bare), LABEL_LIMIT)).split())


def words_of(text: str) -> Words:
    """The comma-separated words of a vocabulary."""
    return Words(frozenset(" ".join(word.split()) for word in text.split(",")))


class Words:
    """A set of folded words, and a pattern that finds them: whole words in scripts with blanks, anywhere in others."""

    def __init__(self, words: frozenset[str]) -> None:
        self.words = words
        self.pattern = _pattern_of(words)
        self._loose = frozenset(word.replace("-", " ") for word in words)
        self._starts = frozenset(token for word in words if word.isascii() for token in _TOKEN.findall(word)[:1])

    def __contains__(self, label: str) -> bool:
        return label.replace("-", " ") in self._loose

    def search(self, label: str) -> re.Match[str] | None:
        """The first of the words in a folded label."""
        if label.isascii() and self._starts.isdisjoint(_TOKEN.findall(label)):
            return None
        return self.pattern.search(label)


def _pattern_of(words: Iterable[str]) -> re.Pattern[str]:
    spaced: list[str] = []
    joined: list[str] = []
    for word in sorted(words, key=len, reverse=True):
        (spaced if word.isascii() else joined).append(re.escape(word).replace(r"\ ", "[ -]"))
    choices = []
    if spaced:
        choices.append(r"(?<![a-z0-9])(?:" + "|".join(spaced) + r")(?![a-z0-9])")
    return re.compile("|".join(choices + joined))


def visible(text: str) -> str:
    """The text without characters that cannot be seen, for showing; tabs become blanks."""
    text = text.replace("\t", " ")
    if _all_seen(text):
        return text
    return "".join(c for c in text if not _unseen(c) and not _VARIATION.match(c))


def has_hidden(text: str) -> bool:
    """Whether the text holds control, format, private or blank characters, or misplaced variation selectors.

    A variation selector or a joiner belongs after a symbol (as in emoji); anywhere else it can carry a message.
    """
    if _all_seen(text):
        return False
    before = ""
    for char in text:
        if char == "\t":
            pass
        elif char in "\ufe0e\ufe0f\u200d":
            if not (before and (unicodedata.category(before) in ("So", "Sk", "Sm", "Po") or before in "\ufe0f©®")):
                return True
        elif _unseen(char) or _VARIATION.match(char):
            return True
        before = char
    return False


def has_lookalikes(text: str) -> bool:
    """Whether a word mixes Latin letters with others drawn alike, or has full-width or mathematical letters."""
    if text.isascii():
        return False
    if any("\uff21" <= c <= "\uff5a" or "\U0001d400" <= c <= "\U0001d7ff" for c in text):
        return True
    return any(_mixed(word) for word in re.findall(r"[^\W\d_]+", text))


def resembles(text: str, words: Iterable[str]) -> bool:
    """Whether text that is not one of the words is drawn like one (`Аlert` with a Cyrillic А)."""
    seen = unicodedata.normalize("NFKC", visible(text)).translate(_LOOKALIKES).strip().casefold()
    return text not in words and not text.isascii() and seen in {w.casefold() for w in words}


def _mixed(word: str) -> bool:
    return any(ord(c) in _LOOKALIKES and not c.isascii() for c in word) and any(c.isascii() for c in word)


def _all_seen(text: str) -> bool:
    """The quick answer for nearly every text; `isprintable` knows the categories that `_unseen` names."""
    return text.isprintable() and not _UNSEEN_THOUGH_PRINTABLE.search(text)


def _unseen(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") or char in _BLANK_LETTERS
