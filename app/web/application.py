"""The web face put together: routes, and errors that show nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from app.ledger import Ledger
from app.settings import Settings
from app.web import api, metrics, webhooks

log = logging.getLogger(__name__)
Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(
    settings: Settings,
    ledger: Ledger,
    start_push: Callable[[str, str], None],
    ready: Callable[[], bool],
    lifespan: Lifespan | None = None,
) -> FastAPI:
    """The service's HTTP side. What it starts, and how it knows that it is ready, are handed to it."""
    app = FastAPI(title="Followthrough", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(webhooks.router(settings, ledger, start_push))
    app.include_router(api.router(settings, ledger))
    return _with_health(app, settings, ledger, ready)


def worker_application(settings: Settings, ledger: Ledger, ready: Callable[[], bool]) -> FastAPI:
    """What a worker answers: health and metrics."""
    app = FastAPI(title="Followthrough worker", docs_url=None, redoc_url=None, openapi_url=None)
    return _with_health(app, settings, ledger, ready)


def _with_health(app: FastAPI, settings: Settings, ledger: Ledger, ready: Callable[[], bool]) -> FastAPI:
    app.include_router(api.health(ready))
    app.include_router(metrics.router(settings, ledger))

    @app.exception_handler(SQLAlchemyError)
    async def no_database(_: Request, error: SQLAlchemyError) -> JSONResponse:
        log.error("the database did not answer: %s", type(error).__name__)
        return JSONResponse({"error": "database-unavailable", "message": "try again later"}, 503)

    @app.exception_handler(Exception)
    async def unforeseen(_: Request, error: Exception) -> JSONResponse:
        log.error("an error that nobody foresaw", exc_info=error)
        return JSONResponse({"error": "internal-error", "message": "see the service's log"}, 500)

    return app
