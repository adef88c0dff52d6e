"""How much room a file system has left, here and on the DevVM."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.edges.machine import Machine
from app.errors import Failed

# The folder may not have been made yet; then it is the one that it will lie in.
_LOOK = 'at=$1; while [ ! -d "$at" ]; do at=${at%/*}; at=${at:-/}; done; stat -f -c "%a %S %c %d" "$at"'


@dataclass(frozen=True)
class Room:
    """Bytes that are free for us, inodes in all and inodes that are free. Some file systems count none: 0 of 0."""

    free: int
    inodes: int
    inodes_free: int


def here(folder: Path) -> Room:
    """The room where a folder of ours lies, or will lie."""
    there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.is_dir())
    found = os.statvfs(there)
    return Room(found.f_bavail * found.f_frsize, found.f_files, found.f_favail)


def on(machine: Machine, folder: str) -> Room:
    """The room where an absolute folder of the DevVM lies, or will lie."""
    told = machine.run(["sh", "-c", _LOOK, "sh", folder]).text.split()
    try:
        blocks, size, inodes, inodes_free = map(int, told)
    except ValueError:
        said = " ".join(told)[:100]
        raise Failed("devvm-room-unknown", f"asking {machine.name} for room: stat -f said {said!r}") from None
    return Room(blocks * size, inodes, inodes_free)
