"""What is known of the elements that a part of an expression returns, whatever the servers hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from app.guard.alerts.ranges import ALL, Ranges


class There(IntEnum):
    """When an expression has an element: never; depending on values; whenever its series exist; always."""

    NEVER = 0
    MAYBE = 1
    GIVEN = 2
    ALWAYS = 3


@dataclass(frozen=True)
class Value:
    """A part of an expression.

    `text` is its canonical text. `numbers` holds every number that it may be, `loose` more than that where a comparison
    with the difference means something (a count above 0 asks whether there is any). `why` says what is wrong when it
    has elements always, never, or whenever its series exist. `of` is the text of what the numbers are those of, `full`
    all numbers that this may be and `given` when it is there; `bounds` says what is known of such texts for each
    element, and `whole` that the bounds of `of` are all that was asked. `bare` elements have no labels.
    `not_a_number`: it is NaN for sure. `shape` is scalar, vector, matrix or string.
    """

    text: str
    there: There
    numbers: Ranges = ALL
    loose: Ranges = ALL
    why: str = ""
    of: str = ""
    full: Ranges = ALL
    given: There = There.MAYBE
    bounds: Mapping[str, Ranges] = field(default_factory=dict)
    whole: bool = False
    bare: bool = False
    not_a_number: bool = False
    shape: str = "vector"

    @property
    def constant(self) -> float | None:
        """The number of a scalar that is always the same, NaN included; None of anything else."""
        if self.shape != "scalar":
            return None
        return float("nan") if self.not_a_number else self.numbers.only


def fresh(
    text: str, there: There, numbers: Ranges = ALL, why: str = "", *, loose: Ranges | None = None, bare: bool = False
) -> Value:
    """A vector whose numbers are its own; `loose` as in Value."""
    loose = loose or numbers
    return Value(text, there, numbers, loose, why, text, loose, there, {text: numbers}, whole=True, bare=bare)


def nothing(text: str, why: str) -> Value:
    """What never has an element."""
    return Value(text, There.NEVER, why=why)


def short(text: str, most: int = 80) -> str:
    """A text that fits into a sentence."""
    return text if len(text) <= most else f"{text[: most - 3]}..."
