"""One function between a text and every place where it is stored, logged, shown or sent."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|\b(?:hvs|hvb|s)\.[A-Za-z0-9_-]{20,}"
    r"|\bsk-ant-[A-Za-z0-9_-]{8,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}"
    r"|\bft[kl]_[A-Za-z0-9_-]{20,}"
    r"|\bxox[a-z]-[A-Za-z0-9-]{10,}"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+"
    r"|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
    re.DOTALL,
)
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb"
    r"\U000e0000-\U000e007f]"
)
_KEY_END = re.compile(r"-----END [A-Z ]*PRIVATE KEY-----")
_KEY_LINE = re.compile(r"[A-Za-z0-9+/=]{8,}\r?")
_SHORTEST_KNOWN = 8


def redact(text: str, known: Iterable[str] = ()) -> str:
    """The text with secrets replaced by [redacted] and control characters made visible.

    `known` are exact values to hide besides the shapes of tokens, keys and URLs with passwords; values shorter than
    eight characters are ignored, they would hide ordinary words. Newlines and tabs stay. What is not text (lone
    surrogates) becomes a question mark.
    """
    text = text.encode("utf-8", "replace").decode()
    for value in sorted((v for v in known if len(v) >= _SHORTEST_KNOWN), key=len, reverse=True):
        text = text.replace(value, "[redacted]")
    text = _without_key_ends(_SHAPES.sub("[redacted]", text))
    return visible(text)


def visible(text: str) -> str:
    """The text with control characters, and those that hide or reorder others, written as \\u and their number.

    Newlines and tabs stay; what is not text (lone surrogates) becomes a question mark.
    """
    text = text.encode("utf-8", "replace").decode()
    return _CONTROL.sub(lambda m: f"\\u{ord(m[0]):04x}", text.replace("\r\n", "\n"))


def _without_key_ends(text: str) -> str:
    """The text without the rest of a key whose beginning was cut off: the lines of base64 above an end line."""
    pieces = _KEY_END.split(text)
    kept = []
    for piece in pieces[:-1]:
        lines = piece.split("\n")
        while len(lines) > 1 and _KEY_LINE.fullmatch(lines[-2]):
            del lines[-2]
        kept.append("\n".join(lines) + "[redacted]")
    return "".join([*kept, pieces[-1]])


def secret_shapes(text: str) -> Iterator[str]:
    """Everything in a text that has the shape of a secret; a password in a URL that is all ${...} is none."""
    for match in _SHAPES.finditer(text):
        if not re.fullmatch(r"[^:]*:\$\{[^}]*\}", match[0]):
            yield match[0]
