"""Slack's incoming webhook: one POST, its answer read strictly."""

from __future__ import annotations

from typing import Any

import httpx

from app.errors import Failed, Transient


def post(webhook_url: str, message: dict[str, Any], client: httpx.Client | None = None) -> None:
    """Send one message, `{"text": ..., "blocks": [...]}`. The URL is a secret and appears in no error.

    Raises Transient on 429, 5xx and network errors, Failed on every other answer but 200.
    """
    own = client or httpx.Client(timeout=10, follow_redirects=False)
    try:
        answer = own.post(webhook_url, json=message)
    except httpx.HTTPError as error:
        raise Transient("slack-unreachable", f"telling Slack: no answer ({type(error).__name__})") from None
    finally:
        if client is None:
            own.close()
    if answer.status_code == 429 or answer.status_code >= 500:
        raise Transient("slack-busy", f"telling Slack: it answered {answer.status_code}")
    if answer.status_code != 200:
        said = answer.text[:100]
        message_text = f"telling Slack: it answered {answer.status_code} ({said}); check slack.webhook_url"
        raise Failed("slack-refused", message_text)
