"""The table of faults in docs/operating.md, read back: each row names the tests that hold it."""

from __future__ import annotations

import re
from pathlib import Path

from tests.world.processes import ROOT

PAGE = Path("docs/operating.md")
_HEAD = "| When | then | tests |"
_TEST = re.compile(r"`(tests/[a-z0-9_/]+\.py)(?:::([a-z0-9_]+))?`")


def rows() -> list[tuple[str, list[tuple[str, str]]]]:
    """(fault, [(file, test, empty for all of the file)]) of each row."""
    _, _, below = (ROOT / PAGE).read_text().partition(f"{_HEAD}\n")
    found = []
    for line in below.splitlines()[1:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        found.append((cells[0], _TEST.findall(cells[2])))
    return found
