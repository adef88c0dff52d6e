"""YAML front matter, read as far as the flat `key: value` lines that post-mortems have."""

from __future__ import annotations

import re

_KEY_VALUE = re.compile(r"^([A-Za-z_][\w -]{0,40}):[ \t]*(.*)$")
_ENTRY = re.compile(r"^[ \t]{0,8}-[ \t]+[\"']?(.{1,200}?)[\"']?[ \t]*$")
_LINE_LIMIT = 100
_ENTRY_LIMIT = 400


def cut_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The keys of the front matter, lower case, and the text with those lines blank, so that line numbers stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:_LINE_LIMIT], start=1):
        if line.rstrip() in ("---", "..."):
            keys = _read(lines[1:number])
            if not keys:
                return {}, text
            return keys, "\n".join([""] * (number + 1) + lines[number + 1 :])
    return {}, text


def _read(lines: list[str]) -> dict[str, str]:
    """The keys with their values; a list below a key becomes one value with commas."""
    keys: dict[str, str] = {}
    last = ""
    for line in lines:
        m, entry = _KEY_VALUE.match(line), _ENTRY.match(line[:_ENTRY_LIMIT])
        if m:
            last = m.group(1).strip().lower()
            keys[last] = m.group(2).strip().strip("\"'")
        elif entry and last:
            keys[last] = f"{keys[last]}, {entry.group(1)}" if keys[last] else entry.group(1)
    return keys
