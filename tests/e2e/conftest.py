"""Worlds for the end-to-end tests, and the few verbs that they share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.parts.world import World

HEAD = "# Post-Mortem: {title}\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"


def post_mortem(*rows: tuple[str, str, str], title: str = "A test") -> str:
    """A post-mortem with these (priority, action, type) TODOs."""
    lines = [f"| {priority} | {action} | {kind} | as said | TODO |\n" for priority, action, kind in rows]
    return HEAD.format(title=title) + TABLE + "".join(lines)


def finished(world: World, run_id: str = "", seconds: float = 180) -> dict[str, Any]:
    """The newest run (or this one) with its TODOs, once it is over."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        runs = [r for r in world.get("/api/runs")["runs"] if run_id in ("", r["id"])]
        if runs and runs[0]["outcome"]:
            found: dict[str, Any] = world.get(f"/api/runs/{runs[0]['id']}")
            return found
        time.sleep(0.2)
    raise AssertionError(f"no outcome; the service said: {(world.folder / 'service.log').read_text()[-3000:]}")


def eventually(happened: Callable[[], Any], seconds: float = 60) -> Any:
    """What `happened` gives once it is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := happened():
            return value
        time.sleep(0.1)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A world for one module, in a folder whose name has a space."""
    with World(tmp_path_factory.mktemp("a world")) as made:
        yield made


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[World]:
    """A world for one test."""
    with World(tmp_path) as made:
        yield made
