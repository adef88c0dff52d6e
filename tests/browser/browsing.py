"""A real Chromium, and what each visit is held to: nothing fails, leaves the host or shuts people out.

axe-core is put in by the browser's own debugging protocol: the pages' policy lets no other script in.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from tests.world.processes import ROOT, WorldError

AXE = ROOT / ".tools" / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESK = (360, 740), (1280, 900)
# What Chromium would ask of its makers' hosts at each start.
_QUIET = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# How long a page, and what it is to show, are waited for, in milliseconds.
PATIENCE = 60_000
expect.set_options(timeout=PATIENCE)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Debian's, without a screen. Raises WorldError where there is none."""
    found = shutil.which("chromium")
    if found is None:
        raise WorldError("there is no chromium; scripts/env installs it as root, or says why it cannot")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=_QUIET)
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visit:
    """One person's browser. `url` is the service's; what went wrong is gathered, `must_be_clean` raises it.

    `expected` holds addresses (paths) that may answer with an error, since the test asks for it.
    """

    page: Page
    url: str
    wrong: list[str] = field(default_factory=list)
    expected: set[str] = field(default_factory=set)

    def go(self, path: str) -> Page:
        """Open a page of the service."""
        self.page.goto(f"{self.url}{path}")
        return self.page

    def log_in(self, token: str) -> Page:
        """By the form, as whoever holds this token."""
        page = self.go("/login")
        page.get_by_label("token", exact=False).first.fill(token)
        page.get_by_role("button", name="Log in").first.click()
        page.wait_for_url(f"{self.url}/")
        return page

    def accessible(self, where: str) -> None:
        """Raises AssertionError with each serious or critical finding of axe-core on the page that is open."""
        self.page.evaluate(AXE.read_text())
        found: dict[str, Any] = self.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        grave = [
            f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]
        assert grave == [], f"{where}: {grave}"

    def fits(self, where: str) -> None:
        """Raises AssertionError when the open page has to be scrolled sideways."""
        width = self.page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
        assert width[0] <= width[1], f"{where} is {width[0]} wide on {width[1]}"

    def must_be_clean(self) -> None:
        """Raises AssertionError with what went wrong since the visit began."""
        assert self.wrong == []

    def picture(self, file: Path, full: bool = False) -> None:
        """The open page as it looks."""
        file.parent.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=file, full_page=full)


@contextmanager
def visit(
    browser: Browser, url: str, size: tuple[int, int] = DESK, dark: bool = False, scripts: bool = True
) -> Iterator[Visit]:
    """A new browser without cookies, whose errors, foreign requests, dialogs and downloads are gathered."""
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE)
    try:
        yield _watched(context, url)
    finally:
        context.close()


def _watched(context: BrowserContext, url: str) -> Visit:
    made = Visit(context.new_page(), url)
    host = urlsplit(url).netloc

    def asked(request: Request) -> None:
        to = urlsplit(request.url)
        if to.scheme not in ("data", "blob") and to.netloc != host:
            made.wrong.append(f"a request left the host: {request.url}")

    def said(kind: str, text: str, place: str) -> None:
        if kind in ("error", "warning") and urlsplit(place).path not in made.expected:
            made.wrong.append(f"console {kind}: {text} ({place})")

    context.on("request", asked)
    made.page.on("console", lambda message: said(message.type, message.text, message.location.get("url", "")))
    made.page.on("pageerror", lambda error: made.wrong.append(f"error in a script: {error}"))
    made.page.on("dialog", lambda dialog: (made.wrong.append(f"a dialog: {dialog.message}"), dialog.dismiss()))
    made.page.on("download", lambda download: made.wrong.append(f"a download: {download.url}"))
    made.page.on("popup", lambda popup: made.wrong.append(f"a window: {popup.url}"))
    return made
