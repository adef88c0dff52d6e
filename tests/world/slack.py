"""FAKE: Slack. Its incoming webhook, the methods of its Web API that are used here, and a person who presses buttons.

It takes only what Slack's published reference takes, answers in its words, and keeps what it took.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections import deque
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

import httpx

from tests.world.block_kit import is_too_long, problem, texts
from tests.world.loopback import Answer, Loopback, Request, as_json

_LONGEST_TEXT = 40_000
_OF_A_POST = {"text", "blocks", "unfurl_links", "unfurl_media", "mrkdwn", "username", "icon_emoji", "icon_url",
              "thread_ts", "response_type", "replace_original", "delete_original", "metadata"}  # fmt: skip
_OF_A_MESSAGE = _OF_A_POST | {"channel", "parse", "link_names", "reply_broadcast", "as_user"}
TEAM = "T0WORLD01"
APP = "A0WORLD01"


class Slack(Loopback):
    """`webhook_url` is the address to post to, `messages` what was taken, `rejected` the errors that were answered.

    The bot: `api_url`, `token`, and `channels`, ids of those that it is in. What it posted is in `messages` too, as it
    is now, with `ts`, `channel` and (when it was edited) `edits`. `calls` are the methods that were called.
    `fail_next(status, times)` answers the next requests with 429 (and Retry-After) or a 5xx; `lose_next` takes the next
    request and hangs up without an answer; `answer_next` answers with an error of the Web API. While `odd` is
    something, the Web API answers that instead of what it has done.
    """

    def __init__(self) -> None:
        super().__init__(self._answer)
        self._path = f"/services/T0000/B0000/{secrets.token_urlsafe(18)}"
        self._failures: deque[int] = deque()
        self._errors: deque[str] = deque()
        self._losses = 0
        self.webhook_url = self.url + self._path
        self.api_url = f"{self.url}/api"
        self.token = f"xoxb-{secrets.token_hex(16)}"
        self.signing_secret = secrets.token_hex(16)
        self.channels = {"C0GENERAL1", "C0SEVERE01"}
        self.scopes = {"chat:write", "channels:history", "channels:read"}
        self.messages: list[dict[str, Any]] = []
        self.rejected: list[str] = []
        self.calls: list[str] = []
        self.answers: list[dict[str, Any]] = []
        self.retry_after = "1"
        self.odd: dict[str, Any] | None = None

    def fail_next(self, status: int, times: int = 1) -> None:
        """Answer the next `times` requests with this status."""
        self._failures.extend([status] * times)

    def answer_next(self, error: str, times: int = 1) -> None:
        """Answer the next `times` calls of the Web API with this error."""
        self._errors.extend([error] * times)

    def lose_next(self, times: int = 1) -> None:
        """Take the next `times` requests and answer none of them."""
        self._losses += times

    @property
    def texts(self) -> list[str]:
        """The messages as people read them: what the blocks say, else the plain text."""
        return [_readable(message) for message in self.messages]

    def press(self, url: str, action: str, user: str, **changes: Any) -> httpx.Response:
        """Press a button of the newest message that has one of this action id, as this user.

        `changes`: `team`, `value`, `age` (seconds since it was signed), `secret`, `body` (sent as it is).
        """
        sent = self.interaction(action, user, **changes)
        return httpx.post(url, content=sent[0], headers=sent[1], timeout=10)

    def interaction(self, action: str, user: str, **changes: Any) -> tuple[bytes, dict[str, str]]:
        """The request that Slack makes for a button: its body and its headers."""
        message = next(m for m in reversed(self.messages) if _buttons(m, action))
        button = _buttons(message, action)[-1]
        button = {**button, "value": changes["value"]} if "value" in changes else button
        team = {"id": changes.get("team", TEAM), "domain": "world"}
        place = {"type": "message", "message_ts": message.get("ts", "1.1"), "channel_id": message.get("channel", "C0")}
        done = {name: button[name] for name in ("action_id", "type", "text", "value") if name in button}
        payload: dict[str, Any] = {
            "type": "block_actions",
            "user": {"id": user, "username": "somebody", "name": "somebody", "team_id": team["id"]},
            "api_app_id": APP,
            "token": "legacy",
            "container": {**place, "is_ephemeral": False},
            "trigger_id": f"1.2.{secrets.token_hex(16)}",
            "team": team,
            "enterprise": None,
            "is_enterprise_install": False,
            "channel": {"id": place["channel_id"], "name": "general"},
            "message": {"type": "message", "ts": place["message_ts"], "blocks": message["blocks"]},
            "response_url": f"{self.url}/actions/{TEAM}/{secrets.token_hex(8)}",
            "actions": [{**done, "block_id": "b", "action_ts": f"{time.time():.6f}"}],
        }
        body = changes.get("body", urlencode({"payload": json.dumps(payload)}).encode())
        at = str(int(time.time() - changes.get("age", 0)))
        secret = str(changes.get("secret", self.signing_secret))
        signed = hmac.new(secret.encode(), b"v0:" + at.encode() + b":" + body, hashlib.sha256).hexdigest()
        headers = {"x-slack-request-timestamp": at, "x-slack-signature": f"v0={signed}"}
        return body, {**headers, "content-type": "application/x-www-form-urlencoded"}

    def _answer(self, request: Request) -> Answer:
        if self._failures:
            status = self._failures.popleft()
            wait = {"retry-after": self.retry_after} if status == 429 else {}
            return Answer(status, b"rate_limited" if status == 429 else b"server_error", "text/plain", wait)
        given = self._api(request) if request.path.startswith("/api/") else self._post(request)
        if self._losses:
            self._losses -= 1
            # A connection that breaks, as far as the caller sees it: less comes than was said.
            return Answer(200, b"", headers={"content-length": "9"}, content_type="text/plain")
        return given

    def _post(self, request: Request) -> Answer:
        status, said = self._judge(request)
        if status != 200:
            self.rejected.append(said)
        return Answer(status, said.encode(), "text/plain")

    def _judge(self, request: Request) -> tuple[int, str]:
        is_answer = request.path.startswith(f"/actions/{TEAM}/")
        if request.path != self._path and not is_answer:
            return 404, "no_service"
        if request.method != "POST" or request.headers.get("content-type", "").split(";")[0] != "application/json":
            return 400, "invalid_payload"
        try:
            message = json.loads(request.body)
        except ValueError:
            return 400, "invalid_payload"
        if not isinstance(message, dict) or message.keys() - _OF_A_POST:
            return 400, "invalid_payload"
        if not (message.get("text") or message.get("blocks")):
            return 400, "no_text" if message == {} else "invalid_payload"
        if wrong := _wrong(message):
            return 400, wrong
        (self.answers if is_answer else self.messages).append(message)
        return 200, "ok"

    def _api(self, request: Request) -> Answer:
        method = request.path.removeprefix("/api/")
        self.calls.append(method)
        if self._errors:
            return self._no(self._errors.popleft())
        if not hmac.compare_digest(request.headers.get("authorization", ""), f"Bearer {self.token}"):
            return self._no("invalid_auth" if "authorization" in request.headers else "not_authed")
        form = request.headers.get("content-type", "").split(";")[0] == "application/x-www-form-urlencoded"
        try:
            given = dict(parse_qsl(request.body.decode())) if form else json.loads(request.body)
        except ValueError:
            return self._no("invalid_json")
        methods = {
            "chat.postMessage": self._post_message, "chat.update": self._update, "auth.test": self._who,
            "chat.postEphemeral": self._ephemeral, "views.open": self._view, "conversations.info": self._channel,
            "conversations.history": self._history, "conversations.replies": self._history,
        }  # fmt: skip
        if method not in methods:
            return self._no("unknown_method")
        return methods[method](given)

    def _post_message(self, given: dict[str, Any]) -> Answer:
        if given.keys() - _OF_A_MESSAGE or not isinstance(given.get("channel"), str):
            return self._no("invalid_arguments")
        if given["channel"] not in self.channels:
            return self._no("channel_not_found" if given["channel"][:1] != "C" else "not_in_channel")
        if wrong := _wrong(given):
            return self._no(wrong)
        if "thread_ts" in given and not self._known(given["channel"], given["thread_ts"]):
            return self._no("thread_not_found")
        taken = {**given, "ts": f"{time.time():.6f}", "edits": 0}
        self.messages.append(taken)
        shown = {"type": "message", "text": given.get("text", ""), "ts": taken["ts"], "bot_id": "B0WORLD01"}
        return self._yes(channel=given["channel"], ts=taken["ts"], message=shown)

    def _update(self, given: dict[str, Any]) -> Answer:
        if given.keys() - (_OF_A_MESSAGE | {"ts"}) or not isinstance(given.get("ts"), str):
            return self._no("invalid_arguments")
        known = self._known(str(given.get("channel")), given["ts"])
        if known is None:
            return self._no("message_not_found")
        if wrong := _wrong(given):
            return self._no(wrong)
        known.update({name: given[name] for name in ("text", "blocks") if name in given})
        known["edits"] += 1
        return self._yes(channel=given["channel"], ts=given["ts"], text=given.get("text", ""))

    def _ephemeral(self, given: dict[str, Any]) -> Answer:
        if not isinstance(given.get("user"), str) or given.get("channel") not in self.channels:
            return self._no("user_not_in_channel")
        if wrong := _wrong(given):
            return self._no(wrong)
        self.answers.append(given)
        return self._yes(message_ts=f"{time.time():.6f}")

    def _view(self, given: dict[str, Any]) -> Answer:
        view = given.get("view")
        if not isinstance(given.get("trigger_id"), str):
            return self._no("invalid_trigger_id")
        if not isinstance(view, dict) or view.get("type") not in ("modal", "home") or problem(view.get("blocks")):
            return self._no("invalid_arguments")
        return self._yes(view={"id": "V0WORLD01", **view})

    def _who(self, _: dict[str, Any]) -> Answer:
        return self._yes(
            url="https://world.slack.com/", team="World", user="followthrough", team_id=TEAM, user_id="U0B"
        )

    def _channel(self, given: dict[str, Any]) -> Answer:
        if "channels:read" not in self.scopes:
            return self._no("missing_scope", needed="channels:read", provided=",".join(sorted(self.scopes)))
        if given.get("channel") not in self.channels:
            return self._no("channel_not_found")
        return self._yes(channel={"id": given["channel"], "name": "general", "is_member": True, "is_archived": False})

    def _history(self, given: dict[str, Any]) -> Answer:
        if "channels:history" not in self.scopes:
            return self._no("missing_scope", needed="channels:history", provided=",".join(sorted(self.scopes)))
        here = [m for m in self.messages if m.get("channel") == given.get("channel")]
        here = [m for m in here if m.get("thread_ts", "") == given.get("ts", "") or m["ts"] == given.get("ts")]
        if given.get("include_all_metadata") != "true":
            here = [{name: value for name, value in m.items() if name != "metadata"} for m in here]
        here = [m for m in reversed(here) if float(m["ts"]) > float(given.get("oldest", 0))]
        begin, size = int(given.get("cursor", 0)), int(given.get("limit", 100))
        more = {"next_cursor": str(begin + size)} if len(here) > begin + size else {}
        return self._yes(messages=here[begin : begin + size], has_more=bool(more), response_metadata=more)

    def _known(self, channel: str, ts: str) -> dict[str, Any] | None:
        return next((m for m in self.messages if m.get("ts") == ts and m.get("channel") == channel), None)

    def _no(self, error: str, **more: Any) -> Answer:
        self.rejected.append(error)
        status, headers = (429, {"retry-after": self.retry_after}) if error == "ratelimited" else (200, {})
        said = as_json(status, {"ok": False, "error": error, **more})
        return Answer(status, said.body, said.content_type, headers)

    def _yes(self, **more: Any) -> Answer:
        return as_json(200, {"ok": True, **(more if self.odd is None else self.odd)})


def _wrong(message: Mapping[str, Any]) -> str:
    """The error that Slack answers to a message, empty for one that it takes."""
    text, blocks = message.get("text", ""), message.get("blocks", [])
    if not isinstance(text, str) or not (text or blocks):
        return "no_text"
    if len(text) > _LONGEST_TEXT:
        return "msg_too_long"
    if problem(blocks):
        return "invalid_blocks"
    if is_too_long(blocks):
        return "msg_blocks_too_long"
    metadata = message.get("metadata")
    if metadata is not None and not (isinstance(metadata, dict) and {"event_type", "event_payload"} == metadata.keys()):
        return "invalid_metadata_format"
    return ""


def _buttons(message: Mapping[str, Any], action: str) -> list[dict[str, Any]]:
    elements = [e for block in message.get("blocks") or [] for e in block.get("elements", [])]
    return [dict(e) for e in elements if e.get("action_id") == action]


def _readable(message: Mapping[str, Any]) -> str:
    blocks = [block for block in message.get("blocks") or [] if block.get("type") != "actions"]
    return "\n".join(texts(blocks)) or str(message.get("text", ""))
