"""What one step hands to the next: plain data, stored with the run, without any secret."""

from __future__ import annotations

from dataclasses import dataclass

from app.edges.workspace import Entry
from app.guard.model import Finding
from app.ledger.runs import Todo


@dataclass(frozen=True)
class Work:
    """What a run has to do: TODOs, P0 first, and whether results of an earlier run are missing in the document."""

    todos: list[Todo]
    owed: bool


@dataclass(frozen=True)
class AgentChange:
    """What the agent changed, and what the rules found against it.

    `expected` are the addresses whose plan the edit can change, None when that cannot be told. `outdated` is True when
    somebody has landed on the same since the agent's copy was made: the next try needs a new one.
    """

    entries: tuple[Entry, ...]
    stacks: tuple[str, ...]
    findings: tuple[Finding, ...]
    expected: tuple[str, ...] | None = None
    outdated: bool = False


@dataclass(frozen=True)
class StackPlan:
    """A judged plan of one stack: the job that made it, the hash of its file, and what it does.

    `does` names addresses and verbs; `shown` has every changed value, the sensitive ones masked.
    """

    stack: str
    job: str
    sha256: str
    does: tuple[str, ...]
    findings: tuple[Finding, ...]
    shown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kept:
    """A judged change as a commit: its hash and git tree id, the commit it stands on, the branch that keeps it."""

    commit: str
    tree: str
    base: str
    branch: str


@dataclass(frozen=True)
class Approved:
    """What a person approved: the TODO, its commit, and the plans that were judged with it."""

    todo: Todo
    kept: Kept
    plans: list[StackPlan]


@dataclass(frozen=True)
class BroughtMonitor:
    """A monitor as it is in Uptime Kuma now: its id there, and when its newest heartbeat was then, "" for none.

    `elsewhere` is True where the one of that name was there before and watches something else.
    """

    name: str
    id: int
    since: str
    elsewhere: bool
