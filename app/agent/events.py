"""The agent's stream-json, read strictly: progress for people, and what the session came to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

_TEXT_SHOWN = 300
_WRITERS = ("Edit", "Write", "MultiEdit", "NotebookEdit")


@dataclass(frozen=True)
class AgentResult:
    """What one session came to.

    `ok` needs exit code 0, a result event, is_error false and at least one turn. `cost_usd` is None when the session
    ended without telling (then the whole budget counts as spent). `writes` are the paths that it tried to write,
    whether it was let or not; `denials` are calls that the CLI says it did not let through, which are not all.
    """

    ok: bool
    reason: str
    message: str
    cost_usd: float | None
    turns: int = 0
    denials: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def events(stream: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream, one a line. Lines that are not (a cut last line) are passed over."""
    for line in stream.split("\n"):
        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if isinstance(event, dict):
            yield event


def describe(event: dict[str, Any]) -> list[str]:
    """One line for each thing in this event that a person following the session wants to see."""
    shown = []
    for block in _blocks(event):
        if block.get("type") == "tool_use":
            shown.append(_call(block.get("name"), block.get("input")))
        elif block.get("type") == "text" and str(block.get("text", "")).strip():
            shown.append(" ".join(str(block["text"]).split())[:_TEXT_SHOWN])
    return shown


def read_result(stream: str, exit_code: int, timed_out: bool) -> AgentResult:
    """Judge a finished session by its whole stream and the exit code of the CLI.

    The CLI says subtype "success" with is_error true on API errors, and exits 0 in places where nothing was done
    (SECURITY.md A04): each condition is asked for by itself.
    """
    told = list(events(stream))
    results = [e for e in told if e.get("type") == "result"]
    last = results[-1] if results else {}
    cost = last.get("total_cost_usd")
    cost = float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None
    turns = last.get("num_turns") if isinstance(last.get("num_turns"), int) else 0
    denials = tuple(_denials(last.get("permission_denials")))
    said = " ".join(str(last.get("result") or "").split())[:_TEXT_SHOWN]
    reason, message = _fault(last, exit_code, timed_out, turns or 0, said)
    writes = tuple(dict.fromkeys(path for event in told for path in _writes(event)))
    return AgentResult(not reason, reason, message or said, cost, turns or 0, denials, writes)


def _fault(last: dict[str, Any], exit_code: int, timed_out: bool, turns: int, said: str) -> tuple[str, str]:
    subtype = str(last.get("subtype", ""))
    if timed_out:
        return "agent-timeout", "the agent was stopped at its time limit"
    if not last:
        return "agent-no-result", f"the agent ended with exit code {exit_code} and no result"
    if subtype == "error_max_budget_usd":
        return "agent-over-budget", "the agent was stopped at its budget"
    if subtype == "error_max_turns":
        return "agent-too-many-turns", "the agent was stopped at its turn limit"
    if last.get("is_error") is not False or subtype != "success" or exit_code != 0:
        return "agent-error", f"the agent ended with exit code {exit_code}, {subtype or 'no subtype'}: {said}"
    if turns < 1:
        return "agent-no-turns", "the agent ended without a single turn"
    return "", ""


def _blocks(event: dict[str, Any]) -> list[dict[str, Any]]:
    message = event.get("message")
    content = message.get("content") if event.get("type") == "assistant" and isinstance(message, dict) else None
    return [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []


def _writes(event: dict[str, Any]) -> Iterator[str]:
    for block in _blocks(event):
        given = block.get("input")
        if block.get("type") == "tool_use" and block.get("name") in _WRITERS and isinstance(given, dict):
            yield str(given.get("file_path") or given.get("notebook_path") or "")[:_TEXT_SHOWN]


def _denials(found: Any) -> Iterable[str]:
    for denial in found if isinstance(found, list) else []:
        if isinstance(denial, dict):
            yield _call(denial.get("tool_name"), denial.get("tool_input"))


def _call(name: Any, arguments: Any) -> str:
    given = arguments if isinstance(arguments, dict) else {}
    target = given.get("file_path") or given.get("path") or given.get("pattern") or given.get("command") or ""
    return f"{name} {target}".strip()[:_TEXT_SHOWN]
