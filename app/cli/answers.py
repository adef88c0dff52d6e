"""What the operator's commands print with --json, and what of a service's answers they rely on.

Names are never reused; new ones may be added. Times are ISO 8601 in UTC, money is US dollars.

    runs                  [{id, repository, post_mortem, commit, title, incident_date, delivery, dry_run, devvm,
                          created_at, finished_at, outcome (null while it goes on), reason, message, cost_usd,
                          todos {OUTCOME or open: count}}]; with --watch one such object a line, at each change
    runs RUN              the same object, its todos [{id, line, action, details, priority, type, safe, outcome, reason,
                          message, findings, commit, started_at, finished_at, touches, cost_usd, checks [{kind,
                          subject, ok, answer, reason, link, at, first_at}]}], and the last twenty events [{id, todo_id,
                          at, phase, text}]
    approvals             [{run, todo, repository, post_mortem, action, message, does [line], asked_at, commit, branch}]
    approve, decline      {run, todo, decision (approved or declined)}
    cancel                {run, cancelled (false: it was cancelled before)}
    retry                 {run}, the new one
    replay                {delivery, reason, message, runs [id], handed_over}
    pause, resume         {paused, changed}
    spend                 {since, until, days [{day, spent_usd, reserved_usd, limit_usd}], total_usd,
                          landed {changes, usd, usd_each}, outcomes [{outcome, todos, usd}]}
    an error              {error, message}, and the same sentence on standard error
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, TypeAdapter, ValidationError

from app.errors import Failed


def _time(text: str) -> str:
    """A time that can be reckoned with. Raises ValueError."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("must say its time zone")
    return text


class _Answer(BaseModel):
    model_config = ConfigDict(extra="allow", strict=True)


class _Run(_Answer):
    id: str
    repository: str
    post_mortem: str
    commit: str
    delivery: str
    created_at: Annotated[str, AfterValidator(_time)]
    finished_at: str | None
    outcome: str | None
    reason: str
    message: str
    cost_usd: float


class ListedRun(_Run):
    """A run in a list."""

    todos: dict[str, int]


class _Check(_Answer):
    kind: str
    subject: str
    ok: bool
    answer: str
    reason: str
    link: str
    at: str
    first_at: str


class _Todo(_Answer):
    id: str
    priority: str
    type: str
    action: str
    outcome: str | None
    reason: str
    message: str
    commit: str
    cost_usd: float
    checks: list[_Check]


class OneEvent(_Answer):
    """A line of what people follow."""

    id: int
    at: str
    phase: str
    text: str


class WholeRun(_Run):
    """A run with all that is known of it."""

    todos: list[_Todo]
    events: list[OneEvent]


class Waiting(_Answer):
    """A change that waits for a person."""

    run: str
    todo: str
    action: str
    message: str
    does: list[str]
    asked_at: str
    branch: str


class _Day(_Answer):
    day: str
    spent_usd: float
    reserved_usd: float
    limit_usd: float


class _Landed(_Answer):
    changes: int
    usd: float
    usd_each: float | None


class _Outcome(_Answer):
    outcome: str
    todos: int
    usd: float


class Spending(_Answer):
    """What days cost."""

    since: str
    until: str
    days: list[_Day]
    total_usd: float
    landed: _Landed
    outcomes: list[_Outcome]


class OneDelivery(_Answer):
    """A delivery and what it started."""

    id: str
    reason: str
    message: str
    runs: list[str]


class NewRun(_Answer):
    """The answer to a retry."""

    run: str


class Changed(_Answer):
    """The answer to a cancel, a pause, a resume: whether that changed anything."""

    changed: bool


def relied_on(kind: Any, value: Any) -> Any:
    """`value` as it is when it has what we rely on. Raises Failed("not-followthrough") naming what it lacks."""
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        places = {".".join(str(part) for part in found["loc"]) or "all of it" for found in error.errors()}
        wrong = ", ".join(sorted(places)[:5])
        message = f"reading what the service answers: {wrong} is not as this version expects it"
        raise Failed("not-followthrough", f"{message}; are both of the same version?") from None
    return value
