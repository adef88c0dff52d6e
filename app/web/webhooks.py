"""POST /webhooks/github: read (capped), verify, decide, store, answer 202. Handing over and all work come later.

Nothing of the body is parsed before its signature fits. An answer to an unsigned request says nothing but no.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse

from app.guard.push import Decision, Push, decide_push, read_push
from app.ledger import Ledger
from app.ledger.clock import now
from app.ledger.deliveries import TRY_AGAIN, Delivery
from app.ledger.inbox import Inbox
from app.settings import Settings
from app.web.signature import is_signed

log = logging.getLogger(__name__)
_DELIVERY_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
# Bytes of a body that is read in a thread: some milliseconds of parsing.
_LARGE = 131_072
_EVENT = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True)
class Rejected(Exception):
    """A request that is not let in: HTTP status, reason code, and what its sender is told."""

    status: int
    reason: str
    message: str


def router(settings: Settings, ledger: Ledger, start_push: Callable[[str, str], None]) -> APIRouter:
    """The webhook. `start_push(delivery, repository)` says that an accepted one is there; it comes back at once.

    A new delivery is on the disk by then; who executes takes it from there. A delivery is named by its id; by the time
    as well when a failed one is taken up again, which is handed over durably and in a thread, before the answer.
    """
    routes = APIRouter()
    secrets = [s.get_secret_value() for s in settings.github.webhook_secrets]

    inbox = Inbox(ledger.engine, ledger.deliveries)

    async def github(request: Request) -> Response:
        try:
            body = await read_body(request, settings.server.max_body_bytes)
            # Reading a usual body takes less time than handing it to a thread; a large one would hold up the others.
            large = len(body) > _LARGE
            told = await run_in_threadpool(understand, request, body) if large else understand(request, body)
        except Rejected as rejected:
            await run_in_threadpool(ledger.deliveries.reject, rejected.reason)
            log.warning("webhook rejected: %s", rejected.reason)
            return JSONResponse({"error": rejected.reason, "message": rejected.message}, rejected.status)
        if told.event == "ping":
            return _answer(told.id, "ignored", "ping", [], 200)
        if not await inbox.store(told):
            return await run_in_threadpool(again, told.id)
        if told.decision == "accepted":
            start_push(told.id, told.repository)
        return _answer(told.id, told.decision, told.reason, [])

    def understand(request: Request, body: bytes) -> Delivery:
        header = next((v for k, v in request.headers.raw if k == b"x-hub-signature-256"), None)
        if not is_signed(body, header, secrets):
            raise Rejected(401, "bad-signature", "the signature is missing or does not fit")
        event, delivery_id = _names(request)
        payload = _parse(request, body)
        push, decision = _decide(settings, event, payload)
        return _delivery(event, delivery_id, push, decision)

    def again(delivery_id: str) -> Response:
        # Stored, and perhaps never handed over: starting means start if absent, so it is done again.
        known = ledger.deliveries.get(delivery_id)
        if known.reason in TRY_AGAIN:
            # Its reason stands until it is looked into again: cut short before that, the next one does the same.
            start_push(f"{delivery_id} {now()}", known.repository)
        elif known.decision == "accepted" and not known.reason:
            start_push(delivery_id, known.repository)
        return _answer(delivery_id, "ignored", "duplicate", ledger.runs.of_delivery(delivery_id))

    # A route of the plain kind: nothing of the request is for the framework to read and check.
    routes.add_route("/webhooks/github", github, methods=["POST"])
    return routes


async def read_body(request: Request, limit: int) -> bytes:
    """The raw body. Too large a declared length is refused unread, too large a body as soon as it is."""
    too_large = Rejected(413, "body-too-large", f"a webhook body may have at most {limit} bytes")
    declared = request.headers.get("content-length", "0")
    if not declared.isascii() or not declared.isdigit() or int(declared[:19]) > limit:
        raise too_large
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise too_large
    return bytes(body)


def _names(request: Request) -> tuple[str, str]:
    event = request.headers.get("x-github-event", "")
    delivery_id = request.headers.get("x-github-delivery", "")
    if not _EVENT.fullmatch(event) or not _DELIVERY_ID.fullmatch(delivery_id):
        raise Rejected(400, "bad-headers", "X-GitHub-Event or X-GitHub-Delivery is missing or malformed")
    return event, delivery_id


def _parse(request: Request, body: bytes) -> Any:
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise Rejected(400, "bad-content-type", "set the webhook's content type to application/json")
    try:
        return json.loads(body.decode("utf-8"))
    except (ValueError, RecursionError):
        raise Rejected(400, "bad-json", "the body is not JSON in UTF-8") from None


def _decide(settings: Settings, event: str, payload: Any) -> tuple[Push, Decision]:
    if event != "push":
        return Push("", "", "", "", "", False), Decision(False, "event-not-handled", f"{event} events cause nothing")
    try:
        push = read_push(payload)
    except ValueError as error:
        raise Rejected(400, "bad-payload", f"the push payload cannot be used: {error}") from None
    repository = settings.repository_named(push.repository)
    branch = repository.branch if repository else None
    return push, decide_push(push, branch, repository.allowed_pushers if repository else [])


def _delivery(event: str, delivery_id: str, push: Push, decision: Decision) -> Delivery:
    facts = (push.repository, push.ref, push.before, push.after, push.pusher)
    word = "accepted" if decision.accepted else "ignored"
    return Delivery(delivery_id, "github", event, *facts, word, decision.reason, decision.message)


def _answer(delivery_id: str, decision: str, reason: str, runs: list[str], status: int = 202) -> Response:
    return JSONResponse({"delivery": delivery_id, "decision": decision, "reason": reason, "runs": runs}, status)
