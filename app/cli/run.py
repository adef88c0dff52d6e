"""`followthrough run`: the main job for a checkout, here or by the service that holds the database."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from socket import gethostname
from typing import Any, NoReturn

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.cli.person import person
from app.edges.repository import Repository
from app.errors import BadInput, Failed
from app.guard.push import is_post_mortem
from app.ledger import Ledger
from app.ledger.actions import Action
from app.ledger.runs import Run, Todo
from app.main import compose, execute, leave
from app.redact import redact
from app.settings import RepositorySettings, Settings
from pipelines import durable, intake, postmortem_todos, telling

# A run whose flow broke gets no outcome; that is asked of the engine once in so many rounds.
_LOOK_EVERY = 20
EXIT_CODES = {"done": 0, "nothing-to-do": 0, "partial": 4, "needs-human": 4}


def run_checkout(settings: Settings, folder: Path, file: Path | None, dry_run: bool, wait: bool) -> int:
    """Follow the checked-out commit's post-mortems through; returns the exit code."""
    checkout = Repository(folder.resolve())
    repository = _configured(settings, checkout)
    commit = checkout.resolve("HEAD")
    ledger = compose(settings)
    paths = [_inside(checkout, commit, folder, file, repository)] if file else _all(repository, checkout, commit)
    if dry_run or repository.mode == "dry-run":
        return _say_what_would_be_done(settings, repository, checkout, commit, paths)
    if not paths:
        console.print(f"nothing to do: no post-mortem at {commit[:7]} has an open TODO that a machine may do")
        return 0
    runs = [_asked_for(ledger, repository.name, commit, path, str(checkout.path)) for path in paths]
    if not ledger.workers.living(settings.workers.dead_after_seconds):
        try:
            end = execute(settings, ledger, f"{gethostname()}-run")
        except Failed as error:
            if error.reason != "already-running":
                raise
        else:
            _do(settings, ledger, runs, end)
    for run in runs:
        durable.hand_over(settings.database.url, "follow_through", run.id, run.repository)
        console.print(f"handed to the running service: {settings.server.public_url}/api/runs/{run.id}")
    return _follow(settings, ledger, runs) if wait else 0


def _asked_for(ledger: Ledger, repository: str, commit: str, path: str, source: str) -> Run:
    with ledger.actions.noted(Action(f"cli:{person()}", "start", subject=f"{repository} {path}")):
        return intake.asked_for(repository, commit, path, source)


def _do(settings: Settings, ledger: Ledger, runs: Sequence[Run], end: Callable[[], None]) -> NoReturn:
    """Execute the runs here, and end the process with them.

    Pipelines keep threads that wait for work; an ordinary exit would wait for them, and break their steps.
    """
    try:
        for run in runs:
            durable.start(postmortem_todos.follow_through, run.id, lane=run.repository)
        code = _follow(settings, ledger, runs)
        if why := telling.drain(ledger, [run.id for run in runs], durable.BRIEFLY):
            console.print(Text(f"not told yet, the next run or `serve` does it: {redact(why)}"), soft_wrap=True)
    except KeyboardInterrupt:
        console.print("stopped; what goes on on the DevVM is taken up by the next run or by serve")
        code = 130
    end()
    leave(code)


def _configured(settings: Settings, checkout: Repository) -> RepositorySettings:
    """The configured repository that a checkout is of, by its remotes; the only one there is needs no match."""
    origins = {_plain(url) for url in checkout.origins()}
    found = [r for r in settings.repository if origins & {_plain(r.clone_url), _plain(r.push_url), r.name.lower()}]
    if not found and len(settings.repository) == 1:
        found = settings.repository
    if len(found) != 1:
        names = ", ".join(r.name for r in settings.repository) or "none"
        message = f"running for {checkout.path}: it matches {len(found)} of the configured repositories ({names})"
        raise BadInput("repository-not-configured", f"{message}; its remote must be a configured clone_url")
    return found[0]


def _plain(url: str) -> str:
    """git@host:owner/name.git and https://host/owner/name as the same text; for the forge's path alone, its name."""
    return re.sub(r"^(\w+://)?([^@/]*@)?", "", url.lower()).replace(":", "/").removesuffix("/").removesuffix(".git")


def _inside(checkout: Repository, commit: str, folder: Path, file: Path, repository: RepositorySettings) -> str:
    root = folder.resolve()
    absolute = file if file.is_absolute() else root / file
    path = absolute.resolve().relative_to(root).as_posix() if absolute.resolve().is_relative_to(root) else str(file)
    if path not in checkout.files(commit):
        message = f"running for {file}: HEAD ({commit[:7]}) of {root} has no such file; commit it first"
        raise BadInput("file-not-committed", message)
    if not is_post_mortem(path, repository.post_mortems):
        message = f"running for {path}: it does not match repository.post_mortems ({repository.post_mortems})"
        raise BadInput("not-a-post-mortem", message)
    return path


def _all(repository: RepositorySettings, checkout: Repository, commit: str) -> list[str]:
    paths = [path for path in checkout.files(commit) if is_post_mortem(path, repository.post_mortems)]
    return intake.with_work(repository, checkout, commit, paths)


def _say_what_would_be_done(
    settings: Settings, repository: RepositorySettings, checkout: Repository, commit: str, paths: Sequence[str]
) -> int:
    agent, machines = settings.agent, ", ".join(d.name for d in settings.devvm) or "none configured"
    for path in paths:
        todos = intake.look_at(repository, checkout, commit, path)
        console.print(_table(path, [_would(todo) for todo in todos]))
    console.print(
        f"dry run at {commit[:7]}: nothing was changed. Each TODO marked 'agent' would go to {agent.model} on\n"
        f"one of [{machines}] that answers, for at most ${agent.todo_budget_usd:.2f}, and then through\n"
        f"  plan:  {repository.plan} -input=false -out=FILE -detailed-exitcode\n"
        f"  apply: {repository.apply} FILE   only when the plan destroys, replaces and forgets nothing",
        markup=False,
        soft_wrap=True,
    )
    return 0


def _would(todo: Todo) -> dict[str, Any]:
    doing = {"outcome": "agent", "reason": ""} if todo.safe else {"outcome": "needs-human", "reason": todo.reason}
    return {"action": todo.action, "priority": todo.priority, "type": todo.type, **doing, "commit": "", "message": ""}


def _follow(settings: Settings, ledger: Ledger, runs: Sequence[Run]) -> int:
    """Print what happens until every run has an outcome; returns the exit code of the worst."""
    seen = dict.fromkeys((run.id for run in runs), 0)
    waiting = list(runs)
    for rounds in itertools.count():
        if not waiting:
            break
        for run in list(waiting):
            over = ledger.runs.row(run.id)["finished_at"] is not None
            if not over and rounds % _LOOK_EVERY == _LOOK_EVERY - 1:
                over = durable.is_over(settings.database.url, "follow_through", run.id)
            for event in ledger.runs.events(run.id, seen[run.id]):
                seen[run.id] = event["id"]
                console.print(Text(f"{event['at'][11:19]} {event['phase']:<10} {event['text']}"), soft_wrap=True)
            if over:
                waiting.remove(run)
        time.sleep(0.3 if waiting else 0)
    outcomes = []
    for run in runs:
        row = ledger.runs.row(run.id)
        outcomes.append(row["outcome"])
        said = row["outcome"] or "broken off without an outcome, see the service's log"
        console.print(_table(f"{run.post_mortem}: {said}, ${row['cost_usd']:.2f}", ledger.runs.todos(run.id)))
        if row["message"]:
            console.print(Text(f"{row['reason']}: {row['message']}"), soft_wrap=True)
    return max((EXIT_CODES.get(o, 1) for o in outcomes), key=[0, 4, 1].index)


def _table(title: str, todos: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=Text(redact(title)), title_justify="left")
    for column in ("priority", "type", "action", "outcome", "commit", "why"):
        table.add_column(column)
    for todo in todos:
        why = " ".join(part for part in (todo["reason"], todo["message"]) if part)
        cells = (todo["priority"], todo["type"], todo["action"], todo["outcome"] or "", todo["commit"][:7], why)
        table.add_row(*(Text(redact(cell)) for cell in cells))
    return table
