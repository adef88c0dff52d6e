"""Style, script and picture files, and the theme that a browser keeps. For everybody: they tell nothing."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Request
from fastapi.responses import FileResponse, RedirectResponse, Response

from app.web.pages.base import HEADERS, STATIC, THEME_COOKIE, THEMES, asset, local

_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".png": "image/png"}
_YEAR = 365 * 24 * 3600


def router() -> APIRouter:
    """GET /static/NAME and POST /theme."""
    routes = APIRouter()
    # Read once: what is not in the folder when the service begins is not there, whatever a name looks like.
    files = {file.name: file for file in STATIC.iterdir() if file.suffix in _TYPES}

    @routes.get("/static/{name}")
    def static(name: str, request: Request, v: str = "") -> Response:
        file = files.get(name)
        if file is None:
            raise HTTPException(404, "there is no such file")
        # Only the address that names this very content may be kept: another release serves another one.
        lasting = f"{request.url.path}?v={v}" == asset(name)
        keep = f"public, max-age={_YEAR}, immutable" if lasting else "no-cache"
        return FileResponse(file, headers={**HEADERS, "Cache-Control": keep}, media_type=_TYPES[file.suffix])

    @routes.get("/favicon.ico")
    def favicon() -> Response:
        return RedirectResponse(asset("favicon.svg"), 308, HEADERS)

    @routes.post("/theme")
    def theme(
        theme: Annotated[str, Form(max_length=10)], back: Annotated[str, Form(max_length=2000)] = "/"
    ) -> Response:
        response = RedirectResponse(local(back), 303, HEADERS)
        if theme in THEMES:
            response.set_cookie(THEME_COOKIE, theme, max_age=_YEAR, samesite="lax", httponly=True)
        else:
            response.delete_cookie(THEME_COOKIE)
        return response

    return routes
