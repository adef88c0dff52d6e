"""The words of a judgement: what a rule reads and what it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

Subject = TypeVar("Subject")
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
    """One path that differs between two git trees. Modes are git's six digits; blobs are None where absent.

    `filter` is what `git check-attr filter` says of the path at the base commit.
    """

    path: str
    status: str
    base_mode: str
    head_mode: str
    base: bytes | None
    head: bytes | None
    filter: str = "unspecified"


@dataclass(frozen=True)
class Edits:
    """Everything that differs between two trees, and what stands around it.

    `around` maps the paths of the unchanged .tf files in the changed stacks' folders to their content: a rule that asks
    whether a variable is sensitive has to see its declaration.
    """

    changes: tuple[Change, ...]
    around: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Policy:
    """What the operator lets a machine do in one repository.

    `known_stacks` are the stacks that exist at the base commit. `todo_type` is the declared type of the TODO that is
    worked on, None when that is not known (a plan judged in somebody's CI). `creates` maps a TODO type to the resource
    types (globs) that it may create without a person. What lies over a limit waits for one. `monitors` is the path of
    the inventory of monitors, empty where monitors are Terraform's. `alert_parts` is what a new alert must have: for,
    severity, summary. `version` names the rule set and the values here, and is kept with every verdict.
    """

    stacks: str
    known_stacks: frozenset[str]
    protected_stacks: frozenset[str]
    todo_type: str | None = None
    creates: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    most_files: int = 5
    most_added_lines: int = 200
    most_deleted_lines: int = 20
    most_creates: int = 3
    most_updates: int = 3
    monitors: str = ""
    alert_parts: tuple[str, ...] = ("for", "severity", "summary")
    version: str = ""


@dataclass(frozen=True)
class Found:
    """What a rule objects to: where, what was found, and the decision when it is not the rule's own."""

    where: str
    what: str
    decision: Decision | None = None


@dataclass(frozen=True)
class Rule(Generic[Subject]):
    """One row of a table of rules.

    `reads` names what it looks at, `why` says in one sentence what it is for, `through` how to get through honestly.
    `check` is a pure function that yields everything that the rule does not let through.
    """

    id: str
    reads: str
    decision: Decision
    why: str
    through: str
    check: Callable[[Subject, Policy], Iterator[Found]] = field(repr=False)


def judge(rules: Sequence[Rule[Subject]], subject: Subject, policy: Policy) -> Verdict:
    """Every finding of every rule, in the table's order."""
    return Verdict(
        tuple(
            Finding(rule.id, found.where, f"{found.what}; {rule.why}. {rule.through}", found.decision or rule.decision)
            for rule in rules
            for found in rule.check(subject, policy)
        )
    )


def merge(verdicts: Sequence[Verdict]) -> Verdict:
    """All findings of several verdicts as one verdict."""
    return Verdict(tuple(f for v in verdicts for f in v.findings))
