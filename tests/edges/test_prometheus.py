"""What is read of Prometheus: on the real server; on a fake one only what the real one cannot be made to do."""

from __future__ import annotations

import logging
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.edges.prometheus import LoadedRule, Prometheus
from app.errors import Failed, FollowthroughError, Refused, Transient
from tests.world.certificates import issue
from tests.world.loopback import Answer, Loopback, as_json
from tests.world.processes import WorldError
from tests.world.prometheus import Prometheus as Server
from tests.world.scripted_prometheus import Rejected, ScriptedPrometheus
from tests.world.scripted_prometheus import rule as scripted

PASSWORD = "correct-horse-battery"
RULES = """groups:
  - name: nfs
    rules:
      - alert: NFSMountFailing
        expr: rate(node_nfs_rpc_retransmissions_total[5m]) > 5
        for: 5m
        labels: {severity: warning}
        annotations: {summary: "it repeats its calls"}
      - record: node:avail
        expr: node_filesystem_avail_bytes / node_filesystem_size_bytes
"""
# Both series match one on the left, which only shows when it is evaluated.
ERRS = """groups:
  - name: matching
    rules:
      - alert: ManyToOne
        expr: node_filesystem_avail_bytes / on() group_left() {__name__=~"node_memory_.*"} > 1
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("prometheus"), PASSWORD) as made:
        made.wait_for_metrics()
        yield made


@pytest.fixture
def client(server: Server) -> Iterator[Prometheus]:
    with Prometheus(server.url, server.user, server.password) as made:
        yield made


def put(server: Server, name: str, text: str) -> None:
    (server.rules_folder / name).write_text(text)
    server.reload()


def rule_of(client: Prometheus, name: str, wanted: Callable[[LoadedRule], bool]) -> LoadedRule:
    """The rule once it is as wanted, or as it is after ten seconds."""
    deadline = time.monotonic() + 10
    while True:
        (rule,) = [rule for rule in client.rules() if rule.name == name]
        if wanted(rule) or time.monotonic() > deadline:
            return rule
        time.sleep(0.1)


# the real server


def test_a_loaded_rule_is_found_and_healthy(server: Server, client: Prometheus) -> None:
    put(server, "rules.yml", RULES)
    rule = rule_of(client, "NFSMountFailing", lambda rule: rule.health == "ok")
    assert rule == LoadedRule(
        "NFSMountFailing",
        "nfs",
        "rate(node_nfs_rpc_retransmissions_total[5m]) > 5",
        "ok",
        "",
        "inactive",
        "alerting",
        300,
        {"severity": "warning"},
        {"summary": "it repeats its calls"},
    )
    recording = rule_of(client, "node:avail", lambda rule: rule.health == "ok")
    assert (recording.type, recording.state, recording.health) == ("recording", "", "ok")


def test_a_broken_file_is_refused_and_the_old_rules_stay(server: Server, client: Prometheus) -> None:
    put(server, "rules.yml", RULES)
    before = [(rule.name, rule.query) for rule in client.rules()]
    with pytest.raises(WorldError, match="keeps its old rules"):
        put(server, "rules.yml", RULES.replace("> 5", "> ("))
    assert [(rule.name, rule.query) for rule in client.rules()] == before
    put(server, "rules.yml", RULES)


def test_a_rule_that_errs_says_why(server: Server, client: Prometheus) -> None:
    put(server, "errs.yml", ERRS)
    rule = rule_of(client, "ManyToOne", lambda rule: rule.health == "err")
    assert rule.health == "err"
    assert "duplicate series" in rule.last_error
    (server.rules_folder / "errs.yml").unlink()
    server.reload()
    assert "ManyToOne" not in [rule.name for rule in client.rules()]


def test_a_firing_alert_is_seen(server: Server, client: Prometheus) -> None:
    put(server, "fires.yml", "groups: [{name: now, rules: [{alert: Fires, expr: up == 1}]}]\n")
    assert rule_of(client, "Fires", lambda rule: rule.state == "firing").state == "firing"
    (server.rules_folder / "fires.yml").unlink()
    server.reload()


def test_an_expression_gives_its_samples(client: Prometheus) -> None:
    (sample,) = client.query("node_filesystem_size_bytes > 1")
    assert sample.labels["mountpoint"] == "/"
    assert float(sample.value) == 1e11
    assert client.query("node_filesystem_size_bytes < 1") == []
    assert [(s.labels, s.value) for s in client.query("1 / 0")] == [({}, "+Inf")]
    assert [s.value for s in client.query('"text"')] == ["text"]


def test_series_are_counted(server: Server, client: Prometheus) -> None:
    assert client.counts("up") == 2
    assert client.counts('{job="node", instance="node-1", __name__=~"node_memory_.*"}') == 2
    assert client.counts("node_nfs_rpc_retransmissions_total # of clients") == 1
    assert client.counts("metric_that_nobody_has") == 0
    server.metrics["node_new_total"] = 1
    deadline = time.monotonic() + 10
    while not client.counts("node_new_total") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert client.counts("node_new_total") == 1


@pytest.mark.parametrize(
    "expr", ["sum(", "up + on(", "", "up[5m]", "rate(up)", 'label_replace(up, "a", "$1", "b", "(")']
)
def test_what_is_no_expression_is_refused_with_its_sentence(client: Prometheus, expr: str) -> None:
    with pytest.raises(Refused) as caught:
        client.query(expr)
    assert caught.value.reason == "expression-refused"
    assert len(str(caught.value)) > 60


def test_an_expression_is_data(client: Prometheus) -> None:
    """What would be more parameters of an address is part of the expression."""
    with pytest.raises(Refused, match="parse error"):
        client.query("up&time=0#%00\r\nHost: elsewhere")
    (sample,) = client.query('label_replace(vector(1), "x", "a&b=c#d%20 é", "", "")')
    assert sample.labels["x"] == "a&b=c#d%20 é"


@pytest.mark.parametrize(
    ("user", "secret"),
    [
        ("", ""),
        ("", "guessed-bearer-token"),
        ("followthrough", "guessed-password"),
        ("somebody", PASSWORD),
        ("followthrough", ""),
        ("", "a token\nof two lines"),
        ("", "tökén-of-other-letters"),
    ],
)
def test_wrong_credentials_are_named_and_not_shown(
    server: Server, user: str, secret: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with Prometheus(server.url, user, secret) as client, pytest.raises(Failed) as caught:
        client.query("up")
    said = "".join(traceback.format_exception(caught.value))
    assert caught.value.reason == "prometheus-refused"
    assert not isinstance(caught.value, Transient)
    assert "Vault" in said
    assert not secret or secret not in said + caplog.text + repr(client)


def test_a_trailing_newline_of_the_vault_field_does_not_matter(server: Server) -> None:
    with Prometheus(server.url, f"{server.user}\n", f"{server.password}\n") as client:
        assert client.counts("up") == 2


def test_a_server_that_is_down_and_comes_back(server: Server, client: Prometheus) -> None:
    assert client.counts("up") == 2
    server.stop()
    with pytest.raises(Transient) as caught:
        client.query("up")
    assert caught.value.reason == "prometheus-unreachable"
    server.start()
    assert [sample.value for sample in client.query("vector(1)")] == ["1"]
    server.wait_for_metrics()


# the fake that other tests use, beside it

TWO = """groups:
  - name: g
    rules:
      - alert: Well
        expr: up == 7
        for: 5m
        labels: {severity: warning}
        annotations: {summary: "it is gone"}
      - alert: Broken
        expr: node_filesystem_avail_bytes / on() group_left() {__name__=~"node_memory_.*"} > 1
"""


def script(expr: str) -> list[tuple[dict[str, str], str]]:
    """What the real server of this module says of the expressions below."""
    if expr.endswith("=="):
        raise Rejected('invalid parameter "query": 1:6: parse error: unexpected end of input')
    return [({"__name__": "up", "instance": "node-1", "job": "node"}, "1")] if "== 1" in expr else []


@pytest.fixture
def asked(server: Server, client: Prometheus) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """The real server, which has evaluated TWO, and the fake with the same rules."""
    put(server, "two.yml", TWO)
    rule_of(client, "Well", lambda rule: rule.health == "ok")
    broken = rule_of(client, "Broken", lambda rule: rule.health == "err")
    well = scripted("Well", "up == 7", labels={"severity": "warning"}, annotations={"summary": "it is gone"})
    rules = [well, scripted("Broken", broken.query, 0, broken.last_error)]
    with (
        ScriptedPrometheus(script, ["up"], rules) as fake,
        httpx.Client(base_url=server.url, auth=(server.user, server.password)) as real,
        httpx.Client(base_url=fake.url) as faked,
    ):
        yield real, faked
    (server.rules_folder / "two.yml").unlink()
    server.reload()


def within(form: Any, other: Any) -> bool:
    """Whether a value has the types of another one, and no table of it a key that the other's lacks."""
    if isinstance(form, dict) and isinstance(other, dict):
        return all(key in other and within(value, other[key]) for key, value in form.items())
    if isinstance(form, list) and isinstance(other, list):
        return all(any(within(one, there) for there in other) for one in form)
    return type(form) is type(other) or {type(form), type(other)} == {int, float}


def test_the_fake_answers_in_the_form_of_the_real_one(asked: tuple[httpx.Client, httpx.Client]) -> None:
    asking: list[tuple[str, str, dict[str, str]]] = [
        ("POST", "/api/v1/query", {"query": expr, "timeout": "10s"})
        for expr in ("up == 1", "up ==", "up == 7", "count(\nup\n)", 'count(last_over_time({__name__="up"}[1d]))')
    ]
    asking += [("GET", path, {}) for path in ("/api/v1/rules", "/api/v1/metadata?metric=nobody", "/api/v1/nothing")]
    for method, path, form in asking:
        real, fake = (at.request(method, path, data=form or None) for at in asked)
        assert (fake.status_code, fake.headers["content-type"]) == (real.status_code, real.headers["content-type"])
        assert fake.text == real.text if fake.status_code == 404 else within(fake.json(), real.json()), fake.text


def test_the_fake_tells_a_client_what_the_real_one_tells_it(
    asked: tuple[httpx.Client, httpx.Client], client: Prometheus
) -> None:
    def told(one: Prometheus) -> list[object]:
        with pytest.raises(Refused) as caught:
            one.query("up ==")
        return [
            one.knows("up"),
            one.knows("metric_that_nobody_has"),
            one.counts('up{job="node"}'),
            one.query('up{job="node"} == 1'),
            one.query("up == 7"),
            (caught.value.reason, str(caught.value).rpartition("does not take it")[2]),
            [rule for rule in one.rules() if rule.group == "g"],
        ]

    with Prometheus(str(asked[1].base_url)) as fake:
        assert told(fake) == told(client)


# what the real one cannot be made to do


@contextmanager
def answering(give: Callable[[Any], Answer]) -> Iterator[Prometheus]:
    fake = Loopback(give)
    with fake, Prometheus(fake.url, secret="the-bearer-token", timeout=2) as client:
        yield client


def raised_by(call: Callable[[], Any]) -> FollowthroughError:
    with pytest.raises(FollowthroughError) as caught:
        call()
    assert "the-bearer-token" not in str(caught.value)
    return caught.value


@contextmanager
def dripping(drop: bytes, seconds: float, first: bytes = b"") -> Iterator[str]:
    """A server that takes connections and sends `first`, then `drop` every so many seconds, for ever."""
    over = threading.Event()

    def serve(connection: socket.socket) -> None:
        with connection:
            try:
                connection.sendall(first)
                while not over.wait(seconds):
                    connection.sendall(drop)
            except OSError:
                return

    def accept(listener: socket.socket) -> None:
        while not over.is_set():
            try:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
            except TimeoutError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.1)
        thread = threading.Thread(target=accept, args=(listener,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    "first", [b"", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"]
)
def test_a_slow_server_is_given_up(first: bytes) -> None:
    """One that says nothing, and one whose bytes come so slowly that no single wait is too long."""
    drop, seconds = (b" ", 0.05) if first else (b"", 0.05)
    began = time.monotonic()
    with dripping(drop, seconds, first) as url, Prometheus(url, timeout=0.5) as client:
        error = raised_by(lambda: client.query("up"))
    assert isinstance(error, Transient)
    assert error.reason == "prometheus-slow"
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_busy_server_may_be_asked_again(status: int) -> None:
    error_of = {"status": "error", "errorType": "timeout", "error": "query timed out; token the-bearer-token"}
    with answering(lambda _: as_json(status, error_of)) as client:
        error = raised_by(lambda: client.query("up"))
    assert isinstance(error, Transient)
    assert error.reason == "prometheus-busy"
    assert "query timed out" in str(error)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(200, b"<html>Sign in</html>", "text/html"),
        Answer(404, b"404 page not found", "text/plain"),
        Answer(400, b"<html>Bad Request</html>", "text/html"),
        Answer(200, b"", "application/json"),
        Answer(204),
        Answer(200, b"\xff\xfe{}"),
        Answer(200, b"[" * 100_000),
        Answer(200, b'{"status": "success", "data": ' + b"[" * 100_000),
        as_json(200, ["success"]),
        as_json(200, {"status": "success"}),
        as_json(200, {"status": "error", "error": "no"}),
        as_json(200, {"status": "success", "data": None}),
        as_json(200, {"status": "success", "data": {"resultType": "vector", "groups": {"name": "a"}}}),
        as_json(200, {"status": "success", "data": {"resultType": "vector", "result": [7], "groups": [7]}}),
        as_json(
            200,
            {
                "status": "success",
                "data": {"resultType": "vector", "result": [{"metric": {"a": 1}, "value": [0, "1"]}], "groups": [{}]},
            },
        ),
        as_json(
            200,
            {
                "status": "success",
                "data": {"resultType": "vector", "result": [{"metric": {}, "value": [0]}], "groups": [{"rules": [{}]}]},
            },
        ),
        as_json(
            200,
            {
                "status": "success",
                "data": {
                    "resultType": "vector",
                    "result": [{"metric": {}, "value": [0, 1]}],
                    "groups": [
                        {"name": "a", "rules": [{"name": ["x"], "query": "up", "health": "ok", "type": "alerting"}]}
                    ],
                },
            },
        ),
        Answer(302, headers={"location": "http://127.0.0.1:1/login"}),
        Answer(301, headers={"location": "/prometheus/"}),
    ],
)
def test_what_is_no_prometheus_is_said_so(answer: Answer) -> None:
    with answering(lambda _: answer) as client:
        for call in (lambda: client.query("up"), client.rules):
            error = raised_by(call)
            assert (type(error), error.reason) == (Failed, "prometheus-unreadable")


def test_a_redirect_takes_no_secret_elsewhere() -> None:
    asked = []
    with Loopback(lambda request: asked.append(request) or Answer(200)) as elsewhere:
        with answering(lambda _: Answer(307, headers={"location": f"{elsewhere.url}/api/v1/query"})) as client:
            raised_by(lambda: client.query("up"))
        assert asked == []


@pytest.mark.parametrize("counted", ["NaN", "+Inf", "many"])
def test_a_count_that_is_none_is_unreadable(counted: str) -> None:
    data = {"resultType": "vector", "result": [{"metric": {}, "value": [0, counted]}]}
    with answering(lambda _: as_json(200, {"status": "success", "data": data})) as client:
        assert raised_by(lambda: client.counts("up")).reason == "prometheus-unreadable"


@pytest.mark.parametrize(("mebibytes", "read"), [(31, True), (33, False)])
def test_an_oversized_answer_is_not_read(mebibytes: int, read: bool) -> None:
    body = b'{"status": "success", "data": {"groups": []}}' + b" " * (mebibytes << 20)
    with answering(lambda _: Answer(200, body)) as client:
        if read:
            assert client.rules() == []
        else:
            error = raised_by(client.rules)
            assert (error.reason, "32 MiB" in str(error)) == ("prometheus-unreadable", True)


def test_packed_answers_are_not_unpacked() -> None:
    """A few kilobytes may unpack to any size; a server that packs unasked is not read."""
    with answering(lambda r: Answer(200, b"\x1f\x8b", headers={"content-encoding": "gzip"})) as client:
        assert raised_by(client.rules).reason == "prometheus-unreadable"


def test_a_certificate_of_nobody_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "certificate.pem"
    file.write_bytes(issue().certificate_and_key)
    with (
        Loopback(lambda _: Answer(200), certificate=file) as fake,
        Prometheus(fake.url, secret="the-bearer-token") as client,
    ):
        error = raised_by(client.rules)
    assert (type(error), error.reason) == (Failed, "prometheus-tls")


@pytest.mark.parametrize("url", ["http://127.0.0.1:99999", "http://[127.0.0.1", "http://127.0.0.1:x", "http://"])
def test_an_address_that_is_none(url: str) -> None:
    with Prometheus(url) as client:
        error = raised_by(client.rules)
    assert error.reason in ("prometheus-unreadable", "prometheus-unreachable")
    assert "repository.verify.prometheus" in str(error)
