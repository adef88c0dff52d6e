"""Seeing that a landed change works, beyond an empty plan. Every answer is recorded, and waited for a while only.

What is seen decides between done and a person's, never about the change itself: it was judged before it was applied.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from app.checks import Check, Kind, first_problem
from app.errors import FollowthroughError
from app.ledger.runs import Todo
from pipelines import alerts, monitors
from pipelines.bench import Bench, ledger
from pipelines.values import BroughtMonitor, Kept

_LOOK_SECONDS = 2.0


def see(bench: Bench, todo: Todo, kept: Kept, stacks: Sequence[str], brought: Sequence[BroughtMonitor]) -> list[Check]:
    """Everything that can be asked about a change after its apply, with the answers, as they are recorded.

    Raises nothing of what it asks: a Prometheus that does not answer is an answer.
    """
    verify = bench.repository.verify
    found = [Check("plan", stack, True, "is empty") for stack in stacks]
    rules = alerts.rules_of(bench, kept)
    if rules and verify.prometheus:
        names = ", ".join(dict.fromkeys(rule.name for rule in rules))
        found += _until_well(bench, lambda: alerts.see_loaded(bench, rules), "prometheus-rule", names)
    if brought:
        names = ", ".join(monitor.name for monitor in brought)
        found += _asked(bench, lambda: monitors.see_beating(bench, brought), "uptime-kuma", names)
    if todo.type == "Alert" and verify.prometheus and all(rule.record for rule in rules):
        found.append(_nothing("prometheus-rule", "alert"))
    if todo.type == "Monitor" and bench.repository.monitors and not brought:
        found.append(_nothing("uptime-kuma", "monitor"))
    if verify.config and todo.type == "Config":
        found += [_own_check(bench, todo, stack) for stack in stacks]
    found = [replace(check, answer=bench.hide(check.answer)) for check in found]
    ledger().checks.keep(bench.run.id, todo.id, found)
    for check in found:
        bench.say("verify", check.said, todo.id)
    return found


def _nothing(kind: Kind, what: str) -> Check:
    """A change without what its TODO asks for: one that a provider makes, or an edit beside it. Nobody can see it."""
    why = f"is unknown: the change adds or changes no {what} that can be read, so nothing of it was seen to work"
    return Check(kind, "of this TODO", False, why, f"{what}-not-seen")


def _until_well(bench: Bench, ask: Callable[[], list[Check]], kind: Kind, subject: str) -> list[Check]:
    """Ask again until everything is well or the time is over: what was applied takes a while to be loaded."""
    deadline = time.monotonic() + bench.repository.verify.minutes * 60
    while True:
        found = _asked(bench, ask, kind, subject)
        if first_problem(found) is None or time.monotonic() + _LOOK_SECONDS > deadline:
            return found
        time.sleep(_LOOK_SECONDS)


def _asked(bench: Bench, ask: Callable[[], list[Check]], kind: Kind, subject: str) -> list[Check]:
    try:
        return ask()
    except FollowthroughError as error:
        return [Check(kind, subject, False, str(error), error.reason)]


def _own_check(bench: Bench, todo: Todo, stack: str) -> Check:
    command = bench.repository.verify.config.replace("{stack}", stack)
    code, said = bench.terraform.check(stack, bench.workspace.job(todo.id, "check", stack))
    said = bench.hide(said)
    if said:
        bench.say("verify", f"{command} printed: {said}", todo.id)
    if code == 0:
        return Check("command", command, True, "exit 0")
    how = "left no exit code" if code is None else f"exit {code}"
    lines = said.splitlines()
    return replace(
        Check("command", command, False, how, "check-failed"), answer=f"{how}: {lines[-1]}" if lines else how
    )
