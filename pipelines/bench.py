"""What the steps of a run work with: settings, the ledger, and the DevVM opened for one step.

Each step logs in to Vault for itself and drops what it fetched when it ends: no secret outlives a step, and a step
that is run again after a crash has a fresh one.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from inspect import signature
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from paramiko import SSHClient

from app.agent import command, events
from app.edges import ssh, vault
from app.edges.branch import Branch
from app.edges.devvm import DevVM
from app.edges.repository import Repository
from app.edges.terraform import Terraform
from app.edges.workspace import Workspace
from app.errors import Failed, FollowthroughError
from app.guard.model import Policy
from app.guard.policy import FILE as POLICY_FILE
from app.ledger import Ledger
from app.ledger.runs import Run
from app.redact import redact
from app.settings import DevVMSettings, RepositorySettings, Settings
from pipelines import pool
from pipelines.durable import step
from pipelines.rules import policy_for

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class _Tools:
    settings: Settings
    ledger: Ledger


_in_use: list[_Tools] = []


def use(settings: Settings, ledger: Ledger) -> None:
    """Give the pipelines their settings and ledger, once, before anything is launched."""
    _in_use[:] = [_Tools(settings, ledger)]


def settings() -> Settings:
    """The settings in use."""
    return _in_use[0].settings


def ledger() -> Ledger:
    """The ledger in use."""
    return _in_use[0].ledger


def run_id_of(repository: str, commit: str, path: str, again: int = 1) -> str:
    """The identity of a run: the same commit of the same post-mortem is one run, however often it is delivered.

    `again` counts the runs that a person asked for on top of it.
    """
    name = re.sub(r"[^a-z0-9]+", "-", repository.lower()).strip("-")[:40]
    first = f"{name}-{commit[:12]}-{hashlib.sha256(path.encode()).hexdigest()[:8]}"
    return first if again == 1 else f"{first}-{again}"


def is_run_of(run_id: str, path: str) -> bool:
    """Whether a run's id is one of this post-mortem."""
    return re.search(f"-{hashlib.sha256(path.encode()).hexdigest()[:8]}(-[0-9]+)?$", run_id) is not None


def repository_of(run: Run) -> RepositorySettings:
    """The configured repository of a run. Raises Failed when it is configured no more."""
    found = settings().repository_named(run.repository)
    if found is None:
        raise Failed("repository-gone", f"following {run.repository}: it is not in the configuration any more")
    return found


def source_of(run: Run) -> Repository:
    """Where the run's commit is read: the checkout that it was started from, where it lies here, or our mirror.

    Another worker may have begun the run, from a mirror of its own: ours gets what it lacks, as far as the branch still
    holds it. Raises Transient when the forge is away, Failed when the repository is not configured any more.
    """
    if run.source and Path(run.source).is_dir():
        return Repository(Path(run.source))
    ours, repository = mirror(run.repository), repository_of(run)
    if not ours.has(run.commit):
        ours.sync(repository.clone_url, repository.branch)
    return ours


def mirror(repository: str) -> Repository:
    """Our own bare copy of a repository."""
    return Repository(settings().server.data / "mirrors" / f"{repository.lower().replace('/', '__')}.git")


def commit_url(repository: RepositorySettings, commit: str) -> str:
    """Where people look at a commit; empty when neither web_url nor clone_url is a web address."""
    base = (repository.web_url or repository.clone_url).removesuffix("/").removesuffix(".git")
    return f"{base}/commit/{commit}" if re.match(r"https?://[^@/]+/", base) else ""


def say(run_id: str, phase: str, text: str, todo_id: str = "", known: Sequence[str] = ()) -> None:
    """Add a line to what people follow, redacted; `known` holds the secrets at hand."""
    ledger().runs.note(run_id, phase, redact(text, [*settings().secrets(), *known])[:4000], todo_id)


def waiting(subject: str, text: str) -> None:
    """Tell who follows a run that a step waits. `subject` is a run's id, or a delivery's, which nobody follows."""
    say(subject, "waiting", text)


@dataclass
class Bench:
    """The DevVM, open for one step of one run. `secret` is what Vault gave: it never leaves the step."""

    run: Run
    repository: RepositorySettings
    machine: DevVM
    workspace: Workspace
    branch: Branch
    terraform: Terraform
    devvm: DevVMSettings
    secret: Mapping[str, str] = field(repr=False)

    def say(self, phase: str, text: str, todo_id: str = "") -> None:
        """Add a line to what people follow."""
        say(self.run.id, phase, text, todo_id, vault.hidden(self.secret, settings().vault))

    def hide(self, text: str) -> str:
        """The text without any secret that this step knows."""
        return redact(text, [*settings().secrets(), *vault.hidden(self.secret, settings().vault)])

    def must_be_whole(self, doing: str) -> None:
        """Raises Failed("workspace-lost") when the DevVM has lost the worktree: the next try begins on a new one."""
        if not self.workspace.is_open():
            raise Failed("workspace-lost", f"{doing}: the run's worktree is gone from {self.devvm.name}")

    def commit_url(self, commit: str) -> str:
        """Where people look at a commit of this repository; empty when that is not known."""
        return commit_url(self.repository, commit)

    def policy(self, todo_type: str | None = None) -> Policy:
        """What may be changed in this repository for a TODO of this type, by the service and by its own file."""
        own = self.workspace.small_file(POLICY_FILE)
        return policy_for(settings(), self.repository, self.workspace.known_stacks(), todo_type, own)

    def progress(self, phase: str, todo_id: str) -> Callable[[bytes], None]:
        """A follower of the agent's event stream that says each thing that it does, paths as in the repository."""
        rest = b""
        tree = self.workspace.agent_tree(todo_id) + "/"

        def news(piece: bytes) -> None:
            nonlocal rest
            *lines, rest = (rest + piece).split(b"\n")
            for event in events.events(b"\n".join(lines).decode("utf-8", "replace")):
                for line in events.describe(event):
                    self.say(phase, line.replace(tree, ""), todo_id)

        return news

    def agent_environment(self, home: str) -> tuple[dict[str, str], dict[str, str]]:
        """The agent's environment, and the part of it that is secret. Without an API key it is the user's own login."""
        agent = settings().agent
        key_field = settings().vault.api_key_field
        if not key_field:
            return command.environment(self.devvm.path, self.machine.home, agent.base_url), {}
        key = vault.field(dict(self.secret), key_field, settings().vault)
        return command.environment(self.devvm.path, home, agent.base_url), {"ANTHROPIC_API_KEY": key}


@contextmanager
def opened(run_id: str, todo_id: str = "", *, takes: bool = False, leaves: bool = False) -> Iterator[Bench]:
    """Log in to Vault, open the run's DevVM (one of the pool takes it when it has none yet), close it after.

    `takes` and `leaves` are about the connection alone (`pipelines/left.py`): what Vault holds is asked for each time.
    The bench is in the worktree of the TODO, without one in the run's own.
    """
    run = ledger().runs.get(run_id)
    repository = repository_of(run)
    secret = vault.read_secret(settings().vault)
    key = vault.field(secret, settings().vault.ssh_key_field, settings().vault)
    tell = partial(say, run_id, "devvm")
    with pool.taken(settings(), ledger(), run_id, key, tell, takes=takes, leaves=leaves) as (devvm, client):
        machine = over(client, devvm.name)
        workspace = Workspace(machine, devvm.workspace, repository, run_id, todo_id)
        terraform = Terraform(machine, repository, workspace.tree, f"{workspace.folder}/terraform", devvm.path)
        branch = Branch(workspace.git, repository)
        bench = Bench(run, repository, machine, workspace, branch, terraform, devvm, secret)
        try:
            yield bench
        except FollowthroughError as error:
            # What a failure says is stored and shown; it often holds what a command on the DevVM printed.
            raise type(error)(error.reason, bench.hide(str(error))) from None


def bench_step(function: Callable[Concatenate[Bench, P], R]) -> Callable[Concatenate[str, P], R]:
    """A step on the run's DevVM, which is opened for it: called with the run's id where it takes the bench.

    A step that takes `todo` or `todo_id` after the bench works in the worktree of that TODO.
    """
    return _at_bench(function, takes=False, leaves=False)


def leading_step(function: Callable[Concatenate[Bench, P], R]) -> Callable[Concatenate[str, P], R]:
    """A bench step on the way to an agent: it takes the connection that the one before it left, and leaves its own."""
    return _at_bench(function, takes=True, leaves=True)


def arriving_step(function: Callable[Concatenate[Bench, P], R]) -> Callable[Concatenate[str, P], R]:
    """The bench step to which those lead: it takes the connection that was left, and closes it."""
    return _at_bench(function, takes=True, leaves=False)


def _at_bench(
    function: Callable[Concatenate[Bench, P], R], *, takes: bool, leaves: bool
) -> Callable[Concatenate[str, P], R]:
    of_todo = list(signature(function).parameters)[1:2] in (["todo"], ["todo_id"])

    @functools.wraps(function)
    def at_bench(run_id: str, /, *args: P.args, **kwargs: P.kwargs) -> R:
        todo_id = getattr(args[0], "id", str(args[0])) if of_todo else ""
        with opened(run_id, todo_id, takes=takes, leaves=leaves) as bench:
            return function(bench, *args, **kwargs)

    return step(at_bench)


def over(client: SSHClient, name: str) -> DevVM:
    """The DevVM at the other end of a connection, which it closes."""
    return DevVM(name, partial(ssh.exchange, client), partial(ssh.listen, client), client.close)
