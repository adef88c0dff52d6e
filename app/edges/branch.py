"""The branch that a run lands on: commits of exactly the judged files, pushed and never forced.

Every method may be repeated. `refs/worktree/base` is the tip that the worktree stands on: a branch that does not
contain it any more was rewound by somebody, and a push of ours would bring back what they took away.
`refs/worktree/copied` is the one that the agent's copy was made of; it stays where it is when the worktree moves on.
"""

from __future__ import annotations

import re

from app.edges.devgit import AUTHOR, DevGit
from app.errors import Failed, Refused, Transient
from app.settings import RepositorySettings

_BASE = "refs/worktree/base"
_COPIED = "refs/worktree/copied"
# Another push reached the forge at the same moment: the next try will see it as a plain rejection.
_RACE = re.compile(r"\[remote rejected\].*(cannot lock ref|failed to update ref|incorrect old value)")
_GONE = "remote ref does not exist"


class Branch:
    """The configured branch, seen from a run's worktree."""

    def __init__(self, git: DevGit, repository: RepositorySettings) -> None:
        self._git, self._repository = git, repository

    def to_tip(self) -> str:
        """Move the worktree to the branch's tip, dropping what was not pushed; return the commit."""
        tip = self._fetch()
        self._git.in_tree("reset", "--quiet", "--hard", tip)
        self.stand_on(tip)
        return tip

    def stand_on(self, tip: str) -> None:
        """Note the tip of the branch that the worktree stands on."""
        self._git.in_tree("update-ref", _BASE, tip)

    def copy_of(self, tip: str) -> None:
        """Note the tip that the agent's copy is made of, on which the worktree stands."""
        both = f"update {_BASE} {tip}\nupdate {_COPIED} {tip}\n"
        self._git.in_tree("update-ref", "--stdin", stdin=both.encode())

    def contains(self, commit: str) -> bool:
        """Whether the branch, as last fetched, contains a commit."""
        return self._git.contains(f"refs/heads/{self._repository.branch}", commit)

    def commit(self, files: dict[str, str], message: str) -> str:
        """Commit exactly these paths as these blobs (path -> blob id) on the worktree's commit; return the hash.

        A commit of this run with the same message is returned instead of made again. Raises Refused when anything
        else would be in it (GIT-01). Untracked files stay: a saved plan is bound to the lock file that made it.
        """
        if self._git.in_tree("log", "-1", "--format=%B").text.strip() == message.strip():
            return self.head()
        self._git.in_tree("read-tree", "HEAD", index="committing")
        info = "".join(f"100644 {blob}\t{path}\0" for path, blob in files.items()).encode()
        self._git.in_tree("update-index", "-z", "--index-info", stdin=info, index="committing")
        tree = self._git.in_tree("write-tree", index="committing").text
        commit = self._git.in_tree("commit-tree", tree, "-p", "HEAD", "-F", "-", stdin=message.encode()).text
        changed = self._git.in_tree("diff-tree", "-r", "-z", "--name-only", "HEAD", commit).out
        if {p.decode() for p in changed.split(b"\0") if p} != set(files):
            raise Refused("commit-differs", "committing: the commit does not hold exactly the judged files (GIT-01)")
        self._git.in_tree("update-ref", "--no-deref", "HEAD", commit)
        self._git.in_tree("reset", "--quiet", "--hard", "HEAD")
        return commit

    def reword(self, commit: str, message: str) -> str:
        """Give one of the worktree's commits another message, and put what stands on it on top again.

        Returns the new commit; the same one when it has that message. Files are not touched, nor looked at: a wrapper
        may leave changed ones behind. HEAD moves at once, so that what is cut short has lost nothing.
        """
        if self._git.in_tree("log", "-1", "--format=%B", commit).text.strip() == message.strip():
            return commit
        words = ("commit-tree", f"{commit}^{{tree}}", "-p", f"{commit}^", "-F", "-")
        made = self._git.in_tree(*words, stdin=message.encode()).text
        head = self.head()
        anew = {commit: made}
        for later in self._git.in_tree("rev-list", "--reverse", "--topo-order", f"{commit}..{head}").text.split():
            facts, _, words_of_it = self._git.in_tree("cat-file", "commit", later).out.partition(b"\n\n")
            for before, after in anew.items():
                facts = facts.replace(f"\nparent {before}".encode(), f"\nparent {after}".encode())
            written = ("hash-object", "-t", "commit", "-w", "--stdin")
            anew[later] = self._git.in_tree(*written, stdin=facts + b"\n\n" + words_of_it).text
        self._git.in_tree("update-ref", "--no-deref", "HEAD", anew[head], head)
        return made

    def head(self) -> str:
        """The worktree's commit."""
        return self._git.in_tree("rev-parse", "HEAD").text

    def base(self) -> str:
        """The tip of the branch that the worktree stands on."""
        return self._git.in_tree("rev-parse", _BASE).text

    def copied(self) -> str:
        """The tip of the branch that the agent's copy was made of."""
        return self._git.in_tree("rev-parse", _COPIED).text

    def parent(self) -> str:
        """The commit that the worktree's own commit stands on."""
        return self._git.in_tree("rev-parse", "HEAD^").text

    def tree_of(self, commit: str) -> str:
        """The git tree id of a commit."""
        return self._git.in_tree("rev-parse", f"{commit}^{{tree}}").text

    def resume(self, commit: str, base: str) -> list[str] | None:
        """Put the worktree onto a kept commit; returns the paths that others changed on the branch since its base.

        None when the branch does not contain the base any more, or the commit is gone.
        """
        tip = self._fetch()
        if not (self._git.contains(tip, base) and self._git.contains(commit, base)):
            return None
        self._git.in_tree("reset", "--quiet", "--hard", commit)
        self.stand_on(base)
        return self.changed(base, tip)

    def push(self) -> bool:
        """Push the worktree's commit to the branch, never by force; False when somebody else was first.

        Raises Failed when the branch was rewound or the forge itself says no, Transient when it cannot be reached.
        """
        tip = self._fetch()
        if not self._git.contains(tip, self.base()):
            name = f"{self._repository.branch} of {self._repository.name}"
            message = f"pushing: {name} was rewound while this run worked; a push would bring back what was removed"
            raise Failed("branch-rewound", message)
        return self._push_to(self._repository.branch)

    def keep(self, name: str) -> None:
        """Push the worktree's commit to a branch of its own, so that no work is lost. Raises as push does."""
        if not self._push_to(name):
            raise Failed("push-refused", f"keeping the work on {name}: that branch is there and holds something else")

    def forget(self, name: str) -> None:
        """Remove a branch that `keep` made; one that is gone already is fine, and so is a worktree that is.

        Raises Failed when the forge says no, Transient when it cannot be reached.
        """
        self._push("--delete", name, at=self._git.clone)

    def landed(self, run: str, todo: str) -> str:
        """The commit on the worktree's history that bears both trailer lines; raises Failed when there is none."""
        words = ("rev-list", "-n", "1", "--fixed-strings", "--all-match", f"--grep={run}", f"--grep={todo}", "HEAD")
        if found := self._git.in_tree(*words).text:
            return found
        raise Failed("commit-lost", f"looking for the pushed commit: {self._repository.branch} has none with {todo!r}")

    def ours_with(self, line: str) -> list[tuple[str, str]]:
        """(commit, message) of every commit of ours on the worktree's history whose message holds this line."""
        words = ("log", "-z", "--fixed-strings", f"--grep={line}", f"--author={AUTHOR[0]} <{AUTHOR[1]}>")
        listed = self._git.in_tree(*words, "--format=%H%n%B", "HEAD").out.decode("utf-8", "replace").split("\0")
        found = (entry.partition("\n") for entry in listed if entry)
        return [(commit, message) for commit, _, message in found if line in message.splitlines()]

    def rebase(self) -> bool:
        """Put the worktree's own commits onto the branch's new tip; False on a conflict, and nothing is changed."""
        tip = self._fetch()
        base = self.base()
        # What a wrapper or a check left changed is no conflict.
        done = self._git.in_tree("rebase", "--quiet", "--autostash", "--onto", tip, base, codes=(0, 1, 128))
        if done.code:
            self._git.in_tree("rebase", "--abort", codes=(0, 1, 128))
            return False
        self.stand_on(tip)
        return True

    def changed(self, older: str, newer: str) -> list[str]:
        """The paths that differ between two commits."""
        listed = self._git.in_tree("diff-tree", "-r", "-z", "--name-only", "--no-renames", older, newer).out
        return [path.decode("utf-8", "replace") for path in listed.split(b"\0") if path]

    def _fetch(self) -> str:
        return self._git.fetch(self._repository.clone_url, self._repository.branch)

    def _push_to(self, branch: str) -> bool:
        return self._push(f"HEAD:refs/heads/{branch}")

    def _push(self, *what: str, at: str = "") -> bool:
        flags = [word for word in what if word.startswith("--")]
        refs = [word for word in what if not word.startswith("--")]
        url = self._repository.push_url or self._repository.clone_url
        words = ("push", "--porcelain", *flags, "--end-of-options", url, *refs)
        done = self._git.network(at or self._git.tree, *words, codes=(0, 1, 128))
        if done.code == 0 or (flags and _GONE in done.err):
            return True
        doing, said = f"pushing to {self._repository.name}", (done.text + done.err)[-500:]
        if _RACE.search(done.text):
            raise Transient("push-raced", f"{doing}: somebody else is pushing: {said}")
        if re.search(r"\[rejected\]", done.text):
            return False
        if "[remote rejected]" in done.text:
            raise Failed("push-refused", f"{doing}: the forge said no: {said}")
        raise Transient("push-failed", f"{doing}: exit code {done.code}: {said}")
