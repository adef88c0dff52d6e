"""How a change was seen to work: one check and its answer, and the words for it. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal[
    "plan", "promtool", "prometheus-query", "prometheus-rule", "alertmanager-route", "uptime-kuma", "command"
]
# Checks that say how the running system is after the change; the others were asked before it.
LASTING: tuple[Kind, ...] = ("prometheus-rule", "uptime-kuma")
_SAID = {
    "plan": "plan of",
    "promtool": "promtool on",
    "prometheus-query": "prometheus query of",
    "prometheus-rule": "prometheus rule",
    "alertmanager-route": "alertmanager route of",
    "uptime-kuma": "uptime-kuma monitor",
    "command": "command",
}


@dataclass(frozen=True)
class Check:
    """One question to the running system, with its answer.

    `subject` names what was asked about (a rule, a monitor, a stack, a command line), `answer` is what came back in a
    few words. `reason` is a kebab-case code where it is not `ok`. `link` is where people look at it, empty for none.
    """

    kind: Kind
    subject: str
    ok: bool
    answer: str
    reason: str = ""
    link: str = ""

    @property
    def said(self) -> str:
        """The check in one line: `prometheus rule NFSMountFailing health ok`."""
        # A service of a later version may know more kinds than whoever reads its answer.
        return " ".join(f"{_SAID.get(self.kind, self.kind)} {self.subject} {self.answer}".split())


def of_row(row: Mapping[str, Any]) -> Check:
    """A check from its row in the ledger."""
    return Check(**{name: row[name] for name in Check.__dataclass_fields__})


def first_problem(checks: Sequence[Check]) -> Check | None:
    """The first check that did not come out well, None when all did."""
    return next((check for check in checks if not check.ok), None)
