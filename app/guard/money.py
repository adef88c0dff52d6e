"""How much one try of the agent may cost."""

from __future__ import annotations

from dataclasses import dataclass

from app.errors import Refused

# A try with less than this cannot get anywhere; the CLI overshoots its cap by up to one turn anyway (SECURITY.md A29).
LEAST_USD = 0.05


@dataclass(frozen=True)
class Limits:
    """US dollars: for one TODO (all its tries), one run, one day (UTC)."""

    todo: float
    run: float
    day: float


def allowance(limits: Limits, spent: Limits) -> float:
    """The budget of the next try in US dollars: what is left of the tightest limit.

    `spent` holds what the TODO, the run and the day have cost so far. Raises Refused when too little is left.
    """
    left = {
        "todo-budget-spent": limits.todo - spent.todo,
        "run-budget-spent": limits.run - spent.run,
        "day-budget-spent": limits.day - spent.day,
    }
    reason = min(left, key=lambda name: left[name])
    if left[reason] < LEAST_USD:
        raise Refused(reason, f"reserving money for the agent: only ${max(left[reason], 0):.2f} is left ({reason})")
    return round(left[reason], 4)
