"""Git on the DevVM: our own clone, a worktree for each run, a tree for each agent. Never the operator's checkout.

The agent works on an export without .git. What it changed comes back as git objects named by their content, and the
same objects are put into the run's worktree: what was judged is, byte for byte, what is planned and committed.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.edges.machine import OUTPUT_LIMIT, Completed, Machine
from app.errors import Failed, Refused
from app.guard.model import Change
from app.settings import RepositorySettings

AUTHOR = ("postmortem-todo-resolver", "noreply@followthrough.invalid")
_ABSENT = "0" * 40
_BLOB_LIMIT = 1024 * 1024
# Local commands see no configuration but ours: a repository or a user's file could name programs to run (A14).
_LOCAL = ("GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0", "LC_ALL=C")
_SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "core.attributesFile=/dev/null", "commit.gpgSign=false",
         "core.symlinks=false", "protocol.ext.allow=never", "gc.auto=0")  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One path that the agent changed, as git names it: status letter, modes and blob ids (40 zeros: absent)."""

    path: str
    status: str
    base_mode: str
    head_mode: str
    base_blob: str
    head_blob: str


class Workspace:
    """The folders of one run below the DevVM's workspace. Every method may be repeated."""

    def __init__(self, machine: Machine, root: str, repository: RepositorySettings, run_id: str) -> None:
        self._machine, self._repository = machine, repository
        self._clone = f"{root}/repositories/{repository.name.replace('/', '__')}.git"
        self.folder = f"{root}/runs/{run_id}"
        self.tree = f"{self.folder}/tree"

    def agent_tree(self, todo_id: str) -> str:
        """Where the agent of one TODO finds its copy."""
        return f"{self.folder}/agents/{todo_id}/tree"

    def job(self, *words: str) -> str:
        """The folder of a long command of this run."""
        return f"{self.folder}/jobs/{'-'.join(words)}"

    def jobs(self) -> list[str]:
        """The folders of all long commands of this run."""
        listed = self._machine.run(["find", f"{self.folder}/jobs", "-mindepth", "1", "-maxdepth", "1"], codes=(0, 1))
        return [line for line in listed.text.split("\n") if line]

    def open(self) -> str:
        """Make the run's worktree at the tip of the branch; return the commit. An earlier one of this run goes."""
        self._machine.run(["mkdir", "-p", "-m", "700", f"{self.folder}/jobs", self._clone])
        if self._machine.run(["test", "-e", f"{self._clone}/HEAD"], codes=(0, 1)).code:
            self._git(["init", "--quiet", "--bare", self._clone], [*_LOCAL], b"")
        self._remove_tree()
        tip = self._fetch()
        self._in_clone("worktree", "add", "--quiet", "--force", "--detach", "--end-of-options", self.tree, tip)
        return tip

    def known_stacks(self) -> frozenset[str]:
        """The folders that are stacks at the worktree's commit."""
        folder = self._repository.stacks + "/"
        listed = self._in_tree("ls-tree", "-z", "-d", "--name-only", "HEAD", folder).out
        return frozenset(name.decode().removeprefix(folder) for name in listed.split(b"\0") if name)

    def export(self, todo_id: str, wanted: Callable[[str, str], bool]) -> str:
        """Make the agent's tree from the worktree's commit: the files for which `wanted(path, mode)`.

        Returns the git tree id of exactly what was exported.
        """
        folder = self.agent_tree(todo_id)
        self._machine.run(["rm", "-rf", folder])
        self._machine.run(["mkdir", "-p", "-m", "700", folder])
        listed = self._in_tree("ls-tree", "-r", "-z", "HEAD").out
        lines = []
        for record in listed.split(b"\0"):
            facts, _, path = record.partition(b"\t")
            if record and wanted(path.decode("utf-8", "surrogateescape"), facts.split()[0].decode()):
                lines.append(record)
        self._in_clone("read-tree", "--empty", agent_tree=folder)
        chosen = b"".join(line + b"\0" for line in lines)
        self._in_clone("update-index", "-z", "--index-info", stdin=chosen, agent_tree=folder)
        self._in_clone("checkout-index", "--all", "--force", agent_tree=folder)
        return self._in_clone("write-tree", agent_tree=folder).text

    def changes(self, todo_id: str, base_tree: str) -> list[Entry]:
        """Everything that differs between the agent's tree now and the tree id that was exported."""
        folder = self.agent_tree(todo_id)
        self._in_clone("add", "--all", "--force", ".", agent_tree=folder)
        head_tree = self._in_clone("write-tree", agent_tree=folder).text
        raw = self._in_clone("diff-tree", "-r", "-z", "--raw", "--no-renames", "--abbrev=40", base_tree, head_tree).out
        fields = [f.decode("utf-8", "surrogateescape") for f in raw.split(b"\0") if f]
        entries = []
        for facts, path in zip(fields[::2], fields[1::2], strict=True):
            base_mode, head_mode, base_blob, head_blob, status = facts.removeprefix(":").split()
            entries.append(Entry(path, status[0], base_mode, head_mode, base_blob, head_blob))
        return entries

    def read(self, entry: Entry) -> Change:
        """The entry with both contents, each checked against its id: the DevVM may lie (SECURITY.md, T4)."""
        base = self._blob(entry.base_blob) if entry.base_mode == "100644" else None
        head = self._blob(entry.head_blob) if entry.head_mode == "100644" else None
        return Change(entry.path, entry.status, entry.base_mode, entry.head_mode, base, head)

    def place(self, entries: Sequence[Entry]) -> None:
        """Put the judged blobs into the worktree and leave its index as it was."""
        self.reset()
        info = "".join(f"{e.head_mode} {e.head_blob}\t{e.path}\0" for e in entries).encode("utf-8", "surrogateescape")
        self._in_tree("read-tree", "HEAD", index="placing")
        self._in_tree("update-index", "-z", "--index-info", stdin=info, index="placing")
        paths = "".join(f"{e.path}\0" for e in entries).encode("utf-8", "surrogateescape")
        self._in_tree("checkout-index", "--force", "-z", "--stdin", stdin=paths, index="placing")

    def commit(self, files: dict[str, str], message: str) -> str:
        """Commit exactly these paths as these blobs (path -> blob id) on the worktree's commit; return the hash.

        A commit of this run with the same message is returned instead of made again. Raises Refused when anything
        else would be in it (GIT-01).
        """
        if made := self._made_already(message):
            return made
        self._in_tree("read-tree", "HEAD", index="committing")
        info = "".join(f"100644 {blob}\t{path}\0" for path, blob in files.items()).encode()
        self._in_tree("update-index", "-z", "--index-info", stdin=info, index="committing")
        tree = self._in_tree("write-tree", index="committing").text
        commit = self._in_tree("commit-tree", tree, "-p", "HEAD", "-F", "-", stdin=message.encode()).text
        changed = self._in_tree("diff-tree", "-r", "-z", "--name-only", "HEAD", commit).out
        if {p.decode() for p in changed.split(b"\0") if p} != set(files):
            raise Refused("commit-differs", "committing: the commit does not hold exactly the judged files (GIT-01)")
        self._in_tree("update-ref", "--no-deref", "HEAD", commit)
        self.reset()
        return commit

    def put_blob(self, data: bytes) -> str:
        """Store a file's content as a git object; return its id."""
        return self._in_clone("hash-object", "-w", "--stdin", stdin=data).text

    def file(self, path: str) -> bytes:
        """A file at the worktree's commit. Raises Failed when it is not there."""
        return self._in_tree("cat-file", "blob", f"HEAD:{path}").out

    def push(self) -> bool:
        """Push the worktree's commit to the branch, never by force; False when somebody else was first."""
        target = f"HEAD:refs/heads/{self._repository.branch}"
        done = self._network(self.tree, "push", "--porcelain", "--end-of-options", self._push_url, target, codes=(0, 1))
        if done.code == 0:
            return True
        if re.search(r"\[rejected\]", done.text):
            return False
        raise Failed("push-refused", f"pushing to {self._repository.name}: {(done.text + done.err)[-500:]}")

    def push_aside(self, name: str) -> None:
        """Push the worktree's commit to a branch of its own, so that no work is lost."""
        self._network(self.tree, "push", "--end-of-options", self._push_url, f"HEAD:refs/heads/{name}")

    def rebase(self) -> bool:
        """Put the worktree's own commits onto the branch's new tip; False on a conflict, and nothing is changed."""
        tip = self._fetch()
        done = self._in_tree("rebase", "--quiet", tip, codes=(0, 1, 128))
        if done.code:
            self._in_tree("rebase", "--abort", codes=(0, 1, 128))
        return done.code == 0

    def to_tip(self) -> str:
        """Move the worktree to the branch's tip, dropping what was not pushed; return the commit."""
        tip = self._fetch()
        self._in_tree("reset", "--quiet", "--hard", tip)
        return tip

    def reset(self) -> None:
        """Drop everything in the worktree that is not committed."""
        self._in_tree("reset", "--quiet", "--hard", "HEAD")
        self._in_tree("clean", "-ffdxq")

    def head(self) -> str:
        """The worktree's commit."""
        return self._in_tree("rev-parse", "HEAD").text

    def remove(self) -> None:
        """Leave nothing of the run on the DevVM but our clone."""
        self._remove_tree()
        self._machine.run(["rm", "-rf", self.folder])

    @property
    def _push_url(self) -> str:
        return self._repository.push_url or self._repository.clone_url

    def _made_already(self, message: str) -> str | None:
        last = self._in_tree("log", "-1", "--format=%B").text
        return self.head() if last.strip() == message.strip() else None

    def _blob(self, blob_id: str) -> bytes:
        if blob_id == _ABSENT:
            return b""
        data = self._in_clone("cat-file", "blob", blob_id, limit=_BLOB_LIMIT).out
        if hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() != blob_id:
            raise Failed("devvm-object-differs", f"reading git object {blob_id} on the DevVM: its content is another")
        return data

    def _fetch(self) -> str:
        ref, source = f"refs/heads/{self._repository.branch}", self._repository.clone_url
        self._network(self._clone, "fetch", "--quiet", "--no-tags", "--end-of-options", source, f"+{ref}:{ref}")
        return self._in_clone("rev-parse", "--verify", f"{ref}^{{commit}}").text

    def _remove_tree(self) -> None:
        self._machine.run(["rm", "-rf", self.tree, f"{self.folder}/agents"])
        self._in_clone("worktree", "prune")

    def _in_clone(self, *words: str, agent_tree: str = "", stdin: bytes = b"", limit: int = OUTPUT_LIMIT) -> Completed:
        """Git on our bare clone; with `agent_tree` also on those files, by an index beside them."""
        where = ["--git-dir", self._clone]
        variables = [*_LOCAL]
        if agent_tree:
            where = [*where, "--work-tree", agent_tree, "-C", agent_tree]
            variables.append(f"GIT_INDEX_FILE={agent_tree}.index")
        return self._git([*where, *words], variables, stdin, limit=limit)

    def _in_tree(self, *words: str, index: str = "", stdin: bytes = b"", codes: Sequence[int] = (0,)) -> Completed:
        """Git in the run's worktree; with `index` by another index file of that name, so that its own stays clean."""
        variables = [*_LOCAL, *_identity()]
        if index:
            variables.append(f"GIT_INDEX_FILE={self.folder}/{index}.index")
        return self._git(["-C", self.tree, *words], variables, stdin, codes=codes)

    def _network(self, at: str, *words: str, codes: Sequence[int] = (0,)) -> Completed:
        """Fetch and push keep the user's own configuration: that is where the DevVM's git credentials are."""
        return self._git(["-C", at, *words], ["GIT_TERMINAL_PROMPT=0", "LC_ALL=C"], b"", codes=codes)

    def _git(
        self,
        words: list[str],
        variables: list[str],
        stdin: bytes,
        codes: Sequence[int] = (0,),
        limit: int = OUTPUT_LIMIT,
    ) -> Completed:
        settings = [word for setting in _SAFE for word in ("-c", setting)]
        argv = ["env", *variables, "git", *settings, *words]
        return self._machine.run(argv, stdin=stdin, codes=codes, limit=limit, timeout=300)


def _identity() -> list[str]:
    name, email = AUTHOR
    return [f"GIT_{role}_{what}" for role in ("AUTHOR", "COMMITTER") for what in (f"NAME={name}", f"EMAIL={email}")]
