"""What people do by forms: it is done once, said once, and what could not be done says why and keeps what was typed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from app.ledger import Ledger
from app.ledger.controls import PAUSE
from app.ledger.schema import approvals
from tests.hang import ends
from tests.web.pages_scene import BAD, COMMIT, LIVE, PARKED, Begun, ago, as_user, csrf_of, fill, scene

World = tuple[Ledger, TestClient, Begun]
APPROVE, DECLINE = f"/runs/{PARKED}/todos/t-1/approve", f"/runs/{PARKED}/todos/t-1/decline"
WAITING = "/deliveries/72d3162e-cc78-11e3-81ab-000000000002/replay"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with scene(tmp_path) as made:
        fill(made[0])
        yield made


@pytest.fixture(scope="module")
def still(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Shared: nothing may happen to it."""
    with scene(tmp_path_factory.mktemp("still")) as made:
        fill(made[0])
        yield made


def post(http: TestClient, action: str, user: str = "oli", **fields: str):  # type: ignore[no-untyped-def]
    token = {"csrf": csrf_of(http, "/review" if user == "app" else "/", user)}
    return http.post(action, data={**token, **fields}, headers=as_user(user))


def test_approving_is_done_and_said_once(world: World) -> None:
    ledger, http, begun = world
    answer = post(http, APPROVE, "app", commit=COMMIT, why="seen on the board", back="/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    asked = ledger.approvals.find(PARKED, "t-1")
    assert asked is not None
    assert (asked["decision"], asked["decided_by"], asked["why"]) == ("approved", "proxy:app", "seen on the board")
    assert begun.all == [("follow_approval", f"{PARKED} t-1")]
    first = http.get("/review", headers=as_user("app")).text
    assert re.search(
        r'role="status">\s*<p><strong>Done.</strong> <bdi>Approved: Alert when etcd&#39;s disk is slow\.', first
    )
    assert "seen on the board" in first
    assert 'role="status"' not in http.get("/review", headers=as_user("app")).text


def test_what_is_said_is_for_who_did_it(world: World) -> None:
    _, http, _ = world
    post(http, APPROVE, "app", commit=COMMIT)
    assert "Approved:" not in http.get("/review", headers=as_user("oli")).text


def test_declining_takes_a_reason_and_what_was_typed_stays(world: World) -> None:
    ledger, http, begun = world
    missing = post(http, DECLINE, commit=COMMIT, why="  ", back="/review")
    assert missing.status_code == 400
    assert "say why not" in missing.text
    other = post(http, DECLINE, commit="f" * 40, why="not <now>", back="/review")
    assert other.status_code == 409
    assert 'role="alert"' in other.text
    assert "look at it again" in other.text
    boxes = re.findall(r"<textarea[^>]*>([^<]*)</textarea>", other.text)
    assert boxes == ["", "not &lt;now&gt;"]
    assert begun.all == []
    done = post(http, DECLINE, commit=COMMIT, why="not now", back="/review")
    assert done.status_code == 303
    asked = ledger.approvals.find(PARKED, "t-1")
    assert asked is not None
    assert (asked["decision"], asked["why"]) == ("declined", "not now")
    again = post(http, APPROVE, commit=COMMIT, back="/review")
    assert again.status_code == 409
    assert "declined by proxy:oli" in again.text
    assert "<h1>Review</h1>" in again.text


def test_a_form_that_does_not_say_what_was_shown_decides_nothing(still: World) -> None:
    ledger, http, begun = still
    assert post(http, APPROVE, back="/review").status_code == 400
    asked = ledger.approvals.find(PARKED, "t-1")
    assert asked is not None
    assert (asked["decision"], begun.all) == ("", [])


def test_after_a_day_there_is_nothing_to_approve(world: World) -> None:
    ledger, http, _ = world
    with ledger.engine.begin() as db:
        db.execute(sa.update(approvals).values(asked_at=ago(hours=25)))
    text = http.get("/review", headers=as_user("app")).text
    assert f'action="{APPROVE}"' not in text
    assert f'action="{DECLINE}"' in text
    assert "nobody can approve it" in text
    assert '<span class="count">' not in text
    late = post(http, APPROVE, "app", commit=COMMIT, back="/review")
    assert late.status_code == 409
    assert "a day is over" in late.text


@pytest.mark.parametrize(
    ("action", "user"),
    [
        (APPROVE, "app"),
        (DECLINE, "app"),
        ("/pause", "ops"),
        ("/resume", "ops"),
        (WAITING, "ops"),
        (f"/runs/{LIVE}/cancel", "ops"),
        (f"/runs/{BAD}/retry", "ops"),
    ],
)
def test_nothing_is_done_without_token_or_scope(still: World, action: str, user: str) -> None:
    ledger, http, begun = still
    fields = {"commit": COMMIT, "why": "x"}
    assert http.post(action, data=fields, headers=as_user(user)).status_code == 403
    assert http.post(action, data={**fields, "csrf": "0" * 64}, headers=as_user(user)).status_code == 403
    stolen = csrf_of(http, "/review" if user == "app" else "/", user)
    assert http.post(action, data={**fields, "csrf": stolen}, headers=as_user("oli")).status_code == 403
    other = "ops" if user == "app" else "app"
    assert (
        http.post(
            action,
            data={**fields, "csrf": csrf_of(http, "/review" if other == "app" else "/", other)},
            headers=as_user(other),
        ).status_code
        == 403
    )
    cross = {**as_user(user), "Sec-Fetch-Site": "cross-site"}
    assert http.post(action, data={**fields, "csrf": stolen}, headers=cross).status_code == 403
    assert http.post(action, data={**fields, "csrf": stolen}).status_code in (303, 401, 403)
    asked = ledger.approvals.find(PARKED, "t-1")
    assert asked is not None
    assert (asked["decision"], begun.all, ledger.controls.find(PAUSE), ledger.controls.find(LIVE)) == (
        "",
        [],
        None,
        None,
    )


def test_pause_and_resume(world: World) -> None:
    ledger, http, _ = world
    assert post(http, "/pause", "ops", why="Vault is upgraded").status_code == 303
    said = ledger.controls.find(PAUSE)
    assert said is not None
    assert (said.by, said.why) == ("proxy:ops", "Vault is upgraded")
    text = http.get("/deliveries", headers=as_user("rea")).text
    assert "<strong>Paused.</strong>" in text
    assert "Vault is upgraded" in text
    assert "Everything is paused. " in http.get("/now/live", headers=as_user("rea")).text
    post(http, "/pause", "ops")
    assert "It was paused already." in http.get("/", headers=as_user("ops")).text
    assert post(http, "/resume", "ops").status_code == 303
    assert ledger.controls.find(PAUSE) is None


def test_cancel_and_replay(world: World) -> None:
    ledger, http, begun = world
    assert post(http, f"/runs/{LIVE}/cancel", "ops", why="wrong one", back="/").headers["location"] == "/"
    assert ledger.controls.find(LIVE) is not None
    over = post(http, f"/runs/{BAD}/cancel", "ops", why="this too", back="/")
    assert over.status_code == 409
    assert "it is over" in over.text
    missing = post(http, "/runs/none/cancel", "ops", back="/")
    assert missing.status_code == 404
    replayed = post(http, WAITING, "ops", back="/deliveries?decision=accepted")
    assert (replayed.status_code, replayed.headers["location"]) == (303, "/deliveries?decision=accepted")
    assert [flow for flow, _ in begun.all] == ["follow_push"]
    ignored = post(
        http, "/deliveries/72d3162e-cc78-11e3-81ab-000000000003/replay", "ops", back="/deliveries?decision=ignored"
    )
    assert ignored.status_code == 409
    assert "it was ignored" in ignored.text
    assert "did not answer" not in ignored.text


def test_a_failure_leads_nowhere_else(still: World) -> None:
    _, http, _ = still
    answer = post(http, "/runs/none/cancel", "ops", back="https://evil.example/")
    assert answer.status_code == 404
    assert "<h1>Now</h1>" in answer.text
    long = post(http, "/pause", "ops", why="x" * 1001)
    assert long.status_code == 400
    assert "1001 characters" in long.text


def test_a_failure_is_answered_by_what_is_sent_piece_by_piece_too(still: World) -> None:
    """A file and a stream wait for the browser to go while they are sent; the loop must stay everybody's meanwhile."""
    _, http, _ = still
    fields = {"csrf": csrf_of(http, "/", "ops"), "back": "/static/style.css"}

    async def sent() -> httpx.Response:
        way = httpx.ASGITransport(http.app, client=("127.0.0.1", 1234))
        async with httpx.AsyncClient(transport=way, base_url=str(http.base_url)) as browser:
            return await browser.post("/runs/none/cancel", data=fields, headers=as_user("ops"))

    with ends(20):
        assert asyncio.run(sent()).headers["content-type"].startswith("text/css")


def test_a_message_that_we_did_not_write_is_not_shown(still: World) -> None:
    _, http, _ = still
    http.cookies.set("followthrough_said", "ImFsbCBpcyB3ZWxsIg.aaaa.bbbb")
    assert 'role="alert"' not in http.get("/review", headers=as_user("oli")).text
    assert "all is well" not in http.get("/review", headers=as_user("oli")).text
