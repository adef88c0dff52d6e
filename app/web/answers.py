"""How the web face says no: {"error": reason, "message": sentence} to programs, a page to people, a way to log in."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse, Response
from pydantic import BaseModel, Field
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from app.errors import FollowthroughError
from app.redact import redact
from app.web.denied import Denied
from app.web.pages.base import page
from app.web.statuses import status_of

log = logging.getLogger(__name__)
_LONGEST = 2000
_PLAIN = {404: "no-such-thing", 405: "method-not-allowed", 413: "body-too-large"}


class Error(BaseModel):
    """Why not: a code that never changes its meaning, and a sentence for people."""

    error: str = Field(examples=["no-such-run"])
    message: str


def documented(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The errors of a route, for its description; those that any route may answer among them."""
    return {status: {"model": Error, "description": HTTPStatus(status).phrase} for status in (*statuses, 500, 503)}


def install(app: FastAPI) -> None:
    """Let an application answer so, whatever is raised in it."""

    @app.exception_handler(Denied)
    async def denied(request: Request, error: Denied) -> Response:
        if error.login:
            # htmx would put the page that it is sent to into the one that is shown.
            known = {"HX-Redirect": error.login} if request.headers.get("hx-request") else {}
            return RedirectResponse(error.login, 303, {"Cache-Control": "no-store", **known})
        return _answer(request, error.status, error.reason, str(error), error.headers, error.page)

    @app.exception_handler(FollowthroughError)
    async def ours(request: Request, error: FollowthroughError) -> Response:
        return _answer(request, status_of(error), error.reason, redact(str(error)))

    @app.exception_handler(RequestValidationError)
    async def unfit(request: Request, error: RequestValidationError) -> Response:
        wrong = {".".join(str(part) for part in found["loc"]) + f": {found['msg']}" for found in error.errors()}
        return _answer(request, 400, "bad-request", redact("; ".join(sorted(wrong)))[:_LONGEST])

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        reason = _PLAIN.get(error.status_code, "bad-request")
        return _answer(request, error.status_code, reason, str(error.detail), dict(error.headers or {}))

    @app.exception_handler(SQLAlchemyError)
    async def no_database(request: Request, error: SQLAlchemyError) -> Response:
        log.error("the database did not answer: %s", type(error).__name__)
        return _answer(request, 503, "database-unavailable", "try again later")

    @app.exception_handler(Exception)
    async def unforeseen(request: Request, error: Exception) -> Response:
        log.error("an error that nobody foresaw", exc_info=error)
        return _answer(request, 500, "internal-error", "see the service's log")


def _answer(
    request: Request, status: int, reason: str, message: str, headers: dict[str, str] | None = None, page_: bool = False
) -> Response:
    if page_ or _is_for_people(request):
        shown = {"heading": HTTPStatus(status).phrase, "code": reason, "message": message}
        answer: Response = page(request, None, "error.html", status, **shown)
        answer.headers.update(headers or {})
        return answer
    return JSONResponse({"error": reason, "message": message}, status, {"Cache-Control": "no-store", **(headers or {})})


def _is_for_people(request: Request) -> bool:
    """Whether a browser shows the answer."""
    path = request.url.path
    for_programs = path.startswith(("/api/", "/webhooks/", "/metrics", "/healthz", "/readyz", "/openapi.json"))
    return not for_programs and "text/html" in request.headers.get("accept", "")
