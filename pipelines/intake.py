"""From a delivery to runs, and from a post-mortem to the TODOs of a run."""

from __future__ import annotations

import itertools
import logging
from dataclasses import asdict

from app.documents.model import Item
from app.documents.parse import parse
from app.edges.repository import Repository
from app.errors import BadInput, Failed
from app.guard.push import is_post_mortem
from app.guard.todo import judge_todo
from app.ledger.clock import today
from app.ledger.deliveries import TRY_AGAIN, Delivery
from app.ledger.runs import Run, Todo, by_priority
from app.settings import RepositorySettings
from pipelines import approval, looked, notices, room
from pipelines.bench import ledger, mirror, run_id_of, say, settings, source_of
from pipelines.values import Work

# The document still calls open what an earlier run has done.
DONE_BEFORE = "already-done"
log = logging.getLogger(__name__)


def runs_of(delivery_id: str) -> list[tuple[str, str]]:
    """The runs of an accepted delivery, recorded: (repository, run id) of each post-mortem that it changed.

    What changed is asked of git: the payload's own list is cut by the forge. A first push and a force push have no
    usable "before"; then every post-mortem is looked at, and those with a TODO that is not settled get a run. What was
    looked into before, by another delivery or the reconciler, is not looked into again, and the forge is not asked.
    """
    delivery = ledger().deliveries.get(delivery_id)
    repository = settings().repository_named(delivery.repository)
    if repository is None:
        raise Failed("repository-gone", f"{delivery.repository} is not in the configuration any more")
    ours = mirror(repository.name)
    if delivery.reason not in ("", *TRY_AGAIN):
        # Concluded, and cut short before this step's result was kept: the same again, whatever was looked into since.
        looked.note(ours, repository, delivery, ours.sync(repository.clone_url, repository.branch))
        return _to_begin(repository.name, ledger().runs.of_delivery(delivery_id))
    new = None
    if not looked.was_followed(ours, repository, delivery):
        tip = ours.sync(repository.clone_url, repository.branch)
        new = looked.still_new(ours, repository, delivery)
    if new is None:
        ledger().deliveries.conclude(delivery_id, "already-followed", "what it tells of was looked into before")
        return _to_begin(repository.name, ledger().runs.of_delivery(delivery_id))
    paths, reason, message = _changed_post_mortems(ours, new, repository, tip)
    dry = repository.mode == "dry-run"
    runs = [new_run(repository.name, delivery.after, path, delivery=delivery_id, dry_run=dry) for path in paths]
    for run in runs:
        ledger().runs.add(run)
    ledger().deliveries.conclude(delivery_id, reason, message)
    looked.note(ours, repository, delivery, tip)
    return _to_begin(repository.name, [run.id for run in runs])


def _to_begin(repository: str, run_ids: list[str]) -> list[tuple[str, str]]:
    """Those of the runs that are not over: the engine's own record of one that is may have been removed with time."""
    return [(repository, run_id) for run_id in run_ids if not ledger().runs.is_closed(run_id)]


def new_run(
    repository: str, commit: str, path: str, *, source: str = "", delivery: str = "", dry_run: bool = False
) -> Run:
    """A run as it begins; its id is made from repository, commit and path alone."""
    return Run(run_id_of(repository, commit, path), repository, path, commit, source, delivery, dry_run)


def asked_for(repository: str, commit: str, path: str, source: str) -> Run:
    """The run that a person asks for: the one that goes on for this commit, else a new one."""
    for again in itertools.count(1):
        run_id = run_id_of(repository, commit, path, again)
        run = Run(run_id, repository, path, commit, source)
        if ledger().runs.add(run) or ledger().runs.row(run_id)["finished_at"] is None:
            return run
    raise AssertionError("itertools.count ended")


def look_at(repository: RepositorySettings, source: Repository, commit: str, path: str) -> list[Todo]:
    """The open TODOs of one post-mortem as a run would take them, recording nothing."""
    document = parse(source.read(commit, path), path, settings().documents.vocabulary)
    settled = ledger().runs.settled(Run("", repository.name, path, commit))
    items = [*document.todos, *document.skipped]
    return [_todo(item, n, settled.get(item.id, ""), False) for n, item in enumerate(items)]


def with_work(repository: RepositorySettings, source: Repository, commit: str, paths: list[str]) -> list[str]:
    """Those of many post-mortems that hold a TODO for a machine, or one whose result they lack.

    A file that cannot be read holds none.
    """
    approval.expire()
    found = []
    for path in paths:
        try:
            if any(todo.safe or todo.reason == DONE_BEFORE for todo in look_at(repository, source, commit, path)):
                found.append(path)
        except BadInput as error:
            log.warning("%s at %s: %s", path, commit[:12], error)
    return found


def todos_of(run_id: str) -> Work:
    """The TODOs of a run that a machine may do, P0 first. The others are recorded as left to people, with reasons."""
    room.must_be_here()
    approval.expire()
    run = ledger().runs.get(run_id)
    data = source_of(run).read(run.commit, run.post_mortem)
    document = parse(data, run.post_mortem, settings().documents.vocabulary)
    ledger().runs.describe(run_id, title=document.title or "", incident_date=document.date or today())
    settled = ledger().runs.settled(run)
    items = [*document.todos, *document.skipped]
    todos = [_todo(item, position, settled.get(item.id, ""), run.dry_run) for position, item in enumerate(items)]
    ledger().runs.add_todos(run, todos)
    for todo in todos:
        if not todo.safe:
            ledger().runs.finish_todo(run_id, todo.id, "needs-human", todo.reason, "")
    doing = sorted((t for t in todos if t.safe), key=lambda t: by_priority(asdict(t)))
    say(run_id, "read", f"{len(doing)} TODOs to do, {len(todos) - len(doing)} left to people")
    notices.begun(run_id, document.severity or "", bool(run.delivery) and ledger().runs.is_first(run))
    return Work(doing, any(todo.reason == DONE_BEFORE for todo in todos))


def _todo(item: Item, position: int, settled: str, dry_run: bool) -> Todo:
    reason = item.reason
    if item.safe and settled:
        reason = f"already-{settled}"
    elif item.safe and not judge_todo(item.declared.type, item.line).allows:
        reason = "type-not-declared"
    elif item.safe and dry_run:
        reason = "dry-run"
    safe = item.safe and not reason
    priority, kind = item.priority or "", item.type or ""
    return Todo(item.id, position, item.line, item.action, item.details, priority, kind, safe, reason)


def _changed_post_mortems(
    ours: Repository, delivery: Delivery, repository: RepositorySettings, tip: str
) -> tuple[list[str], str, str]:
    if not ours.is_ancestor(delivery.after, tip):
        return [], "commit-gone", f"{delivery.after} is not on {repository.branch} any more"
    known = looked.is_known(ours, delivery.before, delivery.after)
    if known and looked.is_own(ours, delivery.before, delivery.after):
        return [], "own-commits", "every commit of this push was made by a run"
    changed = looked.changed_by_others(ours, delivery.before, delivery.after) if known else ours.files(delivery.after)
    paths = [path for path in changed if is_post_mortem(path, repository.post_mortems)]
    if not known:
        paths = with_work(repository, ours, delivery.after, paths)
    reason = "runs-started" if paths else "no-post-mortem-changed"
    return paths, reason, f"{len(paths)} post-mortems among {len(changed)} files"
