"""FAKE: the model. A scripted Messages API on loopback that the real Claude Code command talks to.

A script maps the action of a TODO to attempts; an attempt is a list of tool calls, one a turn, and a last text. Which
TODO and which attempt it is, the model reads from the prompt as a real one would: the last line is a JSON object with
`tree`, `todo` and `findings`, and findings mean that it is the second try.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from tests.world.loopback import Answer, Loopback, Request, as_json

API_KEY = "sk-ant-scripted"
NO_SCRIPT = "I have no script for this action item, so I changed nothing."
Fault = Literal["hang", "overloaded", "error"]
_BYTES_PER_TOKEN = 4


@dataclass(frozen=True)
class Call:
    """One tool call; a `file_path` in `arguments` is absolute, or relative to the agent's tree."""

    tool: str
    arguments: Mapping[str, str]


@dataclass(frozen=True)
class Attempt:
    """One try at one TODO: the calls in order, then the text that ends it. `fault` breaks every request of it."""

    calls: Sequence[Call] = ()
    text: str = "Done."
    fault: Fault | None = None


Script = Mapping[str, Sequence[Attempt]]


def read(path: str) -> Call:
    """Look at a file."""
    return Call("Read", {"file_path": path})


def edit(path: str, old: str, new: str) -> Call:
    """Replace a text that stands once in a file that was read before."""
    return Call("Edit", {"file_path": path, "old_string": old, "new_string": new})


def write(path: str, content: str) -> Call:
    """Make a file, or replace one that was read before."""
    return Call("Write", {"file_path": path, "content": content})


class Model(Loopback):
    """`requests` holds the body of every request for a message, `unauthorised` counts those with another key.

    `script` may be replaced at any time. `gates` maps actions to events: requests for such a TODO are answered once its
    event is set. `break_next` lets the next requests fail: "hang" gives no answer until the
    model is closed, "overloaded" is status 529, "error" is a 400.
    """

    def __init__(self, script: Script, api_key: str = API_KEY) -> None:
        super().__init__(self._answer)
        self.script: Script = script
        self.requests: list[dict[str, Any]] = []
        self.unauthorised = 0
        self.gates: dict[str, threading.Event] = {}
        self._api_key = api_key
        self._faults: deque[Fault] = deque()
        self._closing = threading.Event()

    def break_next(self, fault: Fault, times: int = 1) -> None:
        """Answer the next `times` requests with this fault."""
        self._faults.extend([fault] * times)

    def tasks(self) -> list[dict[str, Any]]:
        """The task of every request that had one, in order."""
        return [task for task in map(_task_of, self.requests) if task]

    def close(self) -> None:
        """Let go of whoever hangs, and stop."""
        self._closing.set()
        super().close()

    def _answer(self, request: Request) -> Answer:
        path = request.path.split("?")[0]
        if request.method != "POST" or not path.startswith("/v1/messages"):
            return as_json(200, {})
        if request.headers.get("x-api-key") != self._api_key:
            self.unauthorised += 1
            return _error(401, "authentication_error", "invalid x-api-key")
        body = json.loads(request.body)
        if path.endswith("/count_tokens"):
            return as_json(200, {"input_tokens": len(request.body) // _BYTES_PER_TOKEN})
        self.requests.append(body)
        self._wait_at_gate(body)
        attempt = self._attempt(body)
        if fault := self._faults.popleft() if self._faults else attempt.fault:
            return self._break(fault)
        message = _message(body, _next_block(body, attempt), len(request.body) // _BYTES_PER_TOKEN)
        if not body.get("stream"):
            return as_json(200, message)
        return Answer(200, b"".join(_stream(message)), "text/event-stream")

    def _wait_at_gate(self, body: dict[str, Any]) -> None:
        task = _task_of(body)
        gate = self.gates.get(task["todo"]["action"]) if task else None
        while gate is not None and not gate.wait(0.05) and not self._closing.is_set():
            continue

    def _attempt(self, body: dict[str, Any]) -> Attempt:
        task = _task_of(body) if body.get("tools") else None
        if task is None:
            return Attempt(text="OK")  # the command asks small things of its own, such as a title
        attempts = self.script.get(task["todo"]["action"])
        if not attempts:
            return Attempt(text=NO_SCRIPT)
        return attempts[min(len(attempts) - 1, 1 if task.get("findings") else 0)]

    def _break(self, fault: Fault) -> Answer:
        if fault == "hang":
            self._closing.wait()
        if fault == "overloaded":
            return _error(529, "overloaded_error", "Overloaded")
        return _error(400, "invalid_request_error", "this request is scripted to fail")


def _task_of(body: dict[str, Any]) -> dict[str, Any] | None:
    """The JSON object on the last line of the first user text that has one."""
    for text in _user_texts(body):
        try:
            task = json.loads(text.strip().rpartition("\n")[2])
        except ValueError:
            continue
        if isinstance(task, dict) and isinstance(task.get("todo"), dict) and "tree" in task:
            return task
    return None


def _user_texts(body: dict[str, Any]) -> Iterator[str]:
    for message in body.get("messages", []):
        content = message.get("content")
        if message.get("role") == "user" and isinstance(content, str):
            yield content
        elif message.get("role") == "user":
            yield from (block["text"] for block in content or [] if block.get("type") == "text")


def _next_block(body: dict[str, Any], attempt: Attempt) -> dict[str, Any]:
    """The content of this turn: the call after those that were made already, or the last text."""
    blocks = [b for m in body["messages"] if isinstance(m["content"], list) for b in m["content"]]
    made = sum(block.get("type") == "tool_use" for block in blocks)
    if made >= len(attempt.calls):
        return {"type": "text", "text": attempt.text}
    call, task = attempt.calls[made], _task_of(body)
    arguments = dict(call.arguments)
    if task is not None and "file_path" in arguments:
        arguments["file_path"] = str(PurePosixPath(task["tree"]) / arguments["file_path"])
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:24]}", "name": call.tool, "input": arguments}


def _message(body: dict[str, Any], block: dict[str, Any], tokens_in: int) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:24]}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [block],
        "stop_reason": "tool_use" if block["type"] == "tool_use" else "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": tokens_in,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": len(json.dumps(block)) // _BYTES_PER_TOKEN,
        },
    }


def _stream(message: dict[str, Any]) -> Iterator[bytes]:
    """The message as server-sent events."""
    block = message["content"][0]
    if block["type"] == "text":
        empty: dict[str, Any] = {**block, "text": ""}
        delta = {"type": "text_delta", "text": block["text"]}
    else:
        empty = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
    begun = {**message, "content": [], "stop_reason": None, "usage": {**message["usage"], "output_tokens": 1}}
    end = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    for event in (
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": empty},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": end, "usage": {"output_tokens": message["usage"]["output_tokens"]}},
        {"type": "message_stop"},
    ):
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _error(status: int, kind: str, text: str) -> Answer:
    return as_json(status, {"type": "error", "error": {"type": kind, "message": text}})
