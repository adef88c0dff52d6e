"""`followthrough runs --watch`: the last runs as they change, in place on a terminal, as lines anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn

from rich.console import Group, RenderableType
from rich.live import Live

from app.cli.console import console
from app.cli.desk import Desk
from app.cli.runs import counted, table_of
from app.cli.shown import outcome, print_json, say, text, warn
from app.errors import Transient

_LOOK_SECONDS = 2.0
_Rows = list[dict[str, Any]]


def watch(desk: Desk, limit: int, wanted: str, repository: str, as_json: bool) -> NoReturn:
    """Show the last runs and every change of them until Ctrl-C, which comes out as KeyboardInterrupt.

    While nobody answers, what was seen last stays, with a note. Raises what the desk raises but for that.
    """
    rounds = _rounds(lambda: desk.runs(limit, wanted, repository))
    if console.is_terminal and not as_json:
        _in_place(rounds)
    _as_lines(rounds, as_json)


def _rounds(look: Callable[[], _Rows]) -> Iterator[tuple[_Rows, str]]:
    """The runs again and again, with what was wrong with the last look."""
    rows: _Rows = []
    while True:
        trouble = ""
        try:
            rows = look()
        except Transient as error:
            trouble = f"as it was before; since {datetime.now(UTC):%H:%M:%SZ} nobody answers: {error}"
        yield rows, trouble
        time.sleep(_LOOK_SECONDS)


def _in_place(rounds: Iterator[tuple[_Rows, str]]) -> NoReturn:
    with Live(console=console, auto_refresh=False) as live:
        for rows, trouble in rounds:
            live.update(_picture(rows, trouble), refresh=True)
    raise AssertionError("the rounds do not end")


def _picture(rows: _Rows, trouble: str) -> RenderableType:
    """As many rows as the terminal has lines for: what does not fit could not be drawn over."""
    fitting = rows[: max(1, (console.height - 6) // 2)]
    left = f"{len(rows) - len(fitting)} more do not fit here" if len(fitting) < len(rows) else ""
    notes = [text(note) for note in (left, trouble, "Ctrl-C ends this") if note]
    return Group(table_of(fitting) if rows else "there was no run yet", *notes)


def _as_lines(rounds: Iterator[tuple[_Rows, str]], as_json: bool) -> NoReturn:
    """A line for each run, oldest first, and again whenever something of it has changed."""
    shown: dict[str, str] = {}
    last_trouble = False
    for rows, trouble in rounds:
        if trouble and not last_trouble:
            warn(trouble)
        last_trouble = bool(trouble)
        for row in reversed(rows):
            cost, document = f"${row['cost_usd']:.2f}", f"{row['repository']} {row['post_mortem']}"
            line = f"{row['id']}: {outcome(row)}, {counted(row) or 'no TODO'}, {cost}, {document}"
            if shown.get(row["id"]) == line:
                continue
            shown[row["id"]] = line
            if as_json:
                print_json(row, indent=None)
            else:
                say(f"{datetime.now(UTC):%H:%M:%S} {line}")
    raise AssertionError("the rounds do not end")
