"""The scripted Messages API over a plain pair of sockets."""

from __future__ import annotations

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

from app.edges.scripted_api import ScriptedApi

KEY = {"x-api-key": "the-key"}


def script(body: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """A call for the first message, a word for the second."""
    if len(body["messages"]) == 1:
        return [{"type": "tool_use", "id": "toolu_1", "name": "Read", "input": {"file_path": "/x"}}]
    return [{"type": "text", "text": "Done."}]


@contextmanager
def connected(api: ScriptedApi) -> Iterator[http.client.HTTPConnection]:
    ours, theirs = socket.socketpair()
    ours.settimeout(10)

    def serve() -> None:
        with theirs:
            api.serve(theirs)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    connection = http.client.HTTPConnection("127.0.0.1")
    connection.sock = ours
    try:
        yield connection
    finally:
        connection.close()
        ours.close()
        thread.join(5)
        assert not thread.is_alive(), "it ends when who asked hangs up"


def ask(
    connection: http.client.HTTPConnection, path: str, body: Any = None, headers: Mapping[str, str] = KEY
) -> tuple[int, bytes]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, dict(headers))
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_conversation_is_streamed_as_the_script_says_over_one_connection() -> None:
    api = ScriptedApi("the-key", script)
    with connected(api) as connection:
        connection.request("HEAD", "/")
        assert connection.getresponse().read() == b""
        one = ask(connection, "/v1/messages?beta=true", {"model": "m", "stream": True, "messages": [1]})[1]
        two = ask(connection, "/v1/messages", {"model": "m", "stream": True, "messages": [1, 2]})[1]
    events = [json.loads(line.removeprefix("data: ")) for line in one.decode().split("\n") if line.startswith("data")]
    assert [e["type"] for e in events] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert json.loads(events[2]["delta"]["partial_json"]) == {"file_path": "/x"}
    assert events[4]["delta"]["stop_reason"] == "tool_use"
    assert b"end_turn" in two and b"Done." in two
    assert events[0]["message"]["id"].encode() not in two, "messages of one id are taken for one"
    assert [len(body["messages"]) for body in api.bodies] == [1, 2]


def test_a_request_without_a_stream_is_answered_whole() -> None:
    api = ScriptedApi("the-key", script)
    with connected(api) as connection:
        status, answer = ask(connection, "/v1/messages", {"model": "m", "messages": [1, 2]})
        assert (status, json.loads(answer)["content"]) == (200, [{"type": "text", "text": "Done."}])
        assert ask(connection, "/v1/messages/count_tokens", {"messages": []}) == (200, b'{"input_tokens": 1}')
    assert len(api.bodies) == 1


def test_paths_and_the_canary_s_header_are_heard_whoever_asks() -> None:
    api = ScriptedApi("the-key", script)
    with connected(api) as connection:
        ask(connection, "/somewhere", {}, {"x-canary": "sings"})
    assert api.heard == ["/somewhere", "sings"]


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [({"messages": [1]}, {}, 401), ({"messages": [1]}, {"x-api-key": "other"}, 401)]
    + [(data, KEY, 400) for data in (b"", b"{", b"[]", b"\xff", b"[" * 100_000)],
)
def test_who_shows_another_key_or_no_object_is_not_listened_to(body: Any, headers: dict[str, str], status: int) -> None:
    api = ScriptedApi("the-key", script)
    with connected(api) as connection:
        assert ask(connection, "/v1/messages", body, headers)[0] == status
    assert api.bodies == []


@pytest.mark.parametrize("size", ["-1", "x", "99999999999"])
def test_a_body_without_a_sensible_size_ends_the_connection(size: str) -> None:
    with connected(ScriptedApi("the-key", script)) as connection:
        connection.putrequest("POST", "/v1/messages")
        connection.putheader("content-length", size)
        connection.endheaders()
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            connection.getresponse()
