"""The SSH connection to a real sshd: what fails leaves nothing behind and takes no longer than it must."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import paramiko
import psutil
import pytest

from app.edges import ssh
from app.errors import Failed, Transient
from tests.e2e.conftest import eventually
from tests.e2e.hosts import connected, settings_of
from tests.world.devvm import DevVM as Host
from tests.world.devvm import _key_pair

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7bqSY7eG4p8a4bCjEyw5yO8k1wOcyMAvaTkXrSFGfT"


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with Host(tmp_path_factory.mktemp("host")) as made:
        yield made


def left(host: Host) -> list[object]:
    """Threads and sockets of connections that are still there."""
    threads = [t for t in threading.enumerate() if isinstance(t, paramiko.Transport)]
    return [*threads, *(c for c in psutil.Process().net_connections() if c.raddr and c.raddr[1] == host.port)]


def test_a_connection_that_fails_leaves_no_thread_and_no_socket(host: Host) -> None:
    failures = (
        ({"host_key": OTHER_KEY}, host.private_key, "devvm-host-key-changed"),
        ({}, _key_pair()[1], "devvm-key-refused"),
        ({"user": "nobody-of-that-name"}, host.private_key, "devvm-key-refused"),
    )
    for changes, key, reason in failures:
        with pytest.raises(Failed) as failed:
            ssh.connect(settings_of(host, **changes), key)
        assert failed.value.reason == reason
    eventually(lambda: not left(host), 5)


def test_a_host_that_says_nothing_or_is_gone_leaves_nothing_either(host: Host) -> None:
    with closing(socket.create_server((host.host, 0))) as deaf:
        settings = settings_of(host, port=deaf.getsockname()[1])
        threading.Thread(target=lambda: deaf.accept()[0].close(), daemon=True).start()
        with pytest.raises(Transient, match="connecting to DevVM"):
            ssh.connect(settings, host.private_key)
    with pytest.raises(Transient, match="connecting to DevVM"):
        ssh.connect(settings, host.private_key)
    assert [t for t in threading.enumerate() if isinstance(t, paramiko.Transport)] == []


@pytest.mark.parametrize("name", ["a..b", "x" * 64 + ".example", ".example"])
def test_what_is_no_host_name_is_said_to_be_none(host: Host, name: str) -> None:
    with pytest.raises(Failed, match="this is no host name") as failed:
        ssh.connect(settings_of(host, host=name), host.private_key)
    assert failed.value.reason == "devvm-host-invalid"


@pytest.mark.parametrize("script", ["exec yes", "exec yes >&2", "yes >&2 & exec yes"], ids=["out", "err", "both"])
def test_output_over_the_limit_is_refused_at_once(host: Host, script: str) -> None:
    with connected(host) as machine:
        begun = time.monotonic()
        with pytest.raises(Failed) as failed:
            machine.run(["sh", "-c", script], limit=100_000)
        assert failed.value.reason == "devvm-output-too-large"
        assert time.monotonic() - begun < 5, "it does not wait for the command, which would never end"
        assert machine.run(["echo", "still here"]).text == "still here"


def test_input_that_nobody_reads_does_not_hold_up_an_end(host: Host) -> None:
    with connected(host) as machine:
        assert machine.run(["true"], stdin=b"x" * 10_000_000).code == 0


def test_a_port_of_the_host_is_served_from_here_while_the_block_lasts(host: Host) -> None:
    served: list[object] = []

    def echo(channel: paramiko.Channel) -> None:
        served.append(channel)
        channel.sendall(b"you said " + channel.recv(100))

    with connected(host) as machine:
        with machine.listening(echo) as port:
            for word in (b"one", b"two"):
                with socket.create_connection(("127.0.0.1", port), timeout=5) as there:
                    there.sendall(word)
                    assert there.recv(100) == b"you said " + word
            idle = socket.create_connection(("127.0.0.1", port), timeout=5)
            eventually(lambda: len(served) == 3, 5)
            begun = time.monotonic()
        assert time.monotonic() - begun < 5, "nobody waits for who still waits for an answer"
        with closing(idle):
            assert idle.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), timeout=5)
        assert machine.run(["echo", "still here"]).text == "still here"


def test_a_host_that_allows_no_port_is_said_to(tmp_path: Path) -> None:
    with Host(tmp_path) as host:
        keys = tmp_path / "authorized_keys"
        keys.write_text("restrict " + keys.read_text().split(" ", 1)[1])
        with connected(host) as machine, pytest.raises(Failed) as failed, machine.listening(lambda _: None):
            raise AssertionError("it listens all the same")
        assert failed.value.reason == "devvm-no-forwarding"


def test_a_connection_that_is_lost_is_transient(host: Host) -> None:
    client = ssh.connect(settings_of(host), host.private_key)
    from pipelines.bench import over

    with over(client, "devvm") as machine:
        client.close()
        with pytest.raises(Transient, match="the connection was lost"), machine.listening(lambda _: None):
            raise AssertionError("it listens all the same")
        with pytest.raises(Transient, match="the connection was lost"):
            machine.run(["true"])
