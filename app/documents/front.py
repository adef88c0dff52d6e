"""YAML front matter, read as far as the flat `key: value` lines that post-mortems have."""

from __future__ import annotations

import re

_KEY_VALUE = re.compile(r"^([A-Za-z_][\w -]{0,40}):[ \t]*(.*)$")
_LINE_LIMIT = 100


def cut_front_matter(text: str) -> tuple[dict[str, str], str]:
    """The keys of the front matter, lower case, and the text with those lines blank, so that line numbers stay."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() != "---":
        return {}, text
    for number, line in enumerate(lines[1:_LINE_LIMIT], start=1):
        if line.rstrip() in ("---", "..."):
            found = (_KEY_VALUE.match(entry) for entry in lines[1:number])
            keys = {m.group(1).strip().lower(): m.group(2).strip().strip("\"'") for m in found if m}
            if not keys:
                return {}, text
            return keys, "\n".join([""] * (number + 1) + lines[number + 1 :])
    return {}, text
