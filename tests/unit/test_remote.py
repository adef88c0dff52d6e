"""A service afar that is not what it should be: what the token, the terminal and the exit code come to."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from app.cli.address import checked
from app.cli.answers import Spending, relied_on
from app.cli.remote import Remote
from app.cli.runs import show_run
from app.cli.sse import Event, Reader
from app.cli.there import There
from app.errors import BadInput, Failed, FollowthroughError, Refused, Transient, Unknown
from tests.hang import ends
from tests.world.certificates import issue
from tests.world.loopback import Answer, Loopback, Request, as_json

TOKEN = "ft-a-token-of-some-length"
STREAM = (
    b'retry: 2000\r\n\r\n: nothing\n\nid: 7\rdata: {"a":\rdata:  1}\r\revent: end\ndata: x \xe2\x80\xa8 y\n\n'
    b"data\n\nid: 9\n\nevent: lost\n\ndata: cut"
)
EVENTS = [Event("message", '{"a":\n 1}', "7"), Event("end", "x \u2028 y", "7"), Event("message", "", "7")]


def test_events_are_read_alike_however_the_bytes_are_cut() -> None:
    for size in (1, 2, 3, 7, len(STREAM)):
        reader = Reader()
        found = [event for at in range(0, len(STREAM), size) for event in reader.feed(STREAM[at : at + size])]
        assert found == EVENTS, size
        assert reader.last_id == "9"


@pytest.mark.parametrize("piece", [b"x" * 65536, b"data: x\n" * 8192], ids=["line", "event"])
def test_an_event_without_an_end_is_not_kept(piece: bytes) -> None:
    reader = Reader()
    with ends(), pytest.raises(Failed, match="does not end"):
        for _ in range(1000):
            reader.feed(piece)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("https://ft.example", ""),
        ("https://ft.example:8443/behind/", ""),
        ("http://127.0.0.1:8080", ""),
        ("http://[::1]:8080", ""),
        ("http://localhost:8080", ""),
        ("http://ft.example", "insecure-http"),
        ("http://127.0.0.1.ft.example", "insecure-http"),
        ("http://localhost.ft.example", "insecure-http"),
        ("http://192.0.2.7:8080", "insecure-http"),
        ("https://me:secret-word@ft.example", "server-address"),
        ("https://ft.example/?a=b", "server-address"),
        ("https://ft.example/#a", "server-address"),
        ("https://", "server-address"),
        ("ft.example", "server-address"),
        ("file:///etc/passwd", "server-address"),
        ("https://ft.example:port", "server-address"),
        ("https://ft.example\n.evil", "server-address"),
        ("https://[::1", "server-address"),
    ],
)
def test_a_token_goes_where_nobody_on_the_way_reads_it(address: str, reason: str) -> None:
    if not reason:
        assert checked(address) == address.rstrip("/")
        return
    with pytest.raises(BadInput) as error:
        checked(address)
    assert error.value.reason == reason
    assert "secret-word" not in str(error.value)
    if reason == "insecure-http":
        assert checked(address, insecure_http=True) == address


def raised(answer: Callable[[Request], Answer], do: Callable[[Remote], object]) -> FollowthroughError:
    """What is raised when a service answers so."""
    with Loopback(answer) as server, Remote(server.url, TOKEN) as remote, pytest.raises(FollowthroughError) as error:
        do(remote)
    assert TOKEN not in str(error.value)
    assert "\x1b" not in str(error.value)
    return error.value


def get(remote: Remote) -> object:
    return remote.get("runs")


def post(remote: Remote) -> object:
    return remote.post("pause", why="")


OURS = {"error": "a-reason", "message": f"a sentence \x1b[2J with {TOKEN}"}


@pytest.mark.parametrize(
    ("answer", "do", "kind", "reason"),
    [
        (as_json(400, OURS), get, BadInput, "a-reason"),
        (as_json(404, OURS), get, BadInput, "a-reason"),
        (as_json(409, OURS), post, Refused, "a-reason"),
        (as_json(403, OURS), post, Refused, "a-reason"),
        (as_json(401, OURS), get, BadInput, "a-reason"),
        (Answer(401), get, BadInput, "no-token"),
        (as_json(500, OURS), post, Failed, "a-reason"),
        (as_json(503, OURS), post, Transient, "a-reason"),
        (Answer(429), get, Transient, "service-unavailable"),
        (Answer(502, b"<html>"), get, Transient, "service-unavailable"),
        (Answer(502, b"<html>"), post, Unknown, "answer-lost"),
        (Answer(504, b"<html>"), post, Unknown, "answer-lost"),
        (Answer(404, b"<html>"), get, Failed, "not-followthrough"),
        (Answer(418, b"{}"), get, Failed, "not-followthrough"),
        (Answer(200, b"<html>"), get, Failed, "not-followthrough"),
        (Answer(200, b'{"a": NaN}'), get, Failed, "not-followthrough"),
        (Answer(200, b"[" * 100_000), get, Failed, "not-followthrough"),
        (Answer(200, b"\xff{"), get, Failed, "not-followthrough"),
        (as_json(400, {"error": ["x"], "message": 1}), get, Failed, "not-followthrough"),
        (
            Answer(200, b"x" * 10, headers={"Content-Length": "99", "Connection": "close"}),
            get,
            Transient,
            "service-unreachable",
        ),
        (Answer(200, b"x" * 10, headers={"Content-Length": "99", "Connection": "close"}), post, Unknown, "answer-lost"),
    ],
)
def test_what_a_service_says_becomes_one_of_our_errors(
    answer: Answer, do: Callable[[Remote], object], kind: type[FollowthroughError], reason: str
) -> None:
    error = raised(lambda _: answer, do)
    assert (type(error), error.reason) == (kind, reason), error


@pytest.mark.parametrize(
    "value",
    [
        [],
        {"runs": {}},
        {"runs": [1]},
        {"runs": [{"id": "r"}]},
        {"runs": [{"id": "r", "repository": "o/r", "post_mortem": "p", "commit": "c", "delivery": "", "reason": "",
                   "created_at": "1700000000", "finished_at": None, "outcome": None, "message": "", "cost_usd": 1.0,
                   "todos": {}}]},
    ],
)  # fmt: skip
def test_an_answer_of_another_form_is_told_and_not_printed(value: object) -> None:
    error = raised(lambda _: as_json(200, value), lambda remote: There(remote).runs(1, "", ""))
    assert (type(error), error.reason) == (Failed, "not-followthrough")


def test_what_a_later_version_knows_is_shown_and_nothing_of_it_is_an_escape(capsys: pytest.CaptureFixture[str]) -> None:
    text = "of \x1b[31m \x9b \u202e [red]it[/]"
    check = dict.fromkeys(("kind", "subject", "answer", "reason", "link", "at", "first_at"), text) | {"ok": True}
    names = ("id", "priority", "type", "action", "outcome", "reason", "message", "commit")
    todo = {**dict.fromkeys(names, text), "cost_usd": 1, "checks": [check], "more": [{text: text}]}
    of_run = ("id", "repository", "post_mortem", "commit", "delivery", "outcome", "reason", "message", "finished_at")
    event = {"id": 1, "at": text, "phase": text, "text": text}
    run = {**dict.fromkeys(of_run, text), "created_at": "2026-04-14T17:12:00Z", "cost_usd": 1, "todos": [todo]}
    with Loopback(lambda _: as_json(200, {**run, "events": [event]})) as server, Remote(server.url, TOKEN) as remote:
        for as_json_ in (False, True):
            assert show_run(There(remote), "r", as_json_) == 0
    shown = capsys.readouterr().out
    assert shown.count("[red]it[/]") > 20
    assert not {"\x1b", "\x9b", "\u202e"} & set(shown)


def test_the_token_does_not_follow_a_redirect() -> None:
    seen: list[Request] = []

    def elsewhere(request: Request) -> Answer:
        seen.append(request)
        return as_json(200, {"runs": []})

    with Loopback(elsewhere) as other:
        away = Answer(307, headers={"Location": f"{other.url}/api/runs\x1b[31m".replace("\x1b", "%1b")})
        for do in (get, post, lambda remote: list(remote.stream("runs", "r", "events", last_id=""))):
            error = raised(lambda _: away, do)
            assert (type(error), error.reason) == (Failed, "redirected")
            assert other.url in str(error)
    assert seen == []


def test_what_is_asked_bears_the_token_and_names_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Request] = []

    def answer(request: Request) -> Answer:
        seen.append(request)
        return as_json(200, {"text": f"\x9b {TOKEN}"})

    with Loopback(answer) as server, Loopback(lambda _: Answer(502)) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, proxy.url)
        with Remote(server.url, TOKEN) as remote:
            assert remote.get("runs", "a/../b", limit=3, before="") == {"text": "\\u009b [redacted]"}
            remote.post("runs", "r", "cancel", why="wh\u00fd")
            for name in ("..", ".", ""):
                with pytest.raises(BadInput):
                    remote.post("runs", name, "cancel", why="")
    assert [request.path for request in seen] == ["/api/runs/a%2F..%2Fb?limit=3", "/api/runs/r/cancel"]
    assert json.loads(seen[1].body) == {"why": "wh\u00fd"}
    assert all(request.headers["authorization"] == f"Bearer {TOKEN}" for request in seen)
    for token in ("a b", "a\nb: c", "\u00fc"):
        with pytest.raises(BadInput) as error:
            Remote(server.url, token)
        assert error.value.reason == "bad-token"


def test_nobody_there_is_tried_again_later_and_a_certificate_of_a_stranger_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Loopback(lambda _: Answer(200)) as server:
        gone = server.url
    for do in (get, post):
        with Remote(gone, TOKEN) as remote, pytest.raises(Transient) as lost:
            do(remote)
        assert lost.value.reason == "service-unreachable"
    issued, certificate, trusted = issue(), tmp_path / "server.pem", tmp_path / "ca.pem"
    certificate.write_bytes(issued.certificate_and_key)
    trusted.write_bytes(issued.ca)
    with Loopback(lambda _: as_json(200, {}), certificate) as server:
        with Remote(server.url, TOKEN) as remote, pytest.raises(Failed) as refused:
            remote.get("runs")
        assert refused.value.reason == "certificate-not-trusted"
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        with Remote(server.url, TOKEN) as remote:
            assert remote.get("runs") == {}
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
        with pytest.raises(BadInput):
            Remote(server.url, TOKEN)


def test_names_that_are_new_in_an_answer_are_kept() -> None:
    landed = {"changes": 0, "usd": 0.0, "usd_each": None}
    spent = {"since": "", "until": "", "days": [], "total_usd": 1, "landed": landed, "outcomes": [], "new": {"x": 1}}
    assert relied_on(Spending, spent) is spent
    with pytest.raises(Failed, match="total_usd"):
        relied_on(Spending, {**spent, "total_usd": "1"})
