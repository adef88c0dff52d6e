"""An operator's morning, on real parts: log in, follow a live run, approve, decline, replay, search; and git agrees."""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.browsing import PHONE, Visit, visit
from tests.e2e.conftest import CONFIG, FIX, PATH, deliver, eventually, log, plans_empty, post_mortem, push
from tests.world import asking
from tests.world.answers import SCRIPT
from tests.world.payload import signed_headers
from tests.world.world import Options, World

ALERT = "Alert on NFS clients that retransmit"
TOKEN = secrets.token_urlsafe(24)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Every update waits for a person, and the model answers for the first TODO when it is let."""
    changes = {
        "server": {"api_tokens": [TOKEN]},
        "agent": {"cage_test": "off"},
        "policy": {"most_updates": 0},
    }
    with World(tmp_path_factory.mktemp("world"), Options(changes=changes)) as made:
        made.model.gates = {CONFIG: threading.Event(), ALERT: threading.Event()}
        made.serve()
        yield made


@pytest.fixture
def operator(browser: Browser, world: World) -> Iterator[Visit]:
    """Somebody at a desk, logged in."""
    with visit(browser, world.url) as made:
        made.log_in(TOKEN)
        yield made


def test_from_the_first_line_of_a_run_to_its_last_commit(
    operator: Visit, world: World, pytestconfig: pytest.Config, browser: Browser
) -> None:
    page, since = operator.page, world.forge.head()
    pictures: Path | None = pytestconfig.getoption("--pictures")
    answer = deliver(world, push(world, {PATH: post_mortem(("P0", CONFIG, "Config"), ("P1", ALERT, "Alert"))}))
    assert answer.status_code == 202

    operator.go("/")
    live = page.get_by_role("link", name="A test")
    expect(live.first).to_be_visible()
    if pictures:
        operator.picture(pictures / "now.png")
    live.first.click()
    page.wait_for_url("**/runs/*")
    expect(page.locator("#run .outcome").first).to_contain_text("going on")
    expect(page.get_by_text("try 1 with").first).to_be_visible()
    page.evaluate("window.before = 'this page'")
    for gate in world.model.gates.values():
        gate.set()

    expect(page.locator("article .outcome").nth(0)).to_contain_text("awaiting approval")
    expect(page.locator("article .outcome").nth(1)).to_contain_text("awaiting approval")
    assert page.evaluate("window.before") == "this page", "it was followed, not loaded again"
    assert SCRIPT[CONFIG][0].text in page.locator("article").first.inner_text(), "the agent's own words"
    operator.accessible("a run that waits")
    if pictures:
        operator.go(page.url.removeprefix(world.url))
        operator.picture(pictures / "run.png")

    operator.go("/review")
    operator.accessible("review")
    if pictures:
        operator.picture(pictures / "review.png")
    decide(page, CONFIG, "Approve", "the plan is what I would do")
    expect(page.get_by_role("status").first).to_contain_text("Done.")
    decide(page, ALERT, "Decline", "it would page us every night")
    expect(page.get_by_role("status").first).to_contain_text("Done.")

    run_id = world.get("/api/runs")["runs"][0]["id"]
    operator.go(f"/runs/{run_id}")
    expect(page.locator("article .outcome").nth(0)).to_contain_text("done")
    expect(page.locator("article .outcome").nth(1)).to_contain_text("refused")
    eventually(lambda: world.get(f"/api/runs/{run_id}")["outcome"] == "partial")
    assert FIX in log(world, since), "it landed"
    assert plans_empty(world, "nfs")
    assert "it would page us every night" in page.locator("article").nth(1).inner_text()
    actions = world.get("/api/actions")["actions"]
    said = {(one["action"], one["why"]) for one in actions}
    assert ("decline", "it would page us every night") in {(name.removesuffix("d"), why) for name, why in said}, said
    if pictures:
        take_small(browser, world, pictures, run_id)
    operator.must_be_clean()


def test_a_delivery_is_replayed_and_says_what_came_of_it(operator: Visit, world: World) -> None:
    page = operator.page
    # The forge is away when the delivery is looked into, and back when it is replayed.
    hidden = world.forge.url.with_name("away.git")
    before, after = push(world, {"docs/readme.md": "nothing of a post-mortem\n"}, "docs: a readme")
    body = world.forge.payload(before, after)
    world.forge.url.rename(hidden)
    try:
        headers = signed_headers(body, world.webhook_secret, delivery="away-1")
        assert asking.post(world.webhook_url, content=body, headers=headers).status_code == 202
        eventually(lambda: reason_of(world, "away-1") == "fetch-failed")
    finally:
        hidden.rename(world.forge.url)
    row = operator.go("/deliveries").locator("tr", has_text="away-1")
    expect(row).to_contain_text("fetch-failed")
    row.get_by_role("button", name=re.compile("^Replay")).click()
    expect(page.get_by_role("status").first).to_contain_text("Done.")
    eventually(lambda: reason_of(world, "away-1") == "no-post-mortem-changed")
    expect(operator.go("/deliveries").locator("tr", has_text="away-1")).to_contain_text("no-post-mortem-changed")
    operator.must_be_clean()


def test_everything_is_paused_and_goes_on(operator: Visit, world: World) -> None:
    page = operator.go("/")
    form = page.locator("form", has=page.get_by_role("button", name=re.compile("^Pause")))
    form.get_by_role("textbox").fill("a release is going out")
    form.get_by_role("button", name=re.compile("^Pause")).click()
    expect(page.get_by_role("region", name="Paused", exact=True)).to_contain_text("a release is going out")
    assert world.get("/api/pause")["paused"]
    page.get_by_role("button", name=re.compile("^Resume")).click()
    expect(page.get_by_role("region", name="Paused", exact=True)).to_have_count(0)
    operator.must_be_clean()


def test_a_post_mortem_is_found_and_shown_with_what_became_of_its_items(operator: Visit, world: World) -> None:
    eventually(lambda: "A test" in operator.go("/post-mortems").locator("main").inner_text())
    page = operator.page
    page.get_by_role("searchbox").fill("retransmit")
    page.get_by_role("button", name="Search").click()
    page.get_by_role("link", name="A test").click()
    text = page.locator("main").inner_text()
    assert CONFIG in text
    assert ALERT in text
    operator.accessible("a post-mortem")
    operator.must_be_clean()


def test_the_link_that_the_command_prints_logs_one_browser_in_once(browser: Browser, world: World) -> None:
    link = world.login_link()
    with visit(browser, world.url) as first:
        first.page.goto(link)
        first.page.get_by_role("button", name="Log in").click()
        first.page.wait_for_url(f"{world.url}/")
        expect(first.page.get_by_role("button", name="Log out")).to_be_visible()
        first.must_be_clean()
    with visit(browser, world.url) as second:
        second.expected.add("/login")
        second.page.goto(link)
        second.page.get_by_role("button", name="Log in").click()
        expect(second.page.get_by_role("alert")).to_contain_text("used before")
        second.must_be_clean()


def decide(page: Page, action: str, word: str, why: str) -> None:
    """Answer for one of the changes that wait, on the page of the review."""
    card = page.locator("article", has=page.get_by_role("heading", name=action))
    form = card.locator("form", has=page.get_by_role("button", name=re.compile(f"^{word}")))
    form.get_by_role("textbox").fill(why)
    form.get_by_role("button").click()


def reason_of(world: World, delivery: str) -> str:
    """What is known of a delivery."""
    told = world.get("/api/deliveries")["deliveries"]
    return next((str(row["reason"]) for row in told if row["id"] == delivery), "")


def take_small(browser: Browser, world: World, pictures: Path, run_id: str) -> None:
    """The run as a phone shows it, in the dark."""
    with visit(browser, world.url, PHONE, dark=True) as phone:
        phone.log_in(TOKEN)
        phone.go(f"/runs/{run_id}")
        phone.picture(pictures / "phone.png")
