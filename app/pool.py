"""Which DevVM takes a run: a decision over plain data, without I/O.

A run that has a DevVM keeps it, and is not decided on here: its worktree, its agents and its plan files are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

# How long one that has just failed is left alone while another works, in seconds.
REST_SECONDS = 60.0


@dataclass(frozen=True)
class Standing:
    """What is known of one DevVM.

    `failed_ago`: seconds since it could not be used, None when it could the last time or nobody has tried yet.
    `open_runs`: runs that have it and are not over. `is_drained`: an operator wants it to get no new run.
    """

    name: str
    failed_ago: float | None = None
    open_runs: int = 0
    is_drained: bool = False

    @property
    def is_resting(self) -> bool:
        """Whether it failed so lately that trying it would most likely be waiting for nothing."""
        return self.failed_ago is not None and 0 <= self.failed_ago < REST_SECONDS


def order(standings: Sequence[Standing]) -> list[str]:
    """The names of those that may take a new run, in the order in which they are to be tried.

    Those that work come before those that failed, and those that failed lately come last; then the one with the fewest
    open runs, then as configured, which is the order of `standings`. Drained ones are not among them.
    """
    able = [standing for standing in standings if not standing.is_drained]
    return [standing.name for standing in sorted(able, key=_place)]


def _place(standing: Standing) -> tuple[int, int]:
    trust = 2 if standing.is_resting else 1 if standing.failed_ago is not None else 0
    return trust, standing.open_runs
