"""The timeline of a post-mortem: tables, bullets, headings and paragraphs that begin with a time, as events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

from app.documents.lint.words import SOURCE_COLUMNS, TIME_COLUMNS, TIMELINE
from app.documents.markdown import Block
from app.documents.metadata import date_in
from app.documents.prose import bold_title
from app.documents.text import fold, plain

DAY = 24 * 60
_HEAD_LIMIT = 120
_MONTH = r"[A-Za-zéûÉÛ]{3,9}"
_YEAR = r"(?:19|20)\d\d"
_WHEN = re.compile(
    r"^[^\w]{0,6}(?:(?:ca|circa|around|about|approx|vers|env|on)\b[.\s]{1,2})?[^\w]{0,3}"
    rf"(?:(?P<year>{_YEAR})[-/.年](?P<month>\d{{1,2}})[-/.月](?P<day>\d{{1,2}})日?"
    r"|(?P<month4>\d{1,2})月(?P<day4>\d{1,2})日"
    rf"|(?P<name>{_MONTH})\.?\s(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?(?![\d:])(?:,?\s(?P<year2>{_YEAR}))?"
    rf"|(?P<day3>\d{{1,2}})(?:er|st|nd|rd|th)?\s(?P<name3>{_MONTH})\b\.?(?:,?\s(?P<year3>{_YEAR}))?)?"
    r"(?:T|[^\w]{0,4}(?:(?:at|ca|around|about|à|vers)\b[.\s]{1,2})?[^\w]{0,3})"
    r"(?:(?P<hour>[01]?\d|2[0-3])[:h時](?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d))?(?!\d)"
    r"(?:\s?(?P<half>[ap])\.?m\b)?)?",
    re.IGNORECASE,
)
_ROUGH = re.compile(r"[~≈?]|\b(?:ca|circa|around|about|approx|vers|env|xx)\b|頃|ごろ", re.IGNORECASE)
_ZONE = re.compile(
    r"\b(UTC|GMT|Z|JST|IST|MSK|WET|WEST|[CEMP][SED]?T|CEST|EEST|CET|EET|BST|Europe/\w{3,20}|America/\w{3,20}|Asia/\w{3,20}"
    r"|local(?: time)?|heure locale)(?![\w/])(\s?[+±-]\s?\d{1,2})?|(?<=\d)(Z)\b|(現地時間|日本時間)"
)


@dataclass(frozen=True)
class Event:
    """One event. `at` is in minutes; only `dated` ones count from the calendar, the others from an unknown day.

    `group` numbers the table, list or subsection: order is a promise within one only. `fine` is false where only
    the day is known; `seconds` says how exact the time is. `source` is None where the timeline has no such column.
    """

    line: int
    text: str
    group: int
    at: float | None = None
    dated: bool = False
    fine: bool = False
    seconds: bool = False
    rough: bool = False
    zone: str | None = None
    source: str | None = None


@dataclass
class Timeline:
    """One section: its heading's line, every place where its zone may be told, the lines of its tables' headers."""

    line: int
    events: list[Event] = field(default_factory=list)
    told: list[str] = field(default_factory=list)
    tables: list[tuple[int, bool]] = field(default_factory=list)

    @property
    def zone(self) -> str | None:
        """What the heading, a column or a sentence says of the zone; else what the times themselves say."""
        told = [zone for zone in map(zone_in, self.told) if zone]
        if told:
            return "UTC" if "UTC" in told else told[0]
        zones = {event.zone for event in self.events if event.at is not None and event.fine}
        return zones.pop() if len(zones) == 1 else None


def zone_in(text: str) -> str | None:
    """The time zone that a text names, UTC where it names that; None when it names none."""
    found = list(_ZONE.finditer(plain(text[:_HEAD_LIMIT])))
    names = [re.sub(r"\s(?=[+±-])|(?<=[+±-])\s", "", m.group(0)) for m in found]
    return "UTC" if any(name in ("UTC", "GMT", "Z") for name in names) else (names[0] if names else None)


def read_timelines(blocks: tuple[Block, ...], day: str | None) -> list[Timeline]:
    """Every timeline section of a document; `day` is the incident's date, for times that come without one."""
    found: list[Timeline] = []
    reader: _Reader | None = None
    level = 0
    for block in blocks:
        title = block.text if block.kind == "heading" else bold_title(block) if block.kind == "paragraph" else None
        depth = block.level if block.kind == "heading" else 7
        if title is not None and not (reader and depth > level) and not (depth == 7 and _has_time(title)):
            reader = None
            if TIMELINE.search(fold(title)):
                reader, level = _Reader(Timeline(block.line, told=[title]), day), depth
                found.append(reader.timeline)
        elif reader:
            reader.read(block, title)
    return found


def _has_time(text: str, day_will_do: bool = False) -> bool:
    m = _WHEN.match(plain(text[:_HEAD_LIMIT]))
    return bool(m and (m.group("hour") or (day_will_do and _has_date(m))))


@dataclass
class _Reader:
    """The state between one event and the next: which day it is, and whether a date said so."""

    timeline: Timeline
    incident: str | None
    day: int | None = None
    dated: bool = False
    last: float | None = None
    group: int = 0
    headed: bool = False

    def read(self, block: Block, title: str | None) -> None:
        """Take the events of one block."""
        if title is not None and block.kind == "heading":
            self._heading(block, title)
        elif block.kind == "table":
            self.group += 1
            self._table(block)
        elif block.kind == "list":
            self.group += 1
            firsts = [(item.line, item.children[0]) for item in block.children if item.children]
            texts = [(number, first.text) for number, first in firsts if first.kind == "paragraph"]
            if any(_has_time(text, day_will_do=True) for _, text in texts):
                for number, text in texts:
                    self._add(number, text)
        elif block.kind == "paragraph":
            if not self.timeline.events:
                self.timeline.told.append(block.text)
            for index, line in enumerate(block.text.rstrip("\n").split("\n")):
                if _has_time(line):
                    self._add(block.line + index, line)

    def _heading(self, block: Block, title: str) -> None:
        m = _WHEN.match(plain(title[:_HEAD_LIMIT]))
        if m and (m.group("hour") or _has_date(m)):
            if not self.headed:
                self.group += 1
            self.headed = True
            self._add(block.line, title)
        else:
            self.group, self.last, self.headed = self.group + 1, None, False

    def _table(self, block: Block) -> None:
        assert block.head is not None
        names = [fold(cell.text).split("(")[0].strip(" :") for cell in block.head.cells]
        time = next((i for i, name in enumerate(names) if name in TIME_COLUMNS or TIME_COLUMNS.search(name)), 0)
        source = next((i for i, name in enumerate(names) if name in SOURCE_COLUMNS), None)
        self.timeline.told.append(block.head.cells[time].text if block.head.cells else "")
        self.timeline.tables.append((block.head.line, source is not None))
        for row in block.rows:
            cells = [cell.text for cell in row.cells]
            if time < len(cells) and any(cells):
                said = cells[source] if source is not None and source < len(cells) else None
                text = " ".join(cell for i, cell in enumerate(cells) if i not in (time, source))
                self._add(row.line, cells[time], text, "" if source is not None and said is None else said)

    def _add(self, line: int, head: str, text: str | None = None, source: str | None = None) -> None:
        label = plain(head[:_HEAD_LIMIT])
        m = _WHEN.match(label)
        event = Event(line, plain((text if text is not None else head)[:500]), self.group, source=source)
        if m and (m.group("hour") or _has_date(m)):
            event = self._timed(event, m, label)
        self.timeline.events.append(event)

    def _timed(self, event: Event, m: re.Match[str], label: str) -> Event:
        explicit = self._date(m)
        if explicit is not None:
            self.day, self.dated, self.last = explicit, True, None
        elif self.day is None:
            self.day = _ordinal(self.incident) or 1
        minute = _minute(m)
        if minute is not None:
            if explicit is None and self.last is not None and minute < self.last - DAY / 2:
                self.day += 1
            self.last = minute
        rough = bool(_ROUGH.search(label[: m.end() + 3]))
        return Event(
            line=event.line,
            text=event.text,
            group=event.group,
            at=self.day * DAY + (minute or 0),
            dated=self.dated,
            fine=minute is not None,
            seconds=m.group("second") is not None,
            rough=rough,
            zone=zone_in(label[m.end() - 1 : m.end() + 20]) if minute is not None else None,
            source=event.source,
        )

    def _date(self, m: re.Match[str]) -> int | None:
        """The day that the match names; without a year it is in the year of the event before, or of the incident."""
        if not _has_date(m):
            return None
        name = m.group("name") or m.group("name3")
        year = m.group("year") or m.group("year2") or m.group("year3") or self._year()
        number = m.group("day") or m.group("day2") or m.group("day3") or m.group("day4")
        text = f"{number} {name} {year}" if name else f"{year}-{m.group('month') or m.group('month4')}-{number}"
        return _ordinal(date_in(text))

    def _year(self) -> str:
        if self.dated and self.day:
            return f"{date.fromordinal(self.day).year:04}"
        return self.incident[:4] if self.incident else "2000"


def misplaced(events: list[Event]) -> Iterator[tuple[Event, Event]]:
    """The pairs of neighbours that stand in the wrong order beyond doubt, the later one second."""
    before: Event | None = None
    for event in events:
        if event.at is None:
            continue
        if before and before.group == event.group and before.dated == event.dated and before.zone == event.zone:
            assert before.at is not None
            unit = 1.0 if event.fine and before.fine else float(DAY)
            slack = 30.0 if event.rough or before.rough else 0.0
            exact = event.seconds and before.seconds
            now, then = (event.at, before.at) if exact else (event.at // unit, before.at // unit)
            if now + slack / unit < then:
                yield before, event
        before = event


def _has_date(m: re.Match[str]) -> bool:
    name = m.group("name") or m.group("name3")
    return bool(m.group("year") or m.group("month4")) or bool(name and date_in(f"1 {name} 2000"))


def _minute(m: re.Match[str]) -> float | None:
    if not m.group("hour"):
        return None
    hour = int(m.group("hour"))
    if m.group("half"):
        hour = hour % 12 + (12 if m.group("half").lower() == "p" else 0)
    return hour * 60 + int(m.group("minute")) + int(m.group("second") or 0) / 60


def _ordinal(day: str | None) -> int | None:
    try:
        return date.fromisoformat(day).toordinal() if day else None
    except ValueError:
        return None
