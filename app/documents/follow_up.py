"""The Follow-up Implementation table: created, filled and corrected without touching the rest of the file."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.documents.markdown import Block
from app.documents.model import FollowUpRow
from app.documents.parse import Scan, scan
from app.documents.proof import encode, prove_items_kept, splice
from app.documents.record import COLUMNS, HUMAN, TITLE, Record, find_record, needs_person, row_key, shortened
from app.documents.tables import Row
from app.documents.text import visible
from app.documents.vocabulary import BUILT_IN, Vocabulary
from app.errors import Refused

AGENT = "postmortem-todo-resolver"
NOTHING = "—"

_HASH = re.compile(r"[0-9a-f]{7,64}")
_URL = re.compile(r"https?://[^\s()<>|\\\"'`\[\]]{1,500}")
_EOL = re.compile(r"\r\n|\n|\r")


def fill_follow_up(data: bytes, rows: Sequence[FollowUpRow], vocabulary: Vocabulary = BUILT_IN) -> bytes:
    """The file with one row for each of `rows` in its Follow-up Implementation table, made where there is none.

    A row whose action stands there already is not added again; one that says "Needs human review" is replaced when
    its item is done now. Raises BadInput for a file that cannot be read and Refused: `follow-up-not-editable` when
    the table has no action column or the place for it is inside something else, `edit-not-proven`.
    """
    before = scan(data, "", vocabulary)
    wanted = _unique(rows)
    if not wanted:
        return data
    record = find_record(before.blocks)
    text = _update(before, record, wanted) if record.table else _create(before, record, wanted)
    if text == before.source.text:
        return data
    changed = encode(before, text)
    after = prove_items_kept(before, changed, wanted)
    _prove_rows(after, wanted)
    return changed


def _unique(rows: Sequence[FollowUpRow]) -> list[FollowUpRow]:
    """One row an action; a done one wins."""
    kept: dict[str, FollowUpRow] = {}
    for row in rows:
        key = row_key(row.action)
        if key not in kept or (row.done and not kept[key].done):
            kept[key] = row
    return list(kept.values())


def _last_line(before: Scan, block: Block) -> int:
    """The last line of a block; a setext heading has its underline below its text."""
    under = block.end_line + 1
    if block.kind == "heading" and under <= len(before.source.starts):
        underline = before.source.line(under).strip(" \t")
        if underline and not underline.strip("=-") and not before.source.line(block.line).lstrip().startswith("#"):
            return under
    return block.end_line


def _create(before: Scan, record: Record, rows: list[FollowUpRow]) -> str:
    source = before.source
    eol = _line_ending(source.text)
    table = [_line(COLUMNS), "|" + "|".join("-" * (len(name) + 2) for name in COLUMNS) + "|"]
    table += [_line([_cells(row)[name] for name in COLUMNS]) for row in rows]
    if record.blocks:
        line = _last_line(before, record.blocks[-1])
        end = source.ends[line - 1]
        gap = eol if source.text[end:].strip() and not _blank(before, line + 1) else ""
        return splice(source.text, end, end, eol + eol + eol.join(table) + gap)
    body = eol.join(["## " + TITLE, "", *table])
    if not source.text or not _EOL.search(source.text[-1:]):
        return source.text + (eol + eol if source.text else "") + body
    return source.text + ("" if _blank(before, len(source.starts) - 1) else eol) + body + eol


def _update(before: Scan, record: Record, rows: list[FollowUpRow]) -> str:
    assert record.table is not None
    source, text, names = before.source, before.source.text, record.names
    if "Action" not in names:
        raise Refused(
            "follow-up-not-editable", f"line {record.table.line}: the follow-up table has no column named Action"
        )
    standing = {record.action_of(row): row for row in record.table.rows}
    eol = _line_ending(text)
    end = source.ends[record.table.end_line - 1]
    fresh = [row for row in rows if row_key(row.action) not in standing]
    added = "".join(eol + _line([_cells(row).get(name, NOTHING) for name in names]) for row in fresh)
    text = splice(text, end, end, added)
    replaced = [(standing[row_key(row.action)], row) for row in rows if row.done and row_key(row.action) in standing]
    for old, row in sorted(replaced, key=lambda pair: -pair[0].line):
        if needs_person(old):
            line = _line([_cells(row).get(name, _kept(old, i)) for i, name in enumerate(names)])
            text = splice(text, source.starts[old.line - 1], source.ends[old.line - 1], line)
    return text


def _prove_rows(after: Scan, rows: list[FollowUpRow]) -> None:
    """The rows must be read back from the table where a reader sees them."""
    record = find_record(after.blocks)
    if record.table is None or "Action" not in record.names:
        raise Refused("follow-up-not-editable", "the follow-up table would not be read as one where it has to stand")
    found = [record.action_of(row) for row in record.table.rows if len(row.cells) == len(record.names)]
    if any(found.count(row_key(row.action)) != 1 for row in rows):
        raise Refused("edit-not-proven", "the follow-up table would not hold each action exactly once")


def _cells(row: FollowUpRow) -> dict[str, str]:
    done = row.done
    values = (
        row.date if done else NOTHING,
        shortened(row.action),
        row.priority,
        row.type,
        _commit(row) if done else NOTHING,
        AGENT if done else HUMAN,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _commit(row: FollowUpRow) -> str:
    if not _HASH.fullmatch(row.commit):
        return NOTHING
    short = row.commit[:7]
    return f"[{short}]({row.commit_url})" if _URL.fullmatch(row.commit_url) else short


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(_escape(cell) or NOTHING for cell in cells) + " |"


def _escape(text: str) -> str:
    """Cell text on one line, with its pipes escaped; a backslash at its end must not escape the pipe after it."""
    return " ".join(visible(text).split()).replace("|", "\\|")


def _kept(row: Row, column: int) -> str:
    return row.cells[column].text if column < len(row.cells) else NOTHING


def _line_ending(text: str) -> str:
    m = _EOL.search(text)
    return m.group(0) if m else "\n"


def _blank(before: Scan, line: int) -> bool:
    return line > len(before.source.starts) or not before.source.line(line).strip()
