"""The post-mortems at a branch's tip, kept for pages: read from our mirror whenever it was brought up to date.

A push was looked into, results were written back, the reconciler looked ─► keep: which blobs are new? parse those alone

Nothing of a run depends on it. A document that cannot be read is kept with the reason; what fails otherwise is logged,
and the next look makes up for it.
"""

from __future__ import annotations

import logging
import time

from app.documents import history
from app.documents.parse import FILE_LIMIT
from app.edges.repository import Repository
from app.errors import BadInput, FollowthroughError
from app.guard.push import is_post_mortem
from app.ledger.documents import Seen, Tracked
from app.settings import RepositorySettings
from pipelines.bench import ledger, mirror, settings
from pipelines.durable import patiently, step

TEXT_LIMIT = 1_048_576
MOST_DOCUMENTS = 5_000
_LONGEST_PATH = 500
# Seconds between two documents: whoever begins a run meanwhile gets its turn.
_PAUSE = 0.01
# What a forge may take to answer for pages: the end of a run waits for it.
_FETCH_SECONDS = 60
log = logging.getLogger(__name__)


def keep_after_push(delivery_id: str) -> None:
    """As the last thing of a delivery that was looked into. Raises nothing that was foreseen."""
    delivery = patiently(ledger().deliveries.get, delivery_id)
    try:
        keep_documents(delivery.repository, delivery.after)
    except FollowthroughError as error:
        log.warning("keeping the post-mortems of %s: %s", delivery.repository, error)


@step
def keep_documents(name: str, commit: str) -> str:
    """Keep the post-mortems of a repository as they are on its branch, which holds this commit. Returns what was done.

    Only a mirror that lacks the commit is fetched again, and a forge that is away is not waited for.
    """
    repository = settings().repository_named(name)
    if repository is None:
        return "it is not in the configuration any more"
    return keep(repository, fetch=not mirror(name).has(commit))


def keep(repository: RepositorySettings, fetch: bool) -> str:
    """Keep the post-mortems as they are on the branch; `fetch`: bring our mirror up to date before. Says what was done.

    Raises nothing: it is nobody's work but the pages'.
    """
    try:
        ours = mirror(repository.name)
        ref = f"refs/heads/{repository.branch}"
        url = repository.clone_url
        tip = ours.sync(url, repository.branch, _FETCH_SECONDS) if fetch else ours.resolve(ref)
        said = _keep_tip(repository, ours, tip)
    except FollowthroughError as error:
        said = str(error)
        log.warning("keeping the post-mortems of %s: %s", repository.name, error)
    except Exception:
        said = "an error that nobody foresaw; see the service's log"
        log.exception("keeping the post-mortems of %s", repository.name)
    return said


def _keep_tip(repository: RepositorySettings, ours: Repository, tip: str) -> str:
    book, name = ledger().documents, repository.name
    looked = book.looked(name)
    if looked == tip:
        return "nothing is new"
    blobs, known = _post_mortems(repository, ours, tip), book.blobs(name)
    gone = known.keys() - blobs.keys()
    book.gone(name, sorted(gone))
    changed = sorted(path for path, (blob, _) in blobs.items() if known.get(path) != blob)
    for number, path in enumerate(changed):
        if number:
            time.sleep(_PAUSE)
        book.keep(_seen(repository, ours, tip, path, *blobs[path]), first=not looked)
    book.note_look(name, tip)
    said = f"{len(changed)} of {len(blobs)} post-mortems are new or changed, {len(gone)} are gone"
    log.info("kept the post-mortems of %s at %s: %s", name, tip[:12], said)
    return said


def _post_mortems(repository: RepositorySettings, ours: Repository, tip: str) -> dict[str, tuple[str, int]]:
    found = {
        path: facts
        for path, facts in sorted(ours.blobs(tip).items(), reverse=True)
        if is_post_mortem(path, repository.post_mortems) and len(path) <= _LONGEST_PATH and path.isprintable()
    }
    if len(found) > MOST_DOCUMENTS:
        log.warning("%s has %d post-mortems; %d are kept", repository.name, len(found), MOST_DOCUMENTS)
    return dict(list(found.items())[:MOST_DOCUMENTS])


def _seen(repository: RepositorySettings, ours: Repository, tip: str, path: str, blob: str, size: int) -> Seen:
    """A document as it is kept; one that nothing can be made of, with the reason."""
    place = (repository.name, path, blob, tip)
    if size > TEXT_LIMIT:
        why = f"too-large: {size} bytes; a post-mortem may have {FILE_LIMIT}, and one of {TEXT_LIMIT} is shown"
        return Seen(*place, "", failure=why)
    data = ours.read(tip, path)
    text = data.decode("utf-8", "replace")
    try:
        document, entries = history.read(data, path, settings().documents.vocabulary)
    except BadInput as error:
        return Seen(*place, text, failure=f"{error.reason}: {error}")
    except Exception as error:
        log.exception("reading %s of %s", path, repository.name)
        return Seen(*place, text, failure=f"internal-error: {type(error).__name__}; see the service's log")
    tracked = [
        Tracked(e.item.id, e.item.action, e.type, e.item.status != "done", e.due, e.closed_on, e.closed_by)
        for e in entries
    ]
    head = (document.title or "", document.date or "", document.severity or "")
    return Seen(*place, text, *head, [entry.shown for entry in entries], tracked)
