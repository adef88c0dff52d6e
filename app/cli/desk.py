"""What an operator's commands are done over: the database here, or a service afar. Commands are written once, for both.

    --server URL, or FOLLOWTHROUGH_SERVER    the service there, over its API, with the token of FOLLOWTHROUGH_TOKEN
    --config FILE, or nothing                the database that the configuration names

Rows are plain data in the form of the API (docs of `app/cli/answers.py`), with every text redacted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.errors import BadInput

Row = dict[str, Any]


@dataclass(frozen=True)
class Where:
    """What the options of a command say about where it is done. `server` None: the option was not given."""

    config: Path | None = None
    server: str | None = None
    insecure_http: bool = False


class Desk(Protocol):
    """Raises BadInput where there is no such thing, Refused where it cannot be done now, Failed where we broke."""

    def runs(self, limit: int, outcome: str, repository: str) -> list[Row]:
        """The last runs, newest first, of this outcome and repository where these are given; `todos` counts them."""

    def run(self, run_id: str) -> Row:
        """One run with its TODOs, their checks, and its events."""

    def follow(self, run_id: str, said: Callable[[str], None]) -> Iterator[Row]:
        """The events of a run as they come, until it is over; `said` is told of trouble on the way."""

    def approvals(self) -> list[Row]:
        """What waits for a person, oldest first."""

    def decide(self, run_id: str, todo_id: str, decision: str, why: str) -> None:
        """`approved` or `declined`."""

    def cancel(self, run_id: str, why: str) -> bool:
        """Stop a run; False when somebody had said so before."""

    def retry(self, run_id: str) -> str:
        """Try again what a run has not settled. Returns the new run's id."""

    def replay(self, delivery_id: str, wait: float) -> Row:
        """Take a delivery up again, and wait so many seconds for what comes of it."""

    def pause(self, why: str) -> bool:
        """Let nothing begin; False when it is paused already."""

    def resume(self) -> bool:
        """Go on; False when it was not paused."""

    def spend(self, days: int) -> Row:
        """What the last so many days cost: `Spend.report`."""


@contextmanager
def desk_of(where: Where) -> Iterator[Desk]:
    """The desk that the options and the environment name. Raises BadInput: `server-and-config`, or what opening says.

    An option wins over the environment: with --config FILE it is the database here.
    """
    from app.settings import load
    from app.settings.operator import OperatorSettings

    if where.server and where.config:
        message = "a service afar is asked with --server, the database here with --config; give one of them"
        raise BadInput("server-and-config", message)
    environment = OperatorSettings()
    server = where.server if where.server is not None else "" if where.config else environment.server
    if server:
        from app.cli.remote import Remote
        from app.cli.there import There

        with Remote(server, environment.token.get_secret_value().strip(), where.insecure_http) as remote:
            yield There(remote)
    else:
        from app.cli.here import Here

        yield Here(load(where.config))


def no_such_run(run_id: str) -> BadInput:
    """The same sentence wherever the run is looked for."""
    return BadInput("no-such-run", f"looking for {run_id}: there is no such run; see followthrough runs")


def listed(row: Row) -> Row:
    """A run of a list with its TODOs counted by outcome, `open` for those without one."""
    return {**row, "todos": {name or "open": count for name, count in row["todos"].items()}}
