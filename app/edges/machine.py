"""What the other edges need of a machine: the words of a finished command and of a long one. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

OUTPUT_LIMIT = 64 * 1024 * 1024
TIMED_OUT = 124


@dataclass(frozen=True)
class Completed:
    """A finished command: exit code and everything that it printed."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output as text, without the last newline."""
        return self.out.decode("utf-8", "replace").removesuffix("\n")


@dataclass(frozen=True)
class Job:
    """A long command. `folder` is its identity: the same folder is never started twice.

    `limit` is in seconds, rounded up; `environment` is the whole environment but for the secrets handed to `start`.
    `makes` are folders, of the user's own, that are there before it begins. One that is to be held waits for its input
    for `wait` seconds at most, and has nothing to read after that.
    """

    folder: str
    argv: Sequence[str]
    cwd: str
    limit: float
    environment: Mapping[str, str] = field(default_factory=dict)
    input: bytes = b""
    makes: Sequence[str] = ()
    wait: int = 0


@dataclass(frozen=True)
class JobState:
    """`state` is absent, held, running, exited or lost; `code` counts only when it exited (124: time limit)."""

    state: str
    code: int
    size: int
    news: bytes = b""


class Machine(Protocol):
    """What workspace and terraform ask of the DevVM; see `app.edges.devvm.DevVM`, which does it over SSH."""

    name: str

    @property
    def home(self) -> str:
        """The user's home folder there."""
        ...

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: int = 60,
        codes: Sequence[int] = (0,),
        limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        """Run a short command."""
        ...

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place."""
        ...

    def start(self, job: Job, secrets: Mapping[str, str]) -> JobState:
        """Start a long command if nothing has started it yet."""
        ...

    def hold(self, job: Job, secrets: Mapping[str, str]) -> JobState:
        """Start a long command without its input, which `start` gives it later."""
        ...

    def poll(self, folder: str, offset: int, wait: int = 5) -> JobState:
        """How a long command is, and what it printed past an offset."""
        ...

    def follow(self, folder: str, news: Callable[[bytes], None], look: Callable[[], None] = lambda: None) -> JobState:
        """Hand over what a long command prints until it ends; `look` is called meanwhile and may raise."""
        ...

    def kill(self, folder: str, grace: int = 5) -> JobState:
        """End a long command and everything that it started."""
        ...

    def tail(self, path: str, size: int = 4000) -> str:
        """The last bytes of a file."""
        ...
