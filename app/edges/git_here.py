"""Git's command line here: no configuration but ours decides, no hook, no helper program, no network unless asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryFile

import git

from app.errors import BadInput

# SECURITY.md A13, A14. safe.directory: reading objects of a checkout that another user owns runs nothing of it.
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.ext.allow=never", "safe.directory=*")
# A checkout may name a remote from which git would fetch a missing object by itself, with a program of its choosing.
_NO_NETWORK = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1"}
_FETCHED = {"GIT_ALLOW_PROTOCOL": "https:http:ssh:file:git"}


class GitHere:
    """Git in one folder: a mirror, or somebody's checkout."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._git = git.Git(path)
        self._git.update_environment(GIT_TERMINAL_PROMPT="0", LC_ALL="C", GIT_OPTIONAL_LOCKS="0")

    def run(self, *words: str, codes: Sequence[int] = (0,), network: int = 0, stdin: str = "") -> str:
        """What git prints, without the last newline. Raises git.GitCommandError for an exit code not in `codes`.

        `network`: for how many seconds git may use it; 0: not at all. A peer that falls silent would hold it for ever.
        """
        status, out, err = self._execute(words, network, stdin)
        if status not in codes:
            raise git.GitCommandError(words[0], status, err)
        return out

    def exit_code(self, *words: str) -> int:
        """Git's exit code."""
        return self._execute(words, 0, "")[0]

    def blob(self, name: str) -> bytes:
        """The content of a blob, by its id or as COMMIT:PATH. Raises git.GitCommandError."""
        return bytes(self._git.execute(_argv("cat-file", "blob", name), stdout_as_string=False, env=_NO_NETWORK))

    def _execute(self, words: Sequence[str], network: int, stdin: str) -> tuple[int, str, str]:
        if not self.path.is_dir():
            # The library would quietly work in our own folder instead.
            raise BadInput("no-such-folder", f"reading the repository {self.path}: there is no such folder")
        with TemporaryFile() as given:
            given.write(stdin.encode("utf-8", "surrogateescape"))
            given.seek(0)
            status, out, err = self._git.execute(
                [*(("timeout", "-k", "5", str(network)) if network else ()), *_argv(*words)],
                istream=given,
                with_extended_output=True,
                with_exceptions=False,
                strip_newline_in_stdout=True,
                env=_FETCHED if network else _NO_NETWORK,
            )
        return int(status), str(out), str(err)


def _argv(*words: str) -> list[str]:
    return ["git", *(part for setting in _SAFE for part in ("-c", setting)), *words]
