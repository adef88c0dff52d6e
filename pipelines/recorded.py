"""The engine's record of a run: which steps it has taken, when, and how they ended. Reads only, executes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dbos import DBOSClient

from pipelines import durable

# What a TODO's steps end with; what comes after belongs to the next one of its lane.
_LAST = ("finish_todo", "finish_landed", "ask_person")
# The steps of a run that are about no TODO.
_OF_THE_RUN = ("read_todos", "open_workspace", "write_back")
_FIRST = "export_tree"


@dataclass(frozen=True)
class Step:
    """One that has ended: its name, its TODO's id (empty for the run's own), seconds since 1970, why it failed."""

    name: str
    todo_id: str
    began: float
    ended: float | None
    failure: str


def steps(database_url: str, run_id: str, decided: Sequence[str]) -> list[Step]:
    """All of a run, its lanes, and what people decided on (`decided`: names of such flows), by their beginning.

    Empty when the engine has forgotten the run.
    """
    client = durable.connect(database_url)
    try:
        found = list(_of_flow(client, f"follow_through {run_id}", []))
        for subject in decided:
            found += _of_flow(client, f"follow_approval {subject}", [subject.rpartition(" ")[2]])
    finally:
        client.destroy()
    return sorted(found, key=lambda step: step.began)


def _of_flow(client: DBOSClient, flow: str, todo_ids: Sequence[str]) -> Iterator[Step]:
    """The steps of one flow and of those that it began. `todo_ids` are in the order in which it does them."""
    waiting, current = list(todo_ids), ""
    if todo_ids and flow.startswith("follow_approval "):
        current = waiting.pop(0)
    lanes: set[str] = set()
    for row in client.list_workflow_steps(flow):
        name, output = row["function_name"], row["output"]
        if child := row["child_workflow_id"]:
            if child.startswith("follow_lane ") and child not in lanes:
                lanes.add(child)
                yield from _of_flow(client, child, child.split(" ")[2:])
            continue
        if name == "open_workspace":
            waiting = _only_lane(output)
        if name == _FIRST and not current and waiting:
            current = waiting.pop(0)
        if row["started_at_epoch_ms"] is None or name.startswith("DBOS."):
            continue
        todo_id = "" if name in _OF_THE_RUN else current
        ended = row["completed_at_epoch_ms"]
        yield Step(name, todo_id, row["started_at_epoch_ms"] / 1000, ended / 1000 if ended else None, _failure(output))
        if name in _LAST:
            current = ""


def _only_lane(output: Any) -> list[str]:
    """The TODOs of a run that has one lane, which it does itself."""
    lanes = output.get("value") if isinstance(output, dict) else None
    return [str(todo_id) for todo_id in lanes[0]] if isinstance(lanes, list) and len(lanes) == 1 else []


def _failure(output: Any) -> str:
    return str(output.get("reason", "")) if isinstance(output, dict) and "raised" in output else ""
