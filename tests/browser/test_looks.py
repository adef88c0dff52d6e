"""Every page, in each theme and width, with and without JavaScript: readable, usable by keyboard and screen reader."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from app.redact import visible
from tests.browser.browsing import DESK, PHONE, Visit, visit
from tests.browser.conftest import Seen
from tests.browser.shown import PATH
from tests.web.pages_scene import PARKED
from tests.web.run_scene import RUN

PAGES = {
    "now": "/",
    "review": "/review",
    "stopped": "/review/stopped",
    "decided": "/review/decided",
    "runs": "/runs",
    "run": f"/runs/{RUN}",
    "parked": f"/runs/{PARKED}",
    "post-mortems": "/post-mortems",
    "post-mortem": f"/post-mortems/me/infra/-/{PATH}",
    "insights": "/insights",
    "deliveries": "/deliveries",
}


@pytest.fixture(scope="module", params=["light", "dark-phone"])
def looker(request: pytest.FixtureRequest, browser: Browser, seen: Seen) -> Iterator[Visit]:
    """Somebody who is logged in, with this theme and width."""
    size = PHONE if "phone" in request.param else DESK
    with visit(browser, seen.url, size, dark="dark" in request.param) as made:
        made.log_in(seen.token)
        yield made


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_accessible_fits_and_asks_nobody_else(looker: Visit, name: str) -> None:
    page = looker.go(PAGES[name])
    assert page.locator("h1").count() == 1
    looker.fits(name)
    looker.accessible(name)
    looker.must_be_clean()


def test_dark_is_dark_by_the_system_and_by_the_switch(browser: Browser, seen: Seen) -> None:
    with visit(browser, seen.url, dark=True) as dark, visit(browser, seen.url) as light:
        by_system = brightness(dark.log_in(seen.token))
        page = light.log_in(seen.token)
        assert by_system < 0.2 < 0.8 < brightness(page)
        switch(page, "Dark")
        assert brightness(page) == by_system
        light.go("/insights")
        assert brightness(page) == by_system, "it stays on other pages"
        switch(page, "Auto")
        assert brightness(page) > 0.8


def switch(page: Page, theme: str) -> None:
    """Choose a theme, and wait for the page in it."""
    button = page.get_by_role("button", name=theme)
    with page.expect_navigation():
        button.click()
    expect(button).to_have_attribute("aria-pressed", "true")


def test_reading_and_deciding_need_no_script(browser: Browser, seen: Seen) -> None:
    with visit(browser, seen.url, scripts=False) as still:
        still.log_in(seen.token)
        for path in PAGES.values():
            assert still.go(path).locator("h1").count() == 1
        page = still.go("/review")
        card = page.locator("article").first
        card.get_by_label("Reason for declining").fill("not without a test")
        card.get_by_role("button", name=re.compile("^Decline")).click()
        assert "Done." in page.locator("[role=status]").first.inner_text()
        assert "not without a test" in page.locator("main").inner_text()
        still.must_be_clean()


def test_all_of_it_by_keyboard_alone(browser: Browser, seen: Seen) -> None:
    with visit(browser, seen.url) as typist:
        page = typist.go("/login")
        tab_to(page, "input[name=token]")
        page.keyboard.type(seen.token)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{seen.url}/")
        page.keyboard.press("Tab")
        assert focused(page) == "Skip to the content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")
        assert page.evaluate("document.querySelector('main').contains(document.activeElement)")
        tab_to(page, "nav a[href='/post-mortems']")
        page.keyboard.press("Enter")
        page.wait_for_url("**/post-mortems")
        tab_to(page, "input[name=q]")
        page.keyboard.type("limits")
        page.keyboard.press("Enter")
        page.wait_for_url("**/post-mortems?q=limits*")
        assert page.get_by_role("link", name="Disk of the database was full").count() == 1
        tab_to(page, "input[name=q]")
        page.keyboard.press("Control+A")
        page.keyboard.type("nothing has this word")
        page.keyboard.press("Enter")
        page.wait_for_url("**q=nothing*")
        assert "No post-mortem fits" in page.locator("main").inner_text()
        typist.must_be_clean()


def test_what_has_the_focus_can_be_seen(browser: Browser, seen: Seen) -> None:
    with visit(browser, seen.url) as typist:
        page = typist.log_in(seen.token)
        seen_of: set[str] = set()
        for _ in range(12):
            page.keyboard.press("Tab")
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline not in ("none", ""), f"{focused(page)} shows no focus"
            seen_of.add(focused(page))
        assert len(seen_of) > 5, "the focus goes on"


def test_what_hides_or_turns_text_is_shown(browser: Browser, seen: Seen) -> None:
    said = "safe\u202etxt.exe"
    seen.ledger.runs.note(RUN, "agent", said, "t-3")
    with visit(browser, seen.url) as reader:
        reader.log_in(seen.token)
        text = reader.go(f"/runs/{RUN}").locator("main").inner_text()
        assert "\u202e" not in text
        assert visible(said) in text


def tab_to(page: Page, wanted: str) -> None:
    """Press Tab until the element that fits has the focus."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement.matches(wanted)", wanted):
            return
    raise AssertionError(f"the keyboard does not reach {wanted}")


def focused(page: Page) -> str:
    """The text of what has the focus."""
    return str(page.evaluate("document.activeElement.innerText || document.activeElement.name || ''")).strip()


def brightness(page: Page) -> float:
    """Of the page's background, 0 to 1."""
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)[:3]]
    return sum(parts) / 3 / (1 if colour.startswith("color") else 255)
