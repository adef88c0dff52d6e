"""Charts as SVG, drawn on the server: no script, no style of their own, no request.

Pure. Each has a title and a description that say it in words; whoever shows one puts the numbers in a table beside it.
Colours come from the classes s0, s1, s2 (in documents.css), which differ in form too: full, hatched by their edge,
hollow. What is no number of the kind (negative, not finite) is drawn as nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

# Units of the drawing; a phone shows one as about a pixel.
_WIDTH = 360.0
_LEFT, _TOP, _HEIGHT, _FOOT = 46.0, 14.0, 130.0, 18.0
_MOST_LABELS = 6
_LONGEST_LABEL = 44
_ROW, _BAR = 34.0, 10.0
# What is larger is drawn as this: sums of such numbers stay numbers.
_MOST = 1e12
_STEPS = (1, 1.2, 1.4, 1.6, 2, 3, 4, 5, 6, 8, 10)
Said = Callable[[float], str]


@dataclass(frozen=True)
class Series:
    """One value for each label, under a name."""

    name: str
    values: Sequence[float]


def whole(value: float) -> str:
    """A count."""
    return f"{value:.0f}"


def usd(value: float) -> str:
    """US dollars."""
    return f"${value:.2f}" if 0 < value < 100 else f"${value:.0f}"


def columns(
    name: str, title: str, about: str, labels: Sequence[str], series: Sequence[Series], said: Said = whole
) -> Markup:
    """A group of columns for each label, one a series, on a scale from zero. `name` makes its ids its own."""
    top = _scale(max((_size(v) for one in series for v in one.values), default=0.0), said)
    across, width = (_WIDTH - _LEFT) / max(len(labels), 1), len(series) or 1
    one = max(min(across * 0.8 / width, 24.0), 0.5)
    drawn = [_grid(top, said)]
    for at, label in enumerate(labels):
        middle = _LEFT + across * (at + 0.5)
        for number, each in enumerate(series):
            value = _size(each.values[at]) if at < len(each.values) else 0.0
            high = _HEIGHT * value / top
            x = middle - one * width / 2 + one * number
            if high > 0:
                text = f"{label}: {each.name} {said(value)}"
                drawn.append(_box(x, _TOP + _HEIGHT - high, one * 0.92, high, number, text))
        if _is_labelled(at, len(labels)):
            drawn.append(_words(min(middle, _WIDTH - 16), _TOP + _HEIGHT + 13, label, "middle"))
    return _svg(name, title, about, _TOP + _HEIGHT + _FOOT, drawn)


def bars(
    name: str,
    title: str,
    about: str,
    rows: Sequence[tuple[str, Sequence[float]]],
    names: Sequence[str],
    said: Said = whole,
) -> Markup:
    """A bar for each row, its values one after the other, `names` saying what they are; the longest fills the width."""
    longest = max((sum(map(_size, values)) for _, values in rows), default=0.0) or 1.0
    drawn = []
    for at, (label, values) in enumerate(rows):
        y, x = at * _ROW, 0.0
        drawn.append(_words(0, y + 13, _short(label), "start"))
        drawn.append(_words(_WIDTH, y + 13, said(sum(map(_size, values))), "end"))
        for number, value in enumerate(map(_size, values)):
            wide = _WIDTH * value / longest
            if wide > 0:
                drawn.append(_box(x, y + 18, wide, _BAR, number, f"{label}: {names[number]} {said(value)}"))
            x += wide
    return _svg(name, title, about, len(rows) * _ROW or _ROW, drawn)


def _svg(name: str, title: str, about: str, height: float, drawn: Sequence[Markup]) -> Markup:
    return Markup(
        '<svg class="chart" role="img" viewBox="0 0 {} {}" aria-labelledby="{}-title {}-desc">'
        '<title id="{}-title">{}</title><desc id="{}-desc">{}</desc>{}</svg>'
    ).format(_n(_WIDTH), _n(height), name, name, name, title, name, about, Markup("").join(drawn))


def _grid(top: float, said: Said) -> Markup:
    lines = []
    for part in (0.0, 0.5, 1.0):
        y = _TOP + _HEIGHT * (1 - part)
        line = Markup('<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>')
        lines.append(line.format(_n(_LEFT), _n(y), _n(_WIDTH), _n(y)))
        lines.append(_words(_LEFT - 4, y + 4, said(top * part), "end"))
    return Markup("").join(lines)


def _box(x: float, y: float, wide: float, high: float, number: int, text: str) -> Markup:
    box = Markup('<rect class="s{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>')
    return box.format(number % 3, _n(x), _n(y), _n(wide), _n(high), text)


def _words(x: float, y: float, text: str, anchor: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}">{}</text>').format(_n(x), _n(y), anchor, text)


def _is_labelled(at: int, count: int) -> bool:
    """Whether a label is written: each of a few, else some from the last one back."""
    return (count - 1 - at) % max(math.ceil(count / _MOST_LABELS), 1) == 0


def _scale(most: float, said: Said) -> float:
    """The upper end of a scale: the next round number, which halves into whole ones where counts are shown."""
    least = max(most, 2.0 if said is whole else 0.1)
    power = 10.0 ** math.floor(math.log10(least))
    ends = [step * power for step in _STEPS if step * power >= least and not (said is whole and step * power % 2)]
    return ends[0] if ends else 20 * power


def _size(value: float) -> float:
    return min(value, _MOST) if math.isfinite(value) and value > 0 else 0.0


def _short(label: str) -> str:
    return label if len(label) <= _LONGEST_LABEL else label[: _LONGEST_LABEL - 1] + "…"


def _n(value: float) -> str:
    """A number as SVG writes it."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
