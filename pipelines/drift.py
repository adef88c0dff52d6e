"""Whether what post-mortems claim as done is still so: looked at every so often, and told when it changed.

    serve ─► begin, once a slot ─► look_for_drift: for each repository with a server to ask
                                     ask again about everything that was seen to work   (answers are kept)
                                     tell Slack what is gone or unwell since it was told last, and what holds again

A look changes nothing, so it goes on while everything is paused. A slot that was missed is not made up for.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

from app.errors import FollowthroughError
from app.settings import RepositorySettings
from pipelines import claims, notices
from pipelines.bench import ledger, settings
from pipelines.claims import Claim, Looked, State
from pipelines.durable import start, step, workflow

PHASE = "drift"
_STATES: tuple[State, ...] = ("holds", "gone", "unwell", "not-checked")
log = logging.getLogger(__name__)
# What could not be asked when last tried, by repository and kind of check: said once, not at every look.
_unanswered: dict[tuple[str, str], str] = {}


@workflow
def look_for_drift(slot: str) -> None:
    """One look at everything that was ever seen to work. `slot` is when it was due, which makes it happen once."""
    for name in watched_repositories(slot):
        try:
            changed = look_again(slot, name)
            if changed:
                tell_changes(slot, name, changed)
        except FollowthroughError as error:
            log.error("drift in %s was not told, the next look tries again: %s", name, error)


@step
def watched_repositories(slot: str) -> list[str]:
    """Names of the repositories with a Prometheus or an Uptime Kuma."""
    return [one.name for one in settings().repository if is_watched(one)]


@step
def look_again(slot: str, name: str) -> list[Looked]:
    """Ask about all that a repository's post-mortems claim and keep the answers; returns what people know otherwise."""
    repository = settings().repository_named(name)
    if repository is None:
        return []
    found = claims.look_at(_askable(repository), repository, settings())
    keep(found)
    _log(slot, name, found)
    return [looked for looked in found if looked.state not in ("not-checked", told_last(looked.claim))]


@step
def tell_changes(slot: str, name: str, changed: Sequence[Looked]) -> None:
    """What changed, to be told in one message; then it is written beside each run that people are told of it."""
    told = [(one.claim, one.state, claims.told(one.claim, one.check, " again")) for one in changed if one.check]
    notices.drifted(slot, name, [(state, sentence, claim.post_mortem) for claim, state, sentence in told])
    for claim, state, sentence in told:
        log.warning("drift in %s: %s", name, sentence)
        ledger().runs.note(claim.run_id, PHASE, f"{_key(state, claim)}{sentence}"[:4000], claim.todo_id)


def is_watched(repository: RepositorySettings) -> bool:
    """Whether there is a server that could be asked about what this repository's post-mortems claim."""
    return bool(repository.verify.prometheus or repository.verify.uptime_kuma)


def begin(due: float) -> None:
    """Start the look that was due at this time (seconds since 1970), if it has not been."""
    at = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    start(look_for_drift, at, lane=PHASE)


def keep(found: Sequence[Looked]) -> None:
    """Keep the answers about what the ledger knows, in place of the earlier ones."""
    for looked in found:
        if looked.check and looked.claim.run_id and looked.state != "not-checked":
            ledger().checks.keep(looked.claim.run_id, looked.claim.todo_id, [looked.check])


def told_last(claim: Claim) -> State:
    """What people were told last of a claim; that it is done, so that it holds, when nothing since."""
    events = [e for e in ledger().runs.events(claim.run_id) if e["phase"] == PHASE and e["todo_id"] == claim.todo_id]
    for event in reversed(events):
        for state in _STATES:
            if event["text"].startswith(_key(state, claim)):
                return state
    return "holds"


def _key(state: State, claim: Claim) -> str:
    return f"{state} [{claim.kind} {claim.subject}] "


def _askable(repository: RepositorySettings) -> list[Claim]:
    """The claims whose server is configured: what was never to be asked is not missing."""
    servers = {"prometheus-rule": repository.verify.prometheus, "uptime-kuma": repository.verify.uptime_kuma}
    return [claim for claim in claims.recorded(ledger().checks.claimed(repository.name)) if servers.get(claim.kind)]


def _log(slot: str, name: str, found: Sequence[Looked]) -> None:
    """One line for the look, and one for a server that has begun not to answer."""
    counts = Counter(looked.state for looked in found)
    told = " ".join(f"{state}={counts[state]}" for state in _STATES)
    log.info("looked for drift: repository=%s slot=%s claims=%d %s", name, slot, len(found), told)
    for kind in sorted({looked.claim.kind for looked in found}):
        silent = [looked for looked in found if looked.claim.kind == kind and looked.check is None]
        if not silent:
            _unanswered.pop((name, kind), None)
        elif (name, kind) not in _unanswered:
            _unanswered[name, kind] = slot
            log.warning("drift in %s cannot be seen: %s", name, silent[0].sentence)
