"""Git on the DevVM: our own clone, worktrees for each run, a tree for each agent. Never the operator's checkout.

The agent works on an export without .git. What it changed comes back as git objects named by their content, and the
same objects are put into the TODO's worktree: what was judged is, byte for byte, what is planned and committed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from app.edges.devgit import DevGit
from app.edges.machine import Machine
from app.errors import BadInput, Failed
from app.guard.model import Change
from app.settings import RepositorySettings

_ABSENT = "0" * 40
_REGULAR_FILE = "100644"
_FILES = (_REGULAR_FILE, "100755")
_STEERS = {".terraform", "terraform.d"}
_BLOB_LIMIT = 1024 * 1024
# Somebody else on the machine may have made the workspace first, with files or links of theirs in it. Says what has
# to be done next: make the clone, or forget the worktree that was removed.
_PREPARE = """
umask 077
mkdir -p "$1" || exit 2
[ ! -L "$1" ] || { echo "it is a link"; exit 1; }
[ -O "$1" ] || { echo "it belongs to another user"; exit 1; }
case $(stat -c %a "$1") in *00) ;; *) echo "others on the machine may enter it, its mode must be 0700"; exit 1 ;; esac
mkdir -p "$2/jobs" "$2/trees" "$3" || exit 2
[ -e "$3/HEAD" ] || echo init
[ ! -e "$4" ] || { rm -rf "$4" && echo prune; }
"""


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
    """The folders of one run below the DevVM's workspace. Every method may be repeated.

    Each TODO has a worktree of its own, so that TODOs go side by side; without a TODO it is the run's, in which the
    results are written.
    """

    def __init__(
        self, machine: Machine, root: str, repository: RepositorySettings, run_id: str, todo_id: str = ""
    ) -> None:
        self._machine, self._repository, self._root = machine, repository, root
        self.folder = f"{root}/runs/{run_id}"
        self.tree = f"{self.folder}/trees/{todo_id}" if todo_id else f"{self.folder}/tree"
        clone = f"{root}/repositories/{repository.name.replace('/', '__')}.git"
        self.git = DevGit(machine, clone, self.tree)

    def agent_tree(self, todo_id: str) -> str:
        """Where the agent of one TODO finds its copy."""
        return f"{self.folder}/agents/{todo_id}/tree"

    def job(self, *words: str) -> str:
        """The folder of a long command of this run. No stack's name holds the sign between the words."""
        return f"{self.folder}/jobs/{'~'.join(words)}"

    def jobs(self) -> list[str]:
        """The folders of all long commands of this run."""
        listed = self._machine.run(["find", f"{self.folder}/jobs", "-mindepth", "1", "-maxdepth", "1"], codes=(0, 1))
        return [line for line in listed.text.split("\n") if line]

    def open(self) -> str:
        """Make the worktree at the tip of the branch; return the commit. An earlier one in its place goes.

        Raises what `prepare` and `fetch` raise.
        """
        self.prepare()
        tip = self.fetch()
        self.git.alone("worktree", "add", "--quiet", "--force", "--detach", "--end-of-options", self.tree, tip)
        return tip

    def fetch(self) -> str:
        """Bring the branch into our clone, once it is prepared; return its tip."""
        return self.git.fetch(self._repository.clone_url, self._repository.branch)

    def prepare(self) -> None:
        """Make the run's folders, and our clone where there is none. A worktree here goes.

        Raises Failed when the workspace is not a folder that this user alone can read and write.
        """
        places = (self._root, self.folder, self.git.clone, self.tree)
        prepared = self._machine.run(["sh", "-c", _PREPARE, "sh", *places], codes=(0, 1))
        if prepared.code:
            where = f"{self._root} on {self._machine.name}"
            message = f"opening the workspace {where}: {prepared.text}; remove it, or set devvm.workspace"
            raise Failed("workspace-unsafe", message)
        next_steps = prepared.text.split()
        if "init" in next_steps:
            self.git.init()
        if "prune" in next_steps:
            self.git.alone("worktree", "prune")

    def is_open(self) -> bool:
        """Whether the worktree is there."""
        return self._machine.run(["test", "-e", f"{self.tree}/.git"], codes=(0, 1)).code == 0

    def runs(self) -> list[str]:
        """The ids of the runs that have a folder here."""
        listed = self._machine.run(["ls", "-1", f"{self._root}/runs"], codes=(0, 1, 2))
        return listed.text.split()

    def of_run(self, run_id: str) -> Workspace:
        """The folders of another run of the same repository."""
        return Workspace(self._machine, self._root, self._repository, run_id)

    def known_stacks(self, commit: str = "") -> frozenset[str]:
        """The folders that are stacks at a commit of the clone, without one at the worktree's."""
        folder = self._repository.stacks + "/"
        words = ("ls-tree", "-z", "-d", "--name-only", commit or "HEAD", folder)
        listed = (self.git.in_clone(*words) if commit else self.git.in_tree(*words)).out
        return frozenset(name.decode("utf-8", "replace").removeprefix(folder) for name in listed.split(b"\0") if name)

    def export(self, todo_id: str, wanted: Callable[[str, str], bool]) -> str:
        """Make the agent's tree from the worktree's commit: the files for which `wanted(path, mode)`.

        Returns the git tree id of exactly what was exported.
        """
        listed = self.git.in_tree("ls-tree", "-r", "-z", "HEAD").out
        lines = []
        for record in listed.split(b"\0"):
            facts, _, path = record.partition(b"\t")
            if record and wanted(path.decode("utf-8", "surrogateescape"), facts.split()[0].decode()):
                lines.append(record)
        chosen = b"".join(line + b"\0" for line in lines)
        return self.git.laid_out(self.agent_tree(todo_id), chosen)

    def changes(self, todo_id: str, base_tree: str) -> list[Entry]:
        """Everything that differs between the agent's tree now and the tree id that was exported."""
        folder = self.agent_tree(todo_id)
        self.git.in_clone("add", "--all", "--force", ".", agent_tree=folder)
        head_tree = self.git.in_clone("write-tree", agent_tree=folder).text
        return self._differing(base_tree, head_tree)

    def committed(self, commit: str) -> list[Entry]:
        """Everything that a commit changed against the one that it stands on."""
        return self._differing(f"{commit}^", commit)

    def read(self, entries: Sequence[Entry]) -> list[Change]:
        """The entries with both contents, each checked against its id: the DevVM may lie (SECURITY.md, T4)."""
        paths = "".join(f"{e.path}\0" for e in entries).encode("utf-8", "surrogateescape")
        told = self.git.in_tree("check-attr", "-z", "--stdin", "filter", stdin=paths).out.split(b"\0")
        filters = [value.decode("utf-8", "replace") for value in told[2::3]]
        return [self._read(entry, filter_name) for entry, filter_name in zip(entries, filters, strict=True)]

    def around(self, stacks: Sequence[str], changed: Collection[str]) -> dict[str, bytes]:
        """The .tf files of these stacks at the worktree's commit, without those that are among `changed`."""
        folders = [f"{self._repository.stacks}/{stack}/" for stack in stacks]
        listed = self.git.in_tree("ls-tree", "-r", "-z", "HEAD", "--", *folders).out if folders else b""
        found = {}
        for record in listed.split(b"\0"):
            facts, _, name = record.partition(b"\t")
            path = name.decode("utf-8", "surrogateescape")
            if path.endswith(".tf") and path not in changed and facts.startswith(b"100644 "):
                found[path] = self._blob(facts.split()[2].decode())
        return found

    def place(self, entries: Sequence[Entry]) -> None:
        """Put the judged blobs into the worktree and leave its index as it was."""
        self.reset()
        info = "".join(f"{e.head_mode} {e.head_blob}\t{e.path}\0" for e in entries).encode("utf-8", "surrogateescape")
        self.git.in_tree("read-tree", "HEAD", index="placing")
        self.git.in_tree("update-index", "-z", "--index-info", stdin=info, index="placing")
        paths = "".join(f"{e.path}\0" for e in entries).encode("utf-8", "surrogateescape")
        self.git.in_tree("checkout-index", "--force", "-z", "--stdin", stdin=paths, index="placing")

    def put_blob(self, data: bytes) -> str:
        """Store a file's content as a git object; return its id."""
        return self.git.in_clone("hash-object", "-w", "--stdin", stdin=data).text

    def file(self, path: str) -> bytes:
        """A file at the worktree's commit. Raises Failed when it is not there."""
        done = self.git.in_tree("cat-file", "blob", f"HEAD:{path}", codes=(0, 128))
        if done.code:
            raise Failed("post-mortem-gone", f"reading {path}: it is not on {self._repository.branch} any more")
        return done.out

    def small_file(self, path: str) -> bytes:
        """A file at the worktree's commit, empty when there is none. Raises Failed for one over 1 MiB.

        Raises BadInput for what is there and is no file, such as a link: it would do nothing, and its author thinks
        that it does.
        """
        listed = self.git.in_tree("ls-tree", "-z", "HEAD", "--", path).text
        if listed and listed.split()[0] not in _FILES:
            raise BadInput("no-plain-file", f"reading {path} of the repository: it is there and is no plain file")
        return self._blob(listed.split()[2]) if listed else b""

    def steering(self, stack: str) -> list[str]:
        """What lies in a stack at the worktree's commit and decides which programs its plan would run (ENV-02)."""
        folder = f"{self._repository.stacks}/{stack}/"
        listed = self.git.in_tree("ls-tree", "-r", "-z", "--name-only", "HEAD", "--", folder).out.split(b"\0")
        names = [name.decode("utf-8", "replace") for name in listed if name]
        return [name for name in names if _STEERS & set(name.removeprefix(folder).split("/")[:-1])]

    def reset(self) -> None:
        """Drop everything in the worktree that is not committed, but for terraform's lock files.

        A saved plan can only be applied beside the lock file that it was made with, and planning another stack, or
        the same once more, must not take it away. The agent has no hand in them (FILE-02).
        """
        self.git.in_tree("reset", "--quiet", "--hard", "HEAD")
        self.git.in_tree("clean", "-ffdxq", "-e", ".terraform.lock.hcl")

    def remove_agents(self) -> None:
        """Remove the agents' trees; worktrees and plan files stay."""
        self._machine.run(["rm", "-rf", f"{self.folder}/agents"])

    def remove(self) -> None:
        """Leave nothing of the run on the DevVM but our clone."""
        self._machine.run(["rm", "-rf", self.folder])
        self.git.alone("worktree", "prune")

    def _differing(self, base: str, head: str) -> list[Entry]:
        raw = self.git.in_clone("diff-tree", "-r", "-z", "--raw", "--no-renames", "--abbrev=40", base, head).out
        fields = [f.decode("utf-8", "surrogateescape") for f in raw.split(b"\0") if f]
        entries = []
        for facts, path in zip(fields[::2], fields[1::2], strict=True):
            base_mode, head_mode, base_blob, head_blob, status = facts.removeprefix(":").split()
            entries.append(Entry(path, status[0], base_mode, head_mode, base_blob, head_blob))
        return entries

    def _read(self, entry: Entry, filter_name: str) -> Change:
        base = self._blob(entry.base_blob) if entry.base_mode == _REGULAR_FILE else None
        head = self._blob(entry.head_blob) if entry.head_mode == _REGULAR_FILE else None
        return Change(entry.path, entry.status, entry.base_mode, entry.head_mode, base, head, filter_name)

    def _blob(self, blob_id: str) -> bytes:
        if blob_id == _ABSENT:
            return b""
        data = self.git.in_clone("cat-file", "blob", blob_id, limit=_BLOB_LIMIT).out
        if hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False).hexdigest() != blob_id:
            raise Failed("devvm-object-differs", f"reading git object {blob_id} on the DevVM: its content is another")
        return data
