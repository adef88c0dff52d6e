"""The words in which a run is told: commit messages, outcomes. One vocabulary, no I/O. Slack's are in `app/blocks.py`.

TODO text is data (SECURITY.md A18): it is cut, its markup is neutralised, and it never starts a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.checks import Check
from app.redact import redact

TRAILER_RUN = "Followthrough-Run"
TRAILER_TODO = "Followthrough-Todo"
TRAILER_VERIFIED = "Verified"
TRAILER_UNVERIFIED = "Not-Verified"
AGENT = "postmortem-todo-resolver"
_CO_AUTHOR = f"Co-Authored-By: {AGENT} <noreply@followthrough.invalid>"
_ACTION_LENGTH = 72


def one_line(text: str, length: int = _ACTION_LENGTH) -> str:
    """Text as one printable line of at most `length` characters."""
    flat = " ".join(redact(text).split())
    return flat if len(flat) <= length else flat[: length - 1].rstrip() + "…"


def todo_commit(action: str, incident: str, run_id: str, todo_id: str, seen: Sequence[Check] = ()) -> str:
    """The message of the commit of one TODO, with its trailers. `incident` is PM-YYYY-MM-DD, `seen` what was checked.

    "@", "#" and brackets are left out of what others wrote: they would mention people, close issues or skip CI.
    """
    said = one_line(_quiet(action))
    checks = [f"{TRAILER_VERIFIED if c.ok else TRAILER_UNVERIFIED}: {one_line(_quiet(c.said), 200)}" for c in seen]
    lines = "\n".join([*trailers(run_id, todo_id), *checks, _CO_AUTHOR])
    return f"fix(post-mortem): {said} [{incident}]\n\n{lines}\n"


def _quiet(text: str) -> str:
    # A password in an address is known by the sign behind it.
    return re.sub(r"[@#\[\]]", "", redact(text))


def trailers(run_id: str, todo_id: str) -> tuple[str, str]:
    """The two lines by which the commit of a TODO is found again."""
    return f"{TRAILER_RUN}: {run_id}", f"{TRAILER_TODO}: {todo_id}"


def run_of(message: str) -> str:
    """The run that made a commit, by its message; empty when none did."""
    found = re.search(rf"^{TRAILER_RUN}: (\S+)$", message, re.MULTILINE)
    return found[1] if found else ""


def was_verified(message: str) -> bool:
    """Whether a commit's message tells of no check that came out badly."""
    return re.search(rf"^{TRAILER_UNVERIFIED}: ", message, re.MULTILINE) is None


def follow_up_commit(incident: str, run_id: str) -> str:
    """The message of the commit that writes the results into the post-mortem."""
    return f"docs: update post-mortem follow-up [{incident}] [ci skip]\n\n{TRAILER_RUN}: {run_id}\n{_CO_AUTHOR}\n"


def is_own_commit(log_entry: str, author: str) -> bool:
    """Whether a commit, given as `Author <mail>` and then its message, is one that a run made."""
    head, _, message = log_entry.partition("\n")
    return head == author and re.search(rf"^{TRAILER_RUN}: \S+$", message, re.MULTILINE) is not None


def run_outcome(outcomes: Sequence[str]) -> str:
    """What came of a run, from the outcomes of the TODOs that it took on (not of those that it left to people).

    The first that applies: none taken on, nothing-to-do; any unknown, unknown; all done, done; some done, partial;
    all cancelled, cancelled; all failed or cancelled, failed; else needs-human.
    """
    found = set(outcomes)
    if not found:
        return "nothing-to-do"
    if "unknown" in found:
        return "unknown"
    if "done" in found:
        return "done" if found == {"done"} else "partial"
    if found == {"cancelled"}:
        return "cancelled"
    return "failed" if found <= {"failed", "cancelled"} else "needs-human"
