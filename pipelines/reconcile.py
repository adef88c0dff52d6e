"""Pushes that no webhook told of: each branch is compared with how far it was looked into, every so often.

    serve ─► begin, at the start and once a slot ─► look_for_pushes, for each repository, in the lane of its pushes
                                                      what came to nothing because the forge was away is taken up again
                                                      what nobody told of becomes a delivery ─► follow_push

A find goes the way of a webhook's delivery, and one that comes later starts nothing twice. A look that cannot reach
the forge changes nothing: the next one sees the same.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from app.edges.repository import Repository
from app.errors import FollowthroughError
from app.guard.push import NO_COMMIT
from app.ledger.deliveries import HELD_BACK, Delivery
from app.settings import RepositorySettings
from pipelines import documents, looked
from pipelines.bench import ledger, mirror, settings
from pipelines.durable import start, step, workflow
from pipelines.postmortem_todos import follow_push

EVENT = "reconcile"
log = logging.getLogger(__name__)
# Repositories that could not be looked at when last tried: said once, not at every look.
_unreachable: set[str] = set()


@dataclass(frozen=True)
class Look:
    """What a look at one branch came to: a sentence, and the names under which deliveries are handed over now."""

    subjects: list[str]
    said: str


@workflow
def look_for_pushes(subject: str) -> None:
    """One look at one repository, `SLOT NAME`; the slot is when it was due, which makes it happen once."""
    slot, name = subject.split(" ")
    try:
        found = look_at_branch(slot, name)
    except FollowthroughError as error:
        log.error("looking for pushes to %s: %s", name, error)
        return
    for delivery in found.subjects:
        start(follow_push, delivery, lane=lane_of(name))


@step
def look_at_branch(slot: str, name: str) -> Look:
    """The look of a slot. It does not wait for a forge that cannot be reached: the next slot is its next try."""
    repository = settings().repository_named(name)
    if repository is None:
        return Look([], "it is not in the configuration any more")
    try:
        found = look(repository)
        documents.keep(repository, fetch=False)
    except FollowthroughError as error:
        if name not in _unreachable:
            _unreachable.add(name)
            log.warning("pushes to %s that no webhook tells of cannot be seen: %s", name, error)
        return Look([], str(error))
    _unreachable.discard(name)
    log.log(logging.INFO if found.subjects else logging.DEBUG, "looked for pushes to %s: %s", name, found.said)
    return found


def look(repository: RepositorySettings, everything: bool = False) -> Look:
    """Compare the branch with how far it was looked into, and keep what is new as a delivery.

    `everything`: as if all of the branch were new; a person asks for that. Raises Transient when the forge is away.
    """
    ours = mirror(repository.name)
    head = ours.sync(repository.clone_url, repository.branch)
    waiting = ledger().deliveries.open(repository.name)
    subjects = [ledger().deliveries.subject(delivery.id) for delivery in waiting]
    if not everything and any(delivery.after == head for delivery in waiting):
        return Look(subjects, f"{_short(repository, head)}, which a delivery tells of that is not followed yet")
    found = _find(ours, repository, head, everything)
    again = f"{len(subjects)} deliveries are taken up again; " if subjects else ""
    return Look([*subjects, *found.subjects], f"{again}{found.said}")


def begin(due: float) -> None:
    """Start a look at each repository that was due at this time (seconds since 1970), if it has not been."""
    at = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    for repository in settings().repository:
        start(look_for_pushes, f"{at} {repository.name}", lane=lane_of(repository.name))


def lane_of(name: str) -> str:
    """Where deliveries of a repository go one after the other."""
    return f"push {name}"


def _find(ours: Repository, repository: RepositorySettings, head: str, everything: bool) -> Look:
    """What no delivery told of."""
    last, at = looked.find(repository), _short(repository, head)
    if everything:
        return _deliver(_delivery(repository, NO_COMMIT, head, "all"), f"{at}; everything in it")
    if last is None:
        looked.pass_over(repository, head)
        return Look([], f"{at}; what was pushed before this first look is left alone (reconcile --all looks into it)")
    if ours.is_ancestor(head, last.commit):
        return Look([], f"{at}; nothing is new")
    if looked.is_known(ours, last.commit, head) and looked.is_own(ours, last.commit, head):
        looked.step_over(repository, last, head)
        return Look([], f"{at}; only commits of runs are new")
    delivery = _delivery(repository, last.commit, head, "")
    if repository.allowed_pushers:
        return _hold_back(repository, delivery, at)
    return _deliver(delivery, f"{at}; what came after {last.commit[:12]}")


def _delivery(repository: RepositorySettings, before: str, after: str, kind: str) -> Delivery:
    """A find as a delivery. Its id is made from repository and commit: the same find is one delivery."""
    made = hashlib.sha256(f"{repository.name.lower()} {repository.branch} {after} {kind}".encode()).hexdigest()[:32]
    ref = f"refs/heads/{repository.branch}"
    return Delivery(f"{EVENT}-{made}", "git", EVENT, repository.name, ref, before, after, "", "accepted", "", "")


def _deliver(delivery: Delivery, what: str) -> Look:
    """Keep the find; one that was kept before goes on where it was, which may be at its end."""
    new = ledger().deliveries.store(delivery)
    subject = ledger().deliveries.subject(delivery.id)
    if new:
        return Look([subject], f"{what} is delivery {delivery.id}")
    if subject:
        return Look([subject], f"{what} is delivery {delivery.id}, taken up again")
    known = ledger().deliveries.get(delivery.id)
    return Look([], f"{what} is delivery {delivery.id}, which came to {known.reason}: {known.message}")


def _hold_back(repository: RepositorySettings, delivery: Delivery, at: str) -> Look:
    """Git does not tell who pushed; where not everybody may start runs, a person has to say so."""
    message = f"who pushed it is not known, and allowed_pushers is set; followthrough replay {delivery.id} follows it"
    kept = Delivery(**{**vars(delivery), "decision": "ignored", "reason": HELD_BACK, "message": message})
    if ledger().deliveries.store(kept):
        log.warning("%s came to %s without a webhook: %s", delivery.after[:12], repository.name, message)
    looked.pass_over(repository, delivery.after)
    return Look([], f"{at}; {message}")


def _short(repository: RepositorySettings, head: str) -> str:
    return f"{repository.branch} is at {head[:12]}"
