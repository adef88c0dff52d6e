"""The lines of a run as they come, from a real server on this machine."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from app.cli.sse import Event, Reader
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.settings import ServerSettings, Settings
from app.web.application import application
from app.web.stream import Streams

RUN = "me-infra-a1b2c3d4e5f6-00000001"
LIVE = {"Accept": "text/event-stream"}
PATH = f"/api/runs/{RUN}/events"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    run = Run(RUN, "me/infra", "docs/post-mortems/x.md", "a" * 40)
    made.runs.add(run)
    made.runs.add_todos(run, [Todo("t-1", 0, 7, "Add alert", "", "P1", "Alert", True)])
    yield made
    made.engine.dispose()


@contextmanager
def served(ledger: Ledger, *tokens: str) -> Iterator[tuple[httpx.Client, Streams]]:
    """A client of a server that answers over this ledger, and who follows there."""
    settings = Settings(server=ServerSettings(api_tokens=list(tokens)))
    app = application(settings, ledger, lambda *_: None, lambda: True)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=2))
        serving = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        serving.start()
        base = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with httpx.Client(base_url=base, timeout=30, trust_env=False) as http:
                yield http, app.state.streams
        finally:
            server.should_exit = True
            serving.join()


@contextmanager
def following(http: httpx.Client, **headers: str) -> Iterator[Iterator[Event]]:
    with http.stream("GET", PATH, headers={**LIVE, **headers}) as answer:
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/event-stream")
        reader = Reader()
        yield (event for data in answer.iter_raw() for event in reader.feed(data))


def eventually(holds: Callable[[], object]) -> None:
    for _ in range(600):
        if holds():
            return
        time.sleep(0.05)
    raise AssertionError("it has not come to hold")


def texts(events: list[Event]) -> list[str]:
    return [json.loads(event.data)["text"] for event in events if event.name == "message"]


def until(events: Iterator[Event], name: str) -> list[Event]:
    """The events up to the first of this name, which is the last one."""
    found = []
    for event in events:
        found.append(event)
        if event.name == name:
            return found
    raise AssertionError(f"it ended without {name}")


def test_what_was_comes_first_then_what_comes_then_the_end(ledger: Ledger) -> None:
    ledger.runs.note(RUN, "agent", "before", "t-1")
    with served(ledger) as (http, _), following(http) as events:
        first = until(events, "standing")
        assert texts(first) == ["before"]
        line = json.loads(first[0].data)
        assert (first[0].id, line["todo_id"], line["phase"], line["run_id"]) == (str(line["id"]), "t-1", "agent", RUN)
        assert json.loads(first[-1].data) == {"outcome": "", "over": False, "todos": {"t-1": ""}}
        ledger.runs.note(RUN, "agent", "after\nwith \x1b[31m two lines", "t-1")
        assert texts([next(events)]) == ["after\nwith \x1b[31m two lines"]
        ledger.runs.finish_todo(RUN, "t-1", "done", "", "")
        assert json.loads(next(events).data)["todos"] == {"t-1": "done"}
        ledger.runs.note(RUN, "result", "the last line")
        ledger.runs.finish(RUN, "done")
        ledger.runs.close(RUN)
        rest = until(events, "end")
        assert texts(rest) == ["the last line"]
        assert json.loads(rest[-1].data) == {"outcome": "done", "over": True, "todos": {"t-1": "done"}}
        assert list(events) == []


def test_a_run_that_is_over_is_told_and_ends(ledger: Ledger) -> None:
    for number in range(1200):
        ledger.runs.note(RUN, "agent", str(number))
    ledger.runs.close(RUN)
    with served(ledger) as (http, streams):
        with following(http) as events:
            assert texts(until(events, "end")) == [str(number) for number in range(1200)]
        eventually(lambda: streams.open == 0)
        found: list[dict[str, Any]] = []
        more = True
        while more:
            after = found[-1]["id"] if found else 0
            answer = http.get(PATH, params={"after": after}).json()
            found, more = found + answer["events"], answer["more"]
        assert [row["text"] for row in found] == [str(number) for number in range(1200)]
        assert (answer["outcome"], answer["over"]) == ("failed", True)


def test_who_comes_back_misses_nothing_and_hears_nothing_twice(ledger: Ledger) -> None:
    def write() -> None:
        for number in range(150):
            ledger.runs.note(RUN, "agent", str(number))
            time.sleep(0.01)
        ledger.runs.close(RUN)

    writing = threading.Thread(target=write)
    heard: list[str] = []
    last = ""
    with served(ledger) as (http, _):
        writing.start()
        over = False
        while not over:
            with following(http, **({"Last-Event-ID": last} if last else {})) as events:
                for _ in range(20):
                    event = next(events)
                    heard += texts([event])
                    last = event.id or last
                    over = event.name == "end"
                    if over:
                        break
    writing.join()
    assert heard == [str(number) for number in range(150)]


def test_a_line_that_shows_late_is_told_once(ledger: Ledger) -> None:
    """As on PostgreSQL, where ids are given before lines are there to see."""
    ledger.runs.note(RUN, "agent", "one")
    with served(ledger) as (http, _), following(http) as events:
        until(events, "standing")
        with ledger.engine.begin() as db:
            row = "INSERT INTO events (id, run_id, todo_id, at, phase, text) VALUES (?, ?, '', '', 'agent', ?)"
            db.exec_driver_sql(row, (9, RUN, "nine"))
        (event,) = [next(events)]
        assert (event.id, texts([event])) == ("9", ["nine"])
        with ledger.engine.begin() as db:
            db.exec_driver_sql(row, (8, RUN, "eight"))
            db.exec_driver_sql(row, (10, RUN, "ten"))
        late = [next(events), next(events)]
        assert texts(late) == ["eight", "ten"]
        assert [event.id for event in late] == ["9", "10"], "who comes back then does not go back"


def test_who_goes_gives_their_place_to_others(ledger: Ledger) -> None:
    with served(ledger) as (http, streams):
        streams.most = 2
        with following(http) as one:
            until(one, "standing")
            with following(http) as other:
                until(other, "standing")
                refused = http.get(PATH, headers=LIVE)
                assert (refused.status_code, refused.json()["error"]) == (503, "too-many-followers")
                assert int(refused.headers["retry-after"]) > 0
                assert http.get(PATH).status_code == 200, "who asks once is answered"
            eventually(lambda: streams.open == 1)
            with following(http) as other:
                until(other, "standing")
        eventually(lambda: streams.open == 0)


def test_a_service_that_stops_lets_followers_go(ledger: Ledger) -> None:
    with served(ledger) as (http, streams):
        with following(http) as events:
            until(events, "standing")
            streams.stop()
            assert [event.name for event in events] == [], "no end: who followed comes back"
        assert http.get(PATH, headers=LIVE).status_code == 503


_SERVICE = """
import sys
from app.ledger import open_ledger
from app.serving import _answer
from app.settings import Settings
from app.web.application import application

ledger = open_ledger(sys.argv[1])
_answer(application(Settings(), ledger, lambda *_: None, lambda: True), "127.0.0.1", int(sys.argv[2]))
"""


def test_a_service_that_is_told_to_end_does_not_wait_for_followers(ledger: Ledger) -> None:
    """Else it would wait out its patience for answers that are being sent, and break them off."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", _SERVICE, str(ledger.engine.url), str(port)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as service:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30, trust_env=False) as http:
            eventually(lambda: service.poll() is not None or _answers(http))
            with following(http) as events:
                until(events, "standing")
                service.send_signal(signal.SIGTERM)
                assert list(events) == []
        _, said = service.communicate(timeout=60)
    assert "Cancel" not in said
    assert service.returncode == -signal.SIGTERM, said


def _answers(http: httpx.Client) -> bool:
    try:
        return http.get("/healthz").status_code == 200
    except httpx.TransportError:
        return False


def test_only_readers_follow_and_only_what_is_there(ledger: Ledger) -> None:
    with served(ledger, "right") as (http, streams):
        assert http.get(PATH, headers=LIVE).status_code == 401
        assert http.get(PATH, headers={**LIVE, "Authorization": "Bearer wrong"}).status_code == 401
        mine = {**LIVE, "Authorization": "Bearer right"}
        gone = http.get("/api/runs/none/events", headers=mine)
        assert (gone.status_code, gone.json()["error"]) == (404, "no-such-run")
        for after in ("-1", "x", str(2**63)):
            assert http.get(PATH, params={"after": after}, headers=mine).status_code == 400
        ledger.runs.close(RUN)
        for odd in ("", "x", "-5", "9" * 40, "١"):
            assert http.get(PATH, headers={**mine, "Last-Event-ID": odd.encode()}).status_code == 200
        assert streams.open == 0
