"""How parsing and linting grow: the time for twice as much of a hostile document, divided by the time for once.

    .venv/bin/python -m bench.growth

2 is linear, 4 is quadratic. Best of several rounds; a figure of a few milliseconds can be off by some tenths.
"""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable

from app.documents.lint import lint
from app.documents.parse import parse
from bench.shapes import SHAPES

ROUNDS = 5
REPETITIONS = 2000


def main() -> None:
    """Print both ratios for every shape, and the largest."""
    print(f"{'shape':28} {'KiB':>6} {'parse ms':>9} {'x2':>5} {'lint ms':>9} {'x2':>5}")
    worst = 0.0
    for name, shape in SHAPES.items():
        once, twice = shape(REPETITIONS).encode(), shape(2 * REPETITIONS).encode()
        parsed, parse_ratio = _growth(parse, once, twice)
        linted, lint_ratio = _growth(lint, once, twice)
        worst = max(worst, parse_ratio, lint_ratio)
        print(f"{name:28} {len(once) / 1024:6.0f} {parsed:9.1f} {parse_ratio:5.2f} {linted:9.1f} {lint_ratio:5.2f}")
    print(f"largest ratio {worst:.2f}")


def _growth(read: Callable[[bytes, str], object], once: bytes, twice: bytes) -> tuple[float, float]:
    """Milliseconds for the smaller document, and the ratio; measured in turns, so that both meet the same machine."""
    times = [(_seconds(read, once), _seconds(read, twice)) for _ in range(ROUNDS)]
    first, second = (min(column) for column in zip(*times, strict=True))
    return first * 1e3, second / first


def _seconds(read: Callable[[bytes, str], object], data: bytes) -> float:
    return timeit.timeit(lambda: read(data, "x.md"), number=1, timer=time.process_time)


if __name__ == "__main__":
    main()
