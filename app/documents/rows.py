"""Action items out of the rows of a table."""

from __future__ import annotations

import re

from app.documents.classify import is_empty, priority_of, status_of
from app.documents.columns import Columns, read_columns
from app.documents.found import SHOWN, Found, Spot, why_unsafe_row
from app.documents.markdown import Block, Source
from app.documents.model import Declared, Status
from app.documents.phrases import edge_status, is_struck
from app.documents.sections import Section
from app.documents.tables import Row
from app.documents.text import plain

_TICK = re.compile(r"(?:\[[ xX]\]|[✅☑✔✓⬜☐🔲❌])?\ufe0f?")


def is_action_table(columns: Columns, section: Section) -> bool:
    """Whether the rows of a table are action items, judged by its header and the section it stands in."""
    if columns.log or section.meaning == "decoy" or "text" not in columns.roles:
        return False
    if section.meaning in ("action", "mixed"):
        return True
    return columns.actionable and not (columns.dated and "status" not in columns.roles)


def read_table(block: Block, section: Section, source: Source, why: str = "") -> list[Found]:
    """The items of a table under a section; none when it is not a table of actions. `why` holds for every row."""
    assert block.head is not None
    columns = read_columns(block.head)
    if "text" not in columns.roles and section.meaning == "action":
        _guess_text(columns, block)
    if not is_action_table(columns, section):
        return []
    _guess_ticks(columns, block)
    why = why or why_unsafe_row(block.head) or ("columns-ambiguous" if columns.ambiguous else "")
    if not why and section.meaning not in ("action", "mixed"):
        why = "not-in-action-section"
    width = len(block.head.cells)
    found = (read_row(row, width, columns, section, source, why) for row in block.rows if "|" in row.source)
    return [item for item in found if item is not None]


def read_row(row: Row, width: int, columns: Columns, section: Section, source: Source, why: str) -> Found | None:
    """One row as an item; None for a row that asks for nothing (blank, a placeholder, a group title)."""
    malformed = len(row.cells) != width or "\\\\|" in row.source
    action = _cell(row, columns, "text")
    if malformed and is_empty(action):
        action = max((cell.text for cell in row.cells), key=len, default="")
    if is_empty(action):
        return None
    declared = Declared(
        type=_cell_or_none(row, columns, "type"),
        priority=_cell_or_none(row, columns, "priority"),
        status=_cell_or_none(row, columns, "ticked" if columns.get("status") is None else "status"),
    )
    status, own = _status(row, columns, declared, section, malformed, action)
    return Found(
        action=action[:SHOWN],
        line=row.line,
        end_line=row.line,
        status=status,
        shape="table",
        section=section.title,
        why=why or why_unsafe_row(row) or ("row-malformed" if malformed else "") or section.hold,
        declared=declared,
        strict_type=columns.strict_type,
        priority=priority_of(declared.priority or "") or section.priority,
        details=_cell(row, columns, "details")[:SHOWN],
        owner=_value(row, columns, "owner"),
        due=_value(row, columns, "due") or section.due,
        spot=None if malformed else _spot(row, columns, source),
        own_status=own,
    )


def _status(
    row: Row, columns: Columns, declared: Declared, section: Section, malformed: bool, action: str
) -> tuple[Status, bool]:
    """The status of a row, and whether the row says it itself."""
    if malformed:
        said = status_of(row.cells[-1].text) if row.cells else None
        return ("done" if said == "done" else "unclear"), True
    if is_struck(action):
        return "done", True
    if columns.get("status") is not None:
        return status_of(declared.status or "") or section.status or "unclear", True
    if columns.get("ticked") is not None:
        return status_of(declared.status or "") or "open", True
    edge = edge_status(action) or _tracker_status(_cell(row, columns, "tracker"))
    return edge or section.status or "open", edge is not None


def _tracker_status(text: str) -> Status | None:
    """A status that stands beside the ticket: "[Bug 12](...) **DONE**"."""
    said = status_of(plain(text)) if text else None
    return said if said in ("open", "done") else None


def _guess_ticks(columns: Columns, block: Block) -> None:
    """A column without a name whose cells are boxes or ticks says what is done."""
    assert block.head is not None
    if "status" in columns.roles or "ticked" in columns.roles:
        return
    for index, head in enumerate(block.head.cells):
        texts = [row.cells[index].text for row in block.rows if index < len(row.cells)]
        nameless = not head.text or _TICK.fullmatch(head.text)
        if nameless and any(texts) and all(_TICK.fullmatch(text) for text in texts):
            columns.roles["ticked"] = index
            return


def _guess_text(columns: Columns, block: Block) -> None:
    """Under an action heading, a table that has a status or an owner but no column named after actions."""
    assert block.head is not None
    if columns.log or not any(role in columns.roles for role in ("status", "ticked", "owner", "due", "priority")):
        return
    for index in range(len(block.head.cells)):
        texts = [row.cells[index].text for row in block.rows if index < len(row.cells)]
        if index not in columns.roles.values() and sum(len(t.split()) for t in texts) >= 2 * len(texts) > 0:
            columns.roles["text"] = index
            return


def _spot(row: Row, columns: Columns, source: Source) -> Spot | None:
    """Where the status cell stands in the source line, past the markers of a list or a quote around the table."""
    column = columns.get("status")
    if column is None or column >= len(row.cells):
        return None
    raw, cell = source.line(row.line), row.cells[column]
    inner = row.source.rstrip(" \t")
    shift = len(raw.rstrip(" \t")) - len(inner)
    lead = len(inner) - len(inner.lstrip(" \t"))
    if shift + lead < 0 or raw[shift + lead :].rstrip(" \t") != inner[lead:]:
        return None
    return Spot(row.line, cell.start + shift, cell.end + shift)


def _cell(row: Row, columns: Columns, role: str) -> str:
    column = columns.get(role)
    return row.cells[column].text if column is not None and column < len(row.cells) else ""


def _cell_or_none(row: Row, columns: Columns, role: str) -> str | None:
    return _cell(row, columns, role) if columns.get(role) is not None else None


def _value(row: Row, columns: Columns, role: str) -> str | None:
    text = _cell(row, columns, role)
    return None if re.fullmatch(r"[-–—?\s]*", text) else text
