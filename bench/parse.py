"""How fast `parse` is, as a ratio to mistune's own bare tree of the same text, and how time grows with size.

    .venv/bin/python -m bench.parse [FOLDER]

FOLDER holds Markdown files (any depth); without one, documents made up here are used. Best of several rounds, in
processor time, since other work on the machine only ever adds to it.
"""

from __future__ import annotations

import sys
import time
import timeit
from collections.abc import Callable, Sequence
from pathlib import Path

import mistune

from app.documents.parse import parse

ROUNDS = 7
ROW = "| P{n} | Add an alert for case {n} of the NFS mounts | Alert | rate above {n} for 5 minutes | TODO |\n"
HEAD = "# Post-Mortem: case {size}\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
PROSE = (
    "\n## Lessons\n\n- A mount that *hangs* looks like a slow disk, see [the notes](notes.md).\n- Nobody was told.\n"
)


def main() -> None:
    """Print the ratio over all documents, then the time for each size of a growing one."""
    texts = _texts(sys.argv[1:])
    tree = mistune.create_markdown(renderer=None, plugins=["table", "task_lists"])
    bare, ours = _best(lambda: [tree(text) for text in texts], lambda: [parse(t.encode(), "x.md") for t in texts])
    size = sum(len(text.encode()) for text in texts)
    print(f"{len(texts)} documents, {size / 1024:.0f} KiB")
    print(
        f"mistune's bare tree {size / bare / 1e6:.2f} MB/s, parse {size / ours / 1e6:.2f} MB/s, ratio {bare / ours:.2f}"
    )
    print("growth: rows, KiB, milliseconds, microseconds a row")
    for rows in (50, 100, 200, 400, 800):
        data = document(rows).encode()
        (taken,) = _best(lambda data=data: parse(data, "x.md"))  # type: ignore[misc]
        print(f"  {rows:5d} {len(data) / 1024:6.0f} {taken * 1e3:8.1f} {taken / rows * 1e6:8.0f}")


def _texts(folders: Sequence[str]) -> list[str]:
    found = [file.read_text() for folder in folders for file in sorted(Path(folder).rglob("*.md"))]
    return found or [document(rows) for rows in range(5, 50)]


def document(rows: int) -> str:
    """A document of ours with that many rows in its table."""
    return HEAD.format(size=rows) + TABLE + "".join(ROW.format(n=n) for n in range(rows)) + PROSE * 5


def _best(*works: Callable[[], object]) -> list[float]:
    """The least processor time of each; they take turns, so that all meet the same machine."""
    rounds = [[timeit.timeit(work, number=1, timer=time.process_time) for work in works] for _ in range(ROUNDS)]
    return [min(column) for column in zip(*rounds, strict=True)]


if __name__ == "__main__":
    main()
