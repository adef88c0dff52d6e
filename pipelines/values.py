"""What one step hands to the next: plain data, stored with the run, without any secret."""

from __future__ import annotations

from dataclasses import dataclass

from app.edges.workspace import Entry
from app.guard.model import Finding


@dataclass(frozen=True)
class AgentChange:
    """What the agent changed, and what the rules found against it."""

    entries: tuple[Entry, ...]
    stacks: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class StackPlan:
    """A judged plan of one stack: the job that made it, the hash of its file, and what it does, without values."""

    stack: str
    job: str
    sha256: str
    does: tuple[str, ...]
    findings: tuple[Finding, ...]
