"""Whether the service grows: its resident memory after a hundred runs and after a thousand.

The runs are post-mortems whose TODOs are all for people: each is recorded, concluded and told to Slack, and none needs
the DevVM.
"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import Any

import psutil

from bench.told import post_mortem, push, wait_for
from tests.world.world import World, temporary_folder

_AT_ONCE = 50
# What a run leaves for a moment is gone after this, in seconds.
_REST = 3.0


def measure(first: int = 100, last: int = 1000) -> dict[str, Any]:
    """MiB of the service and what it started, after so many runs, and the ratio."""
    found: dict[str, Any] = {"runs": [first, last], "mib": []}
    with temporary_folder() as folder, World(folder) as world:
        world.serve()
        begun = 0
        for wanted in (first, last):
            while begun < wanted:
                size = min(_AT_ONCE, wanted - begun)
                documents = [_for_people(begun + n) for n in range(size)]
                push(world, f"batch-{begun}", documents)
                begun += size
                wait_for(f"{begun} runs", lambda so_far=begun: _ended(world) >= so_far, 0.5)  # type: ignore[misc]
            time.sleep(_REST)
            found["mib"].append(round(_resident(world), 1))
    found["ratio"] = round(found["mib"][1] / found["mib"][0], 3)
    return found


def _for_people(number: int) -> bytes:
    return post_mortem(f"Number {number}", [(f"Decide on number {number}", "Architecture", "with the whole team")])


def _ended(world: World) -> int:
    """How many runs are over; the API lists the last hundred only."""
    with closing(sqlite3.connect(world.database, timeout=30)) as db:
        return int(db.execute("SELECT COUNT(*) FROM runs WHERE finished_at IS NOT NULL").fetchone()[0])


def _resident(world: World) -> float:
    assert world.service is not None
    own = psutil.Process(world.service.pid)
    return float(sum(p.memory_info().rss for p in [own, *own.children(recursive=True)])) / 2**20
