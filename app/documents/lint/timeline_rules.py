"""Rules on the timeline: its order, its zone, its sources, and whether the stated durations follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from app.documents.classify import is_empty
from app.documents.lint.model import Remark, quoted
from app.documents.lint.paper import Paper
from app.documents.lint.timeline import misplaced
from app.documents.lint.times import clocks_in, duration_in, milestones, shown

_NAMES = {
    "ttd": "the time to detection",
    "ttm": "the time to mitigation",
    "ttr": "the time to resolution",
    "duration": "the duration",
}


def order(paper: Paper) -> Iterator[Remark]:
    """Events that are earlier than the one above them."""
    for timeline in paper.timelines:
        wrong = list(misplaced(timeline.events))
        timed = [event for event in timeline.events if event.at is not None]
        if len(wrong) > 2 and 2 * len(wrong) > len(timed):
            yield Remark(timeline.line, "the timeline runs from the last event to the first")
            continue
        for before, event in wrong:
            yield Remark(event.line, f"{quoted(event.text)} is earlier than the event above it (line {before.line})")


def utc(paper: Paper) -> Iterator[Remark]:
    """A timeline with times of day that does not say UTC."""
    for timeline in paper.timelines:
        if any(event.fine for event in timeline.events):
            zone = timeline.zone
            if zone is None:
                yield Remark(timeline.line, "the timeline does not say in which time zone it is; write it in UTC")
            elif zone != "UTC":
                yield Remark(timeline.line, f"the timeline is in {zone}, not in UTC")


def sources(paper: Paper) -> Iterator[Remark]:
    """Events without a source; one remark where no event of a timeline has one."""
    for timeline in paper.timelines:
        if not timeline.events:
            continue
        lacking = [event for event in timeline.events if event.source is None or is_empty(event.source)]
        if len(lacking) == len(timeline.events):
            line = timeline.tables[0][0] if timeline.tables else timeline.line
            yield Remark(line, "no event of the timeline has a source: a log, a metric, an alert, a commit")
        else:
            yield from (Remark(event.line, f"{quoted(event.text)} has no source") for event in lacking)


def _stated(kind: str, paper: Paper) -> Iterator[Remark]:
    """A stated duration that no reading of the timeline gives."""
    found = milestones(paper.timelines)
    fact = paper.first(kind)
    span = duration_in(fact.value) if fact and fact.value else None
    if not fact or span is None:
        return
    clocks = clocks_in(fact.value)
    if clocks is not None and not span.fits(clocks) and span.high < 24 * 60:
        yield Remark(
            fact.line, f"{_NAMES[kind]} {quoted(fact.value)} contradicts itself: the times are {shown(clocks)} apart"
        )
    elif clocks is None or kind != "duration":
        choices = found.spans(kind)
        computed = found.minutes(kind)
        if choices and computed is not None and computed >= 0 and not any(map(span.fits, choices)):
            yield Remark(
                fact.line, f"{_NAMES[kind]} is stated as {quoted(fact.value)}, the timeline says {shown(computed)}"
            )


duration = partial(_stated, "duration")
ttd = partial(_stated, "ttd")
ttm = partial(_stated, "ttm")
ttr = partial(_stated, "ttr")
