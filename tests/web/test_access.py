"""Every route times every identity: who is let in, who is sent to log in, who is told no, and that it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from starlette.routing import Route

from app.ledger.people import tokens
from app.settings import PeopleSettings
from app.web.csrf import token_for
from pipelines import bench
from tests.web.door import AFAR, COMMIT, HERE, PATH, Door, add_parked, door

# Who needs what. A route that is not named here is a page, which needs read, or a form, which needs what FORMS says.
API = {
    ("GET", "/openapi.json"): "read",
    ("POST", "/api/runs"): "operate",
    ("POST", "/api/runs/{run_id}/todos/{todo_id}/approve"): "approve",
    ("POST", "/api/runs/{run_id}/todos/{todo_id}/decline"): "approve",
    ("POST", "/api/runs/{run_id}/cancel"): "operate",
    ("POST", "/api/runs/{run_id}/retry"): "operate",
    ("POST", "/api/deliveries/{delivery_id}/replay"): "operate",
    ("POST", "/api/pause"): "operate",
    ("POST", "/api/resume"): "operate",
}
# For everybody, by something else than an identity (a signature, a form's own token), or by a rule of their own.
OPEN = {
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/login"),
    ("POST", "/login"),
    ("GET", "/login/oidc"),
    ("GET", "/login/oidc/return"),
    ("POST", "/webhooks/github"),
    ("POST", "/webhooks/slack"),
    ("POST", "/theme"),
    ("GET", "/favicon.ico"),
}
MEASURES = ("GET", "/metrics")
FORMS = {"approve": "approve", "decline": "approve", "logout": "read"}
VALUES = {"run_id": "r-1", "todo_id": "t-1", "delivery_id": "d-1", "run": "r-1", "todo": "t-1", "delivery": "d-1"}
VALUES |= {"id": "r-1", "repository": "me/infra", "path": PATH, "name": "style.css"}
BODY = {"/api/runs": {"repository": "me/infra", "post_mortem": PATH}}


@dataclass(frozen=True)
class Knocker:
    """Who asks: where from, with what; `scopes` are theirs, `csrf` what they send with forms: right, wrong or none."""

    name: str
    scopes: frozenset[str] = frozenset()
    address: str = AFAR
    headers: dict[str, str] = field(default_factory=dict)
    session: str = ""
    csrf: str = ""
    token: bool = False
    shown: int = 0
    measures: bool = False

    def may(self, scope: str) -> bool:
        return scope in self.scopes or (scope == "read" and bool(self.scopes))


ALL = frozenset({"read", "approve", "operate"})


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    people = PeopleSettings(operators=["user:olga"], readers=["group:sre"])
    trusting = {"trusted_proxies": ["203.0.113.0/24"], "proxy_user_header": "X-Auth-User"}
    with door(
        tmp_path_factory.mktemp("closed"),
        people=people,
        api_tokens=["of-the-configuration"],
        metrics_tokens=["of-prometheus"],
        proxy_groups_header="X-Auth-Groups",
        **trusting,
    ) as made:
        add_parked(made.ledger)
        yield made


@pytest.fixture(scope="module")
def nothing_configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("open")) as made:
        add_parked(made.ledger)
        yield made


@pytest.fixture(scope="module")
def knockers(closed: Door) -> list[Knocker]:
    book = closed.ledger.access
    secret = {scope: book.new_token(f"{scope}er", [scope], "me") for scope in sorted(ALL)}
    expired, revoked = book.new_token("old", sorted(ALL), "me", 1), book.new_token("gone", sorted(ALL), "me")
    with closed.ledger.engine.begin() as db:
        db.execute(sa.update(tokens).where(tokens.c.name == "old").values(expires_at="2026-01-01T00:00:00Z"))
    book.revoke("gone")
    session = closed.logged_in("of-the-configuration").cookies["followthrough"]
    reading = closed.logged_in(secret["read"]).cookies["followthrough"]
    proxied = {"x-auth-user": "olga"}
    bearer = [
        Knocker(f"token {scope}", frozenset({scope}), headers=_bearer(secret[scope]), token=True) for scope in secret
    ]
    wrong = {"expired": expired, "revoked": revoked, "unknown": "ftk_nobody", "empty": ""}
    return [
        Knocker("nobody from afar", shown=401),
        Knocker("nobody on this machine", address=HERE, shown=401),
        *bearer,
        Knocker("token of the configuration", ALL, headers=_bearer("of-the-configuration"), token=True),
        *(Knocker(f"token {name}", headers=_bearer(token), shown=401) for name, token in wrong.items()),
        Knocker("session", ALL, session=session, csrf="right"),
        Knocker("session without token of the form", ALL, session=session),
        Knocker("session with another token of the form", ALL, session=session, csrf="0" * 64),
        Knocker("session of a reader", frozenset({"read"}), session=reading, csrf="right"),
        Knocker("session that nobody signed", session=session[:-4] + "AAAA", shown=401),
        Knocker("proxy's operator", frozenset({"operate"}), "203.0.113.9", proxied, csrf="right"),
        Knocker("proxy's operator without token of the form", frozenset({"operate"}), "203.0.113.9", proxied),
        Knocker(
            "proxy's reader",
            frozenset({"read"}),
            "203.0.113.9",
            {"x-auth-user": "r", "x-auth-groups": "x, sre"},
            csrf="right",
        ),
        Knocker("proxy's stranger", address="203.0.113.9", headers={"x-auth-user": "x"}, shown=403),
        Knocker("not a proxy", headers=proxied, shown=403),
        Knocker("not a proxy, with a token", headers={**proxied, **_bearer("of-the-configuration")}, shown=403),
        Knocker("proxy naming two", address="203.0.113.9", headers={"x-auth-user": "olga,x"}, shown=403),
        Knocker("prometheus", headers=_bearer("of-prometheus"), shown=401, measures=True),
        Knocker("basic", headers={"authorization": "Basic b2xnYTpvbGdh"}, shown=401),
    ]


def _bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def routes(door: Door) -> list[tuple[str, str]]:
    """Method and path of everything that the application answers."""
    found = []
    for route in _flat(door.app.routes):
        assert isinstance(route, Route | APIRoute), f"{route} is of a kind that this test does not know"
        found += [(method, route.path) for method in sorted(route.methods or ()) if method not in ("HEAD", "OPTIONS")]
    return found


def _flat(found: Any) -> Iterator[Any]:
    for route in found:
        # A router that was included has no prefix of its own in this application.
        inner = getattr(route, "original_router", None)
        yield from _flat(inner.routes) if inner is not None else (route,)


def needed(method: str, path: str) -> str:
    """The scope that a route needs."""
    if (method, path) in API:
        return API[method, path]
    if method == "GET":
        return "read"
    assert not path.startswith("/api/"), f"{method} {path} has no row in API"
    return FORMS.get(path.rpartition("/")[2], "operate")


def wanted(who: Knocker, method: str, path: str) -> set[int]:
    """The statuses that this identity may get."""
    scope, program = needed(method, path), path.startswith(("/api/", "/openapi.json", "/metrics"))
    logging_in = {303} if not program and who.shown == 401 and not who.headers else {who.shown}
    if who.shown == 401 and who.headers:
        # After so many of them.
        logging_in |= {429}
    if not who.scopes:
        return logging_in
    if not who.may(scope):
        return {403}
    if method == "POST" and not who.token and who.csrf != "right":
        return {403}
    if path.startswith("/static/"):
        return {200, 404}
    return {200, 202, 303, 400, 404, 409, 503}


def ask(knocked: Knocked, who: Knocker, method: str, path: str) -> Any:
    http = knocked.at(who.address)
    cookie = {"cookie": f"followthrough={who.session}"} if who.session else {}
    given = {"x-csrf-token": knocked.csrf_of(http, who, cookie)} if who.csrf else {}
    filled = path.replace(":path}", "}").format_map(_Values())
    body = {"json": BODY.get(path, {})} if method == "POST" and path.startswith("/api/") else {}
    return http.request(method, filled, headers={**who.headers, **cookie, **given, "accept": "*/*"}, **body)


class Knocked:
    """The door with one client at each address, which stays open."""

    def __init__(self, made: Door, stack: ExitStack) -> None:
        self._made, self._stack = made, stack
        self._clients: dict[str, TestClient] = {}
        self._csrf: dict[str, str] = {}

    def at(self, address: str) -> TestClient:
        if address not in self._clients:
            self._clients[address] = self._stack.enter_context(self._made.client(address, "http://ft.example"))
        bench.use(self._made.settings, self._made.ledger)
        return self._clients[address]

    def csrf_of(self, http: TestClient, who: Knocker, cookie: dict[str, str]) -> str:
        if who.csrf == "right" and who.name not in self._csrf:
            self._csrf[who.name] = http.get("/api/me", headers={**who.headers, **cookie}).json()["csrf"]
        return self._csrf.get(who.name, who.csrf)


@pytest.fixture(scope="module")
def knocked(closed: Door) -> Iterator[Knocked]:
    with ExitStack() as stack:
        yield Knocked(closed, stack)


class _Values(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return VALUES.get(key, "x")


def test_every_route_lets_in_whom_it_should_and_nobody_else(
    closed: Door, knocked: Knocked, knockers: list[Knocker]
) -> None:
    wrong = []
    for method, path in routes(closed):
        if (method, path) in OPEN or (method, path) == MEASURES or path.startswith("/static/"):
            continue
        for who in knockers:
            if path == "/logout":
                continue
            got = ask(knocked, who, method, path).status_code
            if got not in wanted(who, method, path):
                wrong.append(f"{method} {path} by {who.name}: {got}, not {sorted(wanted(who, method, path))}")
    assert wrong == []


def test_every_row_has_its_route(closed: Door) -> None:
    assert set(API) <= set(routes(closed))


def test_metrics_are_for_their_tokens_and_readers(knocked: Knocked, knockers: list[Knocker]) -> None:
    for who in knockers:
        got = ask(knocked, who, *MEASURES).status_code
        assert got in ({200} if who.measures or who.scopes else wanted(who, *MEASURES)), who.name


def test_with_nothing_configured_this_machine_reads_and_nobody_changes_anything(nothing_configured: Door) -> None:
    made = nothing_configured
    with ExitStack() as stack:
        each = [
            made.client(AFAR),
            made.client(headers={"x-forwarded-for": AFAR}),
            made.client(headers={"x-real-ip": AFAR}),
            made.client(base="http://evil.example"),
        ]
        _must_be_closed(made, stack.enter_context(made.client()), [stack.enter_context(http) for http in each])
    assert made.begun == []
    assert made.ledger.controls.find("pause") is None


def _must_be_closed(made: Door, here: TestClient, others: list[TestClient]) -> None:
    for method, path in routes(made):
        if (method, path) in OPEN or (method, path) == MEASURES or path.startswith("/static/"):
            continue
        program = path.startswith(("/api/", "/openapi.json"))
        filled = path.replace(":path}", "}").format_map(_Values())
        body = {"json": BODY.get(path, {})} if method == "POST" and program else {}
        no = {403} if program else {303}
        for http in others:
            assert http.request(method, filled, **body).status_code in no, (method, path)
        got = here.request(method, filled, **body).status_code
        assert got in ({200, 404, 400} if method == "GET" else no | {403}), (method, path, got)


def test_what_is_not_let_through_is_counted_with_who_it_was(
    closed: Door, knocked: Knocked, knockers: list[Knocker]
) -> None:
    reader = next(who for who in knockers if who.name == "token read")
    before = {row["id"]: row["times"] for row in closed.ledger.actions.newest(500)}
    for _ in range(3):
        assert ask(knocked, reader, "POST", "/api/pause").status_code == 403
        assert ask(knocked, knockers[0], "POST", "/api/pause").status_code == 401
    rows = [row for row in closed.ledger.actions.newest(500) if row["action"] == "pause"]
    mine = [row for row in rows if row["by"] == "token:reader" and row["reason"] == "scope-missing"]
    nobody = [row for row in rows if row["by"] == "" and row["reason"] == "no-token"]
    for (row,) in (mine, nobody):
        assert (row["outcome"], row["times"] - before.get(row["id"], 0)) == ("refused", 3)


def test_the_token_of_a_form_is_of_its_session(closed: Door) -> None:
    from app.web.identity import Identity

    tokens_of = {token_for(Identity("x", ALL, "session", session)) for session in ("one", "other")}  # type: ignore[arg-type]
    assert len(tokens_of) == 2
    assert token_for(Identity("x", ALL, "token")) == ""  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "same-origin"}, 200),
        ({"sec-fetch-site": "none"}, 200),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"origin": "http://ft.example"}, 200),
        ({"origin": "http://127.0.0.1:8080"}, 200),
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "http://ft.example.evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": "null", "sec-fetch-site": "same-origin"}, 200),
        ({"origin": "http://ft.example", "sec-fetch-site": "cross-site"}, 403),
    ],
)
def test_where_a_change_comes_from_counts_beside_its_token(closed: Door, headers: dict[str, str], status: int) -> None:
    http = closed.logged_in("of-the-configuration")
    token = {"x-csrf-token": http.get("/api/me").json()["csrf"]}
    assert http.post("/api/resume", headers={**token, **headers}).status_code == status


def test_an_approval_is_for_what_was_seen(closed: Door) -> None:
    http, path = (
        closed.client(AFAR, "http://ft.example", headers=_bearer("of-the-configuration")),
        "/api/runs/r-2/todos/t-2",
    )
    add_parked(closed.ledger, "r-2", "t-2")
    other = http.post(f"{path}/approve", json={"commit": "b" * 40, "why": "looks right"})
    assert (other.status_code, other.json()["error"]) == (409, "approval-void")
    done = http.post(f"{path}/approve", json={"commit": COMMIT, "why": "looks right\u0000"})
    assert (done.status_code, done.json()) == (200, {"run": "r-2", "todo": "t-2", "decision": "approved"})
    again = http.post(f"{path}/decline", json={})
    assert (again.status_code, again.json()["error"]) == (409, "already-decided")
    assert ("follow_approval", "r-2 t-2", "me/infra") in closed.begun
    told = http.get("/api/actions", params={"run": "r-2"}).json()["actions"]
    assert [(row["action"], row["outcome"], row["reason"]) for row in told] == [
        ("decline", "refused", "already-decided"),
        ("approve", "done", ""),
        ("approve", "refused", "approval-void"),
    ]
    assert (told[1]["by"], told[1]["why"], told[1]["how"]) == ("token:config-1", "looks right\\u0000", "token")
    asked = closed.ledger.approvals.find("r-2", "t-2") or {}
    assert (asked["decided_by"], asked["why"]) == ("token:config-1", "looks right\\u0000")
    assert {"approve"} <= {fact.get("action") for fact in closed.ledger.audit.facts()}
