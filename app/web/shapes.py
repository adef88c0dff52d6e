"""What the JSON API takes and answers. Names are never reused; new ones may be added.

Times are ISO 8601 in UTC, money is US dollars.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import Path, Query
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.redact import visible

_ID = r"^[A-Za-z0-9][A-Za-z0-9._:-]*$"
RunId = Annotated[str, Path(pattern=_ID, max_length=100)]
TodoId = Annotated[str, Path(pattern=_ID, max_length=32)]
DeliveryId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._-]+$", max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at most")]
Before = Annotated[str, Query(pattern=r"^[A-Za-z0-9._:-]*$", max_length=100, description="the id after which to go on")]
After = Annotated[str, Query(max_length=300, description="`next` of the page before, empty for the first one")]
Outcome = Annotated[
    Literal[
        "", "going-on", "done", "nothing-to-do", "partial", "needs-human", "failed", "unknown", "cancelled", "refused"
    ],
    Query(description="runs that ended so, or go on"),
]
Name = Annotated[str, Query(max_length=200, pattern=r"^[A-Za-z0-9._/-]*$", description="a repository's full name")]
Why = Annotated[str, Field(max_length=2000, description="kept with who did it"), AfterValidator(visible)]


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow")


class Run(_Row):
    """A run; `outcome` is null while it is not over. `todos` of a list counts by outcome."""

    id: str
    repository: str
    post_mortem: str
    commit: str
    title: str
    incident_date: str
    delivery: str
    dry_run: bool
    devvm: str
    created_at: str
    finished_at: str | None
    outcome: str | None
    reason: str
    message: str
    cost_usd: float


class ListedRun(Run):
    """A run with how many of its TODOs ended how; `open` where they have not."""

    todos: dict[str, int]


class Runs(BaseModel):
    """A page of runs, newest first. `next`: what `before` is for the page after it, null at the end."""

    runs: list[ListedRun]
    next: str | None


class Todo(_Row):
    """A TODO of a run with what was seen of its change."""

    id: str
    line: int
    action: str
    details: str
    priority: str
    type: str
    safe: bool
    outcome: str | None
    reason: str
    message: str
    findings: list[dict[str, Any]]
    commit: str
    started_at: str | None
    finished_at: str | None
    cost_usd: float
    checks: list[dict[str, Any]]


class Event(_Row):
    """A line of what people follow."""

    id: int
    run_id: str
    todo_id: str
    at: str
    phase: str
    text: str


class WholeRun(Run):
    """A run with all that is known of it."""

    todos: list[Todo]
    events: list[Event]


class Delivery(_Row):
    """A webhook's delivery, or a find of the reconciler."""

    id: str
    event: str
    repository: str
    received_at: str
    decision: str
    reason: str
    message: str


class Deliveries(BaseModel):
    """A page of deliveries, newest first, and how many requests were not let in, by day and reason."""

    deliveries: list[Delivery]
    rejected: list[dict[str, Any]]
    next: str | None


class Waiting(BaseModel):
    """A change that waits for a person."""

    run: str
    todo: str
    repository: str
    post_mortem: str
    action: str
    message: str
    does: list[str]
    asked_at: str
    commit: str
    branch: str


class Approvals(BaseModel):
    """A page of what waits for a person, oldest first. `next`: what `after` is for the page after, null at the end."""

    approvals: list[Waiting]
    next: str | None


class Paused(BaseModel):
    """Whether nothing begins at the moment, who said so, when and why; empty where it is not so."""

    paused: bool
    by: str = ""
    at: str = ""
    why: str = ""


class Act(_Row):
    """Who did what, and what came of it: begun, done, nothing (it was so before), refused, failed."""

    id: int
    at: str
    by: str
    how: str
    action: str
    run_id: str
    todo_id: str
    subject: str
    why: str
    outcome: str
    reason: str
    times: int


class Actions(BaseModel):
    """A page of actions, newest first."""

    actions: list[Act]
    next: int | None


class Me(BaseModel):
    """Who asks. `csrf` is what X-CSRF-Token has to bear, empty where none is needed."""

    name: str
    how: str
    scopes: list[str]
    csrf: str


class Because(BaseModel):
    """Why it is done."""

    model_config = ConfigDict(extra="forbid")
    why: Why = ""


class Decision(Because):
    """Why, and the commit that was looked at: another one that waits by now is not decided on. Empty: any."""

    commit: str = Field("", pattern=r"^([0-9a-f]{40})?$")


class Wanted(BaseModel):
    """The post-mortem of a configured repository that a run is asked for."""

    model_config = ConfigDict(extra="forbid")
    repository: str = Field(max_length=200, pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$")
    post_mortem: str = Field(max_length=500, pattern=r"^[A-Za-z0-9._/ -]+$")


class Decided(BaseModel):
    """What was said of a change."""

    run: str
    todo: str
    decision: Literal["approved", "declined"]


class Cancelled(BaseModel):
    """`cancelled` and `changed` are false when it had been cancelled before."""

    run: str
    cancelled: bool
    changed: bool


class Begun(BaseModel):
    """The run that takes it on."""

    run: str


class Replayed(BaseModel):
    """What happens now, in words."""

    delivery: str
    message: str


class Switched(BaseModel):
    """How the switch stands, and whether that is new."""

    paused: bool
    changed: bool
