"""How far a branch was looked into: what nobody has to look into again, and what a lost webhook left out.

`since ─ ─ ─► commit` of a branch's tip in the ledger: what came in between was looked into. What `since` holds was
there when the branch was first looked at; a late webhook about it is still followed.
"""

from __future__ import annotations

from dataclasses import replace

from app.edges.devgit import AUTHOR
from app.edges.repository import Repository
from app.guard.push import NO_COMMIT
from app.ledger.deliveries import Delivery
from app.ledger.tips import Tip
from app.messages import is_own_commit
from app.settings import RepositorySettings
from pipelines.bench import ledger

_AUTHOR = f"{AUTHOR[0]} <{AUTHOR[1]}>"


def find(repository: RepositorySettings) -> Tip | None:
    """How far the configured branch was looked into, None when it never was."""
    return ledger().tips.find(repository.name, repository.branch)


def is_known(ours: Repository, before: str, after: str) -> bool:
    """Whether what a push changed can be told from its two commits; not so for a first push or a force push."""
    return before != NO_COMMIT and ours.is_ancestor(before, after)


def is_own(ours: Repository, before: str, after: str) -> bool:
    """Whether every commit that came from one to the other was made by a run."""
    return all(is_own_commit(entry, _AUTHOR) for entry in ours.messages(before, after))


def changed_by_others(ours: Repository, before: str, after: str) -> list[str]:
    """Files that differ between two commits and that somebody else than a run touched on the way."""
    changed, line = ours.changed_files(before, after), ours.line(before, after)
    parents = [*(commit for commit, _ in line[1:]), before]
    theirs = [
        (parent, commit)
        for (commit, entry), parent in zip(line, parents, strict=True)
        if not is_own_commit(entry, _AUTHOR)
    ]
    if len(theirs) == len(line):
        return changed
    touched = {path for parent, commit in theirs for path in ours.changed_files(parent, commit)}
    return [path for path in changed if path in touched]


def was_followed(ours: Repository, repository: RepositorySettings, delivery: Delivery) -> bool:
    """Whether all that a delivery tells of was looked into, by what our mirror holds. Never so for a first push."""
    tip = find(repository)
    if tip is None or delivery.before == NO_COMMIT or not ours.is_there():
        return False
    return ours.is_ancestor(delivery.after, tip.commit) and not ours.is_ancestor(delivery.after, tip.since)


def still_new(ours: Repository, repository: RepositorySettings, delivery: Delivery) -> Delivery | None:
    """The delivery without what was looked into already; None when that is all of it. A first push is never less."""
    tip = find(repository)
    if tip is None or delivery.before == NO_COMMIT:
        return delivery
    if was_followed(ours, repository, delivery):
        return None
    in_part = not tip.since or ours.is_ancestor(tip.since, delivery.before)
    in_part = in_part and ours.is_ancestor(delivery.before, tip.commit)
    if in_part and ours.is_ancestor(tip.commit, delivery.after):
        return replace(delivery, before=tip.commit)
    return delivery


def note(ours: Repository, repository: RepositorySettings, delivery: Delivery, head: str) -> None:
    """A delivery was looked into: go on to its commit, where nothing that came before it was left out.

    Forward only, or to where a rewritten branch is; `head` is the branch's commit now. Where a push before this one was
    not told of, the tip stays, and the reconciler finds what is missing.
    """
    before, after, tip = delivery.before, delivery.after, find(repository)
    if not ours.is_ancestor(after, head):
        return
    known = is_known(ours, before, after)
    if tip is None:
        to = Tip(after, before if known else "")
    elif not known:
        to = Tip(after, "")
    elif _reaches(ours, tip.commit, before):
        to = Tip(_without_gap(ours, repository, after, head), tip.since)
    else:
        return
    if tip is None or after == tip.commit or not ours.is_ancestor(after, tip.commit):
        ledger().tips.move(repository.name, repository.branch, tip, to)


def pass_over(repository: RepositorySettings, commit: str) -> None:
    """Begin at this commit: nothing that it holds is looked into, unless a webhook tells of it."""
    ledger().tips.move(repository.name, repository.branch, find(repository), Tip(commit, commit))


def step_over(repository: RepositorySettings, tip: Tip, commit: str) -> None:
    """Go on from a tip over commits that were made by runs."""
    ledger().tips.move(repository.name, repository.branch, tip, Tip(commit, tip.since))


def _without_gap(ours: Repository, repository: RepositorySettings, commit: str, head: str) -> str:
    """Where a branch was looked into from this commit on: deliveries that came before their turn were looked into then.

    Without it the reconciler would take what they told of for new, and start their runs once more.
    """
    ref = f"refs/heads/{repository.branch}"
    while commit != head:
        later = ledger().tips.followed_from(repository.name, ref, commit)
        onward = [c for c in later if c != commit and ours.is_ancestor(commit, c) and ours.is_ancestor(c, head)]
        if not onward:
            break
        commit = onward[0]
    return commit


def _reaches(ours: Repository, commit: str, before: str) -> bool:
    """Whether nothing but our own commits lies between what was looked into and where a push began."""
    if ours.is_ancestor(before, commit):
        return True
    return ours.is_ancestor(commit, before) and is_own(ours, commit, before)
