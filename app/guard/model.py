"""The words of a judgement: what a rule reads and what it says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Decision = Literal["needs-approval", "block"]
VerdictWord = Literal["allow", "needs-approval", "block"]


@dataclass(frozen=True)
class Finding:
    """One rule that did not let something through.

    `rule` is an id of SECURITY.md, Rules (FILE-01, PLAN-02); `where` a path, an address or a line; `why` one sentence
    that says what was found and how to get through honestly.
    """

    rule: str
    where: str
    why: str
    decision: Decision = "block"


@dataclass(frozen=True)
class Verdict:
    """Every finding, and the strictest decision among them."""

    findings: tuple[Finding, ...] = ()

    @property
    def word(self) -> VerdictWord:
        """allow without findings, block when any finding blocks."""
        if any(f.decision == "block" for f in self.findings):
            return "block"
        return "needs-approval" if self.findings else "allow"

    @property
    def allows(self) -> bool:
        """True only when nothing was found."""
        return not self.findings


@dataclass(frozen=True)
class Change:
    """One path that differs between two git trees. Modes are git's six digits; blobs are None where absent."""

    path: str
    status: str
    base_mode: str
    head_mode: str
    base: bytes | None
    head: bytes | None


@dataclass(frozen=True)
class Policy:
    """What the operator allows in one repository. `known_stacks` are the stacks that exist at the base commit."""

    stacks: str
    known_stacks: frozenset[str]
    protected_stacks: frozenset[str]


def merge(verdicts: Sequence[Verdict]) -> Verdict:
    """All findings of several verdicts as one verdict."""
    return Verdict(tuple(f for v in verdicts for f in v.findings))
