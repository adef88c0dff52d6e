"""POST /webhooks/slack: a person pressed a button. Read (capped), verify, understand, let it be done, answer 200.

Who may is said by `slack.approvers`; they are written down as `slack:USER`. A button bears the run, the TODO and the
commit that was shown with it, and is good for that commit alone. It is acted on through `Acts` only. What came of it is
told to who pressed it through the outbox: this side may have no way out to Slack, and Slack waits three seconds.

Slack signs time and body (v0); what is older than five minutes is refused, and what comes twice is done once.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from time import time
from typing import Any
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from slack_sdk.signature import Clock, SignatureVerifier
from sqlalchemy.exc import SQLAlchemyError

from app.blocks import answer
from app.errors import FollowthroughError
from app.ledger import Ledger
from app.ledger.actions import Action
from app.ledger.outbox import Place
from app.settings import Settings
from app.web.acts import Acts
from app.web.webhooks import Rejected, read_body

log = logging.getLogger(__name__)
# Slack takes an answer at an interaction's address for half an hour.
_ANSWERABLE = 25 * 60
# Slack wants to hear within three seconds; what takes longer goes on.
_SECONDS = 2.0
_DECISIONS = {"approve": "approved", "decline": "declined"}
_TIME, _SIGNATURE = re.compile(r"[0-9]{1,12}"), re.compile(r"v0=[0-9a-f]{64}")
_USER = re.compile(r"[UW][A-Z0-9]{2,20}")
_IDS = {"run": re.compile(r"[a-z0-9-]{1,100}"), "todo": re.compile(r"[A-Za-z0-9-]{1,32}")}
_IDS["commit"] = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Pressed:
    """A button, who pressed it, and where they are answered. `name` is this press among all, by its signed body."""

    name: str
    action: str
    run_id: str
    todo_id: str
    commit: str
    user: str
    answer_url: str


class _Now(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._given = now

    def now(self) -> float:
        """Seconds since 1970."""
        return self._given()


def router(settings: Settings, ledger: Ledger, acts: Acts, now: Callable[[], float] = time) -> APIRouter:
    """The interactive endpoint. Without `slack.signing_secret` it answers 404 to everybody."""
    routes = APIRouter()
    secret = settings.slack.signing_secret.get_secret_value()
    verifier = SignatureVerifier(secret, _Now(now)) if secret else None
    under_way: set[asyncio.Task[None]] = set()

    async def slack(request: Request) -> Response:
        if verifier is None:
            return JSONResponse({"error": "slack-not-configured", "message": "there is no signing secret"}, 404)
        try:
            body = await read_body(request, settings.server.max_body_bytes)
            if not _is_signed(verifier, request, body):
                raise Rejected(401, "bad-signature", "the signature is missing, late or does not fit")
            pressed = _understand(settings, body)
        except Rejected as rejected:
            await run_in_threadpool(ledger.deliveries.reject, f"slack-{rejected.reason}")
            log.warning("what was sent to /webhooks/slack is rejected: %s", rejected.reason)
            return JSONResponse({"error": rejected.reason, "message": rejected.message}, rejected.status)
        if pressed is not None:
            task = asyncio.create_task(run_in_threadpool(_act, settings, ledger, acts, pressed))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.wait({task}, timeout=_SECONDS)
            if task.done():
                # What was not stored must not look as if it were: Slack shows who pressed it that it failed.
                task.result()
        return Response(status_code=200)

    routes.add_route("/webhooks/slack", slack, methods=["POST"])
    return routes


def _is_signed(verifier: SignatureVerifier, request: Request, body: bytes) -> bool:
    """By Slack's own check, handed only what it can compare (SECURITY.md A22): odd headers are wrong, and no error."""
    at = request.headers.get("x-slack-request-timestamp", "")
    signature = request.headers.get("x-slack-signature", "")
    if not _TIME.fullmatch(at) or not _SIGNATURE.fullmatch(signature):
        return False
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return False
    return verifier.is_valid(text, at, signature)


def _understand(settings: Settings, body: bytes) -> Pressed | None:
    """The button that was pressed; None for what asks for nothing. Raises Rejected."""
    malformed = Rejected(400, "bad-payload", "this is no interaction of Slack's")
    try:
        payload = json.loads(parse_qs(body.decode(), max_num_fields=10).get("payload", ["{}"])[0])
        if payload.get("type") != "block_actions":
            return None
        user, actions = payload["user"], payload["actions"]
        team = (payload.get("team") or {}).get("id") or user.get("team_id") or ""
        action = next((a for a in actions if a.get("action_id") in _DECISIONS), None)
    except (ValueError, RecursionError, AttributeError, KeyError, TypeError):
        raise malformed from None
    if settings.slack.team and team != settings.slack.team:
        raise Rejected(403, "wrong-workspace", "buttons are not taken from this workspace")
    if action is None:
        # A link's button: Slack tells of it, and the browser has gone there.
        return None
    found = _value(action.get("value"))
    if found is None or not _is(_USER, user.get("id")):
        raise malformed
    name = hashlib.sha256(body).hexdigest()[:32]
    url = _answer_url(settings, payload.get("response_url"))
    return Pressed(name, action["action_id"], found["run"], found["todo"], found["commit"], user["id"], url)


def _value(text: Any) -> dict[str, str] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError, TypeError):
        return None
    if not isinstance(value, dict) or not all(_is(form, value.get(name)) for name, form in _IDS.items()):
        return None
    return value


def _is(form: re.Pattern[str], value: Any) -> bool:
    return isinstance(value, str) and form.fullmatch(value) is not None


def _answer_url(settings: Settings, url: Any) -> str:
    """Slack's address for the answer; empty when it is not one of Slack's: nothing is sent anywhere else."""
    if not isinstance(url, str) or len(url) > 500:
        return ""
    ours = {urlsplit("https://hooks.slack.com"), urlsplit(settings.slack.api_url)}
    known = {(one.scheme, one.netloc) for one in ours}
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if (parts.scheme, parts.netloc) in known else ""


def _act(settings: Settings, ledger: Ledger, acts: Acts, pressed: Pressed) -> None:
    """Do it once, and tell who pressed it what came of it."""
    key = f"answer {pressed.name}"
    if ledger.outbox.find(key) is not None:
        log.warning("a button's press came again: nothing is done")
        return
    said = _decide(settings, ledger, acts, pressed)
    ledger.outbox.open(key, Place(channel="answers", patience=_ANSWERABLE), {"url": pressed.answer_url})
    if pressed.answer_url:
        ledger.outbox.put(key, answer(said))


def _decide(settings: Settings, ledger: Ledger, acts: Acts, pressed: Pressed) -> str:
    by, what = f"slack:{pressed.user}", f"{pressed.run_id}/{pressed.todo_id} at {pressed.commit[:7]}"
    if pressed.user not in settings.slack.approvers:
        refused = Action(by, pressed.action, pressed.run_id, pressed.todo_id)
        ledger.actions.count(refused, "not-an-approver")
        return f"You may not {pressed.action} here: your id {pressed.user} is not in slack.approvers. It was noted."
    decision = _DECISIONS[pressed.action]
    try:
        acts.decide(pressed.run_id, pressed.todo_id, decision, by, "in Slack", commit=pressed.commit)
    except FollowthroughError as error:
        return f"Not done: {error}"
    except SQLAlchemyError:
        raise
    except Exception:
        log.exception("deciding on %s", what)
        return f"Not done: an error that nobody foresaw on {what}; see the service's log"
    done = (
        "it is landed now, and the run's message tells what came of it" if decision == "approved" else "it is dropped"
    )
    return f"You {decision} {what}: {done}."
