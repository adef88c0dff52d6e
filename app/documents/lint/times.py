"""Durations: read from words, computed from a timeline, and compared as strictly as both are exact."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from app.documents.lint import words
from app.documents.lint.timeline import DAY, Event, Timeline, misplaced
from app.documents.text import Words, fold

_UNITS = {
    "d": DAY, "day": DAY, "days": DAY, "jour": DAY, "jours": DAY, "日": DAY, "日間": DAY,
    "h": 60, "hr": 60, "hrs": 60, "hour": 60, "hours": 60, "heure": 60, "heures": 60, "時間": 60,
    "m": 1, "min": 1, "mins": 1, "minute": 1, "minutes": 1, "mn": 1, "分": 1, "分間": 1,
    "s": 1 / 60, "sec": 1 / 60, "secs": 1 / 60, "second": 1 / 60, "seconds": 1 / 60, "秒": 1 / 60,
}  # fmt: skip
_ROUGH = re.compile(r"^[^\w]*[~≈]|^\W*(?:about|approx\w*|around|roughly|circa|ca|environ|env|約)\b\.?|^\W*約")
_UNIT = "|".join(sorted(_UNITS, key=len, reverse=True))
_PART = re.compile(
    rf"\s?(?:(?:,|and|et)\s)?(\d{{1,6}}(?:[.,]\d{{1,3}})?)(?:\s?[-–]\s?~?(\d{{1,6}}(?:[.,]\d{{1,3}})?))?\s?({_UNIT})(?![a-z])"
)
_HOURS_MINUTES = re.compile(r"(\d{1,3})\s?h\s?(\d{2})(?!\d)(?:\s?(?:m|mn|min|mins|minutes?)(?![a-z]))?")
_END = re.compile(r"\s*(?:$|[(.,;|]|- |from\b|after\b|since\b|depuis\b|頃|程度)")
_CLOCKS = re.compile(r"(\d{1,2}):(\d{2})\s?(?:UTC|Z)?\s?(?:-|–|—|->|→|to)\s?~?(\d{1,2}):(\d{2})")
_MOST_EVENTS = 20


@dataclass(frozen=True)
class Span:
    """A stated duration in minutes: at least, at most, and how far off a true value may be."""

    low: float
    high: float
    slack: float

    def fits(self, minutes: float) -> bool:
        """Whether a computed value agrees with what is stated."""
        return self.low - self.slack <= minutes <= self.high + self.slack


@dataclass(frozen=True)
class Milestones:
    """The exactly timed events of a timeline, and which of them begin, detect, mitigate and resolve."""

    timed: tuple[Event, ...]
    begins: tuple[Event, ...]
    detects: tuple[Event, ...]
    mitigates: tuple[Event, ...]
    resolves: tuple[Event, ...]

    @property
    def start(self) -> float | None:
        """When it began: the first event that says so before anybody noticed, else the first event."""
        noticed = self.detects[0].at if self.detects else None
        told = [e.at for e in self.begins if e.at is not None and (noticed is None or e.at <= noticed)]
        return told[0] if told else (self.timed[0].at if self.timed else None)

    def minutes(self, kind: str) -> float | None:
        """TTD, TTM, TTR or the duration in minutes from the start; None when the timeline does not say."""
        choice = {"ttd": self.detects[:1], "ttm": self.mitigates[:1]}.get(kind, self.resolves[-1:])
        if self.start is None or not choice or choice[0].at is None:
            return None
        earlier = [e.at or 0.0 for e in (*self.detects[:1], *self.mitigates[:1])] if kind in ("ttr", "duration") else []
        return None if choice[0].at < max([self.start, *earlier]) else choice[0].at - self.start

    def spans(self, kind: str) -> list[float]:
        """Every value in minutes that a reasonable reader could take from the timeline for TTD, TTM, TTR, duration."""
        starts = [*self.timed[:1], *self.begins]
        if kind != "ttd":
            starts += self.detects
        ends = {"ttd": self.detects, "ttm": self.mitigates}.get(kind, ())
        if kind in ("ttr", "duration"):
            ends = (*self.resolves, *self.mitigates, *self.timed[-1:])
        return [(b.at or 0) - (a.at or 0) for a in starts[:_MOST_EVENTS] for b in ends[-_MOST_EVENTS:] if a is not b]


def milestones(timelines: Iterable[Timeline]) -> Milestones:
    """The milestones of the first timeline that has times, from its first event on, all in order."""
    for timeline in timelines:
        timed = [event for event in timeline.events if event.at is not None and event.fine]
        whole = len(timed) > 1 and timed[0] is timeline.events[0] and not list(misplaced(timeline.events))
        if whole and len({event.dated for event in timed}) == 1:
            first = timed[0]
            return Milestones(
                tuple(timed),
                _saying(timed, words.BEGINS),
                tuple(event for event in _saying(timed, words.DETECTS) if event is not first),
                tuple(event for event in _saying(timed, words.MITIGATES) if event is not first),
                tuple(event for event in _saying(timed, words.RESOLVES) if event is not first),
            )
    return Milestones((), (), (), (), ())


def duration_in(text: str) -> Span | None:
    """The duration that a value begins with; None for one that is open ("over 2 h") or goes on in words."""
    label = fold(text)
    rough = _ROUGH.search(label)
    label = (label[rough.end() :] if rough else label).lstrip(" *_")
    low = high = 0.0
    finest = float(DAY)
    m = _HOURS_MINUTES.match(label)
    if m:
        low = high = int(m.group(1)) * 60.0 + int(m.group(2))
        finest, position = 1.0, m.end()
    else:
        position = 0
        while part := _PART.match(label, position):
            unit = float(_UNITS[part.group(3)])
            low += _number(part.group(1)) * unit
            high += _number(part.group(2) or part.group(1)) * unit
            finest, position = min(finest, unit), part.end()
    if not position or not _END.match(label, position):
        return None
    slack = max(2.0, finest / 2, 0.1 * high)
    return Span(low, high, max(15.0, 0.25 * high, finest / 2) if rough else slack)


def clocks_in(text: str) -> float | None:
    """The minutes between two times of day, "(10:05 - 11:40 UTC)"; past midnight where the second is earlier."""
    m = _CLOCKS.search(text[:300])
    if not m:
        return None
    return float((int(m.group(3)) * 60 + int(m.group(4)) - int(m.group(1)) * 60 - int(m.group(2))) % DAY)


def shown(minutes: float) -> str:
    """Minutes for people: "1h 35m"."""
    whole = round(minutes)
    days, rest = divmod(whole, DAY)
    hours, left = divmod(rest, 60)
    parts = [f"{days}d" if days else "", f"{hours}h" if hours else "", f"{left}m" if left or not whole else ""]
    return " ".join(part for part in parts if part)


def _saying(events: list[Event], vocabulary: Words) -> tuple[Event, ...]:
    return tuple(event for event in events if vocabulary.search(fold(event.text)))


def _number(text: str) -> float:
    return float(text.replace(",", "."))
