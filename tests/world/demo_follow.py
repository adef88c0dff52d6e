"""The demo's middle: a run followed over the API, live on a terminal, a line for each event elsewhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from app.redact import redact
from tests.world.processes import WorldError
from tests.world.world import World

COLOURS = {"done": "green", "refused": "yellow", "needs-human": "cyan", "failed": "red", "unknown": "red"}
_EVENTS_SHOWN = 8
_SLACK_SECONDS = 20


def follow_run(world: World, delivery: str, console: Console, minutes: float) -> dict[str, Any]:
    """Show the run that a delivery started until it has an outcome and Slack was told; return it as the API has it.

    Raises WorldError when the service ends, when no run comes of the delivery, or when time is up.
    """
    deadline = time.monotonic() + minutes * 60
    with _view(console) as view:
        while True:
            run = _run_of(world, delivery)
            if run is not None:
                view.show(run)
                if run["outcome"] is not None:
                    break
            if time.monotonic() > deadline:
                state = "is still going on" if run else "was not started"
                raise WorldError(f"the run {state} after {minutes:g} minutes; the service's log ends:\n{_log(world)}")
            time.sleep(0.25)
    _wait_for_slack(world)
    return run


def _run_of(world: World, delivery: str) -> dict[str, Any] | None:
    if world.service is None or world.service.process.poll() is not None:
        raise WorldError(f"the service ended in the middle of the run; its log ends:\n{_log(world)}")
    try:
        # In this order: a delivery is concluded after its runs are there.
        told = world.get("/api/deliveries")["deliveries"]
        ended = next((d for d in told if d["id"] == delivery and d["reason"]), None)
        started = [r for r in world.get("/api/runs")["runs"] if r["delivery"] == delivery]
        found: dict[str, Any] | None = world.get(f"/api/runs/{started[0]['id']}") if started else None
    except httpx.HTTPError as error:
        raise WorldError(f"the service's API does not answer: {error}; its log ends:\n{_log(world)}") from None
    if found is None and ended is not None:
        raise WorldError(f"nothing was started: {ended['reason']}: {ended['message']}")
    return found


def _log(world: World) -> str:
    return world.service.tail() if world.service else "(there is none)"


def _wait_for_slack(world: World) -> None:
    deadline = time.monotonic() + _SLACK_SECONDS
    while not world.slack.messages and time.monotonic() < deadline:
        time.sleep(0.05)


class _Lines:
    """A line for each event."""

    def __init__(self, console: Console) -> None:
        self._console, self._seen = console, 0

    def show(self, run: dict[str, Any]) -> None:
        names = {todo["id"]: todo["action"] for todo in run["todos"]}
        for event in run["events"]:
            if event["id"] > self._seen:
                self._seen = event["id"]
                about = names.get(event["todo_id"], "")
                self._console.print(_line(event, f"{about}: " if about else ""), soft_wrap=True)


class _Screen:
    """The TODOs and what is going on, redrawn in place."""

    def __init__(self, live: Live) -> None:
        self._live, self._began = live, time.monotonic()
        self._spinner = Spinner("dots")

    def show(self, run: dict[str, Any]) -> None:
        table = Table(title=f"{time.monotonic() - self._began:.0f} s, ${run['cost_usd']:.2f}", expand=True)
        for column, options in (("priority", {}), ("type", {}), ("TODO", {"ratio": 1}), ("state", {"min_width": 12})):
            table.add_column(column, **options)  # type: ignore[arg-type]
        for todo in run["todos"]:
            table.add_row(*(Text(redact(todo[key])) for key in ("priority", "type", "action")), self._state(todo))
        self._live.update(Group(table, *(_line(event, "") for event in run["events"][-_EVENTS_SHOWN:])))

    def _state(self, todo: dict[str, Any]) -> RenderableType:
        if todo["outcome"] is None:
            return self._spinner if todo["started_at"] else Text("waits", "dim")
        return Text(todo["outcome"], COLOURS.get(todo["outcome"], ""))


@contextmanager
def _view(console: Console) -> Iterator[_Lines | _Screen]:
    if not console.is_terminal:
        yield _Lines(console)
        return
    with Live(console=console, refresh_per_second=8, transient=True) as live:
        yield _Screen(live)


def _line(event: dict[str, Any], about: str) -> Text:
    said = " ".join(redact(f"{about}{event['text']}").split())
    return Text(f"{event['at'][11:19]} {event['phase']:<10} {said[:200]}", overflow="ellipsis", no_wrap=True)
