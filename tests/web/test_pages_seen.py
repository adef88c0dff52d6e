"""What pages show, on a ledger as it is after some days: content, escaping, headers, who sees which form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.ledger import Ledger
from app.ledger.deliveries import Delivery
from app.web.pages.base import STATIC, local, web
from tests.web.pages_scene import BAD, HOSTILE, LIVE, PARKED, Begun, add_run, as_user, fill, park, scene, todo

PAGES = ["/", "/now/live", "/review", "/review/stopped", "/review/stopped?left=yes", "/review/decided", "/deliveries"]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Ledger, TestClient, Begun]]:
    with scene(tmp_path_factory.mktemp("seen")) as made:
        fill(made[0])
        yield made


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """Markup, and a sign that reorders text, in every field that others write."""
    with scene(tmp_path_factory.mktemp("hostile")) as (ledger, http, _):
        ledger.deliveries.store(
            Delivery(
                "d-1", "github", "push", HOSTILE, HOSTILE, "0" * 40, "e" * 40, HOSTILE[:90], "accepted", "x", HOSTILE
            )
        )
        park(ledger, PARKED, HOSTILE)
        add_run(ledger, LIVE, HOSTILE, todo("t-1", HOSTILE), delivery="d-1")
        ledger.runs.note(LIVE, HOSTILE[:30], HOSTILE, "t-1")
        add_run(ledger, BAD, HOSTILE, todo("t-1", HOSTILE), todo("t-2", HOSTILE, HOSTILE, safe=False))
        finding = {"rule": HOSTILE, "where": HOSTILE, "why": HOSTILE, "decision": "block"}
        ledger.runs.finish_todo(BAD, "t-1", "failed", "plan-failed", HOSTILE, [finding])
        ledger.runs.finish_todo(BAD, "t-2", "needs-human", "type-not-safe", HOSTILE)
        ledger.runs.finish(BAD, "failed", "plan-failed", HOSTILE + " of the run")
        ledger.runs.close(BAD)
        ledger.approvals.decide(PARKED, "t-1", "declined", HOSTILE, HOSTILE)
        park(ledger, PARKED + "-2", HOSTILE)
        ledger.controls.set("pause", HOSTILE, HOSTILE)
        ledger.devvms.failed("vm-1", "ssh", HOSTILE)
        ledger.devvms.drain("vm-1", HOSTILE, HOSTILE)
        yield http


def text_of(http: TestClient, path: str, user: str = "oli") -> str:
    answer = http.get(path, headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return answer.text


@pytest.mark.parametrize("path", PAGES)
def test_markup_of_others_is_text_and_nothing_reorders_it(hostile: TestClient, path: str) -> None:
    text = text_of(hostile, path)
    assert "<script>alert" not in text
    assert "<img" not in text
    assert "\u202e" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text
    assert "\\u202egnp.exe" in text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_the_headers_and_nothing_inline(seen: tuple[Ledger, TestClient, Begun], path: str) -> None:
    answer = seen[1].get(path, headers=as_user("oli"))
    policy = dict(part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == policy["connect-src"] == "'self'"
    assert policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert answer.headers["cross-origin-opener-policy"] == "same-origin"
    assert not re.search(r"\sstyle=|\son[a-z]+=|<style|javascript:", answer.text)
    assert all(src.startswith("/static/") for src in re.findall(r"<script[^>]*src=\"([^\"]*)", answer.text))
    assert "<script>" not in answer.text


@pytest.mark.parametrize("path", [path for path in PAGES if path != "/now/live"])
def test_a_page_can_be_walked_without_eyes_or_mouse(seen: tuple[Ledger, TestClient, Begun], path: str) -> None:
    text = text_of(seen[1], path)
    assert text.count("<h1") == text.count("<main") == 1
    assert '<html lang="en"' in text
    assert 'href="#main"' in text
    assert 'aria-current="page"' in text
    ids = re.findall(r'\sid="([^"]*)"', text)
    assert len(ids) == len(set(ids))
    assert all(f'id="{name}"' in text for name in re.findall(r'aria-labelledby="([^"]*)"', text))
    assert text.count("<table") == text.count("<caption")
    assert all("scope=" in head for head in re.findall(r"<th\b[^>]*>", text))


def test_now_says_it_all(seen: tuple[Ledger, TestClient, Begun]) -> None:
    text = text_of(seen[1], "/")
    assert (
        "1 run is going on, 1 change waits for a person, 1 run ended badly in the last 7 days, 1 DevVM is down." in text
    )
    assert "stacks/monitoring: terraform plan" in text
    assert "1 of 2 TODOs ended" in text
    assert "the connection ended while terraform applied; look at the stack" in text
    assert re.search(r'<meter min="0" max="20.0" .*value="3.37"', text)
    assert "17 % of the day" in text
    assert "no answer from 192.0.2.1:22" in text
    assert f'href="/review#{PARKED}.t-1"' in text
    assert re.search(r"Deliveries waiting</dt>\s*<dd>1, the first for", text)
    assert 'hx-get="/now/live"' in text


def test_the_part_that_refreshes_is_a_part(seen: tuple[Ledger, TestClient, Begun]) -> None:
    text = text_of(seen[1], "/now/live")
    assert "<html" not in text
    assert "<form" not in text
    assert '<p class="summary" role="status">' in text


def test_review_says_why_it_waits_and_what_is_asked(seen: tuple[Ledger, TestClient, Begun]) -> None:
    text = text_of(seen[1], "/review")
    assert "the plan creates 5 resources, at most 3 are allowed" in text
    assert "The rule is there because a TODO that reaches far is looked at by a person." in text
    assert "    token = (sensitive)" in text
    assert "https://forge.example/me/infra/commit/a1b2c3d4e5f6" in text
    assert "Valid until" in text
    assert "Look at the stack: an apply had begun" in text
    assert "How to get through:" in text
    assert "Move the backups" not in text
    left = text_of(seen[1], "/review/stopped?left=yes")
    assert "Move the backups" in left
    assert "Raise the limit of connections" not in left
    refused = text_of(seen[1], "/review/stopped?outcome=refused")
    assert "Raise the limit of connections" in refused
    assert "Alert when the disk fills" not in refused


def test_deliveries_say_what_came_of_them(seen: tuple[Ledger, TestClient, Begun]) -> None:
    text = text_of(seen[1], "/deliveries")
    assert "the forge did not answer within 30 s" in text
    assert "Waits to be looked into." in text
    assert f'<a href="/runs/{LIVE}"><bdi>Ingress certificates ran out</bdi></a>' in text
    assert "<code>bad-signature</code></td>" in text
    assert ">2</td>" in text
    ignored = text_of(seen[1], "/deliveries?decision=ignored")
    assert "issues events cause nothing" in ignored
    assert "did not answer" not in ignored


def test_who_may_not_sees_what_it_takes_and_no_form(seen: tuple[Ledger, TestClient, Begun]) -> None:
    http = seen[1]
    for path, word in (("/", "operate"), ("/review", "approve"), ("/deliveries", "operate")):
        text = text_of(http, path, "rea")
        assert re.search(f"takes the scope (<code>)?{word}", text)
        assert set(re.findall(r'<form[^>]*action="([^"]*)"', text)) == {"/theme"}
    assert 'action="/pause"' in text_of(http, "/", "ops")
    assert "/approve" not in text_of(http, "/review", "ops")
    assert f'action="/runs/{PARKED}/todos/t-1/approve"' in text_of(http, "/review", "app")


def test_replay_is_offered_where_it_does_something(seen: tuple[Ledger, TestClient, Begun]) -> None:
    numbers = re.findall(r'action="/deliveries/[^"]*-0*(\d+)/replay"', text_of(seen[1], "/deliveries"))
    assert sorted(map(int, numbers), reverse=True) == [4, 2, 0]


def test_static_files_are_ours_alone_and_stay(seen: tuple[Ledger, TestClient, Begun]) -> None:
    http = seen[1]
    for address in re.findall(r'(?:src|href)="(/static/[^"]*)"', text_of(http, "/")):
        answer = http.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"
    types = {
        name: http.get(f"/static/{name}").headers["content-type"] for name in ("style.css", "app.js", "favicon.svg")
    }
    assert types["style.css"].startswith("text/css")
    assert types["app.js"].startswith("text/javascript")
    assert types["favicon.svg"].startswith("image/svg+xml")
    assert "immutable" not in http.get("/static/style.css?v=0").headers["cache-control"]
    for name in ("NOTICE", "none.css", "..%2ftemplates%2fbase.html", "%2e%2e%2fapplication.py", "..\\application.py"):
        assert http.get(f"/static/{name}").status_code == 404
    assert "Zero-Clause BSD" in (STATIC / "NOTICE").read_text()


def test_the_theme_is_kept_without_javascript(seen: tuple[Ledger, TestClient, Begun]) -> None:
    http = seen[1]
    answer = http.post("/theme", data={"theme": "dark", "back": "/review?after=x"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/review?after=x")
    assert '<html lang="en" data-theme="dark">' in text_of(http, "/")
    assert http.post("/theme", data={"theme": "auto", "back": "//evil.example"}).headers["location"] == "/"
    http.cookies.clear()
    http.cookies.set("followthrough_theme", '"><script>')
    assert '<html lang="en">' in text_of(http, "/")
    http.cookies.clear()


@pytest.mark.parametrize(
    "address", ["//evil.example", "/\\evil.example", "https://evil.example", "", "/a b", "/\t/x", "/%0d\n"]
)
def test_forms_lead_to_pages_of_ours_alone(address: str) -> None:
    assert local(address) == "/"


def test_addresses_of_others_are_followed_only_over_http() -> None:
    assert web("https://forge.example/x") == "https://forge.example/x"
    assert [web(a) for a in ("javascript:alert(1)", "//x", "data:text/html,x", "https://me:secret@x/", "")] == [""] * 5
    assert local("/runs/a?x=1#y") == "/runs/a?x=1#y"


def test_nobody_in_particular_is_sent_to_log_in(tmp_path: Path, seen: tuple[Ledger, TestClient, Begun]) -> None:
    answer = seen[1].get("/review")
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login?next=/review")
    assert "Alert when" not in answer.text
