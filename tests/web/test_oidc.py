"""Logging in with OpenID Connect, against an issuer with real keys and a real token endpoint."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi.testclient import TestClient

from app.settings import PeopleSettings
from tests.web.door import AFAR, Door, door
from tests.world.issuer import CLIENT, Claims, FakeIssuer, new_key

HTML = {"accept": "text/html"}
BACK = "http://127.0.0.1:8080/login/oidc/return"
PEOPLE = PeopleSettings(readers=["group:sre"], approvers=["alice@example.org"], operators=["sub:alice-1"])


@pytest.fixture
def issuer() -> Iterator[FakeIssuer]:
    with FakeIssuer(BACK) as running:
        yield running


@pytest.fixture
def made(tmp_path: Path, issuer: FakeIssuer) -> Iterator[Door]:
    with door(tmp_path, oidc=issuer.url, people=PEOPLE) as opened:
        yield opened


def leave(http: TestClient, then: str = "/") -> str:
    """Where the issuer sends the browser that has logged in there."""
    out = http.get("/login/oidc", params={"next": then})
    assert out.status_code == 303, out.text
    return str(httpx.get(out.headers["location"]).headers["location"])


def log_in(http: TestClient, then: str = "/") -> Any:
    return http.get(leave(http, then).removeprefix("http://127.0.0.1:8080"), headers=HTML)


def test_a_person_is_known_by_what_the_issuer_says(made: Door, issuer: FakeIssuer) -> None:
    http = made.client(AFAR)
    assert "Log in with OpenID Connect" in http.get("/login").text
    answer = log_in(http, "/review")
    assert (answer.status_code, answer.headers["location"]) == (303, "/review")
    me = http.get("/api/me").json()
    assert (me["name"], me["how"], me["scopes"]) == ("oidc:alice@example.org", "session", ["approve", "operate"])
    told = made.ledger.actions.newest()[0]
    assert (told["by"], told["how"], told["action"], told["outcome"]) == (
        "oidc:alice@example.org",
        "oidc",
        "login",
        "done",
    )
    issuer.claims = {"sub": "bob-2", "groups": ["sre", 7], "email": "alice@example.org", "email_verified": False}
    log_in(http)
    me = http.get("/api/me").json()
    assert (me["name"], me["scopes"]) == ("oidc:bob-2", ["read"])


def test_an_address_that_is_not_verified_is_nobodys(made: Door, issuer: FakeIssuer) -> None:
    for verified in (False, None, "true", 1):
        issuer.claims = {"sub": "mallory", "email": "alice@example.org", "email_verified": verified}
        answer = log_in(made.client(AFAR))
        assert answer.status_code == 403 and "person-not-listed" in answer.text
    assert made.ledger.actions.newest()[0]["reason"] == "person-not-listed"


def lies() -> Iterator[tuple[str, Callable[[Claims], Claims]]]:
    def changed(**more: Any) -> Callable[[Claims], Claims]:
        return lambda claims: {name: value for name, value in {**claims, **more}.items() if value is not None}

    old = int(time.time()) - 3600
    yield "another nonce", changed(nonce="x")
    yield "no nonce", changed(nonce=None)
    yield "another audience", changed(aud="someone")
    yield "several audiences, for another", changed(aud=[CLIENT, "someone"], azp="someone")
    yield "several audiences, for nobody", changed(aud=[CLIENT, "someone"])
    yield "another issuer", changed(iss="http://evil.example")
    yield "over", changed(exp=old)
    yield "without an end", changed(exp=None)
    yield "of the future", changed(iat=int(time.time()) + 3600)
    yield "about nobody", changed(sub=None)


def test_an_id_token_has_to_hold(made: Door, issuer: FakeIssuer) -> None:
    for what, lie in lies():
        issuer.lie = lie
        http = made.client(AFAR)
        answer = log_in(http)
        assert answer.status_code == 403 and "login-not-proven" in answer.text, what
        assert http.get("/api/me").status_code == 401, what
    (told,) = made.ledger.actions.newest()
    assert (told["reason"], told["times"]) == ("login-not-proven", len(list(lies())))


def test_only_the_issuers_key_pair_signs(made: Door, issuer: FakeIssuer) -> None:
    for issuer.algorithm in ("none", "HS256"):
        assert "login-not-proven" in log_in(made.client(AFAR)).text, issuer.algorithm


def test_a_key_that_is_not_the_issuers_signs_nothing_and_a_new_one_is_fetched(made: Door, issuer: FakeIssuer) -> None:
    assert log_in(made.client(AFAR)).status_code == 303
    issuer.key, issuer.kid = new_key(), "second"
    assert log_in(made.client(AFAR)).status_code == 303
    assert issuer.asked.count("/keys") == 2
    issuer.published, issuer.key = issuer.key, new_key()
    assert "login-not-proven" in log_in(made.client(AFAR)).text


def test_only_the_browser_that_began_comes_back(made: Door) -> None:
    mine, other = made.client(AFAR), made.client(AFAR)
    back = leave(mine).removeprefix("http://127.0.0.1:8080")
    assert other.get(back, headers=HTML).status_code == 403
    leave(other)
    stolen = other.get(back, headers=HTML)
    assert stolen.status_code == 403 and "login-not-begun-here" in stolen.text
    assert mine.get(back, headers=HTML).status_code == 303
    assert mine.get(back, headers=HTML).status_code == 403


def test_a_code_is_good_with_its_verifier_alone_and_once(made: Door, issuer: FakeIssuer) -> None:
    first, second = made.client(AFAR), made.client(AFAR)
    code = parse_qs(urlsplit(leave(first)).query)["code"][0]
    state = parse_qs(urlsplit(leave(second)).query)["state"][0]
    answer = second.get("/login/oidc/return", params={"code": code, "state": state}, headers=HTML)
    assert answer.status_code == 403 and "login-not-proven" in answer.text


def test_an_answer_of_another_issuer_is_not_taken(made: Door, issuer: FakeIssuer) -> None:
    http = made.client(AFAR)
    back = leave(http).removeprefix("http://127.0.0.1:8080")
    mixed = back.rpartition("&iss=")[0] + "&iss=http%3A%2F%2Fevil.example"
    assert "login-not-proven" in http.get(mixed, headers=HTML).text
    assert issuer.asked.count("/token") == 0


def test_an_issuer_that_says_no_is_told_plainly(made: Door) -> None:
    http = made.client(AFAR)
    state = parse_qs(urlsplit(leave(http)).query)["state"][0]
    answer = http.get("/login/oidc/return", params={"error": "<b>access_denied", "state": state}, headers=HTML)
    assert answer.status_code == 403 and "&lt;b&gt;access_denied" in answer.text


def test_an_issuer_that_is_away_or_wrong_is_told_plainly(tmp_path: Path, made: Door, issuer: FakeIssuer) -> None:
    issuer.description = {"token_endpoint": "javascript:alert(1)"}
    back = leave(made.client(AFAR))
    assert back
    issuer.description = {"issuer": "http://evil.example"}
    with door(tmp_path, oidc=issuer.url, people=PEOPLE) as other:
        answer = other.client(AFAR).get("/login/oidc", headers=HTML)
        assert (answer.status_code, "issuer-unusable" in answer.text) == (502, True)
    issuer.close()
    with door(tmp_path, oidc=issuer.url, people=PEOPLE) as other:
        answer = other.client(AFAR).get("/login/oidc", headers=HTML)
        assert (answer.status_code, "issuer-unreachable" in answer.text) == (503, True)


def test_it_leads_to_no_other_place(made: Door) -> None:
    for address in ("//evil.example", "https://evil.example", "/\\evil.example"):
        assert log_in(made.client(AFAR), address).headers["location"] == "/"


def test_without_an_issuer_there_is_no_such_login(tmp_path: Path) -> None:
    with door(tmp_path) as made:
        assert made.client().get("/login/oidc").status_code == 404
        assert "/login/oidc" not in made.client().get("/login").text
