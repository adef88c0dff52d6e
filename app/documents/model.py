"""A post-mortem as data: what the parser gives and everybody else reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["open", "done", "unclear"]
Shape = Literal["table", "checkbox", "list"]

SAFE_TYPES = ("Alert", "Config", "Monitor")
HUMAN_TYPES = ("Architecture", "Investigation", "Migration", "Runbook")


@dataclass(frozen=True)
class Declared:
    """The words that stand in the document, None where it has no such column."""

    type: str | None = None
    priority: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Item:
    """One action item.

    `id` is made from the action's text, so it stays when lines move and when other cells are edited. `line` and
    `end_line` are 1-based and inclusive. `safe` is true only for an open item whose declared type is exactly Alert,
    Config or Monitor; `reason` is a kebab-case code saying why an open item is not safe, empty when it is.
    `links` are the addresses and the keys (#123, OPS-7) of tickets and changes in its lines, in document order.
    `type` is the declared type where there is one, else an inferred one (which never makes an item safe).
    """

    id: str
    action: str
    line: int
    end_line: int
    status: Status
    safe: bool
    reason: str = ""
    priority: str | None = None
    type: str | None = None
    details: str = ""
    owner: str | None = None
    due: str | None = None
    declared: Declared = Declared()
    shape: Shape = "table"
    section: str = ""
    links: tuple[str, ...] = ()


@dataclass(frozen=True)
class Document:
    """One post-mortem. `date` and `published` are YYYY-MM-DD or None; `items` are in document order.

    `duration` and `status` ("Draft", "Resolved") are as they are stated, without markup; `services` are the
    affected ones.
    """

    file: str
    title: str | None
    date: str | None
    severity: str | None
    items: tuple[Item, ...]
    duration: str | None = None
    services: tuple[str, ...] = ()
    status: str | None = None
    published: str | None = None

    @property
    def head(self) -> tuple[object, ...]:
        """All that the document says of itself, apart from its items."""
        return self.title, self.date, self.severity, self.duration, self.services, self.status, self.published

    @property
    def todos(self) -> tuple[Item, ...]:
        """Open and safe."""
        return tuple(i for i in self.items if i.status != "done" and i.safe)

    @property
    def skipped(self) -> tuple[Item, ...]:
        """Open or unclear, and not safe."""
        return tuple(i for i in self.items if i.status != "done" and not i.safe)

    @property
    def done(self) -> tuple[Item, ...]:
        """Closed."""
        return tuple(i for i in self.items if i.status == "done")


@dataclass(frozen=True)
class FollowUpRow:
    """One row of the Follow-up Implementation table. `commit_url` makes the short hash a link."""

    item_id: str
    action: str
    priority: str
    type: str
    done: bool
    date: str = ""
    commit: str = ""
    commit_url: str = ""
