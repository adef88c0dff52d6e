"""The least that a durable acknowledgement can do: check the HMAC, write, wait for the disk, answer 202. Nothing else.

No parsing, no deduplication, no database and no work beside it: what this takes, in Python on this disk, no service of
ours can be quicker than. Run as a program: PORT FILE, and the secret on standard input.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.world.processes import WorldError, free_port

PATH = "/"
_ROOM = 64 << 20


@contextmanager
def serving(folder: Path, secret: str) -> Iterator[int]:
    """It runs on the port that is given, and writes into the folder."""
    port = free_port()
    argv = [sys.executable, "-m", "bench.bare", str(port), str(folder / "bare.log")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        try:
            assert child.stdin is not None and child.stdout is not None
            child.stdin.write(secret.encode())
            child.stdin.close()
            if not child.stdout.readline():
                raise WorldError("bench.bare did not start")
            yield port
        finally:
            child.kill()


class _Acknowledge(asyncio.Protocol):
    def __init__(self, secret: bytes, file: int) -> None:
        self._secret, self._file = secret, file
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:]) if found else {}
        if not found or len(body) < int(fields[b"content-length"]):
            return
        self._received = b""
        wanted = b"sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        if not hmac.compare_digest(wanted, fields[b"x-hub-signature-256"]):
            self._transport.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
            return
        os.write(self._file, head)
        os.fdatasync(self._file)
        self._transport.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")


async def _serve(port: int, path: Path, secret: bytes) -> None:
    # Room that is there already: a file that grows would have its length written as well.
    path.write_bytes(bytes(_ROOM))
    file = os.open(path, os.O_WRONLY)
    os.fsync(file)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Acknowledge(secret, file), sock=_listening(port))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await server.serve_forever()


def _listening(port: int) -> socket.socket:
    made = socket.create_server(("127.0.0.1", port))
    made.setblocking(False)
    return made


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2]), sys.stdin.buffer.read()))
