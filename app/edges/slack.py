"""Slack: the incoming webhook, the Web API with a bot token, and the address that an interaction is answered at.

One request each, its answer read strictly. URLs and tokens are secrets and appear in no error. What was sent and not
answered is Unknown: Slack may have it.
"""

from __future__ import annotations

import functools
import math
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from app.errors import Failed, Transient, Unknown

EVENT = "followthrough_message"
# Pages of a hundred messages that are looked through for one.
_MOST_PAGES = 20
_SECONDS = 10.0
# Longer than that nobody waits at a word of Slack's.
_LONGEST_WAIT = 3600.0
# What says that the message itself is at fault: no later try would be taken.
_OF_THE_MESSAGE = (
    "invalid_blocks", "invalid_blocks_format", "msg_too_long", "msg_blocks_too_long", "no_text", "invalid_payload",
    "invalid_arguments", "invalid_metadata_format", "invalid_metadata_schema", "metadata_too_large",
    "too_many_attachments", "missing_text_or_fallback_or_attachments",
)  # fmt: skip
_GONE = ("message_not_found", "edit_window_closed", "cant_update_message")
_BUSY = ("ratelimited", "rate_limited", "request_timeout", "service_unavailable", "team_added_to_org")
# Of these Slack's reference says that some part of the operation may have succeeded.
_LOST = ("fatal_error", "internal_error")


class Busy(Transient):
    """Slack wants to be left alone for so many `seconds`."""

    def __init__(self, message: str, seconds: float) -> None:
        super().__init__("slack-busy", message)
        self.seconds = seconds


@dataclass(frozen=True)
class Bot:
    """The Web API with a bot's token."""

    api_url: str
    token: str = field(repr=False)

    def post(self, channel: str, message: Mapping[str, Any], thread: str, broadcast: bool, key: str) -> str:
        """Post a message, in a thread where one is named; returns Slack's name of it. `key` is what it is found by."""
        about: dict[str, Any] = {"metadata": {"event_type": EVENT, "event_payload": {"key": key}}}
        if thread:
            about |= {"thread_ts": thread, "reply_broadcast": broadcast}
        return _name(self._call("chat.postMessage", {**message, **about, "channel": channel, "parse": "none"}))

    def update(self, channel: str, ts: str, message: Mapping[str, Any]) -> str:
        """Make a message what it is to be now. Raises Failed("slack-message-gone") when it is there no more."""
        told = {name: value for name, value in message.items() if name in ("text", "blocks")}
        return _name(self._call("chat.update", {**told, "channel": channel, "ts": ts, "parse": "none"}))

    def find(self, channel: str, thread: str, since: float, key: str) -> str:
        """Slack's name of the message that was posted with this key since then (seconds since 1970); empty: none.

        Raises Failed where the token may not read the channel (it needs the scope channels:history or groups:history),
        and where more was written since than is read.
        """
        asked: dict[str, Any] = {"channel": channel, "oldest": f"{since:.6f}", "limit": 100}
        asked |= {"include_all_metadata": True, **({"ts": thread} if thread else {})}
        for _ in range(_MOST_PAGES):
            found = self._call("conversations.replies" if thread else "conversations.history", asked)
            try:
                ours = [message for message in found["messages"] if _bears(message, key)]
                asked["cursor"] = (found.get("response_metadata") or {}).get("next_cursor") or ""
            except (AttributeError, KeyError, TypeError):
                raise _unclear("telling Slack (looking for a post)") from None
            if ours:
                return _name(ours[0])
            if not asked["cursor"]:
                return ""
        raise Failed("slack-refused", f"telling Slack: more than {_MOST_PAGES} pages were written in {channel} since")

    def who(self) -> tuple[str, str]:
        """The workspace's name and id, by auth.test."""
        answer = self._call("auth.test", {})
        return str(answer.get("team", "")), str(answer.get("team_id", ""))

    def channel(self, channel: str) -> Mapping[str, Any]:
        """What conversations.info says of a channel. Raises Failed where the token may not ask."""
        return dict(self._call("conversations.info", {"channel": channel})["channel"])

    def _call(self, method: str, body: Mapping[str, Any]) -> dict[str, Any]:
        doing = f"telling Slack ({method})"
        # The reading methods take forms alone.
        reads = method.startswith("conversations.")
        form = {name: str(value).lower() if value is True else value for name, value in body.items()}
        answer = _send(
            f"{self.api_url}/{method}",
            doing,
            headers={"authorization": f"Bearer {self.token}"},
            **({"data": form} if reads else {"json": dict(body)}),
        )
        if answer.status_code != 200:
            raise Failed("slack-refused", f"{doing}: it answered {answer.status_code}; check slack.api_url")
        try:
            said = answer.json()
            is_ok, error = said["ok"], str(said.get("error", ""))[:100]
        except (ValueError, TypeError, KeyError, AttributeError):
            raise _unclear(doing) from None
        if not is_ok:
            raise _failure(doing, error, answer.headers)
        return dict(said)


def post(webhook_url: str, message: Mapping[str, Any]) -> None:
    """Send a message by an incoming webhook, or to the address that an interaction came with."""
    doing = "telling Slack"
    answer = _send(webhook_url, doing, json=dict(message))
    if answer.status_code != 200:
        said = answer.text[:100].strip()
        reason = "slack-refused-message" if said in _OF_THE_MESSAGE else "slack-refused"
        raise Failed(reason, f"{doing}: it answered {answer.status_code} ({said}); check slack.webhook_url")


def _send(url: str, doing: str, **what: Any) -> httpx.Response:
    """Raises Transient when it is certain that nothing was taken, Unknown when it is not."""
    try:
        with httpx.Client(timeout=_SECONDS, follow_redirects=False, verify=_authorities()) as client:
            answer = client.post(url, **what)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as e:
        raise Transient("slack-unreachable", f"{doing}: no connection ({type(e).__name__})") from None
    except httpx.HTTPError as error:
        raise Unknown("slack-lost", f"{doing}: no answer came ({type(error).__name__}); it may be there") from None
    if answer.status_code == 429:
        raise Busy(f"{doing}: it answered 429", _wait(answer.headers))
    if answer.status_code >= 500:
        raise Transient("slack-busy", f"{doing}: it answered {answer.status_code}")
    return answer


@functools.cache
def _authorities() -> ssl.SSLContext:
    """Whose certificates are believed; reading them takes longer than a request does."""
    return httpx.create_ssl_context()


def _failure(doing: str, error: str, headers: Mapping[str, str]) -> Exception:
    said = f"{doing}: it answered {error or 'no'}"
    if error in _BUSY:
        return Busy(said, _wait(headers))
    if error in _LOST:
        return Unknown("slack-lost", f"{said}; it may be there")
    if error in _GONE:
        return Failed("slack-message-gone", said)
    if error in _OF_THE_MESSAGE:
        return Failed("slack-refused-message", said)
    return Failed("slack-refused", f"{said}; check the bot's token, its scopes and that it is in the channel")


def _unclear(doing: str) -> Unknown:
    return Unknown("slack-unclear", f"{doing}: its answer is not one of Slack's")


def _name(said: Mapping[str, Any]) -> str:
    """Slack's name of a message. Raises Unknown where there is none."""
    if not isinstance(said.get("ts"), str):
        raise _unclear("telling Slack (reading a message's name)")
    return str(said["ts"])


def _bears(message: Mapping[str, Any], key: str) -> bool:
    """Whether a message was posted with this key."""
    metadata = message.get("metadata") or {}
    return metadata.get("event_type") == EVENT and (metadata.get("event_payload") or {}).get("key") == key


def _wait(headers: Mapping[str, str]) -> float:
    try:
        seconds = float(headers.get("retry-after", "1"))
    except ValueError:
        return 1.0
    return min(max(seconds, 1.0), _LONGEST_WAIT) if math.isfinite(seconds) else 1.0
