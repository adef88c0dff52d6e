"""The web face put together: routes, and errors that show nothing of the inside."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from fastapi import FastAPI

from app.ledger import Ledger
from app.settings import Settings
from app.web import answers, api, login, metrics, oidc, operate, pages, slack, stream, webhooks
from app.web.access import Access
from app.web.acts import Acts
from app.web.bodies import Bounded

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def application(
    settings: Settings,
    ledger: Ledger,
    start_push: Callable[[str, str], None],
    ready: Callable[[], bool],
    lifespan: Lifespan | None = None,
    acts: Acts | None = None,
) -> FastAPI:
    """The service's HTTP side. What it starts, and how it knows that it is ready, are handed to it.

    `acts` is what people can do by it; without, there is the webhook and what programs read, and no page.
    """
    app = FastAPI(title="Followthrough", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(webhooks.router(settings, ledger, start_push))
    access = Access(settings, ledger)
    app.include_router(api.router(settings, ledger, access))
    api.description(app, access)
    app.state.streams = stream.Streams(ledger)
    app.include_router(stream.router(app.state.streams, access.needs("read")))
    if acts is not None:
        app.include_router(operate.router(access, acts))
        app.include_router(slack.router(settings, ledger, acts))
        app.include_router(login.router(settings, ledger, access))
        app.include_router(oidc.router(settings, ledger, access))
        app.include_router(pages.router(settings, ledger, access, acts))
    app.add_middleware(Bounded)
    return _with_health(app, settings, ledger, access, ready)


def worker_application(settings: Settings, ledger: Ledger, ready: Callable[[], bool]) -> FastAPI:
    """What a worker answers: health and metrics."""
    app = FastAPI(title="Followthrough worker", docs_url=None, redoc_url=None, openapi_url=None)
    return _with_health(app, settings, ledger, Access(settings, ledger), ready)


def _with_health(
    app: FastAPI, settings: Settings, ledger: Ledger, access: Access, ready: Callable[[], bool]
) -> FastAPI:
    app.include_router(api.health(ready))
    app.include_router(metrics.router(settings, ledger, access))
    answers.install(app)
    return app
