"""What the other parts of the bench share: post-mortems as they are pushed, a model that thinks, waiting for a run."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

from tests.world.processes import WorldError
from tests.world.world import World

HEAD = "# Post-Mortem: {title}\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
LONGEST = 900.0


class Thinking(threading.Event):
    """A gate of the scripted model that lets each request through after so many seconds, and notes when it came."""

    def __init__(self, seconds: float = 0.0) -> None:
        super().__init__()
        self.seconds = seconds
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        """Called once by each request for the TODO."""
        self.asked.append(time.perf_counter())
        time.sleep(self.seconds)
        return True


def post_mortem(title: str, actions: Sequence[tuple[str, str, str]]) -> bytes:
    """A document with one open TODO for each (action, type, details)."""
    rows = "".join(f"| P1 | {action} | {kind} | {details} | TODO |\n" for action, kind, details in actions)
    return (HEAD.format(title=title) + TABLE + rows).encode()


def push(world: World, name: str, documents: Sequence[bytes]) -> float:
    """Push these post-mortems as one commit and deliver it. Returns when the delivery was sent."""
    world.forge.pull()
    files: dict[str, bytes | str | None] = {
        f"docs/post-mortems/2026-04-14-{name}-{n}.md": data for n, data in enumerate(documents)
    }
    world.forge.commit(files, f"docs: {name}")
    commits = world.forge.push()
    sent = time.perf_counter()
    answer = world.forge.post(world.webhook_url, world.webhook_secret, *commits)
    if answer.status_code != 202:
        raise WorldError(f"the webhook answered {answer.status_code}: {answer.text}")
    return sent


def newest(world: World) -> dict[str, Any] | None:
    """The run that was begun last, None while there is none."""
    runs: list[dict[str, Any]] = world.get("/api/runs")["runs"]
    return runs[0] if runs else None


def wait_for(what: str, ready: Callable[[], bool], pause: float = 0.1, seconds: float = LONGEST) -> float:
    """Wait, and say when it was so. Raises WorldError when it never is."""
    deadline = time.perf_counter() + seconds
    while not ready():
        if time.perf_counter() > deadline:
            raise WorldError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(pause)
    return time.perf_counter()


def all_over(world: World, runs: int) -> bool:
    """Whether there are that many runs, and every one has come to its end."""
    found = world.get("/api/runs")["runs"]
    return len(found) >= runs and all(run["finished_at"] for run in found)
