"""Requests at fixed times over kept connections: an open loop, so that a slow answer delays nobody else's question.

A latency counts from the moment at which the request was due, not from when it could be sent: a server that stops
for a second is charged for everything that was due in that second. One thread and `select`, whose clock is finer than
the millisecond of `epoll`: what the generator itself costs is the same for whoever is measured, and small.
"""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

# How long the last answers are waited for, in seconds.
_PATIENCE = 10.0


@dataclass
class Measured:
    """What came of one round: latencies in seconds, sorted, and what was not answered as it should."""

    rate: float
    latencies: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The latency in milliseconds that this share of the answers kept to; infinite without any."""
        if not self.latencies:
            return float("inf")
        return self.latencies[min(len(self.latencies) - 1, int(share * len(self.latencies)))] * 1e3


@dataclass
class _Connection:
    socket: socket.socket
    due: float = 0.0
    received: bytes = b""


def offer(
    port: int, requests: Sequence[bytes], rate: float, accepted: bytes, connections: int = 16, most: int = 256
) -> Measured:
    """Send each request at its time, `rate` a second, to 127.0.0.1; an answer with another status is an error.

    `connections` are opened before the first request, more when all of them wait for an answer, up to `most`: what is
    due then is sent late, and its latency says so.
    """
    round_ = Measured(rate)
    idle = deque(_Connection(socket.create_connection(("127.0.0.1", port))) for _ in range(connections))
    busy: dict[socket.socket, _Connection] = {}
    begin = time.perf_counter() + 0.05
    waiting: Iterator[tuple[float, bytes]] = ((begin + n / rate, data) for n, data in enumerate(requests))
    due = next(waiting, None)
    give_up = begin + len(requests) / rate + _PATIENCE
    while due or busy:
        now = time.perf_counter()
        if now > give_up:
            round_.errors += ["no answer"] * (len(requests) - len(round_.latencies) - len(round_.errors))
            break
        if due and due[0] <= now and len(busy) < most:
            _send(idle.popleft() if idle else None, port, due, busy)
            due = next(waiting, None)
            continue
        limit = (due[0] if due and len(busy) < most else give_up) - now
        for ready in select.select(list(busy), [], [], max(limit, 0.0))[0]:
            _receive(busy[ready], busy, idle, round_, accepted)
    for connection in [*idle, *busy.values()]:
        connection.socket.close()
    round_.latencies.sort()
    return round_


def _send(
    free: _Connection | None, port: int, due: tuple[float, bytes], busy: dict[socket.socket, _Connection]
) -> None:
    connection = free or _Connection(socket.create_connection(("127.0.0.1", port)))
    connection.due, connection.received = due[0], b""
    busy[connection.socket] = connection
    connection.socket.sendall(due[1])


def _receive(
    connection: _Connection,
    busy: dict[socket.socket, _Connection],
    idle: deque[_Connection],
    round_: Measured,
    accepted: bytes,
) -> None:
    piece = connection.socket.recv(65_536)
    connection.received += piece
    head, found, body = connection.received.partition(b"\r\n\r\n")
    length = _length(head) if found else None
    if piece and (length is None or len(body) < length):
        return
    del busy[connection.socket]
    status = head[9:12]
    if not piece or status != accepted:
        round_.errors.append(status.decode("ascii", "replace") or "closed")
        connection.socket.close()
        return
    round_.latencies.append(time.perf_counter() - connection.due)
    idle.append(connection)


def _length(head: bytes) -> int:
    lines = (line.partition(b":") for line in head.lower().split(b"\r\n"))
    return next((int(value) for name, _, value in lines if name == b"content-length"), 0)
