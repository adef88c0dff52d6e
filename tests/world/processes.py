"""Child processes of the world: each with a log and a process group of its own, each ended by its pid."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


class WorldError(Exception):
    """A part of the world does not work. The message says which one, why, and what to do about it."""


@dataclass
class Child:
    """A running child. `log` takes both of its streams."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        """Its process id, which is also that of its process group."""
        return self.process.pid

    def tail(self, lines: int = 30) -> str:
        """The last lines that it logged."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, grace: float = 10) -> int:
        """End it: TERM, and after `grace` seconds KILL for whatever is left of its group. Returns the exit code."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(grace)
        return self.kill()

    def kill(self) -> int:
        """End it without a chance to tidy up, as a crash would. Returns the exit code."""
        self._signal(signal.SIGKILL)
        if self.process.stdin:
            with suppress(OSError):
                self.process.stdin.close()
        return self.process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)


def start(
    name: str,
    argv: Sequence[str | Path],
    log: Path,
    env: Mapping[str, str],
    cwd: Path | None = None,
    tied: bool = False,
) -> Child:
    """Start a child with exactly this environment.

    A group of its own keeps a Ctrl-C of the terminal from it: whoever started it ends it, in order. `tied` gives it a
    pipe as standard input that ends when we do, even when we are killed.
    """
    log.touch(mode=0o600)
    with log.open("ab") as out:
        process = subprocess.Popen(
            [str(word) for word in argv],
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
        )
    return Child(name, process, log)


def wait_until(ready: Callable[[], bool], child: Child, seconds: float = 30) -> None:
    """Wait until `ready()`. Raises WorldError with the child's last words when it ends first or time is up."""
    deadline = time.monotonic() + seconds
    while not ready():
        code = child.process.poll()
        if code is not None:
            raise WorldError(f"{child.name} ended with exit code {code} instead of getting ready:\n{child.tail()}")
        if time.monotonic() > deadline:
            raise WorldError(f"{child.name} is not ready after {seconds:.0f} seconds; its log ends:\n{child.tail()}")
        time.sleep(0.02)


def free_port(following: int = 0) -> int:
    """A loopback port that nobody listens on, with `following` free ones right after it."""
    while True:
        with socket.socket() as first:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            if port + following < 65536 and all(_is_free(port + n) for n in range(1, following + 1)):
                return port


def _is_free(port: int) -> bool:
    with socket.socket() as other:
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
