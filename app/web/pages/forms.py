"""What people do by forms. Each is done through Acts, and answered with the page that it came from.

Done: 303 to that page, which says once what was done. Not done: the same page with why not, and what was typed stays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter, Depends, Form, Request, Response
from fastapi.responses import RedirectResponse
from starlette.types import Receive, Scope, Send

from app.errors import BadInput, FollowthroughError
from app.ledger import Ledger
from app.settings import Settings
from app.web import csrf
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import HEADERS, NotDone, local
from app.web.pages.said import tell
from app.web.statuses import status_of

LONGEST_WHY = 1000
Why = Annotated[str, Form()]
Back = Annotated[str, Form()]


class _Again(Response):
    """The page that a form came from, made anew, with why it was not done."""

    def __init__(self, request: Request, back: str, failed: NotDone) -> None:
        super().__init__()
        self._request, self._back, self._failed = request, urlsplit(back), failed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = ("type", "asgi", "http_version", "scheme", "server", "client", "headers", "root_path", "extensions")
        asked: dict[str, Any] = {name: scope[name] for name in kept if name in scope}
        asked |= {"method": "GET", "path": self._back.path, "raw_path": quote(self._back.path).encode()}
        asked |= {"query_string": self._back.query.encode(), "state": {"failed": self._failed}}
        # Not one that always has something to say: whoever waits for the browser to go would never let go of the loop.
        await self._request.app(asked, receive, send)


def router(settings: Settings, ledger: Ledger, access: Access, acts: Acts) -> APIRouter:
    """The forms of all pages."""
    routes = APIRouter()
    approver, operator = Depends(access.form("approve")), Depends(access.form("operate"))
    secure = settings.server.public_url.startswith("https:")

    def do(
        request: Request, who: Identity, back: str, act: Callable[[], str | tuple[str, str]], why: str = ""
    ) -> Response:
        """`act` says what it did, and where that is seen when it is elsewhere than on the page of the form."""
        try:
            if len(why) > LONGEST_WHY:
                raise BadInput("reason-too-long", f"the reason has {len(why)} characters; say it in {LONGEST_WHY}")
            done = act()
        except FollowthroughError as error:
            failed = NotDone(status_of(error), f"{error} ({error.reason})", request.url.path, why)
            return _Again(request, local(back), failed)
        text, there = (done, local(back)) if isinstance(done, str) else done
        response = RedirectResponse(there, 303, {**HEADERS, "Cache-Control": "no-store"})
        if key := csrf.token_for(who):
            tell(response, text, key, secure)
        return response

    _decisions(routes, ledger, acts, approver, do)
    _operations(routes, acts, operator, do)
    return routes


def _decisions(routes: APIRouter, ledger: Ledger, acts: Acts, approver: Any, do: Callable[..., Response]) -> None:
    def decide(run_id: str, todo_id: str, decision: str, who: Identity, why: str, commit: str) -> str:
        if not commit:
            message = f"deciding on {todo_id} of {run_id}: the form does not say which commit was shown"
            raise BadInput("commit-missing", f"{message}; load the page again")
        acts.decide(run_id, todo_id, decision, who.name, why, commit)
        action = ledger.runs.todo(run_id, todo_id).action
        if decision == "approved":
            return f"Approved: {action}. It is applied and landed next, if nothing else has changed there since."
        return f"Declined: {action}. Nothing of it is applied."

    @routes.post("/runs/{run_id}/todos/{todo_id}/approve")
    def approve(
        request: Request,
        run_id: str,
        todo_id: str,
        who: Identity = approver,
        commit: Annotated[str, Form()] = "",
        why: Why = "",
        back: Back = "/review",
    ) -> Response:
        return do(request, who, back, lambda: decide(run_id, todo_id, "approved", who, why.strip(), commit), why)

    @routes.post("/runs/{run_id}/todos/{todo_id}/decline")
    def decline(
        request: Request,
        run_id: str,
        todo_id: str,
        who: Identity = approver,
        commit: Annotated[str, Form()] = "",
        why: Why = "",
        back: Back = "/review",
    ) -> Response:
        def act() -> str:
            if not why.strip():
                message = f"declining {todo_id} of {run_id}: say why not; who wrote the post-mortem reads it"
                raise BadInput("reason-missing", message)
            return decide(run_id, todo_id, "declined", who, why.strip(), commit)

        return do(request, who, back, act, why)


def _operations(routes: APIRouter, acts: Acts, operator: Any, do: Callable[..., Response]) -> None:
    @routes.post("/runs/{run_id}/cancel")
    def cancel(request: Request, run_id: str, who: Identity = operator, why: Why = "", back: Back = "/") -> Response:
        def act() -> str:
            said = acts.cancel(run_id, who.name, why.strip())
            return f"Run {run_id} stops within seconds." if said else f"Run {run_id} was cancelled before."

        return do(request, who, back, act, why)

    @routes.post("/runs/{run_id}/retry")
    def retry(request: Request, run_id: str, who: Identity = operator, back: Back = "/") -> Response:
        def act() -> tuple[str, str]:
            again = acts.retry(run_id, who.name)
            return f"This run tries again what {run_id} has not settled.", f"/runs/{quote(again)}"

        return do(request, who, back, act)

    @routes.post("/deliveries/{delivery_id}/replay")
    def replay(request: Request, delivery_id: str, who: Identity = operator, back: Back = "/deliveries") -> Response:
        return do(request, who, back, lambda: acts.replay(delivery_id, who.name))

    @routes.post("/pause")
    def pause(request: Request, who: Identity = operator, why: Why = "", back: Back = "/") -> Response:
        def act() -> str:
            if acts.pause(who.name, why.strip()):
                return "Paused: nothing begins until somebody resumes. What is under way ends by itself."
            return "It was paused already."

        return do(request, who, back, act, why)

    @routes.post("/resume")
    def resume(request: Request, who: Identity = operator, back: Back = "/") -> Response:
        return do(request, who, back, lambda: "Resumed." if acts.resume(who.name) else "It was not paused.")
