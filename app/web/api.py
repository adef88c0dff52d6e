"""The JSON API: what is going on and what has been. Reads only; nothing here changes anything."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from ipaddress import ip_address
from typing import Any

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from app.ledger import Ledger
from app.settings import Settings

_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
_HIDDEN = ("source", "repository", "post_mortem", "run_id", "position")


def health(ready: Callable[[], bool]) -> APIRouter:
    """Whether the process lives, and whether it is ready, for everybody."""
    routes = APIRouter()

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        is_ready = ready()
        return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    return routes


def router(settings: Settings, ledger: Ledger) -> APIRouter:
    """Runs and deliveries for who may read them."""
    routes = APIRouter()
    readers = [Depends(reader(settings.server.api_tokens))]

    @routes.get("/api/runs", dependencies=readers)
    def runs() -> dict[str, Any]:
        return {"runs": [_run(row) for row in ledger.runs.newest()]}

    @routes.get("/api/runs/{run_id}", dependencies=readers)
    def run(run_id: str) -> dict[str, Any]:
        try:
            row = ledger.runs.row(run_id)
        except KeyError:
            raise HTTPException(404, "there is no such run") from None
        checks = ledger.checks.of_run(run_id)
        todos = [
            {**{k: v for k, v in todo.items() if k not in _HIDDEN}, "checks": checks.get(todo["id"], [])}
            for todo in ledger.runs.todos(run_id)
        ]
        return {**_run(row), "todos": todos, "events": ledger.runs.events(run_id)}

    @routes.get("/api/deliveries", dependencies=readers)
    def deliveries() -> dict[str, Any]:
        return {"deliveries": ledger.deliveries.newest(), "rejected": ledger.deliveries.rejected()}

    return routes


def _run(row: dict[str, Any]) -> dict[str, Any]:
    """The run as shown: its outcome only when nothing more will happen, people told and the DevVM clean."""
    shown = {k: v for k, v in row.items() if k != "source"}
    return shown if row["finished_at"] else {**shown, "outcome": None}


def reader(secrets: Sequence[SecretStr]) -> Callable[[Request], None]:
    """Who may read. With tokens: one of them as bearer. Without: a request made on this machine, not through a proxy.

    The Host header must name this machine too, else a page in the operator's browser could read by DNS rebinding.
    """
    tokens = [t.get_secret_value() for t in secrets]

    def check(request: Request) -> None:
        if tokens:
            given = request.headers.get("authorization", "").removeprefix("Bearer ").encode()
            fits = False
            for token in tokens:
                fits |= hmac.compare_digest(given, token.encode())
            if not fits:
                raise HTTPException(401, "a bearer token is needed", {"WWW-Authenticate": "Bearer"})
            return
        host = request.headers.get("host", "")
        named = host if host.endswith("]") else host.rpartition(":")[0] or host
        forwarded = any(h == "forwarded" or h == "via" or h.startswith("x-forwarded") for h in request.headers)
        if named not in _LOOPBACK_NAMES or forwarded or not _is_loopback(request.client.host if request.client else ""):
            raise HTTPException(
                403, "without server.api_tokens only this machine may read; set a token to read from afar"
            )

    return check


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False
