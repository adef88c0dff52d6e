"""The words in which a run is told: commit messages, the Slack message, outcomes. One vocabulary, no I/O.

TODO text is data (SECURITY.md A18): it is cut, its markup is neutralised, and it never starts a line of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.checks import Check
from app.redact import redact

TRAILER_RUN = "Followthrough-Run"
TRAILER_TODO = "Followthrough-Todo"
TRAILER_VERIFIED = "Verified"
TRAILER_UNVERIFIED = "Not-Verified"
AGENT = "postmortem-todo-resolver"
_CO_AUTHOR = f"Co-Authored-By: {AGENT} <noreply@followthrough.invalid>"
_ACTION_LENGTH = 72
_SLACK_TEXT = 2900
_SIGNS = {"done": "✅", "refused": "⛔", "failed": "❌", "unknown": "❓", "needs-human": "👤", "cancelled": "⏹",
          "awaiting-approval": "⏸"}  # fmt: skip
_DRIFT_SIGNS = {"holds": "✅", "gone": "❌", "unwell": "⚠️"}


@dataclass(frozen=True)
class TodoLine:
    """One TODO as people are told of it."""

    action: str
    priority: str
    type: str
    outcome: str
    message: str = ""
    commit: str = ""
    cost_usd: float = 0.0
    verified: str = ""


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


def slack_message(
    run: Mapping[str, Any], lines: Sequence[TodoLine], commit_url: str, public_url: str
) -> dict[str, Any]:
    """The one message of a run. `run` is its row in the ledger; without a `commit_url` hashes are no links."""
    # What was landed and not seen to work is a person's, and was not nothing.
    worked = [t for t in lines if t.outcome != "needs-human" or t.commit]
    people = [t for t in lines if t.outcome == "needs-human"]
    head = f"{run['repository']}: {run['title'] or run['post_mortem']}"
    if not worked:
        told = f"nothing to do, {len(people)} need a person" if people else "nothing to do"
    else:
        done = sum(t.outcome == "done" for t in worked)
        told = f"{run['outcome']}: {done} of {len(worked)} TODOs done"
        told += f", {len(people)} need a person" if people else ""
    if run["message"] and run["outcome"] in ("failed", "unknown"):
        told += f" ({one_line(str(run['message']), 300)})"
    rows = [_slack_row(t, commit_url) for t in lines]
    foot = f"{run['post_mortem']} at {run['commit'][:7]} · ${run['cost_usd']:.2f} · {public_url}/api/runs/{run['id']}"
    text = "\n".join([f"*{_escape(one_line(head, 200))}*", _escape(told), *rows, _escape(foot)])
    summary = _escape(one_line(f"{head}: {told}", 300))
    return _message(summary, text)


def _message(summary: str, text: str) -> dict[str, Any]:
    # verbatim: Slack must not make links or mentions of what looks like one.
    sections = [
        {"type": "section", "text": {"type": "mrkdwn", "text": part, "verbatim": True}} for part in _pieces(text)
    ]
    return {"text": summary, "blocks": sections, "unfurl_links": False, "unfurl_media": False}


def drift_message(repository: str, changed: Sequence[tuple[str, str, str]], public_url: str) -> dict[str, Any]:
    """What is not any more as post-mortems claim, and what is again: (holds, gone or unwell; sentence; post-mortem)."""
    worse = sum(state != "holds" for state, _, _ in changed)
    parts = (
        f"{worse} no longer as claimed" if worse else "",
        f"{len(changed) - worse} as claimed again" if worse < len(changed) else "",
    )
    head = f"{repository}: {', '.join(filter(None, parts))}"
    rows = [
        f"{_DRIFT_SIGNS.get(s, '•')} {_escape(one_line(said, 400))} ({_escape(one_line(of, 200))})"
        for s, said, of in changed
    ]
    text = "\n".join([f"*{_escape(one_line(head, 200))}*", *rows, _escape(public_url)])
    return _message(_escape(one_line(head, 300)), text)


def _slack_row(todo: TodoLine, commit_url: str) -> str:
    what = " ".join(part for part in (todo.priority, todo.type) if part)
    row = f"{_SIGNS.get(todo.outcome, '•')} {_escape(what)}: {_escape(one_line(todo.action, 120))} — {todo.outcome}"
    if todo.commit:
        short = todo.commit[:7]
        row += f" <{commit_url}/{todo.commit}|{short}>" if commit_url else f" {short}"
    told = todo.verified if todo.outcome == "done" else todo.message
    if told:
        row += f": {_escape(one_line(told, 240))}"
    return row


def _escape(text: str) -> str:
    """Slack's own three escapes, and a zero-width break in what would still be bold, code or a mention."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    return re.sub(r"([*~`])", "\u200b\\1", text)


def _pieces(text: str) -> list[str]:
    """The text in pieces that Slack takes as one section each, cut between lines."""
    pieces = [""]
    for line in text.split("\n"):
        if len(pieces[-1]) + len(line) + 1 > _SLACK_TEXT:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]}\n{line}".lstrip("\n")
    return pieces[:48]
