"""A judged change as it is kept for people: the diff of its edits, and its plans, with nothing in them that is secret.

What comes out is plain JSON, small enough to be kept with the run: what was cut is said where it was cut.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from app.guard.edits.lines import Hunk, hunks, text_of
from app.guard.model import Change, Edits
from app.guard.plans.read import Plan, address_of, changes, drifts, outputs, verbs
from app.guard.plans.shown import Curtain, Hide, curtain_of, leaves, visible
from app.redact import redact

# Values of one plan, and characters in all that is kept of a plan or of a diff.
_MOST_LEAVES = 500
_MOST_TEXT = 60_000
_LONGEST_NAME = 300
_LONGEST_LINE = 400
# A file with more bytes on both sides is not compared for people.
_LARGEST = 1_000_000
_MOST_FILES = 50
_AROUND = 3
_STATUS = {"A": "added", "D": "deleted", "M": "modified", "T": "turned into something else"}
_KINDS = {"100755": "executable", "120000": "a symbolic link", "160000": "a submodule"}


def shown_plan(plan: Plan, hide: Hide = redact) -> dict[str, Any]:
    """A plan for people.

    `counts` is how many resources by action; `resources`, `drift` and `outputs` are lists of `{address, action, note,
    leaves: [{path, before, after}], cut}`. Resources that stay as they are count and are not listed, unless they move
    or are imported. `cut` says in words what is left out, empty for nothing. At most 500 values and 60,000 characters
    are kept. `hide` takes out secrets that the plan does not mark. Never raises for a plan that `read_plan` gave.
    """
    curtain, room = curtain_of(plan, hide), _Room(_MOST_LEAVES)
    rows = changes(plan)
    counts = Counter(" and ".join(verbs(row)) for row in rows)
    listed = [(address_of(row), verbs(row), _note(row, curtain), row["change"]) for row in rows if _is_listed(row)]
    drifted = [(address_of(row), verbs(row), "", row["change"]) for row in drifts(plan)]
    told = [
        (f"output.{name}", change["actions"], "", change)
        for name, change in outputs(plan).items()
        if change["actions"] != ["no-op"]
    ]
    kinds = {"resources": listed, "drift": drifted, "outputs": told}
    # What changes comes before how, where there is no place for both.
    shown = {kind: list(_heads(found, curtain, room)) for kind, found in kinds.items()}
    for kind, found in kinds.items():
        for entry, (_, _, _, change) in zip(shown[kind], found, strict=False):
            _put_leaves(entry, change, curtain, room)
    missing = sum(map(len, kinds.values())) - sum(map(len, shown.values()))
    return {
        "counts": {curtain.clean(action)[:_LONGEST_NAME]: n for action, n in counts.items()},
        **shown,
        "cut": f"{missing} more changes are not shown" if missing else "",
    }


def shown_edits(edits: Edits, hide: Hide = redact) -> list[dict[str, Any]]:
    """The edits for people: one `{path, status, note, added, removed, diff, cut}` a file, `diff` as `diff -u` has it.

    `note` says what a diff cannot: another mode, no text, a change in nothing that is shown. `cut` says what is left
    out, empty for nothing. At most 50 files and 60,000 characters are kept, 400 of a line. Secrets are taken out of
    each side as a whole before the two are compared.
    """
    room = _Room(_MOST_TEXT)
    shown = [_file(change, hide, room) for change in edits.changes[:_MOST_FILES]]
    if (missing := len(edits.changes) - len(shown)) > 0:
        blank = {"path": f"{missing} more files", "status": "", "note": "", "added": 0, "removed": 0, "diff": ""}
        shown.append({**blank, "cut": "they are not shown"})
    return shown


class _Room:
    """What there is still place for: so many things, and so many characters."""

    def __init__(self, things: int) -> None:
        self.things, self.text = things, _MOST_TEXT

    def take(self, *texts: str) -> bool:
        """Whether there is place for one more thing with these texts, which it then takes."""
        size = sum(map(len, texts)) + 1
        if self.things < 1 or self.text < size:
            return False
        self.things, self.text = self.things - 1, self.text - size
        return True


def _is_listed(row: dict[str, Any]) -> bool:
    moves = row.get("previous_address") is not None or row["change"].get("importing") is not None
    return moves or verbs(row) != ["no-op"]


def _note(row: dict[str, Any], curtain: Curtain) -> str:
    parts = []
    if row.get("previous_address") is not None:
        parts.append(f"moved from {curtain.clean(row['previous_address'])}")
    if row["change"].get("importing") is not None:
        parts.append("imported")
    return "; ".join(parts)


_Found = tuple[str, list[str], str, dict[str, Any]]


def _heads(found: Sequence[_Found], curtain: Curtain, room: _Room) -> Iterator[dict[str, Any]]:
    for address, actions, note, _ in found:
        where, action = _name(curtain.clean(address)), _name(curtain.clean(" and ".join(actions)))
        if not room.take(where, action, note):
            return
        yield {"address": where, "action": action, "note": _name(note), "leaves": [], "cut": ""}


def _put_leaves(entry: dict[str, Any], change: dict[str, Any], curtain: Curtain, room: _Room) -> None:
    try:
        for leaf in leaves(change, curtain):
            path = _name(leaf.path)
            if not room.take(path, leaf.before, leaf.after):
                entry["cut"] = "more values change than are shown"
                return
            entry["leaves"].append({"path": path, "before": leaf.before, "after": leaf.after})
    except (ValueError, RecursionError):
        entry["cut"] = "more values change than can be told"


def _name(text: str) -> str:
    return text if len(text) <= _LONGEST_NAME else f"{text[:_LONGEST_NAME]}... ({len(text)} characters)"


def _file(change: Change, hide: Hide, room: _Room) -> dict[str, Any]:
    path = _name(visible(hide(change.path)))
    notes = list(_modes(change))
    diff: list[str] = []
    added = removed = left = 0
    before, after = text_of(change.base), text_of(change.head)
    if before is None or after is None:
        notes.append(f"binary: {len(change.base or b'')} bytes before, {len(change.head or b'')} after")
    elif len(before) + len(after) > _LARGEST:
        notes.append(f"too large to compare: {len(before)} characters before, {len(after)} after")
    else:
        if any(text and not text.endswith("\n") for text in (before, after)):
            notes.append("no newline at the end of the file")
        for line in _unified(path, change, _ended(hide(before)), _ended(hide(after))):
            is_head = len(diff) + left < 2
            added += line.startswith("+") and not is_head
            removed += line.startswith("-") and not is_head
            if left or not room.take(line):
                left += 1
            else:
                diff.append(line)
        if not diff and not left and before != after:
            notes.append("it differs only in what is not shown: secrets or the ends of lines")
    status = _STATUS.get(change.status, change.status)
    cut = f"{left} more lines are not shown" if left else ""
    about = {"path": path, "status": status, "note": "; ".join(notes), "added": added, "removed": removed}
    return {**about, "diff": "\n".join(diff), "cut": cut}


def _modes(change: Change) -> Iterator[str]:
    before, after = (_KINDS.get(mode, "an ordinary file") for mode in (change.base_mode, change.head_mode))
    if change.base is not None and change.head is not None and change.base_mode != change.head_mode:
        yield f"{before} becomes {after}"
    elif change.head is not None and change.head_mode in _KINDS:
        yield after


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\n"


def _unified(path: str, change: Change, before: str, after: str) -> Iterator[str]:
    """The lines of `diff -u`, without anything when the texts are the same."""
    # What follows the last newline is no line: marked, it is the same in both and equals nothing else.
    found = hunks(f"{before}\0", f"{after}\0")
    if not found:
        return
    yield "--- /dev/null" if change.base is None else f"--- a/{path}"
    yield "+++ /dev/null" if change.head is None else f"+++ b/{path}"
    old, new = (text.split("\n")[:-1] for text in (before, after))
    for group in _grouped(found):
        first, last = group[0], group[-1]
        lead = min(_AROUND, first.old_line - 1)
        old_start, new_start = first.old_line - lead, first.line - lead
        old_end = min(last.old_line - 1 + len(last.before) + _AROUND, len(old))
        new_end = min(last.line - 1 + len(last.after) + _AROUND, len(new))
        yield f"@@ -{_span(old_start, old_end)} +{_span(new_start, new_end)} @@"
        at = old_start - 1
        for hunk in group:
            yield from (_line(" ", text) for text in old[at : hunk.old_line - 1])
            yield from (_line("-", text) for text in hunk.before)
            yield from (_line("+", text) for text in hunk.after)
            at = hunk.old_line - 1 + len(hunk.before)
        yield from (_line(" ", text) for text in old[at:old_end])


def _grouped(found: Sequence[Hunk]) -> Iterator[list[Hunk]]:
    """Places that differ, together where what stands around them would touch."""
    group = [found[0]]
    for hunk in found[1:]:
        if hunk.old_line - (group[-1].old_line + len(group[-1].before)) > 2 * _AROUND:
            yield group
            group = []
        group.append(hunk)
    yield group


def _span(start: int, end: int) -> str:
    """First line and number of lines; of none, the line before which they would stand, as `diff` has it."""
    count = end - start + 1
    return f"{start},{count}" if count else f"{start - 1},0"


def _line(sign: str, text: str) -> str:
    shown = "\t".join(visible(part) for part in text.split("\t"))
    more = len(shown) - _LONGEST_LINE
    return sign + (shown if more <= 0 else f"{shown[:_LONGEST_LINE]}... ({more} more characters)")
