"""Monitors brought to a real Uptime Kuma: made once, adopted, listened to, and every way in which a server fails."""

from __future__ import annotations

import logging
import os
import signal
import socket
import time
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from app.edges.uptime_kuma import Brought, UptimeKuma
from app.edges.uptime_kuma_data import beat_of, fields_of, known_of
from app.edges.uptime_kuma_session import Session
from app.errors import Failed, FollowthroughError, Transient
from app.guard.monitors.inventory import Monitor
from app.guard.monitors.plan import entry_of, plan
from app.ledger import open_ledger
from app.ledger.runs import Todo
from app.settings import Settings
from pipelines import bench as benches
from pipelines import closing, monitors
from pipelines.bench import Bench
from pipelines.values import BroughtMonitor
from tests.world import asking
from tests.world.here import Ground, kept
from tests.world.processes import free_port
from tests.world.uptime_kuma import UptimeKuma as Server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("uptime-kuma")) as running:
        yield running


@pytest.fixture(scope="module")
def api(server: Server) -> Iterator[Any]:
    client = server.api()
    yield client
    client.disconnect()


@pytest.fixture(scope="module")
def kuma(server: Server) -> Iterator[UptimeKuma]:
    """A session for all tests that need no fault: twenty logins a minute are all that there are."""
    with logged_in(server) as session:
        yield session


@pytest.fixture
def fragile(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own, to be broken."""
    with Server(tmp_path / "fragile") as running:
        yield running


def logged_in(server: Server, timeout: float = 10) -> UptimeKuma:
    return UptimeKuma(server.url, server.user, server.password, timeout)


def push(server: Server, api: Any, number: int, status: str = "up", message: str = "OK") -> str:
    """Call the address of a push monitor; returns its token."""
    token = str(api.get_monitor(number)["pushToken"])
    asking.get(f"{server.url}/api/push/{token}", params={"status": status, "msg": message}).raise_for_status()
    return token


def count(kuma: UptimeKuma, name: str) -> int:
    return sum(known.name == name for known in kuma.monitors())


def test_a_monitor_is_made_once_and_sees_that_its_target_is_up(kuma: UptimeKuma, server: Server) -> None:
    wanted = Monitor("up", "http", f"{server.url}/?up", interval=30, retries=2, description="why it is there")
    made = kuma.bring(wanted)
    assert (made.how, made.differs, made.since) == ("created", (), "")
    seen = kuma.heartbeat(made.id, 15)
    assert seen.up is True
    assert seen.message == "200 - OK"
    assert seen.at.startswith("20")
    assert seen.at.endswith("Z")
    again = kuma.bring(wanted)
    assert again == Brought(made.id, "same", since=seen.at)
    known = next(known for known in kuma.monitors() if known.id == made.id)
    assert entry_of(known) == replace(wanted, notifications=())
    assert known.beyond == ()
    assert kuma.link(made.id) == f"{server.url}/dashboard/{made.id}"
    assert asking.get(kuma.link(made.id)).status_code == 200


def test_a_target_on_which_nobody_listens_is_down(kuma: UptimeKuma) -> None:
    port = free_port()
    made = kuma.bring(Monitor("down", "port", f"127.0.0.1:{port}", retries=0))
    seen = kuma.heartbeat(made.id, 15)
    assert (seen.up, seen.message) == (False, f"connect ECONNREFUSED 127.0.0.1:{port}")


def test_a_check_that_failed_and_is_tried_again_counts_as_down_when_time_is_up(kuma: UptimeKuma) -> None:
    made = kuma.bring(Monitor("pending", "port", f"127.0.0.1:{free_port()}", retries=3))
    looks: list[float] = []
    seen = kuma.heartbeat(made.id, 2, lambda: looks.append(time.monotonic()))
    assert seen.up is False
    assert seen.message.startswith("not answered, tried again: connect ECONNREFUSED")
    assert len(looks) >= 2


def test_a_keyword_is_looked_for(kuma: UptimeKuma, server: Server) -> None:
    there = kuma.bring(Monitor("there", "keyword", f"{server.url}/api/entry-page", "entryPage", retries=0))
    gone = kuma.bring(Monitor("gone", "keyword", f"{server.url}/api/entry-page", "no such word", retries=0))
    assert gone.how == "created", "another keyword at the same address is another monitor"
    assert kuma.heartbeat(there.id, 15).up is True
    seen = kuma.heartbeat(gone.id, 15)
    assert seen.up is False
    assert "keyword" in seen.message


@pytest.mark.parametrize(
    "wanted",
    [
        Monitor("a ping", "ping", "127.0.0.1", interval=86400, retries=10),
        Monitor("a name", "dns", "example.lan", resolver="127.0.0.1", record_type="TXT", retries=0),
        Monitor("codes", "http", "http://127.0.0.1:9/codes", accepted_status_codes=("200-299", "401")),
        Monitor("an address", "port", "[::1]:9", retries=0),
        Monitor("\u00fc 'quotes' \"and\" <b>", "push", interval=20),
    ],
    ids=lambda wanted: wanted.name,
)
def test_every_type_comes_back_as_it_was_sent(kuma: UptimeKuma, wanted: Monitor) -> None:
    made = kuma.bring(wanted)
    known = next(known for known in kuma.monitors() if known.id == made.id)
    assert entry_of(known) == replace(wanted, notifications=())
    assert kuma.bring(wanted).how == "same"


def test_a_push_monitor_waits_for_whoever_pushes(
    kuma: UptimeKuma, server: Server, api: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    made = kuma.bring(Monitor("pushed", "push", interval=300))
    seen = kuma.heartbeat(made.id, 1)
    assert (seen.up, seen.message) == (None, "no heartbeat within 1 seconds")
    token = push(server, api, made.id, message="backup\n done")
    seen = kuma.heartbeat(made.id, 10)
    assert (seen.up, seen.message) == (True, "backup done")
    assert len(token) == 20
    assert token not in caplog.text.replace(f"/api/push/{token}", "")
    assert token not in repr(kuma.monitors())


def test_an_adopted_monitor_is_listened_to_from_then_on(kuma: UptimeKuma, server: Server, api: Any) -> None:
    number = api.add_monitor(type="push", name="older", interval=300)["monitorID"]
    push(server, api, number, message="before")
    found = kuma.bring(Monitor("older", "push", interval=300))
    assert found.id == number
    assert found.since
    assert kuma.heartbeat(number, 1, since=found.since).up is None
    push(server, api, number, "down", "after")
    seen = kuma.heartbeat(number, 10, since=found.since)
    assert (seen.up, seen.message) == (False, "after")
    assert kuma.heartbeat(number, 0).message == "after", "without a time the newest counts"
    with logged_in(server) as another:
        assert another.heartbeat(number, 0).message == "after", "a later session is told what was before"
        assert another.heartbeat(number, 0, since=found.since).message == "after"
        assert another.bring(Monitor("older", "push", interval=300)).since == seen.at


def test_one_that_exists_by_name_is_adopted_and_left_as_it_is(kuma: UptimeKuma, server: Server, api: Any) -> None:
    number = api.add_monitor(type="http", name="by name", url=f"{server.url}/?elsewhere", interval=77)["monitorID"]
    before = api.get_monitor(number)
    found = kuma.bring(Monitor("by name", "http", f"{server.url}/?name"))
    assert (found.id, found.how, found.elsewhere) == (number, "adopted", True)
    assert found.differs == (f"it watches http {server.url}/?elsewhere", "interval is 77")
    assert count(kuma, "by name") == 1
    assert api.get_monitor(number) == before


def test_one_that_exists_by_target_is_adopted(kuma: UptimeKuma, server: Server, api: Any) -> None:
    number = api.add_monitor(type="http", name="NFS, old", url=f"{server.url}/?target#top")["monitorID"]
    found = kuma.bring(Monitor("by target", "http", f"{server.url}/?target"))
    assert (found.id, found.how, found.elsewhere) == (number, "adopted", False)
    assert found.differs == ("its name is 'NFS, old'",)
    assert count(kuma, "by target") == 0
    assert kuma.heartbeat(found.id, 15).up is True


def test_a_paused_one_is_adopted_and_stays_paused(kuma: UptimeKuma, server: Server, api: Any) -> None:
    number = api.add_monitor(type="port", name="paused", hostname="127.0.0.1", port=9, maxretries=0)["monitorID"]
    kuma.heartbeat(number, 10)
    api.pause_monitor(number)
    found = kuma.bring(Monitor("paused", "port", "127.0.0.1:9", retries=0))
    assert (found.id, found.how, found.differs) == (number, "adopted", ("it is paused",))
    began = time.monotonic()
    seen = kuma.heartbeat(number, 60, since=found.since)
    assert (seen.up, seen.message) == (None, "it is paused in Uptime Kuma")
    assert time.monotonic() - began < 40
    assert api.get_monitor(number)["active"] is False


def test_notifications_are_found_by_name(kuma: UptimeKuma, server: Server, api: Any) -> None:
    with pytest.raises(Failed, match="it has no notification 'pager'; it has none") as caught:
        kuma.bring(Monitor("noted", "ping", "noted.lan", notifications=("pager",)))
    assert caught.value.reason == "uptime-kuma-unknown-notification"
    for name, default in (("slack", False), ("mail", True), ("mail", False)):
        api.add_notification(
            name=name, type="webhook", isDefault=default, applyExisting=False,
            webhookURL="http://127.0.0.1:9/", webhookContentType="json",
        )  # fmt: skip
    with pytest.raises(Failed, match="it has 'mail', 'slack';"):
        kuma.bring(Monitor("noted", "ping", "noted.lan", notifications=("slack", "pager")))
    assert count(kuma, "noted") == 0
    assert set(kuma.notifications()) == {"slack", "mail"}
    numbers = [kuma.bring(Monitor(f"noted {n}", "ping", f"noted{n}.lan", notifications=names)).id
               for n, names in enumerate([("slack",), (), None])]  # fmt: skip
    known = {known.id: known.notifications for known in kuma.monitors()}
    assert [known[number] for number in numbers] == [("slack",), (), ("mail",)]


def test_tags_are_made_once(kuma: UptimeKuma, api: Any) -> None:
    api.add_tag(name="storage", color="#ff0000")
    for name in ("first", "second"):
        kuma.bring(Monitor(f"tagged {name}", "ping", f"{name}.lan", tags=("storage", "post-mortem")))
    assert sorted(tag["name"] for tag in api.get_tags()) == ["post-mortem", "storage"]
    tagged = [set(known.tags) for known in kuma.monitors() if known.name.startswith("tagged")]
    assert tagged == [{"storage", "post-mortem"}] * 2


def test_two_at_once_make_one(server: Server) -> None:
    with logged_in(server) as one, logged_in(server) as two, ThreadPoolExecutor(2) as pool:
        for time_ in range(5):
            barrier = Barrier(2)
            wanted = Monitor(f"race {time_}", "http", f"{server.url}/?race={time_}")

            def bring(kuma: UptimeKuma, wanted: Monitor = wanted, barrier: Barrier = barrier) -> Brought:
                barrier.wait(10)
                return kuma.bring(wanted)

            first, second = pool.map(bring, (one, two))
            assert first.id == second.id
            assert {first.how, second.how} in ({"created", "adopted"}, {"created", "same"})
            assert [known.id for known in one.monitors() if known.name == wanted.name] == [first.id]
        assert one.heartbeat(first.id, 15).up is True


def test_two_names_for_one_target_at_once_make_one(server: Server) -> None:
    with logged_in(server) as one, logged_in(server) as two, ThreadPoolExecutor(2) as pool:
        barrier = Barrier(2)

        def bring(kuma: UptimeKuma, name: str) -> Brought:
            barrier.wait(10)
            return kuma.bring(Monitor(name, "http", f"{server.url}/?names"))

        first, second = pool.map(bring, (one, two), ("one name", "another name"))
        assert first.id == second.id
        assert sum(known.target.endswith("/?names") for known in one.monitors()) == 1


def test_a_session_that_is_logged_out_is_begun_again(server: Server, api: Any) -> None:
    with logged_in(server) as kuma:
        wanted = Monitor("logged out", "push", interval=300)
        kuma._session.api.logout()
        made = kuma.bring(wanted)
        assert made.how == "created"
        steps = iter((kuma._session.api.logout, lambda: push(server, api, made.id, message="meanwhile")))
        seen = kuma.heartbeat(made.id, 20, lambda: next(steps, lambda: None)())
        assert (seen.up, seen.message) == (True, "meanwhile")
        kuma._session.api.logout()
        assert kuma.bring(wanted).how == "same"


class Cut:
    """A way to a server that takes one message with a word to it and then breaks, before the answer comes back."""

    def __init__(self, server: Server, word: bytes) -> None:
        self._to, self._word, self.broken = ("127.0.0.1", int(server.url.rpartition(":")[2])), word, 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"

    def __enter__(self) -> Cut:
        Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listening.accept()
                far = socket.create_connection(self._to)
                Thread(target=self._pump, args=(near, far, near), daemon=True).start()
                Thread(target=self._pump, args=(far, near, near), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                breaks = source is near and not self.broken and self._word in unmasked(data)
                if breaks:
                    near.shutdown(socket.SHUT_RDWR)
                target.sendall(data)
                self.broken += breaks
        # What was sent last is still on its way to the server.
        time.sleep(0.5 if self.broken else 0)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def unmasked(frame: bytes) -> bytes:
    """What a WebSocket frame of a client says."""
    long = {126: 2, 127: 8}.get(frame[1] & 127, 0) if len(frame) > 14 else 0
    mask, payload = frame[2 + long : 6 + long], frame[6 + long :]
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if len(mask) == 4 else b""


@pytest.mark.parametrize("tags", [(), ("after the cut",)], ids=["no tags", "tags"])
def test_an_answer_that_is_lost_is_looked_for_before_it_is_asked_again(server: Server, tags: tuple[str, ...]) -> None:
    with Cut(server, b'"add",{') as way, UptimeKuma(way.url, server.user, server.password, timeout=4) as kuma:
        wanted = Monitor(f"lost {len(tags)}", "http", f"{server.url}/?lost={len(tags)}", tags=tags)
        made = kuma.bring(wanted)
        assert way.broken == 1
        assert made.how == "created"
        assert [known.tags for known in kuma.monitors() if known.name == wanted.name] == [tags]


def test_a_monitor_that_is_deleted_meanwhile_is_said(kuma: UptimeKuma, api: Any) -> None:
    made = kuma.bring(Monitor("deleted", "push"))
    with pytest.raises(Failed) as caught:
        kuma.heartbeat(made.id, 10, lambda: api.delete_monitor(made.id) and None)
    assert caught.value.reason == "uptime-kuma-refused"


def test_a_wrong_password_is_refused_and_shown_nowhere(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    kuma = UptimeKuma(server.url, server.user, "Not-the-right-one-7")
    with pytest.raises(Failed, match=r"vault\.uptime_kuma_user_field .* vault\.uptime_kuma_password_field") as caught:
        kuma.__enter__()
    assert caught.value.reason == "uptime-kuma-login-refused"
    shown = "".join(traceback.format_exception(caught.value)) + repr(kuma) + repr(kuma._session) + caplog.text
    assert "Not-the-right-one-7" not in shown
    with logged_in(server):
        assert server.password not in caplog.text


def test_a_second_factor_is_said(fragile: Server) -> None:
    client = fragile.api()
    try:
        client.prepare_2fa(fragile.password)
        client.save_2fa(fragile.password)
    finally:
        client.disconnect()
    with pytest.raises(Failed, match="second factor") as caught:
        logged_in(fragile).__enter__()
    assert caught.value.reason == "uptime-kuma-login-refused"


def test_nobody_listens() -> None:
    began, password = time.monotonic(), "-".join(("a", "password"))
    with pytest.raises(Transient) as caught:
        UptimeKuma(f"http://127.0.0.1:{free_port()}", "user", password, timeout=5).__enter__()
    assert caught.value.reason == "uptime-kuma-unreachable"
    assert password not in "".join(traceback.format_exception(caught.value))
    assert time.monotonic() - began < 20


def test_a_server_that_never_answers_is_given_up_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        with pytest.raises(Transient) as caught:
            UptimeKuma(f"http://127.0.0.1:{silent.getsockname()[1]}", "user", "word", timeout=1).__enter__()
        assert caught.value.reason == "uptime-kuma-unreachable"
        assert time.monotonic() - began < 20


def test_a_server_that_freezes_dies_and_comes_back(fragile: Server) -> None:
    wanted = Monitor("kept", "http", f"{fragile.url}/", interval=20)
    with logged_in(fragile, timeout=3) as kuma:
        made = kuma.bring(wanted)
        os.kill(fragile.pid, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(Transient) as caught:
            kuma.bring(wanted)
        assert caught.value.reason == "uptime-kuma-unreachable"
        assert time.monotonic() - began < 40
        os.kill(fragile.pid, signal.SIGCONT)
        fragile.kill()
        with pytest.raises(Transient) as caught:
            kuma.heartbeat(made.id, 30)
        assert caught.value.reason == "uptime-kuma-unreachable"
        fragile.start()
        found = kuma.bring(wanted)
        assert (found.id, found.how) == (made.id, "same")
        assert kuma.heartbeat(made.id, 30).up is True


def test_a_password_that_changes_in_the_middle_is_said(fragile: Server) -> None:
    client = fragile.api()
    with logged_in(fragile, timeout=3) as kuma:
        try:
            client.change_password(fragile.password, "Another-Password-9")
        finally:
            client.disconnect()
        with pytest.raises(Failed) as caught:
            for _ in range(5):
                kuma.monitors()
                kuma._session.api.logout()
        assert caught.value.reason == "uptime-kuma-login-refused"


def test_too_many_logins_are_told_and_over_after_a_while(fragile: Server) -> None:
    client = fragile.api()
    try:
        for _ in range(20):
            client.sio.call("login", {"username": "x", "password": "y"}, timeout=10)
    finally:
        client.disconnect()
    with pytest.raises(Transient, match="20 logins a minute") as caught:
        logged_in(fragile).__enter__()
    assert caught.value.reason == "uptime-kuma-busy"
    fragile.kill()
    fragile.start()
    with logged_in(fragile) as kuma:
        assert kuma.monitors() == []


def test_a_monitor_that_the_server_does_not_take_is_said(kuma: UptimeKuma) -> None:
    with pytest.raises(Failed, match="cannot be less than 20 seconds") as caught:
        kuma.bring(Monitor("refused", "push", interval=5))
    assert caught.value.reason == "uptime-kuma-refused"
    assert count(kuma, "refused") == 0


def test_all_that_is_there_can_be_planned(kuma: UptimeKuma) -> None:
    known = [one for one in kuma.monitors() if one.active]
    assert {step.action for step in plan([entry_of(one) for one in known], known)} == {"same"}


def test_fields_fit_the_version() -> None:
    web = Monitor("a", "http", "https://nas.lan/", interval=20)
    assert "timeout" not in fields_of(web, [], "1.22.1")
    assert fields_of(web, [], "1.23.16")["timeout"] == 16
    assert "conditions" not in fields_of(web, [], "2.0.0-dev.0")
    assert fields_of(web, [], "2.0.0-beta.1")["conditions"] == fields_of(web, [], "2.1.3")["conditions"] == []
    assert fields_of(web, [3, 4], "who knows")["notificationIDList"] == {"3": True, "4": True}
    tokens = {fields_of(Monitor("a", "push"), [], "2.0.0")["pushToken"] for _ in range(5)}
    assert len(tokens) == 5


class Silenced(Cut):
    """A way to a server on which one word of its answers is another, so that nobody listens to what it begins."""

    def _pump(self, source: socket.socket, target: socket.socket, near: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data if source is near else data.replace(self._word, self._word.swapcase()))
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


def test_one_is_not_adopted_while_its_earlier_heartbeats_are_not_told(
    kuma: UptimeKuma, server: Server, api: Any
) -> None:
    """An old heartbeat would be taken for the first one after."""
    wanted = Monitor("untold", "push", interval=300)
    number = kuma.bring(wanted).id
    push(server, api, number, message="before")
    with (
        Silenced(server, b'"heartbeatList"') as way,
        UptimeKuma(way.url, server.user, server.password, timeout=2) as deaf,
        pytest.raises(Transient, match=f"does not tell the heartbeats of the monitor {number}"),
    ):
        deaf.bring(wanted)


@pytest.mark.parametrize("before", range(470, 510, 4))
def test_a_heartbeat_is_without_the_password_before_it_is_cut(before: int) -> None:
    session = Session("http://127.0.0.1:9", "me", "what-only-vault-knows")
    said = "x" * before + "what-only-vault-knows"
    session._beat({"monitorID": 1, "status": 0, "time": "2026-11-21 10:00:00", "msg": said})
    (beat,) = session.beats[1].values()
    assert beat.message == ("x" * before + "[redacted]")[:500]


# what the pipeline makes of it


@pytest.fixture
def bench(tmp_path: Path, server: Server) -> Iterator[Bench]:
    """A bench with this Uptime Kuma, over a worktree without monitors."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), ledger)
    ground = Ground(tmp_path, {"README.md": "Ours.\n"})
    ledger.runs.add(ground.run)
    ledger.runs.add_todos(ground.run, [TODO])
    settings = {"monitors": "monitors.yaml", "verify": {"uptime_kuma": server.url, "minutes": 0.1}}
    secret = {"uptime_kuma_user": server.user, "uptime_kuma_password": server.password, "devvm_ssh_key": KEY}
    yield ground.bench(settings, secret)
    ledger.engine.dispose()


TODO = Todo("t", 0, 1, "Watch it", "", "P1", "Monitor", True)
KEY = "what-only-vault-knows-and-" + "nobody-else-has-been-told-" * 3


def test_a_secret_in_a_heartbeat_is_hidden_before_it_is_cut(
    bench: Bench, kuma: UptimeKuma, server: Server, api: Any
) -> None:
    brought = []
    for before in range(0, 300, 90):
        number = kuma.bring(Monitor(f"told {before}", "push", interval=300)).id
        push(server, api, number, "down", "x" * before + KEY)
        brought.append(BroughtMonitor(f"told {before}", number, "", False))
    found = monitors.see_beating(bench, brought)
    assert [check.reason for check in found] == ["monitor-down"] * len(brought)
    assert "[redacted]" in found[0].answer
    assert [check.answer for check in found if KEY[:8] in check.answer] == []


@pytest.mark.parametrize(("earlier", "outcome"), [((), "failed"), (("made before it",), "unknown")])
def test_a_monitor_with_a_notification_that_there_is_not_stops_no_run(
    bench: Bench, kuma: UptimeKuma, earlier: tuple[str, ...], outcome: str
) -> None:
    entries = [f"- {{name: {name}, type: push}}\n" for name in earlier]
    text = "monitors:\n" + "".join(entries) + "- {name: paged, type: push, notifications: [nobody]}\n"
    with pytest.raises(Failed) as caught:
        monitors.bring(bench, TODO, kept(bench, "monitors.yaml", text))
    assert caught.value.reason == "uptime-kuma-unknown-notification"
    assert [count(kuma, name) for name in (*earlier, "paged")] == [1] * len(earlier) + [0]
    assert closing.finish(bench.run.id, "t", "Failed", caught.value.reason, "no", ()) == outcome


RAW = {"id": 1, "name": "a", "type": "http", "url": "https://nas.lan/", "interval": 60, "active": True}


@pytest.mark.parametrize(
    "wrong",
    [{"id": "1"}, {"id": True}, {"name": ["a"]}, {"url": 5}, {"interval": None}, {"tags": [{}]}, {"tags": 1},
     {"notificationIDList": ["x"]}, {"type": "port", "port": "80"}, {"type": {}}, {"accepted_statuscodes": [200]}],
    ids=str,
)  # fmt: skip
def test_an_answer_of_another_form_is_unreadable(wrong: dict[str, Any]) -> None:
    assert known_of(RAW, {}).target == "https://nas.lan/"
    with pytest.raises(FollowthroughError) as caught:
        Session("http://127.0.0.1:9", "user", "word").understood(lambda: known_of({**RAW, **wrong}, {}))
    assert caught.value.reason == "uptime-kuma-unreadable"


def test_what_more_there_is_than_an_inventory_says() -> None:
    more = {"active": False, "method": "POST", "upsideDown": True, "authMethod": "basic", "retryInterval": 30}
    tags = {"tags": [{"name": "host", "value": "nas"}], "notificationIDList": [7]}
    known = known_of({**RAW, **more, **tags}, {})
    assert known.beyond == ("paused", "upsideDown", "authMethod", "retryInterval", "method", "value of the tag host")
    assert (known.active, known.notifications) == (False, ("id 7",))
    assert known_of({**RAW, "name": "n" * 9000}, {}).name == "n" * 500


@pytest.mark.parametrize("wrong", [{"time": "yesterday"}, {"time": 5}, {"status": "1"}, {"msg": {}}], ids=str)
def test_a_heartbeat_of_another_form_is_none(wrong: dict[str, Any]) -> None:
    right = {"time": "2026-04-14 09:30:00.5", "status": 1, "msg": "ok"}
    assert beat_of(right).at == "2026-04-14T09:30:00.500Z"
    with pytest.raises((TypeError, ValueError)):
        beat_of({**right, **wrong})
