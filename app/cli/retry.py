"""`followthrough retry` and `replay`: a run, or a delivery, that a person wants to be tried once more."""

from __future__ import annotations

import getpass
import time
from dataclasses import replace

from app.cli.console import console
from app.errors import BadInput, Refused
from app.ledger import Ledger
from app.ledger.deliveries import HELD_BACK, Delivery
from app.ledger.runs import Run
from app.main import compose
from app.redact import redact
from app.settings import RepositorySettings, Settings
from pipelines import approval, bench, durable, intake, reconcile

_LOOK_SECONDS = 0.5


def retry(settings: Settings, run_id: str) -> int:
    """Begin a new run for the commit and the document of an earlier one. Returns 0.

    Raises Refused when nothing of it can be tried again, or it goes on still; BadInput when there is no such run.
    """
    ledger = compose(settings)
    try:
        run, row = ledger.runs.get(run_id), ledger.runs.row(run_id)
    except KeyError:
        raise BadInput("no-such-run", f"retrying {run_id}: there is no such run; see followthrough runs") from None
    if row["finished_at"] is None:
        raise Refused("run-goes-on", f"retrying {run_id}: it goes on still; followthrough runs {run_id} --follow")
    repository = bench.repository_of(run)
    if repository.mode == "dry-run":
        raise Refused("dry-run", f"retrying {run_id}: {repository.name} is in dry-run mode, nothing would be done")
    source = _source(run)
    _must_have_work(run, repository, source)
    again = intake.asked_for(repository.name, run.commit, run.post_mortem, source)
    durable.hand_over(settings.database.url, "follow_through", again.id, repository.name)
    _say(f"run {again.id}; the running service goes on with it, or the next one that starts")
    return 0


def replay(settings: Settings, delivery_id: str, wait: float) -> int:
    """Take a stored delivery up again and say what came of it within `wait` seconds. Returns 0, or 1 when it came to
    nothing once more.

    What was held back since nobody knew who pushed it is vouched for by whoever asks. Raises Refused for any other that
    was ignored, BadInput when there is no such delivery.
    """
    ledger = compose(settings)
    try:
        known = ledger.deliveries.get(delivery_id)
    except KeyError:
        message = f"replaying {delivery_id}: there is no such delivery; see /api/deliveries"
        raise BadInput("no-such-delivery", message) from None
    if known.reason == HELD_BACK:
        ledger.deliveries.vouch(delivery_id, getpass.getuser())
    elif known.decision != "accepted":
        message = f"replaying {delivery_id}: it was ignored ({known.reason}: {known.message})"
        raise Refused("delivery-ignored", f"{message}; followthrough run or reconcile looks at the branch itself")
    subject = ledger.deliveries.subject(delivery_id)
    if not subject:
        _say_outcome(ledger, known)
        _say("nothing is started twice; followthrough retry RUN tries a run again")
        return 0
    durable.hand_over(settings.database.url, "follow_push", subject, reconcile.lane_of(known.repository))
    deadline = time.monotonic() + wait
    while not durable.is_over(settings.database.url, "follow_push", subject):
        if time.monotonic() > deadline:
            _say(f"{delivery_id} is handed over; the running service goes on with it, or the next one that starts")
            return 0
        time.sleep(_LOOK_SECONDS)
    now = ledger.deliveries.get(delivery_id)
    _say_outcome(ledger, now)
    return 1 if ledger.deliveries.subject(delivery_id) else 0


def _source(run: Run) -> str:
    """Where the run's commit is, as a run has it: the checkout that it was started from, empty for our mirror."""
    for source in dict.fromkeys((run.source, "")):
        there = bench.source_of(replace(run, source=source))
        if there.path.is_dir() and there.has(run.commit):
            return source
    message = f"retrying {run.id}: its commit {run.commit[:12]} is not here any more"
    raise Refused("commit-gone", f"{message}; push the post-mortem again")


def _must_have_work(run: Run, repository: RepositorySettings, source: str) -> None:
    """Raises Refused with each TODO's reason when a new run would leave all of them to people."""
    approval.expire()
    there = bench.source_of(replace(run, source=source))
    todos = intake.look_at(repository, there, run.commit, run.post_mortem)
    if any(todo.safe for todo in todos):
        return
    why = "; ".join(f"{todo.action}: {todo.reason}" for todo in todos) or "it has no open TODO"
    raise Refused("nothing-to-retry", f"retrying {run.id}: nothing of it can be tried again ({why})")


def _say_outcome(ledger: Ledger, delivery: Delivery) -> None:
    _say(f"{delivery.id} came to {delivery.reason}: {delivery.message}")
    for run_id in ledger.runs.of_delivery(delivery.id):
        _say(f"run {run_id}")


def _say(text: str) -> None:
    console.print(redact(text), markup=False, soft_wrap=True)
