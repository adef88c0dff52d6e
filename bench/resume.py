"""How long after a kill -9 the service follows the same agent again, beside what a plain start takes.

The agent goes on meanwhile. Followed again means: what it said while nobody listened stands in the run's events, under
the same job; the model was asked by one agent only.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from contextlib import closing
from typing import Any

from bench.told import Thinking, all_over, post_mortem, push, wait_for
from tests.world.model import Attempt, read
from tests.world.world import Options, World, temporary_folder

WEB = "stacks/web/main.tf"
_TURNS = 6


def measure(rounds: int = 5, think: float = 1.5) -> dict[str, Any]:
    """Medians in seconds: the killed service started until ready, and until the agent's next event; a plain start."""
    plain, ready, resumed, agents = [], [], [], 0
    with temporary_folder() as folder, World(folder, Options(changes={"agent": {"cage_test": "off"}})) as world:
        for n in range(rounds):
            plain.append(_started(world))
            gate = _begin(world, n, think)
            wait_for("the agent", lambda gate=gate: len(gate.asked) >= 2, 0.02)  # type: ignore[misc]
            assert world.service is not None
            world.service.kill()
            world.service = None
            last = _last_event(world)
            wait_for("the agent's next turn", lambda gate=gate, n=len(gate.asked): len(gate.asked) > n, 0.02)  # type: ignore[misc]
            began = time.perf_counter()
            ready.append(_started(world))
            resumed.append(wait_for("an event", lambda last=last: _last_event(world) > last, 0.01) - began)  # type: ignore[misc]
            wait_for("the end of the run", lambda n=n: all_over(world, n + 1))  # type: ignore[misc]
            agents += len(gate.asked) > _TURNS + 1
            world.stop_service()
    return {
        "plain_start_seconds": round(statistics.median(plain), 2),
        "ready_seconds": round(statistics.median(ready), 2),
        "followed_again_seconds": round(statistics.median(resumed), 2),
        "agents_started_twice": agents,
    }


def _started(world: World) -> float:
    began = time.perf_counter()
    world.serve()
    return time.perf_counter() - began


def _begin(world: World, n: int, think: float) -> Thinking:
    """A run whose agent reads a file again and again, and thinks before each time."""
    action, gate = f"Look at the frontend, number {n}", Thinking(think)
    world.model.gates[action] = gate
    world.model.script = {action: [Attempt([read(WEB)] * _TURNS), Attempt(text="Still nothing to do.")]}
    push(world, f"resume-{n}", [post_mortem(f"Resume {n}", [(action, "Config", "stacks/web")])])
    return gate


def _last_event(world: World) -> int:
    """The id of the agent's last event, read beside the service, which may not be there."""
    with closing(sqlite3.connect(world.database, timeout=30)) as db:
        found = db.execute("SELECT MAX(id) FROM events WHERE phase = 'agent'").fetchone()
    return int(found[0] or 0)
