"""`followthrough approve`, `decline` and `approvals`: what a person says to a change that waits."""

from __future__ import annotations

import os
import pwd

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.errors import BadInput
from app.ledger.approvals import VALID_FOR
from app.main import compose
from app.redact import redact
from app.settings import Settings
from pipelines import durable


def decide(settings: Settings, name: str, decision: str, why: str) -> int:
    """Write down what the person at this terminal says, and hand it over to whatever executes runs."""
    run_id, _, todo_id = name.rpartition("/")
    if not run_id:
        raise BadInput("bad-approval", f"deciding on {name}: it must be RUN/TODO; see followthrough approvals")
    ledger = compose(settings)
    ledger.approvals.decide(run_id, todo_id, decision, _person(), redact(why, settings.secrets()))
    lane = ledger.runs.get(run_id).repository
    durable.hand_over(settings.database.url, "follow_approval", f"{run_id} {todo_id}", lane)
    console.print(Text(f"{decision}; the running service goes on with it, or the next one that starts"))
    return 0


def _person() -> str:
    """Who sits there, as the system says and not as the environment does; in a container that may be a number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def print_waiting(settings: Settings) -> int:
    """Print everything that waits for a person, oldest first."""
    ledger = compose(settings)
    table = Table("asked", "what", "does", "why it waits", "how")
    for row in ledger.approvals.waiting():
        todo = next(t for t in ledger.runs.todos(row["run_id"]) if t["id"] == row["todo_id"])
        asked = ledger.approvals.find(row["run_id"], row["todo_id"]) or {"plans": []}
        does = "\n".join(line for plan in asked["plans"] for line in plan["shown"])
        how = f"followthrough approve {row['run_id']}/{row['todo_id']}\nbranch {row['branch']}"
        table.add_row(*(Text(redact(cell)) for cell in (row["asked_at"], todo["action"], does, todo["message"], how)))
    console.print(table if table.row_count else "nothing waits for a person")
    console.print(f"what nobody approves within {VALID_FOR.total_seconds() / 3600:.0f} hours is void")
    return 0
