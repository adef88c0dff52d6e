"""Git's command lines on the DevVM: which configuration they see, and whose name commits bear.

Two kinds of calls are told apart: local ones, which see no configuration but ours, and fetch and push, which keep the
user's own, because that is where the DevVM's git credentials are.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from app.edges.machine import OUTPUT_LIMIT, Completed, Machine

AUTHOR = ("postmortem-todo-resolver", "noreply@followthrough.invalid")
# A repository or a user's file could name programs to run (SECURITY.md A14).
_LOCAL = ("GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "commit.gpgSign=false",
         "core.symlinks=false", "protocol.ext.allow=never", "gc.auto=0")  # fmt: skip

# The folder stays the one that it is: the agent's command may be up already, and in it.
_LAY_OUT = """
umask 077
[ ! -L "$0" ] || rm -f "$0"
rm -f "$0.index"
mkdir -p "$0" && find "$0" -mindepth 1 -maxdepth 1 -exec rm -rf {} + || exit
"$@" update-index -z --index-info && "$@" checkout-index --all --force && exec "$@" write-tree
"""


class DevGit:
    """Git in our bare clone of a repository and in one worktree of it, whose other indexes lie beside it."""

    def __init__(self, machine: Machine, clone: str, tree: str) -> None:
        self._machine, self.clone, self.tree = machine, clone, tree

    def init(self) -> None:
        """Make the bare clone, empty."""
        self._run(["init", "--quiet", "--bare", self.clone], _LOCAL)

    def in_clone(
        self,
        *words: str,
        agent_tree: str = "",
        stdin: bytes = b"",
        codes: Sequence[int] = (0,),
        limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        """Git on our bare clone; with `agent_tree` also on those files, by an index beside them."""
        where = ["--git-dir", self.clone]
        variables = [*_LOCAL]
        if agent_tree:
            where = [*where, "--work-tree", agent_tree, "-C", agent_tree]
            variables.append(f"GIT_INDEX_FILE={agent_tree}.index")
        return self._run([*where, *words], variables, stdin, codes, limit)

    def in_tree(self, *words: str, index: str = "", stdin: bytes = b"", codes: Sequence[int] = (0,)) -> Completed:
        """Git in the worktree; with `index` by another index file of that name, so that its own stays clean."""
        variables = [*_LOCAL, *_identity()]
        if index:
            variables.append(f"GIT_INDEX_FILE={self.tree}.{index}.index")
        return self._run(["-C", self.tree, *words], variables, stdin, codes)

    def laid_out(self, agent_tree: str, index_info: bytes) -> str:
        """Empty a folder and put into it what the index lines name; return the id of the tree that they make."""
        where = ["--git-dir", self.clone, "--work-tree", agent_tree, "-C", agent_tree]
        variables = [*_LOCAL, f"GIT_INDEX_FILE={agent_tree}.index"]
        return self._run(where, variables, index_info, before=("sh", "-c", _LAY_OUT, agent_tree)).text

    def alone(self, *words: str) -> Completed:
        """Git on our bare clone, while nobody else changes what it knows of worktrees and branches."""
        return self._run(["--git-dir", self.clone, *words], _LOCAL, before=self._lock)

    def network(self, at: str, *words: str, codes: Sequence[int] = (0,), before: Sequence[str] = ()) -> Completed:
        """Fetch and push."""
        return self._run(["-C", at, *words], ("GIT_TERMINAL_PROMPT=0", "LC_ALL=C"), codes=codes, before=before)

    def fetch(self, source: str, branch: str) -> str:
        """Bring a branch into the clone; return its tip."""
        ref = f"refs/heads/{branch}"
        words = ("fetch", "--quiet", "--no-tags", "--end-of-options", source, f"+{ref}:{ref}")
        then = shlex.join(
            ["env", *_LOCAL, "git", "--git-dir", self.clone, "rev-parse", "--verify", f"{ref}^{{commit}}"]
        )
        # Who holds our lock is alone with the branch: git's own lock on it was left by a machine that went down.
        script = f'rm -f "$0/HEAD.lock" "$0/$1.lock"; shift; "$@" && exec {then}'
        return self.network(self.clone, *words, before=(*self._lock, "sh", "-c", script, self.clone, ref)).text

    def contains(self, newer: str, older: str) -> bool:
        """Whether a commit has another among its ancestors, or is it; False when either is not in the clone."""
        known = self.in_clone("merge-base", "--is-ancestor", older, newer, codes=(0, 1, 128))
        return known.code == 0

    @property
    def _lock(self) -> list[str]:
        """TODOs that go side by side share the clone, and git gives up where two of them move a branch at once."""
        return ["flock", f"{self.clone}/followthrough.lock"]

    def _run(
        self,
        words: list[str],
        variables: Sequence[str],
        stdin: bytes = b"",
        codes: Sequence[int] = (0,),
        limit: int = OUTPUT_LIMIT,
        before: Sequence[str] = (),
    ) -> Completed:
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        argv = ["env", *variables, *before, "git", *settings, *words]
        return self._machine.run(argv, stdin=stdin, codes=codes, limit=limit, timeout=300)


def _identity() -> list[str]:
    name, email = AUTHOR
    return [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in (f"NAME={name}", f"EMAIL={email}")]
