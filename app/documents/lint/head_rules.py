"""Rules on what a post-mortem says of itself: sections, date, severity, when it was written, when it is reviewed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from app.documents.classify import is_empty
from app.documents.lint.model import Edit, Remark, quoted
from app.documents.lint.paper import Paper, Stated
from app.documents.lint.times import milestones
from app.documents.lint.words import REVIEW, SECTIONS
from app.documents.markdown import Block
from app.documents.metadata import date_in
from app.documents.sections import heading_meaning
from app.documents.text import fold

_ISO = re.compile(r"(?:19|20)\d\d-\d\d-\d\d(?!\d)")
_WHOLE_DATE = re.compile(
    r"(?:(?:19|20)\d\d[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}(?:st|nd|rd|th)? [A-Za-z]{3,9}\.? (?:19|20)\d\d"
    r"|[A-Za-z]{3,9}\.? \d{1,2}(?:st|nd|rd|th)?,? (?:19|20)\d\d)"
)
_SEVERITY = re.compile(r"[^\w]*SEV[1-3](?!\w)(?!\s?(?:/|,|or\b)\s?SEV)")
_NEARLY = re.compile(r"(sev(?:erity)?[ -]?([1-3]))(?!\w)(?!\s?(?:/|,|or\b))", re.IGNORECASE)
_COMMENT = re.compile(r"<!--(?:[^-]|-(?!->))*+-->")
_KEY_ALONE = re.compile(r"[*_]{1,3}[^*_\n]{1,80}[*_]{1,3}\s?[:：]?")


def missing_sections(paper: Paper) -> Iterator[Remark]:
    """A section that every format has, under whatever name; a paragraph before the first section is a summary."""
    for name, vocabulary in SECTIONS.items():
        if not any(vocabulary.search(label) for _, label in paper.labels) and not (name == "summary" and _lede(paper)):
            yield Remark(1, f"there is no section for the {name}")
    headings = [block.text for block in paper.scan.blocks if block.kind == "heading"]
    acts = any(heading_meaning(text) in ("action", "mixed") for text in headings)
    if not acts and not paper.document.items:
        yield Remark(1, "there is no section for the action items")


def empty_sections(paper: Paper) -> Iterator[Remark]:
    """A required section with nothing under its heading but comments, keys without a value and headers of tables."""
    open_headings: list[Block] = []
    for block in (*paper.scan.blocks, Block("heading", 0, 0)):
        if block.kind == "heading":
            while open_headings and open_headings[-1].level >= block.level:
                empty = open_headings.pop()
                yield Remark(empty.line, f"nothing stands under {quoted(empty.text)}")
            if _required(block.text):
                open_headings.append(block)
        elif open_headings and _says_something(block):
            open_headings.clear()


def missing_date(paper: Paper) -> Iterator[Remark]:
    """No date: not stated, not in the title, not in the file's name."""
    stated = paper.first("date")
    if paper.document.date is None and not (stated and stated.value):
        yield Remark(stated.line if stated else 1, "the document does not say on which day the incident began")


def malformed_date(paper: Paper) -> Iterator[Remark]:
    """A stated date that is not YYYY-MM-DD, or no day of the calendar, or not the one stated elsewhere."""
    stated = [fact for fact in paper.stated if fact.kind == "date" and fact.value]
    for fact in stated[:1]:
        bare = fact.value.strip("*_` ")
        day = date_in(bare)
        if day and not _calendar(day):
            yield Remark(fact.line, f"{quoted(bare)} is no day of the calendar")
        elif not _ISO.match(bare):
            whole = day is not None and _WHOLE_DATE.fullmatch(bare) and bare == fact.value
            edit = _edit(fact, 0, len(fact.value), day) if whole and day else None
            yield Remark(fact.line, f"{quoted(bare)} is not a date as YYYY-MM-DD" + (f": {day}" if edit else ""), edit)
    days = [(fact, date_in(fact.value)) for fact in stated]
    for fact, day in days[1:]:
        if day and days[0][1] and day != days[0][1] and fact.line < 30:
            yield Remark(fact.line, f"the date is {day} here and {days[0][1]} in line {days[0][0].line}")


def missing_severity(paper: Paper) -> Iterator[Remark]:
    """No severity, or one that is left empty."""
    fact = paper.first("severity")
    if not (fact and fact.value) and paper.document.severity is None:
        yield Remark(fact.line if fact else 1, "the severity is not stated: SEV1, SEV2 or SEV3")


def malformed_severity(paper: Paper) -> Iterator[Remark]:
    """A severity that does not begin with exactly SEV1, SEV2 or SEV3."""
    fact = paper.first("severity")
    if not (fact and fact.value) or _SEVERITY.match(fact.value):
        return
    m = _NEARLY.search(fact.value)
    leads = m is not None and not fact.value[: m.start()].strip("*_` ")
    if m and leads:
        value = f"SEV{m.group(2)}"
        edit = _edit(fact, m.start(1), m.end(1), value)
        yield Remark(fact.line, f"the severity is written {quoted(m.group(1))}, the standard spelling is {value}", edit)
    else:
        yield Remark(fact.line, f"the severity {quoted(fact.value)} is not SEV1, SEV2 or SEV3")


def late_report(paper: Paper) -> Iterator[Remark]:
    """A report that was written more than the permitted hours after the incident's end, by the dates stated."""
    fact = paper.first("reported")
    written, begun = (date_in(fact.value) if fact else None), paper.document.date
    if not fact or not written or not begun or not (_calendar(written) and _calendar(begun)):
        return
    end = date.fromisoformat(begun)
    timed = milestones(paper.timelines).timed
    if timed and timed[-1].dated:
        last = date.fromordinal(max(1, int((timed[-1].at or 0.0) // (24 * 60))))
        end = max(end, last)
    # Only days are known: the report may have been begun on the first minute of its day, the incident over on the last.
    hours = (date.fromisoformat(written) - end - timedelta(days=1)).total_seconds() / 3600
    if hours >= paper.limits.report_hours:
        told = f"the report is dated {written}, more than {paper.limits.report_hours:g} hours after the incident"
        yield Remark(fact.line, f"{told} ({end.isoformat()})")


def review_date(paper: Paper) -> Iterator[Remark]:
    """No day for the follow-up review, or one before the incident."""
    lines = [fact.line for fact in paper.stated if fact.kind == "review"]
    lines += [line for line, label in paper.labels if REVIEW.search(label)]
    if not lines:
        yield Remark(1, "no date is set for the follow-up review")
        return
    found = None
    for line in sorted(set(lines)):
        for number in range(line, min(line + 8, len(paper.scan.source.starts) + 1)):
            found = found or date_in(paper.scan.source.line(number)[:300])
    if found is None:
        yield Remark(min(lines), "the follow-up review has no date")
    elif paper.document.date and found < paper.document.date:
        yield Remark(min(lines), f"the follow-up review ({found}) is before the incident ({paper.document.date})")


def _lede(paper: Paper) -> bool:
    """Whether running text stands before the first section."""
    titled = False
    for block in paper.scan.blocks:
        if block.kind == "heading":
            if titled or block.level > 1:
                return False
            titled = True
        elif block.kind == "paragraph" and len(block.text.split()) >= 12 and not is_empty(block.text):
            return not fold(block.text[:40]).startswith(("date", "duration", "severity", "status"))
    return False


def _required(heading: str) -> bool:
    label = fold(heading)
    return heading_meaning(heading) == "action" or any(vocabulary.search(label) for vocabulary in SECTIONS.values())


def _says_something(block: Block) -> bool:
    if block.kind == "table":
        return any(not is_empty(cell.text) for row in block.rows for cell in row.cells)
    if block.kind in ("list", "item"):
        return any(map(_says_something, block.children))
    text = _COMMENT.sub("", block.text).strip()
    return bool(block.children) or bool(text and not _KEY_ALONE.fullmatch(text) and not is_empty(text))


def _calendar(day: str) -> bool:
    try:
        return bool(date.fromisoformat(day))
    except ValueError:
        return False


def _edit(fact: Stated, start: int, end: int, value: str) -> Edit | None:
    return Edit(fact.line, fact.start + start, fact.start + end, value) if fact.start >= 0 else None
