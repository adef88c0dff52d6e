"""What post-mortems claim as done, and what the running system says of it now.

A claim is asked about by what was recorded when it was done. One that was done by hand is asked about by its words:
an alert by its name, a monitor by what it watches or is called.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Literal

from app.agent.asked import asked, verification_of
from app.checks import LASTING, Check
from app.documents.model import Document, Item
from app.errors import FollowthroughError
from app.guard.monitors.inventory import same_name
from app.guard.monitors.plan import Known
from app.settings import RepositorySettings, Settings
from pipelines.watching import Servers, monitor_check, one_line, rule_check

State = Literal["holds", "gone", "unwell", "not-checked"]
NOTHING_RECORDED = "claimed, nothing recorded that could be asked"
_GONE = ("alert-not-loaded", "monitor-gone")
_SAYS: dict[State, str] = {
    "holds": "holds",
    "gone": "is gone",
    "unwell": "is unwell",
    "not-checked": "cannot be judged yet",
}


@dataclass(frozen=True)
class Claim:
    """One thing that is claimed as done. `kind` is how it can be asked about, empty for not at all.

    `subject` is the rule's or the monitor's name. `run_id` is empty for what was done by hand: then `targets` are what
    a monitor would watch, and `subject` the text that may hold a monitor's name. `incident` is PM-YYYY-MM-DD.
    """

    post_mortem: str
    incident: str
    todo_id: str
    action: str
    kind: Literal["prometheus-rule", "uptime-kuma", ""] = ""
    subject: str = ""
    run_id: str = ""
    number: int = 0
    targets: tuple[str, ...] = ()


@dataclass(frozen=True)
class Looked:
    """What came of asking about a claim: a sentence for people, and the check when there was an answer."""

    claim: Claim
    state: State
    sentence: str
    check: Check | None = None


def recorded(rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Claims from rows of the ledger's checks, those of a kind that can be asked again."""
    return [_recorded(row) for row in rows if row["kind"] in LASTING]


def _recorded(row: Mapping[str, Any]) -> Claim:
    number = re.match(r"id=(\d{1,9})\b", row["answer"])
    return Claim(
        row["post_mortem"],
        _incident(row["post_mortem"], row["incident_date"]),
        row["todo_id"],
        row["action"],
        row["kind"],
        row["subject"],
        row["run_id"],
        int(number[1]) if number else 0,
    )


def of_document(document: Document, post_mortem: str, rows: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Everything that a document calls done, and what is recorded of it. `rows` are the ledger's for this document."""
    known = recorded(rows)
    asked_again = {claim.todo_id for claim in known}
    seen = {row["todo_id"] for row in rows}
    claims = list(known)
    for item in document.done:
        base = Claim(post_mortem, _incident(post_mortem, document.date or ""), item.id, item.action)
        if item.id in seen - asked_again:
            claims.append(base)
        elif item.id not in seen:
            claims += _by_words(base, item)
    order = {item.id: item.line for item in document.items}
    return sorted(claims, key=lambda claim: order.get(claim.todo_id, 0))


def _by_words(base: Claim, item: Item) -> Iterator[Claim]:
    """What the words of an item that was done by hand let us ask, else the claim as it is."""
    wants = asked(item.action, item.details)
    proof = verification_of(item.declared.type or "", item.action, item.details)
    if proof == "alert" and wants.alert_names:
        for name in wants.alert_names:
            yield replace(base, kind="prometheus-rule", subject=name)
    elif proof == "monitor":
        text = re.sub(r"up-?time[ -]?kuma", " ", f"{item.action} {item.details}", flags=re.IGNORECASE)
        yield replace(base, kind="uptime-kuma", subject=text, targets=wants.targets)
    else:
        yield base


def look_at(claims: Sequence[Claim], repository: RepositorySettings, settings: Settings) -> list[Looked]:
    """Ask about each claim. Raises nothing of what it asks: a server that does not answer makes claims not checked.

    Logs in to Vault only when something is to be asked that wants a secret.
    """
    with ExitStack() as until_done:
        servers = Servers(repository, settings, until_done)
        return [_look(claim, servers) for claim in claims]


def _look(claim: Claim, servers: Servers) -> Looked:
    if not claim.kind:
        return Looked(claim, "not-checked", NOTHING_RECORDED)
    try:
        check = _rule(claim, servers) if claim.kind == "prometheus-rule" else _monitor(claim, servers)
    except FollowthroughError as error:
        why = one_line(str(error), 300, servers.hide)
        return Looked(claim, "not-checked", f"{_named(claim, claim.subject)} was not asked about: {why}")
    if check is None:
        return Looked(claim, "not-checked", NOTHING_RECORDED)
    check = replace(check, answer=servers.hide(check.answer))
    return Looked(claim, state_of(check), told(claim, check), check)


def told(claim: Claim, check: Check, again: str = "") -> str:
    """What an answer says of a claim, in one sentence; `again` is put behind that it holds."""
    state = state_of(check)
    return f"{_named(claim, check.subject)} {_SAYS[state]}{again if state == 'holds' else ''}: {_why(check)}"


def state_of(check: Check) -> State:
    """What an answer says of the claim. A rule that is loaded and not evaluated yet says nothing."""
    if check.ok:
        return "holds"
    if check.reason == "alert-not-evaluated":
        return "not-checked"
    return "gone" if check.reason in _GONE else "unwell"


def _why(check: Check) -> str:
    if check.reason == "alert-not-loaded":
        return "no rule of that name is loaded in Prometheus"
    return check.answer


def _named(claim: Claim, subject: str) -> str:
    if claim.kind == "uptime-kuma" and subject == claim.subject and not claim.run_id:
        subject = f"of {one_line(claim.action, 80)!r}"
    what = "alert" if claim.kind == "prometheus-rule" else "monitor"
    return f"the {what} {subject} that closed {claim.incident}"


def _rule(claim: Claim, servers: Servers) -> Check:
    return rule_check(claim.subject, servers.rules(), hide=servers.hide)


def _monitor(claim: Claim, servers: Servers) -> Check | None:
    """What the claim's monitor says now; None where its words do not say which monitor that would be."""
    kuma, there = servers.monitors()
    found = _of_record(claim, there) if claim.run_id else _of_words(claim, there)
    if found is None and not claim.run_id and not claim.targets:
        return None
    if found is None:
        return Check("uptime-kuma", claim.subject, False, _missing(claim), "monitor-gone")
    name = claim.subject if claim.run_id else one_line(found.name)
    if not found.active:
        return Check("uptime-kuma", name, False, f"id={found.id} is paused", "monitor-silent", kuma.link(found.id))
    return monitor_check(name, found.id, kuma.heartbeat(found.id, 0), kuma.link(found.id), servers.hide)


def _missing(claim: Claim) -> str:
    if not claim.run_id:
        return f"no monitor in Uptime Kuma watches {', '.join(claim.targets)}"
    # The number stays in the record: the monitor may come back under another name.
    return f"id={claim.number} is not in Uptime Kuma" if claim.number else "no monitor of that name is in Uptime Kuma"


def _of_record(claim: Claim, there: Sequence[Known]) -> Known | None:
    """By name, else by the number that it had: one that was adopted or renamed has another name."""
    named = [known for known in there if same_name(known.name) == same_name(claim.subject)]
    numbered = [known for known in named or there if known.id == claim.number]
    return next(iter(numbered or named), None)


def _of_words(claim: Claim, there: Sequence[Known]) -> Known | None:
    """By what it watches, else the longest name that stands in the words."""
    wanted = {_spelt(target) for target in claim.targets}
    watching = next((known for known in there if known.target and _spelt(known.target) in wanted), None)
    text = f" {_words(claim.subject)} "
    called = [known for known in there if (name := _words(known.name)) and f" {name} " in text]
    return watching or max(called, key=lambda known: len(known.name), default=None)


def _words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def _spelt(target: str) -> str:
    bare = re.sub(r"^[a-z]+://", "", target.lower()).rstrip("/.")
    return re.sub(r"(?<=[a-z.]):(?:80|443)$", "", bare)


def _incident(post_mortem: str, date: str) -> str:
    return f"PM-{date}" if date else post_mortem.rpartition("/")[2].removesuffix(".md")
