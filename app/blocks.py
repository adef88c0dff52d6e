"""What Slack shows, in Block Kit: run, TODOs and what waits in, a message out. No I/O.

    run_message      the one message of a run, as it is now     notice    a line of its own: landed, waits, ...
    drift_message    what is no longer as claimed               answer    what came of a button, for who pressed it

Text of a repository or an agent is data (SECURITY.md A18): it is redacted, cut before it is escaped, never begins a
line, and stands in plain_text or in mrkdwn that makes no links and no mentions. Messages stay within Slack's limits,
and what is left out is counted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.messages import one_line

# Slack's limits are 50 blocks, 3,000 characters a section, 150 a header, 2,000 a button's value, and about 13,000 for
# all blocks of a message together, at which it says msg_blocks_too_long.
HEADER = 75
SECTION = 2900
WHOLE = 11_000
MOST_WAITING = 5
_PLAN = 700
_SIGNS = {"done": "✅", "refused": "⛔", "failed": "❌", "unknown": "❓", "needs-human": "👤", "cancelled": "⏹",
          "awaiting-approval": "⏸", "partial": "🟡", "nothing-to-do": "👤"}  # fmt: skip
_DRIFT_SIGNS = {"holds": "✅", "gone": "❌", "unwell": "⚠️"}
_SAID = {
    "landed": "fix applied",
    "waits": "waits for approval",
    "failed": "failed",
    "unknown": "nobody knows how it ended",
}
_URGENT = ("unknown", "awaiting-approval", "failed", "refused", "", "needs-human", "cancelled", "done")
# Bold, code, struck; italics and names of emoji only where Slack would see them.
_MARKUP = re.compile(r"[*~`]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|:(?=[a-zA-Z0-9_+'-]+:)")


@dataclass(frozen=True)
class TodoLine:
    """One TODO as people are told of it. `outcome` is empty while it has none; `begun` says whether it is worked on."""

    action: str
    priority: str
    type: str
    outcome: str
    message: str = ""
    commit: str = ""
    cost_usd: float = 0.0
    verified: str = ""
    reason: str = ""
    begun: bool = False


@dataclass(frozen=True)
class Asked:
    """What waits for a person: the TODO, the commit that is shown and would be landed, what its plans do."""

    todo_id: str
    action: str
    commit: str
    does: Sequence[str]


@dataclass(frozen=True)
class Look:
    """What of a run is not in its row: its document's severity and whether this push published it, addresses, buttons.

    `commit_url` is that of a commit without its hash, empty where hashes are no links.
    """

    severity: str = ""
    published: bool = False
    commit_url: str = ""
    public_url: str = ""
    buttons: bool = False


def escape(text: str) -> str:
    """Slack's own three escapes, and a zero-width break in what would still be bold, code, an emoji or a mention."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    return _MARKUP.sub("\u200b\\g<0>\u200b", text)


def run_message(
    run: Mapping[str, Any], todos: Sequence[TodoLine], asked: Sequence[Asked], look: Look
) -> dict[str, Any]:
    """The one message of a run, as it is now. `run` is its row in the ledger; without an outcome it goes on."""
    name = f"{run['repository']}: {run['title'] or run['post_mortem']}"
    told = _told(run, todos)
    sign = _SIGNS.get(run["outcome"] or "", "🔎")
    about = " · ".join(filter(None, (look.severity, "post-mortem published" if look.published else "")))
    waiting = [block for one in asked[:MOST_WAITING] for block in _waiting(run["id"], one, look)]
    taken = sum(len(block["text"]["text"]) for block in waiting if "text" in block)
    rows, left_out = _rows(todos, look.commit_url, WHOLE - taken)
    lines = [escape(one_line(f"{told}{f' · {about}' if about else ''}", 700)), *rows]
    if left_out:
        lines.append(f"… and {left_out} more TODOs, on the run's page")
    blocks = [_header(f"{sign} {name}"), *map(_section, _pieces(lines)), *waiting]
    if len(asked) > MOST_WAITING:
        blocks.append(_section(f"⏸ … and {len(asked) - MOST_WAITING} more wait, on the run's page"))
    foot = escape(one_line(f"{run['post_mortem']} at {run['commit'][:7]} · ${run['cost_usd']:.2f}", 400))
    blocks.append(_context(f"{foot} · {_run_link(run['id'], look)}"))
    if look.buttons:
        blocks.append({"type": "actions", "block_id": "run", "elements": [_open(run["id"], look)]})
    return _message(f"{name}: {told}", blocks)


def notice(kind: str, run: Mapping[str, Any], todo: TodoLine | None, asked: Asked | None, look: Look) -> dict[str, Any]:
    """A line of its own: `landed`, `waits`, `failed` or `unknown`, of one TODO or (without one) of the run."""
    name = f"{run['repository']}: {run['title'] or run['post_mortem']}"
    what = todo.action if todo else str(run["message"] or "the run")
    line = f"{_SIGNS.get(todo.outcome if todo else kind, '•')} {_SAID[kind]}: "
    row = _row(todo, look.commit_url, 240) if todo else f"{line}{escape(one_line(what, 300))}"
    lines = [f"{_SAID[kind]} · {escape(one_line(name, 200))}", row]
    blocks = [*map(_section, _pieces(lines)), *(_waiting(run["id"], asked, look) if asked else [])]
    blocks.append(_context(_run_link(run["id"], look)))
    return _message(f"{name}: {_SAID[kind]}: {what}", blocks)


def drift_message(repository: str, changed: Sequence[tuple[str, str, str]], public_url: str) -> dict[str, Any]:
    """What is not any more as post-mortems claim, and what is again: (holds, gone or unwell; sentence; post-mortem)."""
    worse = sum(state != "holds" for state, _, _ in changed)
    parts = (
        f"{worse} no longer as claimed" if worse else "",
        f"{len(changed) - worse} as claimed again" if worse < len(changed) else "",
    )
    head = f"{repository}: {', '.join(filter(None, parts))}"
    rows = [
        f"{_DRIFT_SIGNS.get(s, '•')} {escape(one_line(said, 400))} ({escape(one_line(of, 200))})"
        for s, said, of in changed
    ]
    kept = _fitting(rows, WHOLE)
    more = [f"… and {len(rows) - len(kept)} more"] if len(kept) < len(rows) else []
    text = [f"*{escape(one_line(head, 200))}*", *kept, *more, escape(public_url)]
    return _message(head, [_section(piece) for piece in _pieces(text)])


def answer(text: str) -> dict[str, Any]:
    """What only who pressed a button sees."""
    return {"response_type": "ephemeral", "replace_original": False, "text": escape(one_line(text, 1000))}


def _told(run: Mapping[str, Any], todos: Sequence[TodoLine]) -> str:
    # What was landed and not seen to work is a person's, and was not nothing.
    worked = [t for t in todos if t.outcome != "needs-human" or t.commit]
    people = sum(t.outcome == "needs-human" for t in todos)
    done = sum(t.outcome == "done" for t in worked)
    if not run["outcome"]:
        told = f"investigating: {done} of {len(worked)} TODOs done so far"
    elif worked:
        told = f"{run['outcome']}: {done} of {len(worked)} TODOs done"
    else:
        told = "nothing to do"
    told += f", {people} need a person" if people else ""
    if run["message"] and run["outcome"] in ("failed", "unknown"):
        told += f" ({one_line(str(run['message']), 300)})"
    return told


def _rows(todos: Sequence[TodoLine], commit_url: str, room: int) -> tuple[list[str], int]:
    """A line for each TODO in the document's order, shorter where they are many; how many are left out.

    What needs a person is left out last.
    """
    rows = [_row(todo, commit_url, 240) for todo in todos]
    if len(_fitting(rows, room)) < len(rows):
        rows = [_row(todo, commit_url, 60) for todo in todos]
    by_need = sorted(range(len(todos)), key=lambda n: (_rank(todos[n].outcome), n))
    kept = set(by_need[: len(_fitting([rows[n] for n in by_need], room))])
    return [row for n, row in enumerate(rows) if n in kept], len(rows) - len(kept)


def _rank(outcome: str) -> int:
    return _URGENT.index(outcome) if outcome in _URGENT else len(_URGENT)


def _fitting(rows: Sequence[str], room: int) -> list[str]:
    """The first of the rows that fit into so many characters together."""
    size, kept = 0, []
    for row in rows:
        size += len(row) + 1
        if size > room:
            break
        kept.append(row)
    return kept


def _row(todo: TodoLine, commit_url: str, length: int) -> str:
    what = " ".join(part for part in (todo.priority, todo.type) if part)
    outcome = todo.outcome or ("in work" if todo.begun else "waits")
    sign = _SIGNS.get(todo.outcome, "🔧" if todo.begun else "•")
    action = escape(one_line(todo.action, max(length // 2, 50)))
    row = f"{sign} {escape(one_line(what, 60))}: {action} — {escape(one_line(outcome, 30))}"
    if todo.commit:
        short = escape(todo.commit[:7])
        row += f" {_link(f'{commit_url}/{todo.commit}', short)}" if commit_url else f" {short}"
    told = todo.verified if todo.outcome == "done" else todo.message or todo.reason
    return f"{row}: {escape(one_line(told, length))}" if told else row


def _waiting(run_id: str, asked: Asked, look: Look) -> list[dict[str, Any]]:
    """What is asked of a person, and the buttons to answer with: what they say is for the commit that is shown."""
    does = _fitting([f"• {escape(one_line(line, 160))}" for line in asked.does], _PLAN)
    more = [f"• … and {len(asked.does) - len(does)} more"] if len(does) < len(asked.does) else []
    head = f"⏸ {escape(one_line(asked.action, 120))} — {escape(asked.commit[:7])} waits for approval; its plan:"
    shown = _section("\n".join([head, *does, *more]))
    if not look.buttons:
        return [shown]
    value = json.dumps({"run": run_id, "todo": asked.todo_id, "commit": asked.commit}, separators=(",", ":"))
    buttons = [
        _button("approve", "Approve", "primary", value, f"Apply this plan and land {asked.commit[:7]}?"),
        _button("decline", "Decline", "danger", value, f"Drop {asked.commit[:7]}? Nothing of it is applied."),
    ]
    return [shown, {"type": "actions", "block_id": f"waits {asked.todo_id}"[:255], "elements": buttons}]


def _button(action: str, label: str, style: str, value: str, question: str) -> dict[str, Any]:
    confirm = {"title": _plain(f"{label}?", 100), "text": _plain(question, 300)}
    confirm |= {"confirm": _plain(label, 30), "deny": _plain("Not now", 30)}
    button = {"type": "button", "text": _plain(label, 75), "style": style, "action_id": action, "value": value}
    return {**button, "confirm": confirm}


def _open(run_id: str, look: Look) -> dict[str, Any]:
    return {"type": "button", "text": _plain("Open", 75), "action_id": "open", "url": _run_url(run_id, look)}


def _run_url(run_id: str, look: Look) -> str:
    return f"{look.public_url.rstrip('/')}/runs/{run_id}"


def _run_link(run_id: str, look: Look) -> str:
    return _link(_run_url(run_id, look), "the run's page")


def _link(url: str, label: str) -> str:
    """A link to an address of ours; whatever could end it is written as a URL writes it."""
    whole = url.replace("&", "&amp;").replace("<", "%3C").replace(">", "%3E").replace("|", "%7C").replace(" ", "%20")
    return f"<{whole}|{label}>"


def _plain(text: str, length: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": one_line(text, length), "emoji": False}


def _header(text: str) -> dict[str, Any]:
    return {"type": "header", "text": _plain(text, HEADER)}


def _section(text: str) -> dict[str, Any]:
    # verbatim: Slack must not make links or mentions of what looks like one.
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [{"type": "mrkdwn", "text": text, "verbatim": True}]}


def _message(summary: str, blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    text = escape(one_line(summary, 300))
    return {"text": text, "blocks": list(blocks), "unfurl_links": False, "unfurl_media": False}


def _pieces(lines: Sequence[str]) -> list[str]:
    """The lines in pieces that Slack takes as one section each."""
    pieces = [""]
    for line in lines:
        if len(pieces[-1]) + len(line) + 1 > SECTION:
            pieces.append("")
        pieces[-1] = f"{pieces[-1]}\n{line}".lstrip("\n")
    return pieces
