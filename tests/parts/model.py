"""FAKE of the Messages API: a scripted model that the real Claude Code CLI talks to.

It learns the TODO from the last line of the agent's prompt and plays the tool calls that its script has for that
action: one list for the first try, one for the second, told apart by the findings. Paths are relative to the tree.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USAGE = {"input_tokens": 1200, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}


@dataclass(frozen=True)
class Call:
    """One tool call: its name and arguments; `file_path` is below the tree."""

    tool: str
    arguments: Mapping[str, Any]


Script = Sequence[Sequence[Call]]


class Model:
    """The server. `scripts` maps an action to its tries; `requests` keeps every body; `status` answers all with that
    error; `hang` makes every request wait that many seconds.
    """

    def __init__(self, scripts: Mapping[str, Script]) -> None:
        self.scripts, self.requests = dict(scripts), list[dict[str, Any]]()
        self.status, self.hang = 200, 0.0
        self._numbers = itertools.count(1)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, request: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The content block and stop reason of the next turn."""
        task = _task(request)
        if task is None or not request.get("tools"):
            return {"type": "text", "text": "Nothing to do."}, "end_turn"
        tries = self.scripts.get(task["todo"]["action"])
        if tries is None:
            return {"type": "text", "text": "The scripted model has no script for this action item."}, "end_turn"
        calls = tries[min(len(tries) - 1, 1 if task["findings"] else 0)]
        made = sum(_is_result(message) for message in request["messages"])
        if made >= len(calls):
            return {"type": "text", "text": "The change is made."}, "end_turn"
        call = calls[made]
        arguments = {**call.arguments, "file_path": f"{task['tree']}/{call.arguments['file_path']}"}
        name = f"toolu_{next(self._numbers):08d}"
        return {"type": "tool_use", "id": name, "name": call.tool, "input": arguments}, "tool_use"

    def stream(self, request: dict[str, Any]) -> Iterator[bytes]:
        """The turn as server-sent events, in the shape that the CLI reads."""
        block, stop = self.answer(request)
        message: dict[str, Any] = {
            "id": f"msg_{next(self._numbers):08d}",
            "type": "message",
            "role": "assistant",
            "content": [],
        }
        message |= {"model": request["model"], "stop_reason": None, "stop_sequence": None, "usage": USAGE}
        empty = {**block, "text": ""} if block["type"] == "text" else {**block, "input": {}}
        if block["type"] == "text":
            delta = {"type": "text_delta", "text": block["text"]}
        else:
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        end = {"delta": {"stop_reason": stop, "stop_sequence": None}, "usage": {"output_tokens": 90}}
        for kind, data in (
            ("message_start", {"message": message}),
            ("content_block_start", {"index": 0, "content_block": empty}),
            ("content_block_delta", {"index": 0, "delta": delta}),
            ("content_block_stop", {"index": 0}),
            ("message_delta", end),
            ("message_stop", {}),
        ):
            yield f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n".encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                model.requests.append(body)
                time.sleep(model.hang)
                if model.status != 200:
                    error = {"type": "error", "error": {"type": "overloaded_error", "message": "scripted"}}
                    return self._json(model.status, error)
                if not self.path.startswith("/v1/messages") or "count_tokens" in self.path:
                    return self._json(200, {"input_tokens": 1200})
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.end_headers()
                for piece in model.stream(body):
                    self.wfile.write(piece)
                self.close_connection = True
                return None

            def do_GET(self) -> None:
                self._json(200, {})

            do_HEAD = do_GET

            def _json(self, status: int, data: dict[str, Any]) -> None:
                sent = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(sent)))
                self.end_headers()
                self.wfile.write(sent)

            def handle(self) -> None:
                # The CLI drops connections that it opened ahead; that is no error of anybody's.
                try:
                    super().handle()
                except ConnectionError:
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                return

        return Handler


def _task(request: dict[str, Any]) -> dict[str, Any] | None:
    for message in request.get("messages", []):
        content = message["content"]
        texts = [content] if isinstance(content, str) else [part.get("text", "") for part in content]
        for text in texts:
            last = text.strip().rpartition("\n")[2]
            if last.startswith('{"tree"'):
                found: dict[str, Any] = json.loads(last)
                return found
    return None


def _is_result(message: dict[str, Any]) -> bool:
    content = message["content"]
    return isinstance(content, list) and any(part.get("type") == "tool_result" for part in content)
