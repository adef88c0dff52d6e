"""The DevVM: argument lists, files, and jobs that outlive the connection."""

from __future__ import annotations

import io
import math
import shlex
import tarfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType

from paramiko import Channel, SSHException

from app.edges.machine import OUTPUT_LIMIT, Completed, Job, JobState
from app.errors import Failed, Transient

# A command line, its input, the longest silence in seconds and the most bytes of output.
Exchange = Callable[[str, bytes, int, int], Completed]
# What serves each connection to a port of the machine's loopback; gives the port, for as long as it is held open.
Listen = Callable[[Callable[[Channel], None]], AbstractContextManager[int]]

# The shell reads the secrets line by line, and leaves the files behind them to tar.
_START = """
umask 077
secrets=$(while IFS= read -r line && [ -n "$line" ]; do printf '%s\\n' "$line"; done)
new=$1/new.$$
mkdir -p "$new" && tar -xf - -C "$new" || exit
[ -e "$1/jobctl.sh" ] || mv "$new/jobctl.sh" "$1/jobctl.sh"
printf '%s\\n' "$secrets" | sh "$1/jobctl.sh" start "$1" "$2" "$new"
"""
_JOBCTL = Path(__file__).with_name("jobctl.sh")


class DevVM:
    """A connected machine. `exchange` runs one command line, `listen` opens a port; close it, or use it in a `with`."""

    def __init__(self, name: str, exchange: Exchange, listen: Listen, close: Callable[[], None]) -> None:
        self.name = name
        self._exchange, self._listen, self._close = exchange, listen, close

    @cached_property
    def home(self) -> str:
        """The user's home folder there."""
        return self.run(["sh", "-c", 'printf %s "$HOME"']).text

    def __enter__(self) -> DevVM:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._close()

    def path(self, text: str) -> str:
        """A configured path with a leading ~ replaced by the user's home."""
        return self.home + text[1:] if text.startswith("~/") else text

    def run(
        self,
        argv: Sequence[str],
        *,
        stdin: bytes = b"",
        timeout: int = 60,
        codes: Sequence[int] = (0,),
        limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        """Run a short command and return its output. Every word is quoted: no text is ever read as shell.

        Raises Failed when the exit code is not among `codes` or more than `limit` bytes come, Transient when the
        connection is lost; what the command did is then not known, so callers pass only what may be repeated.
        """
        line = shlex.join(["timeout", str(timeout), *argv])
        try:
            done = self._exchange(line, stdin, timeout + 10, limit)
        except (SSHException, OSError, EOFError) as error:
            message = f"running {argv[0]} on {self.name}: the connection was lost ({type(error).__name__})"
            raise Transient("devvm-connection-lost", message) from None
        if done.code not in codes:
            said = done.err.strip()[-800:] or "it said nothing on its error stream"
            command = shlex.join(argv[:4])
            message = f"running {command} on {self.name}: exit code {done.code}: {said}"
            raise Failed("devvm-command-failed", message)
        return done

    def write(self, path: str, data: bytes) -> None:
        """Put a file in place at once, mode 0600; its folder must exist."""
        # Another TODO of the run may put the same file in place at this moment: each has a name of its own until then.
        script = 'umask 077; cat > "$1.$$" && mv -f "$1.$$" "$1"'
        self.run(["sh", "-c", script, "sh", path], stdin=data)

    def lay_out(self, folder: str, files: Mapping[str, bytes], links: Mapping[str, str]) -> None:
        """Make a new folder, 0700, with these files (0600) and links, named by their paths in it.

        The folder that it lies in must be this user's own. Raises Failed when it is not, or when there is one already.
        """
        script = '[ -O "${1%/*}" ] && [ ! -L "${1%/*}" ] && umask 077 && mkdir "$1" && tar -xf - -C "$1"'
        self.run(["sh", "-c", script, "sh", folder], stdin=_tar(files, links))

    def lay_again(self, folder: str, files: Mapping[str, bytes], links: Mapping[str, str]) -> None:
        """Put files and links of a folder that was laid out into it once more, each as a new one."""
        self.run(["sh", "-c", 'umask 077; tar -xf - -C "$1"', "sh", folder], stdin=_tar(files, links))

    @contextmanager
    def listening(self, serve: Callable[[Channel], None]) -> Iterator[int]:
        """A port on the machine's own loopback while the block lasts; what connects to it is served here.

        Raises Failed("devvm-no-forwarding") when the machine does not allow it, Transient when the connection is lost.
        """
        with ExitStack() as held:
            try:
                port = held.enter_context(self._listen(serve))
            except (SSHException, OSError, EOFError) as error:
                message = f"listening on {self.name}: the connection was lost ({type(error).__name__})"
                raise Transient("devvm-connection-lost", message) from None
            yield port

    def start(self, job: Job, secrets: Mapping[str, str]) -> JobState:
        """Start the job if nothing has started it yet, give a held one its input, else just say how it is.

        A held job that is another one by now is ended, and this one is started: it had done nothing yet. Its limit is
        rounded up to whole seconds, and is one at least: a limit of 0 would be none. `secrets` become environment
        variables of the command; they travel on standard input and touch no disk.
        """
        return self._put(job, {"input": job.input}, secrets)

    def hold(self, job: Job, secrets: Mapping[str, str]) -> JobState:
        """Start the job without its input: the command gets ready, and `start` lets it begin. May be repeated."""
        return self._put(job, {}, secrets)

    def _put(self, job: Job, files: Mapping[str, bytes], secrets: Mapping[str, str]) -> JobState:
        lines = "".join(f"{name}={value}\n" for name, value in secrets.items())
        packed = _tar({**files, "run": _script(job).encode(), "jobctl.sh": _JOBCTL.read_bytes()})
        limit = str(max(1, math.ceil(job.limit)))
        done = self.run(["sh", "-c", _START, "sh", job.folder, limit], stdin=f"{lines}\n".encode() + packed)
        return self._state(done)

    def poll(self, folder: str, offset: int, wait: int = 5) -> JobState:
        """Wait up to `wait` seconds for the job to print past `offset` or to end."""
        return self._control("poll", folder, offset, 1 << 20, wait)

    def follow(self, folder: str, news: Callable[[bytes], None], look: Callable[[], None] = lambda: None) -> JobState:
        """Hand every piece of the job's output to `news` until it is exited, lost or absent.

        `look` is called every few seconds; what it raises ends the following, not the job.
        """
        offset = 0
        while True:
            look()
            now = self.poll(folder, offset)
            offset += len(now.news)
            if now.news:
                news(now.news)
            if now.state != "running" and offset >= now.size:
                return now

    def kill(self, folder: str, grace: int = 5) -> JobState:
        """End the job and everything that it started; says what is left of it."""
        return self._control("kill", folder, grace)

    def tail(self, path: str, size: int = 4000) -> str:
        """The last bytes of a file as text; empty when there is none."""
        return self.run(["tail", "-c", str(size), path], codes=(0, 1)).text

    def _control(self, verb: str, folder: str, *numbers: int, stdin: bytes = b"") -> JobState:
        argv = ["sh", f"{folder}/jobctl.sh", verb, folder, *map(str, numbers)]
        done = self.run(argv, stdin=stdin, codes=(0, 2, 127))
        return self._state(done) if done.code == 0 else JobState("absent", 0, 0)

    def _state(self, done: Completed) -> JobState:
        head, _, news = done.out.partition(b"\n")
        words = head.decode().split()
        if len(words) != 4 or len(news) != int(words[3]):
            raise Transient("devvm-connection-lost", f"following a job on {self.name}: a cut answer")
        return JobState(words[0], int(words[1]), int(words[2]), news)


def _tar(files: Mapping[str, bytes], links: Mapping[str, str] = MappingProxyType({})) -> bytes:
    """The files as one stream: each command over SSH costs a round trip and a login shell."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), 0o600
            tar.addfile(entry, io.BytesIO(data))
        for name, target in links.items():
            entry = tarfile.TarInfo(name)
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            tar.addfile(entry)
    return packed.getvalue()


def _script(job: Job) -> str:
    exports = [f"export {name}={shlex.quote(value)}" for name, value in job.environment.items()]
    place = f"cd {shlex.quote(job.cwd)} || exit 126"
    if job.makes:
        place = f"mkdir -p {shlex.join(job.makes)}\n{place}"
    given, folder = f"{job.folder}/input", shlex.quote(job.folder)
    if job.wait:
        given = f"{job.folder}/pipe"
        fed = f"sh {folder}/jobctl.sh input {folder} {job.wait} > {shlex.quote(given)} &"
        place += f"\nmkfifo -m 600 {shlex.quote(given)} || exit 126\n{fed}"
    return "\n".join([*exports, place, f"exec {shlex.join(job.argv)} < {shlex.quote(given)}"]) + "\n"
