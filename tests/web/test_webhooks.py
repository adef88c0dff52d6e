"""The webhook, over HTTP on a real socket, with GitHub's own payloads where the packages are installed."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.ledger import Ledger, open_ledger
from app.settings import DevVMSettings, GitHubSettings, RepositorySettings, ServerSettings, Settings
from app.web.application import application
from tests.world import asking

EXAMPLES = Path(__file__).parents[2] / ".tools/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
SECRET = "it's a secret to everybody"
OLD_SECRET = "the one before"
NAME = "me/infra"


class Service:
    """The web face alone: what it would start is collected in `started`."""

    def __init__(self, ledger: Ledger, url: str) -> None:
        self.ledger, self.url = ledger, url
        self.started: list[tuple[str, str]] = []
        self.client = httpx.Client(timeout=30)

    def post(self, body: bytes, headers: dict[str, str] | None = None, secret: str | None = SECRET) -> httpx.Response:
        sent = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1"}
        if secret is not None:
            sent["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        return self.client.post(f"{self.url}/webhooks/github", content=body, headers={**sent, **(headers or {})})


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    settings = Settings(
        server=ServerSettings(),
        github=GitHubSettings(webhook_secrets=[SECRET, OLD_SECRET]),
        devvm=[DevVMSettings(host="127.0.0.1", user="u", host_key="k")],
        repository=[RepositorySettings(name=NAME, clone_url="x", allowed_pushers=["me"])],
    )
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    listening = socket.create_server(("127.0.0.1", 0))
    made = Service(ledger, f"http://127.0.0.1:{listening.getsockname()[1]}")
    app = application(settings, ledger, lambda *call: made.started.append(call), lambda: True)
    server = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    while not server.started:
        threading.Event().wait(0.01)
    yield made
    made.client.close()
    server.should_exit = True
    thread.join()
    listening.close()
    ledger.engine.dispose()


def push(**more: Any) -> bytes:
    data = {
        "ref": "refs/heads/master",
        "before": "a" * 40,
        "after": "b" * 40,
        "repository": {"full_name": NAME},
        "pusher": {"name": "me"},
        **more,
    }
    return json.dumps(data).encode()


def test_a_push_is_stored_and_started_once(service: Service) -> None:
    first = service.post(push())
    assert (first.status_code, first.json()) == (
        202,
        {"delivery": "d-1", "decision": "accepted", "reason": "", "runs": []},
    )
    service.ledger.deliveries.conclude("d-1", "runs-started", "")
    again = service.post(push())
    assert (again.status_code, again.json()["reason"]) == (202, "duplicate")
    assert service.started == [("d-1", NAME)]
    assert [d["decision"] for d in service.ledger.deliveries.newest()] == ["accepted"]


def test_a_redelivery_of_what_was_stored_and_never_handed_over_hands_it_over(service: Service) -> None:
    service.post(push())
    service.post(push())
    assert service.started == [("d-1", NAME), ("d-1", NAME)], "starting means start if absent"


def test_both_secrets_count_while_they_rotate(service: Service) -> None:
    assert service.post(push(), secret=OLD_SECRET).status_code == 202


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"ref": "refs/heads/topic"}, "other-branch"),
        ({"repository": {"full_name": "me/other"}}, "unknown-repository"),
        ({"pusher": {"name": "you"}}, "pusher-not-allowed"),
        ({"deleted": True}, "branch-deleted"),
    ],
)
def test_what_is_ignored_is_stored_with_its_reason(service: Service, more: dict[str, Any], reason: str) -> None:
    answer = service.post(push(**more))
    assert (answer.status_code, answer.json()["decision"], answer.json()["reason"]) == (202, "ignored", reason)
    (stored,) = service.ledger.deliveries.newest()
    assert (stored["decision"], stored["reason"]) == ("ignored", reason)
    assert service.started == []


def test_ping_answers_200(service: Service) -> None:
    assert service.post(b'{"zen": "x"}', {"X-GitHub-Event": "ping"}).status_code == 200


@pytest.mark.parametrize(
    "signature",
    [None, "", "sha256=", "sha256=" + "0" * 64, "sha1=abc", "sha256=" + "g" * 64, "\u00e9".encode("latin-1")],
)
def test_without_a_fitting_signature_nothing_is_looked_at(service: Service, signature: str | bytes | None) -> None:
    headers: dict[str, Any] = {} if signature is None else {"X-Hub-Signature-256": signature}
    sent = {"Content-Type": "application/json", "X-GitHub-Event": "push", "X-GitHub-Delivery": "d-1", **headers}
    answer = asking.post(f"{service.url}/webhooks/github", content=push(), headers=sent)
    assert answer.status_code == 401
    assert service.ledger.deliveries.newest() == []
    assert service.ledger.deliveries.rejected()[0]["reason"] == "bad-signature"
    assert service.started == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"", {}),
        (b"{", {}),
        (b"garbage", {}),
        (b"\xff\xfe{}", {}),
        (b"[" * 100_000, {}),
        (b'{"x": ' + b"1" * 10_000 + b"}", {}),
        (b"[]", {}),
        (b"null", {}),
        (push()[:-10], {}),
        (push(after="HEAD"), {}),
        (push(), {"Content-Type": "application/x-www-form-urlencoded"}),
        (push(), {"Content-Type": "multipart/form-data; boundary=x"}),
        (push(), {"X-GitHub-Event": ""}),
        (push(), {"X-GitHub-Delivery": "a b; DROP"}),
        (push(), {"X-GitHub-Delivery": "d" * 65}),
    ],
)
def test_what_cannot_be_read_is_400(service: Service, body: bytes, headers: dict[str, str]) -> None:
    answer = service.post(body, headers)
    assert answer.status_code == 400
    assert set(answer.json()) == {"error", "message"}
    assert service.ledger.deliveries.newest() == []
    assert service.started == []


def test_a_body_over_the_cap_is_413_and_so_is_a_declared_one_that_never_comes(service: Service) -> None:
    assert service.post(b"x" * (1_048_576 + 1)).status_code == 413
    assert service.post(b"x" * 1_048_576).status_code == 400

    def endless() -> Iterator[bytes]:
        for _ in range(64):
            yield b"x" * 65_536

    chunked = asking.post(f"{service.url}/webhooks/github", content=endless(), headers={"X-GitHub-Event": "push"})
    assert chunked.status_code == 413
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 1073741824\r\n\r\n{")
        assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("length", ["-1", "1e9", "9" * 5000])
def test_odd_declared_lengths_never_reach_the_inside(service: Service, length: str) -> None:
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw:
        raw.sendall(f"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert raw.recv(100).split()[1] in (b"400", b"413")


def test_github_s_real_payloads_get_the_right_status(service: Service) -> None:
    """Every example of every event: signed 202 (ping 200), unsigned 401, and never a trace."""
    assert EXAMPLES.is_file(), "run scripts/env: it installs @octokit/webhooks-examples"
    seen = set()
    for number, (event, example) in enumerate(
        (group["name"], example) for group in json.loads(EXAMPLES.read_text()) for example in group["examples"]
    ):
        seen.add(event)
        body = json.dumps(example).encode()
        headers = {"X-GitHub-Event": event, "X-GitHub-Delivery": f"example-{number}"}
        signed, unsigned = service.post(body, headers), service.post(body, headers, secret=None)
        assert signed.status_code == (200 if event == "ping" else 202), (event, signed.text)
        assert unsigned.status_code == 401
        assert "Traceback" not in signed.text + unsigned.text
        if event != "ping":
            assert signed.json()["decision"] == "ignored"
            assert signed.json()["reason"] in ("event-not-handled", "unknown-repository")
    assert len(seen) > 50
    assert service.started == []


def test_a_database_that_is_gone_answers_503_and_the_forge_tries_again(service: Service) -> None:
    with service.ledger.engine.begin() as db:
        db.exec_driver_sql("DROP TABLE deliveries")
    answer = service.post(push())
    assert (answer.status_code, answer.json()["error"]) == (503, "database-unavailable")
    assert service.started == []
