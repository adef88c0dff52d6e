"""The one way in which a page is made: its template, what each page shows, and the headers that go with it.

What a repository, an agent or a webhook wrote is escaped, and what hides or reorders text is made visible
(SECURITY.md, Pages).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from app.ledger.controls import Control
from app.redact import visible
from app.settings import Settings
from app.web.csrf import token_for
from app.web.identity import Identity
from app.web.pages.said import COOKIE, Said, read

STATIC = Path(__file__).parent.parent / "static"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
THEME_COOKIE = "followthrough_theme"
THEMES = ("light", "dark")
_NAVIGATION = (
    ("/", "Now"),
    ("/review", "Review"),
    ("/post-mortems", "Post-mortems"),
    ("/insights", "Insights"),
    ("/deliveries", "Deliveries"),
)
# What stands above these is not in the navigation.
_BELOW = {"/runs": "/"}
_LOCAL = re.compile(r"/(?![/\\])[^\\\x00-\x20\x7f]{0,2000}")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))


@dataclass(frozen=True)
class Shell:
    """What every page shows: how much waits for a person, and since when everything is paused."""

    waiting: int = 0
    paused: Control | None = None


@dataclass(frozen=True)
class NotDone:
    """An act that could not be done: the page that it came from is shown again with this.

    `action` is the address of the form, `why` what was typed into it.
    """

    status: int
    text: str
    action: str
    why: str


def page(request: Request, identity: Identity | None, name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """A page, or a part of one, from the template of this name, with `values` for it.

    Templates that extend base.html find there: `parts` (macros of _parts.html), `identity`, `csrf` (for forms, empty
    for nobody), `back` (the address of this page, for forms), `may(scope)`, `shell`. `identity` is None before
    somebody is let in.
    """
    failed: NotDone | None = getattr(request.state, "failed", None)
    csrf = token_for(identity) if identity else ""
    cookie = request.cookies.get(COOKIE, "")
    said = Said(failed.text, False) if failed else read(cookie, csrf)
    shell: Shell = getattr(request.state, "shell", Shell()) if identity else Shell()
    theme = request.cookies.get(THEME_COOKIE, "")
    path = request.url.path

    def here(section: str) -> bool:
        above = next((over for below, over in _BELOW.items() if path.startswith(below)), path)
        return above == section or (section != "/" and above.startswith(section + "/"))

    shown = {
        "identity": identity,
        "csrf": csrf,
        "back": path + (f"?{request.url.query}" if request.url.query else ""),
        "may": identity.may if identity else lambda _: False,
        "shell": shell,
        "said": said,
        "typed": lambda action: failed.why if failed and failed.action == action else "",
        "theme": theme if theme in THEMES else "",
        "here": here,
    }
    text = _environment().get_template(name).render(**{**shown, **values})
    response = HTMLResponse(text, failed.status if failed else status, {**HEADERS, "Cache-Control": "no-store"})
    if cookie and not failed:
        response.delete_cookie(COOKIE)
    return response


def local(address: str) -> str:
    """The address of a page of ours, as a form or a link names it; the first page for any that leads elsewhere."""
    return address if _LOCAL.fullmatch(address) else "/"


def web(address: str) -> str:
    """An address that people may follow, empty when it is not http or https."""
    return address if re.match(r"https?://[^@/\s]+(/|$)", address or "") else ""


def commit_url(settings: Settings, repository: str, commit: str) -> str:
    """Where people look at a commit of a configured repository; empty when that is not known."""
    found = settings.repository_named(repository)
    base = (found.web_url or found.clone_url).removesuffix("/").removesuffix(".git") if found else ""
    return f"{base}/commit/{commit}" if web(base) and re.fullmatch(r"[0-9a-f]{7,64}", commit) else ""


def duration(seconds: float) -> str:
    """A length of time in its largest unit: 40 s, 12 min, 5 h, 3 d."""
    return next((f"{int(seconds // size)} {unit}" for size, unit in _UNITS if seconds >= size), f"{int(seconds)} s")


@cache
def asset(name: str) -> str:
    """The address of a static file; it changes when the file does."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:16]}"


def _since(iso: str) -> str:
    return duration(max((datetime.now(UTC) - datetime.fromisoformat(iso)).total_seconds(), 0))


def _shown(value: Any) -> Any:
    """Whatever a template puts out: nothing of it hides or reorders text."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(Path(__file__).parent.parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    filters: dict[str, Callable[..., Any]] = {"since": _since, "web": web, "duration": duration}
    made.filters.update(filters)
    made.globals.update(asset=asset, navigation=_NAVIGATION)
    return made
