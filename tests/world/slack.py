"""FAKE: Slack's incoming webhook. It takes only what Slack takes, and keeps the messages."""

from __future__ import annotations

import json
import secrets
from collections import deque
from typing import Any

from tests.world.loopback import Answer, Loopback, Request

_MOST_BLOCKS = 50
_LONGEST_SECTION = 3000


class Slack(Loopback):
    """`webhook_url` is the address to post to, `messages` what was taken, `rejected` the errors that were answered.

    `fail_next(status, times)` answers the next requests with 429 (and Retry-After) or a 5xx.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._path = f"/services/T0000/B0000/{secrets.token_urlsafe(18)}"
        self._failures: deque[int] = deque()
        self.webhook_url = self.url + self._path
        self.messages: list[dict[str, Any]] = []
        self.rejected: list[str] = []

    def fail_next(self, status: int, times: int = 1) -> None:
        """Answer the next `times` requests with this status."""
        self._failures.extend([status] * times)

    @property
    def texts(self) -> list[str]:
        """The messages as people read them: the sections' text, else the plain text."""
        return [_readable(message) for message in self.messages]

    def _answer(self, request: Request) -> Answer:
        if self._failures:
            status = self._failures.popleft()
            wait = {"retry-after": "1"} if status == 429 else {}
            return Answer(status, b"rate_limited" if status == 429 else b"server_error", "text/plain", wait)
        status, said = self._judge(request)
        if status != 200:
            self.rejected.append(said)
        return Answer(status, said.encode(), "text/plain")

    def _judge(self, request: Request) -> tuple[int, str]:
        if request.path != self._path:
            return 404, "no_service"
        if request.method != "POST" or request.headers.get("content-type", "").split(";")[0] != "application/json":
            return 400, "invalid_payload"
        try:
            message = json.loads(request.body)
        except ValueError:
            return 400, "invalid_payload"
        if not isinstance(message, dict) or not (message.get("text") or message.get("blocks")):
            return 400, "invalid_payload"
        if not _blocks_fit(message.get("blocks") or []):
            return 400, "invalid_blocks"
        self.messages.append(message)
        return 200, "ok"


def _blocks_fit(blocks: Any) -> bool:
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS:
        return False
    for block in blocks:
        if not isinstance(block, dict) or not isinstance(block.get("type"), str):
            return False
        text = block.get("text")
        if block["type"] == "section" and isinstance(text, dict):
            said = text.get("text")
            if text.get("type") not in ("mrkdwn", "plain_text") or not isinstance(said, str):
                return False
            if not 0 < len(said) <= _LONGEST_SECTION:
                return False
    return True


def _readable(message: dict[str, Any]) -> str:
    sections = [block["text"]["text"] for block in message.get("blocks") or [] if "text" in block]
    return "\n".join(sections) or str(message.get("text", ""))
