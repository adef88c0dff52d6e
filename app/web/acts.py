"""What a person can do through a face. The faces are handed it; `app/acts.py` is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Timed:
    """A step of a run: its name, the TODO's id (empty for the run's own), seconds since 1970, how it ended.

    `ended` is None while it goes on; `failure` is the reason that it raised, empty when it raised none.
    """

    name: str
    todo_id: str
    began: float
    ended: float | None
    failure: str = ""


class Acts(Protocol):
    """Each writes down who did it (`by`, an identity's name) and whether it was done, before anything else happens.

    All raise BadInput when there is no such thing, Refused when it cannot be done now; each with a reason and a message
    for the person who asked.
    """

    def decide(self, run_id: str, todo_id: str, decision: str, by: str, why: str, commit: str = "") -> None:
        """`approved` or `declined`: what waits for a person. `commit` is the one that they saw, empty where they saw
        none: for another one than waits there it is Refused("approval-void").
        """

    def cancel(self, run_id: str, by: str, why: str) -> bool:
        """Stop a run; False when somebody had said so before."""

    def retry(self, run_id: str, by: str) -> str:
        """Try again what a run has not settled. Returns the new run's id."""

    def replay(self, delivery_id: str, by: str) -> str:
        """Take a delivery up again. Returns in words what happens now."""

    def start(self, repository: str, post_mortem: str, by: str) -> str:
        """A run for a post-mortem as it is on the configured branch. Returns its id."""

    def pause(self, by: str, why: str) -> bool:
        """Let nothing begin; False when it is paused already."""

    def resume(self, by: str) -> bool:
        """Go on after a pause; False when it was not paused."""

    def steps(self, run_id: str) -> Sequence[Timed]:
        """The steps of a run with their times, in the order in which they began; none when they are kept no more."""
