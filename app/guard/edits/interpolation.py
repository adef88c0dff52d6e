"""Code in the text of templates: where ${...} and %{...} stand, and the text without them.

Terraform takes `$${` and `%%{` for text. Three or more signs in a row are taken for code here, though they are not: one
that reads the text too strictly loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BEGIN = re.compile(r"(\$+|%+)\{")
_ESCAPED = 2
_MARK = re.compile(r'\\.|["{}]|[$%]\{', re.DOTALL)


@dataclass(frozen=True)
class Code:
    """One piece of code: its source without layout, and its place: characters, and 1-based lines."""

    text: str
    start: int
    end: int
    first_line: int
    last_line: int


def code_in(text: str) -> Iterator[Code]:
    """Every piece of code in a template, in order. One that does not end takes the rest of the text."""
    at, line = 0, 1
    counted = 0
    while begin := _BEGIN.search(text, at):
        signs = len(begin[1])
        if signs == _ESCAPED:
            at = begin.end()
            continue
        start = begin.end() - 2
        end = _end(text, begin.end())
        line += text.count("\n", counted, start)
        lines = text.count("\n", start, end)
        yield Code(" ".join(text[start:end].split()), start, end, line, line + lines)
        line, counted, at = line + lines, end, end


def _end(text: str, at: int) -> int:
    """Where code ends that begins before `at`: strings, nested braces and templates in strings are followed."""
    inside = ["{"]
    while mark := _MARK.search(text, at):
        at = mark.end()
        sign = mark[0]
        quoted = inside[-1] == '"'
        if sign == '"':
            if quoted:
                inside.pop()
            else:
                inside.append('"')
        elif sign == "}" and not quoted:
            inside.pop()
            if not inside:
                return at
        elif (sign == "{" and not quoted) or sign in ("${", "%{"):
            inside.append("{")
    return len(text)


def masked(text: str, names: dict[str, str]) -> str:
    """The text with each piece of code replaced by a word; directives vanish. `names` keeps the words between texts."""
    pieces = []
    at = 0
    for code in code_in(text):
        word = "" if code.text.startswith("%{") else names.setdefault(code.text, f"CODE{_letters(len(names))}X")
        pieces += [text[at : code.start], word]
        at = code.end
    return "".join([*pieces, text[at:]])


def _letters(number: int) -> str:
    letters = ""
    while number or not letters:
        number, rest = divmod(number, 25)
        letters = chr(ord("a") + rest) + letters
    return letters
