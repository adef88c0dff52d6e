"""FAKE of Slack's incoming webhook: as strict as the real one, keeps what it was sent, fails when told to."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Slack:
    """The sink. `messages` is what was posted; statuses in `failures` are answered first, one a request."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.failures: list[int] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/services/T000/B000/canary-slack-token"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer nobody any more."""
        self._server.shutdown()
        self._server.server_close()

    def _take(self, content_type: str, body: bytes) -> tuple[int, str]:
        if self.failures:
            return self.failures.pop(0), "later"
        try:
            message = json.loads(body) if content_type == "application/json" else None
        except ValueError:
            message = None
        if not isinstance(message, dict):
            return 400, "invalid_payload"
        if not message.get("text") and not message.get("blocks"):
            return 400, "no_text"
        if any(len(b.get("text", {}).get("text", "")) > 3000 for b in message.get("blocks", [])):
            return 400, "invalid_blocks"
        self.messages.append(message)
        return 200, "ok"

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, said = take(self.headers.get("content-type", ""), body)
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.end_headers()
                self.wfile.write(said.encode())

            def log_message(self, *_: Any) -> None:
                return

        return Handler
