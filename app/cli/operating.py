"""`followthrough approve`, `decline`, `approvals`, `cancel`, `retry`, `replay`, `pause` and `resume`, over either desk.

Each prints what came of it, in words or with `as_json` as data, and returns the exit code.
"""

from __future__ import annotations

from rich.table import Table

from app.cli.console import console
from app.cli.desk import Desk
from app.cli.shown import print_json, say, text
from app.errors import BadInput
from app.ledger.approvals import VALID_FOR
from app.ledger.deliveries import TRY_AGAIN

_GOES_ON = "the running service goes on with it, or the next one that starts"


def decide(desk: Desk, name: str, decision: str, why: str, as_json: bool) -> int:
    """Say yes or no to what waits for a person. `name` is RUN/TODO."""
    run_id, _, todo_id = name.rpartition("/")
    if not run_id or not todo_id:
        raise BadInput("bad-approval", f"deciding on {name}: it must be RUN/TODO; see followthrough approvals")
    desk.decide(run_id, todo_id, decision, why)
    if as_json:
        print_json({"run": run_id, "todo": todo_id, "decision": decision})
    else:
        say(f"{decision}; {_GOES_ON}")
    return 0


def print_waiting(desk: Desk, as_json: bool) -> int:
    """Print everything that waits for a person, oldest first."""
    rows = desk.approvals()
    if as_json:
        print_json(rows)
        return 0
    table = Table("asked", "what", "does", "why it waits", "how")
    for row in rows:
        how = f"followthrough approve {row['run']}/{row['todo']}\nbranch {row['branch']}"
        cells = (row["asked_at"], row["action"], "\n".join(row["does"]), row["message"], how)
        table.add_row(*(text(cell) for cell in cells))
    console.print(table if rows else "nothing waits for a person")
    console.print(f"what nobody approves within {VALID_FOR.total_seconds() / 3600:.0f} hours is void")
    return 0


def cancel(desk: Desk, run_id: str, why: str, as_json: bool) -> int:
    """Stop one run: its agent or plan is ended, an apply under way is waited for, people are told."""
    said = desk.cancel(run_id, why)
    if as_json:
        print_json({"run": run_id, "cancelled": said})
    else:
        say(f"{run_id} stops within seconds" if said else f"{run_id} was cancelled before")
    return 0


def retry(desk: Desk, run_id: str, as_json: bool) -> int:
    """Begin a new run for the commit and the document of an earlier one."""
    again = desk.retry(run_id)
    if as_json:
        print_json({"run": again})
    else:
        say(f"run {again}; {_GOES_ON}")
    return 0


def replay(desk: Desk, delivery_id: str, wait: float, as_json: bool) -> int:
    """Take a delivery up again and say what came of it within `wait` seconds; 1 when that is nothing once more."""
    row = desk.replay(delivery_id, wait)
    if as_json:
        print_json({name: value for name, value in row.items() if name != "ended"})
    elif not row["ended"]:
        say(f"{delivery_id} is handed over; {_GOES_ON}")
    else:
        say(f"{delivery_id} came to {row['reason']}: {row['message']}")
        for run_id in row["runs"]:
            say(f"run {run_id}")
        if not row["handed_over"]:
            say("nothing is started twice; followthrough retry RUN tries a run again")
    came_to_nothing = row["handed_over"] and row["ended"] and row["reason"] in ("", *TRY_AGAIN)
    return 1 if came_to_nothing else 0


def pause(desk: Desk, why: str, as_json: bool) -> int:
    """Let nothing begin any more: no agent, no plan, no apply. What is under way ends by itself."""
    said = desk.pause(why)
    if as_json:
        print_json({"paused": True, "changed": said})
    else:
        say("paused; followthrough resume goes on" if said else "it is paused already")
    return 0


def resume(desk: Desk, as_json: bool) -> int:
    """Go on after a pause."""
    said = desk.resume()
    if as_json:
        print_json({"paused": False, "changed": said})
    else:
        say("resumed" if said else "it was not paused")
    return 0
