"""The steps of a run as a picture: one row for each step of each TODO, its tries as bars on a common clock.

Long rests, such as the wait for a person, are drawn short: the picture shows what was done, not that nothing was.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from markupsafe import Markup

from app.web.acts import Timed
from app.web.pages.base import duration

_WIDE, _LEFT, _RIGHT = 960, 250, 70
_ROW, _BAR, _HEAD = 22, 12, 28
_MOST_ROWS = 80
_LONGEST_NAME = 34
# A rest of more seconds than this is drawn as wide as this.
_REST = 60.0
_REST_WIDTH = 36.0
_NARROWEST = 3.0
# Between the words on the clock, and behind a bar for its words.
_APART = 90
_WORDS = 60


@dataclass(frozen=True)
class Step:
    """A step as the table beside the picture tells it. Times are seconds since 1970."""

    name: str
    todo: str
    began: str
    took: str
    ended: str


def told(steps: Sequence[Timed], names: Mapping[str, str], now: float) -> list[Step]:
    """Every step in words; `names` are the TODOs' by id, `now` how long what goes on has taken."""
    return [
        Step(
            step.name.replace("_", " "),
            names.get(step.todo_id, step.todo_id) or "the run",
            f"{_clock(step.began, '%Y-%m-%d %H:%M:%S')}",
            duration((step.ended or now) - step.began),
            f"failed: {step.failure}" if step.failure else ("done" if step.ended else "goes on"),
        )
        for step in steps
    ]


def drawn(steps: Sequence[Timed], names: Mapping[str, str], now: float) -> Markup:
    """The picture as SVG, nothing without steps. Colours come from classes: bar, failed, going-on, rest."""
    if not steps:
        return Markup("")
    lanes = list(_lanes(steps))
    shown = lanes[:_MOST_ROWS]
    axis = _Axis([(step.began, step.ended or now) for step in steps])
    parts: list[Markup] = [*axis.marks(_HEAD + _ROW * _count(shown))]
    y, last = _HEAD, None
    for todo_id, name, bars in shown:
        if todo_id != last:
            title = names.get(todo_id, todo_id) or "The run itself"
            parts.append(
                Markup('<text class="group" x="0" y="{}">{}</text>').format(y + 15, _cut(title, 3 * _LONGEST_NAME))
            )
            y, last = y + _ROW, todo_id
        label = _cut(name.replace("_", " "), _LONGEST_NAME)
        parts.append(Markup('<text class="label" x="12" y="{}">{}</text>').format(y + 15, label))
        places = [axis.at(step.began) for step in bars]
        for step, x, following in zip(bars, places, [*places[1:], float("inf")], strict=True):
            parts.append(_bar(step, axis, y, now, following - x))
        y += _ROW
    high = y + 8
    missing = f", of which the first {len(shown)} rows are drawn" if len(shown) < len(lanes) else ""
    about = f"{len(steps)} steps from {_clock(steps[0].began)} to {_clock(axis.end)} UTC{missing}. The table has each."
    return Markup(
        '<svg class="timeline" viewBox="0 0 {wide} {high}" role="img" aria-labelledby="timeline-title timeline-about">'
        '<title id="timeline-title">Steps of the run on a clock</title><desc id="timeline-about">{about}</desc>'
        "{parts}</svg>"
    ).format(wide=_WIDE, high=high, about=about, parts=Markup("").join(parts))


_Lane = tuple[str, str, list[Timed]]


def _lanes(steps: Sequence[Timed]) -> Iterator[_Lane]:
    """Rows: the run's own steps, then those of each TODO, in the order in which they began."""
    found: dict[str, dict[str, list[Timed]]] = {"": {}}
    for step in steps:
        found.setdefault(step.todo_id, {}).setdefault(step.name, []).append(step)
    for todo_id, named in found.items():
        for name, bars in named.items():
            yield todo_id, name, bars


def _count(lanes: Sequence[_Lane]) -> int:
    return len(lanes) + len({todo_id for todo_id, _, _ in lanes})


class _Axis:
    """Where a time stands on the picture: what is busy in proportion, long rests short."""

    def __init__(self, spans: Sequence[tuple[float, float]]) -> None:
        busy: list[tuple[float, float]] = []
        for begin, end in sorted(spans):
            if busy and begin - busy[-1][1] <= _REST:
                busy[-1] = (busy[-1][0], max(busy[-1][1], end))
            else:
                busy.append((begin, max(begin, end)))
        self.end = busy[-1][1]
        rests = min(_REST_WIDTH, (_WIDE - _LEFT - _RIGHT) / (2 * len(busy)))
        room = _WIDE - _LEFT - _RIGHT - rests * (len(busy) - 1)
        scale = room / max(sum(end - begin for begin, end in busy), 1.0)
        self._parts: list[tuple[float, float, float]] = []
        x = float(_LEFT)
        for begin, end in busy:
            self._parts.append((begin, end, x))
            x += (end - begin) * scale + rests
        self._scale, self._rest = scale, rests

    def at(self, moment: float) -> float:
        """The x of a moment."""
        begin, end, x = next(part for part in reversed(self._parts) if part[0] <= moment or part is self._parts[0])
        return x + (min(max(moment, begin), end) - begin) * self._scale

    def marks(self, low: int) -> Iterator[Markup]:
        """The clock above the bars, and the rests."""
        told = -float(_APART)
        for count, (begin, end, x) in enumerate(self._parts):
            if count:
                yield Markup('<rect class="rest" x="{:.1f}" y="{}" width="{:.1f}" height="{}"/>').format(
                    x - self._rest, _HEAD - 6, self._rest, low - _HEAD
                )
            for moment, place in ((begin, x), (end, self.at(end))):
                if place - told >= _APART:
                    yield Markup('<text class="clock" x="{:.1f}" y="14">{}</text>').format(place, _clock(moment))
                    told = place


def _bar(step: Timed, axis: _Axis, y: int, now: float, room: float) -> Markup:
    """`room` is how far away the next bar of the row begins: words that would run into it are left to the table."""
    end = step.ended or now
    x = axis.at(step.began)
    wide = max(axis.at(end) - x, _NARROWEST)
    kind = "failed" if step.failure else ("" if step.ended else "going-on")
    took = duration(end - step.began)
    what = f"failed after {took}: {step.failure}" if step.failure else (took if step.ended else f"goes on, {took}")
    sign = "✕ " if step.failure else ("" if step.ended else "… ")
    words = Markup('<text class="took" x="{:.1f}" y="{}">{}</text>').format(x + wide + 5, y + 15, f"{sign}{took}")
    if room < wide + _WORDS:
        words = Markup('<text class="took" x="{:.1f}" y="{}">{}</text>').format(x + 2, y + 15, sign.strip())
    return Markup(
        '<g><title>{}</title><rect class="bar {}" x="{:.1f}" y="{}" width="{:.1f}" height="{}" rx="2"/>{}</g>'
    ).format(f"{step.name.replace('_', ' ')}: {what}", kind, x, y + 5, wide, _BAR, words)


def _clock(moment: float, form: str = "%H:%M:%S") -> str:
    return datetime.fromtimestamp(moment, UTC).strftime(form)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
