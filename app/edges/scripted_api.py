"""A Messages API that says what a script says, over any stream: the model of the cage's self-test.

It listens nowhere itself. What connects to a port of the DevVM's loopback is handed to `serve`, one stream a thread.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler
from typing import Any

Script = Callable[[Mapping[str, Any]], Sequence[Mapping[str, Any]]]
_MOST_BYTES = 8 * 1024 * 1024
_SILENCE_SECONDS = 60


class ScriptedApi:
    """Answers each request for a message with the content blocks that `script` makes of its JSON object.

    `bodies` holds these objects in order, `heard` the path of every request and the value of its header x-canary.
    Who does not show `key` is not heard: other users of the machine can reach the port too.
    """

    def __init__(self, key: str, script: Script) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.heard: list[str] = []
        self._key, self._script = key, script

    def serve(self, stream: Any) -> None:
        """Answer requests on a socket, or what acts like one, until the other side hangs up."""
        _Handler(stream, self._answer)

    def _answer(self, path: str, headers: Mapping[str, str], data: bytes) -> tuple[int, str, bytes]:
        """Status, content type and body for a request."""
        self.heard += [path, headers.get("x-canary", "")]
        if not path.partition("?")[0].startswith("/v1/messages"):
            return _as_json(200, {})
        if headers.get("x-api-key") != self._key:
            return _as_json(401, _error("authentication_error", "this key is not the one of this test"))
        try:
            body = json.loads(data)
        except (ValueError, RecursionError):
            body = None
        if not isinstance(body, dict):
            return _as_json(400, _error("invalid_request_error", "the body is no JSON object"))
        if path.partition("?")[0].endswith("/count_tokens"):
            return _as_json(200, {"input_tokens": 1})
        self.bodies.append(body)
        message = _message(str(body.get("model")), self._script(body), len(self.bodies))
        if not body.get("stream"):
            return _as_json(200, message)
        return 200, "text/event-stream", b"".join(_events(message))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _SILENCE_SECONDS

    def __init__(self, stream: Any, answer: Callable[..., tuple[int, str, bytes]]) -> None:
        self._answer = answer
        super().__init__(stream, ("", 0), None)  # type: ignore[arg-type]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """The test keeps what it needs itself."""

    def handle_any(self) -> None:
        size = self.headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > _MOST_BYTES:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        status, kind, body = self._answer(self.path, headers, self.rfile.read(int(size)))
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = handle_any


def _message(model: str, blocks: Sequence[Mapping[str, Any]], number: int) -> dict[str, Any]:
    """A finished message. Its id differs from every other's: messages with one id are taken for parts of one."""
    calls = any(block["type"] == "tool_use" for block in blocks)
    return {
        "id": f"msg_{number:024d}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [dict(block) for block in blocks],
        "stop_reason": "tool_use" if calls else "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }


def _events(message: dict[str, Any]) -> Iterator[bytes]:
    """The message as server-sent events."""
    yield _event("message_start", message={**message, "content": [], "stop_reason": None})
    for index, block in enumerate(message["content"]):
        if block["type"] == "text":
            empty, delta = {**block, "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            given = json.dumps(block["input"])
            empty, delta = {**block, "input": {}}, {"type": "input_json_delta", "partial_json": given}
        yield _event("content_block_start", index=index, content_block=empty)
        yield _event("content_block_delta", index=index, delta=delta)
        yield _event("content_block_stop", index=index)
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    yield _event("message_delta", delta=stop, usage=message["usage"])
    yield _event("message_stop")


def _event(kind: str, **more: Any) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **more})}\n\n".encode()


def _error(kind: str, text: str) -> dict[str, Any]:
    return {"type": "error", "error": {"type": kind, "message": text}}


def _as_json(status: int, value: Any) -> tuple[int, str, bytes]:
    return status, "application/json", json.dumps(value).encode()
