"""GET /api/runs/{id}/events: the lines of a run as they come, as server-sent events, or as JSON for who asks for that.

Events without a name are lines: `id` is the line's, `data` its JSON (id, run_id, todo_id, at, phase, text). `standing`
says how far the run is, once behind the lines that are there already and whenever that changes: `{outcome, over, todos:
{id: outcome}}`, outcomes empty while there is none. `end` comes when the run is over and all was sent; then nobody need
come back. Comments keep the connection open. Who comes back says behind which line, by Last-Event-ID or `?after=`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import Receive, Scope, Send

from app.errors import BadInput
from app.ledger import Ledger
from app.ledger.following import Standing
from app.web.answers import documented
from app.web.denied import Denied
from app.web.shapes import RunId

MOST = 64
# Seconds: between two looks at the database, of silence before a comment, and until a stream ends to be asked for
# again, so that who may not read any more does not go on reading.
_LOOK = 0.5
_SILENCE = 15.0
_LONGEST = 900.0
_PIECE = 500
# On PostgreSQL a line may become visible after one with a higher id: so many ids back are looked at again.
_BACK = 64
_HIGHEST = 2**63 - 1
_KEYS = ("id", "run_id", "todo_id", "at", "phase", "text")
log = logging.getLogger(__name__)
T = TypeVar("T")
After = Annotated[int | None, Query(ge=0, le=_HIGHEST, description="only lines behind the one with this id")]


class Streams:
    """Everybody who follows a run here. One look at the database tells all of them whether there is anything new."""

    def __init__(self, ledger: Ledger, most: int = MOST) -> None:
        self.ledger, self.most = ledger, most
        self._followed: Counter[str] = Counter()
        self._standings: dict[str, Standing] = {}
        self._looked = asyncio.Event()
        self._looking: asyncio.Task[None] | None = None
        self._stopped = False
        # Of their own: followers must not take the threads that answer everybody else.
        self._threads = CapacityLimiter(2)

    def stop(self) -> None:
        """Let all streams end within a look: the process is about to. May be called from a signal handler."""
        self._stopped = True

    @property
    def ends(self) -> bool:
        """Whether no stream may begin or go on."""
        return self._stopped

    @property
    def open(self) -> int:
        """How many streams are open."""
        return self._followed.total()

    def take(self, run_id: str) -> bool:
        """Take a place for a follower of this run; False when there is none."""
        if self.ends or self.open >= self.most:
            return False
        self._followed[run_id] += 1
        return True

    def leave(self, run_id: str) -> None:
        """Give a place back."""
        self._followed[run_id] -= 1
        self._followed += Counter()

    async def ask(self, question: Callable[[], T]) -> T:
        """The answer of the database, which is waited for in a thread."""
        return await to_thread.run_sync(question, limiter=self._threads, abandon_on_cancel=True)

    async def news(self, run_id: str, known: Standing, patience: float) -> Standing | None:
        """How far the run is when that is not what is known, None when so many seconds went by without news."""
        until = time.monotonic() + patience
        while not self.ends and (left := until - time.monotonic()) > 0:
            if self._looking is None or self._looking.done():
                self._looking = asyncio.create_task(self._look())
                self._looked = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._looked.wait(), left)
            found = self._standings.get(run_id)
            if found is not None and found != known:
                return found
        return None

    async def _look(self) -> None:
        """Look again and again, as long as somebody follows; whoever waits when it ends is told."""
        try:
            while self._followed and not self.ends:
                try:
                    self._standings = await self.ask(partial(self.ledger.following.standings, list(self._followed)))
                except SQLAlchemyError as error:
                    log.warning("followers of runs wait: the database did not answer: %s", type(error).__name__)
                self._wake()
                await asyncio.sleep(_LOOK)
        finally:
            self._wake()

    def _wake(self) -> None:
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()


def router(streams: Streams, read: Callable[..., Any]) -> APIRouter:
    """The lines of a run for who passes `read`, a dependency."""
    routes = APIRouter()
    live: dict[str, object] = {"text/event-stream": {"schema": {"type": "string"}}, "application/json": {}}
    responses = documented(400, 401, 403, 404, 429) | {200: {"content": live, "description": "the lines"}}

    @routes.get("/api/runs/{run_id}/events", dependencies=[Depends(read)], response_model=None, responses=responses)
    async def events(
        run_id: RunId,
        request: Request,
        after: After = None,
        last_event_id: Annotated[str | None, Header()] = None,
    ) -> Response:
        """The lines of a run. With `Accept: text/event-stream` they are followed live until the run is over, else up
        to 500 are given as JSON; `more` says that there are others behind the last one. 503 when too many follow.
        """
        standing = (await streams.ask(lambda: streams.ledger.following.standings([run_id]))).get(run_id)
        if standing is None:
            raise BadInput("no-such-run", f"following {run_id[:100]}: there is no such run")
        # A browser that comes back says itself how far it was; the address that it was given first does not.
        behind = _number(last_event_id) if last_event_id else after or 0
        if "text/event-stream" not in request.headers.get("accept", ""):
            return JSONResponse(await streams.ask(partial(_piece, streams.ledger, run_id, behind, standing)))
        if not streams.take(run_id):
            said = f"following {run_id}: {streams.most} follow runs here already, or the service stops; try again later"
            raise Denied(503, "too-many-followers", said, {"Retry-After": "10"})
        return _Stream(streams, run_id, behind, standing)

    return routes


class _Stream(StreamingResponse):
    """A response that gives its place back however it ends: sent, cut off by the client, or cancelled."""

    def __init__(self, streams: Streams, run_id: str, behind: int, standing: Standing) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no", "X-Content-Type-Options": "nosniff"}
        told = _followed(streams, run_id, behind, standing)
        super().__init__(told, media_type="text/event-stream", headers=headers)
        self._streams, self._run_id = streams, run_id

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._streams.leave(self._run_id)


async def _followed(streams: Streams, run_id: str, behind: int, first: Standing) -> AsyncIterator[str]:
    until = time.monotonic() + _LONGEST
    sent: set[int] = set()
    last, known = behind, first
    found: Standing | None = first
    yield "retry: 2000\n\n"
    while not streams.ends and time.monotonic() < until:
        if found is None:
            yield ": nothing new\n\n"
        else:
            async for line in _lines(streams, run_id, behind, last, sent):
                # Whoever comes back goes on behind the highest line, whatever the order in which they became visible.
                last = max(last, line["id"])
                sent.add(line["id"])
                yield f"id: {last}\ndata: {json.dumps({key: line[key] for key in _KEYS})}\n\n"
            sent = {number for number in sent if number > last - _BACK}
            if found is first or _told(found) != _told(known):
                yield f"event: standing\ndata: {json.dumps(_told(found))}\n\n"
            known = found
            if found.over:
                yield f"event: end\ndata: {json.dumps(_told(found))}\n\n"
                return
        found = await streams.news(run_id, known, _SILENCE)


async def _lines(
    streams: Streams, run_id: str, behind: int, last: int, sent: set[int]
) -> AsyncIterator[dict[str, Any]]:
    """What is there behind `behind` and was not sent."""
    at = max(behind, last - _BACK)
    while True:
        piece = await streams.ask(partial(streams.ledger.following.lines, run_id, at, _PIECE))
        for line in piece:
            if line["id"] not in sent:
                yield line
        if len(piece) < _PIECE:
            return
        at = piece[-1]["id"]


def _piece(ledger: Ledger, run_id: str, behind: int, standing: Standing) -> dict[str, Any]:
    found = ledger.following.lines(run_id, behind, _PIECE + 1)
    events = [{key: line[key] for key in _KEYS} for line in found[:_PIECE]]
    return {"events": events, "more": len(found) > _PIECE, **_told(standing)}


def _told(standing: Standing) -> dict[str, Any]:
    return {"outcome": standing.outcome, "over": standing.over, "todos": dict(standing.todos)}


def _number(text: str) -> int:
    """The id that a header says; 0, everything, for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
