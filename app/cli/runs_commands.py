"""`followthrough runs`, `retry`, `replay` and `reconcile`: their options and exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.settings import load

_Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]


def runs(
    run: Annotated[str, typer.Argument(metavar="RUN", help="One run's id. Default: the last runs.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many runs.")] = 20,
    follow: Annotated[bool, typer.Option("--follow", help="Print what happens in RUN until it is over.")] = False,
    config: _Config = None,
) -> None:
    """Show the last runs, newest first, or one run with its TODOs and its last events.

    Exit codes: 0 shown, 1 the run that was followed did not end as done or with nothing to do, 2 there is no such run.
    """
    from app.cli.runs import show_runs

    raise typer.Exit(show_runs(load(config), run, as_json, limit, follow))


def retry(run: Annotated[str, typer.Argument(metavar="RUN", help="The run's id.")], config: _Config = None) -> None:
    """Begin a new run for the commit and the document of an earlier one. What is settled stays settled.

    Exit codes: 0 handed over, 1 nothing of it can be tried again or it goes on still, 2 there is no such run.
    """
    from app.cli.retry import retry as retry_run

    raise typer.Exit(retry_run(load(config), run))


def replay(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    wait: Annotated[float, typer.Option(min=0, help="How long to wait for what comes of it, in seconds.")] = 20,
    config: _Config = None,
) -> None:
    """Take a delivery up again that came to nothing through no fault of its own, or that waits for a person's word.

    Exit codes: 0 it was looked into, before or now, or is handed over; 1 it came to nothing again, or was ignored;
    2 there is no such delivery.
    """
    from app.cli.retry import replay as replay_delivery

    raise typer.Exit(replay_delivery(load(config), delivery, wait))


def reconcile(
    everything: Annotated[
        bool, typer.Option("--all", help="Look into all of each branch, as for a first push; settled TODOs stay so.")
    ] = False,
    config: _Config = None,
) -> None:
    """Look for pushes that no webhook told of, and follow them. A running service does so every few minutes.

    Exit codes: 0 looked at every repository, 1 one of them could not be reached, 2 the configuration is wrong.
    """
    from app.cli.reconcile import look_now

    raise typer.Exit(look_now(load(config), everything))
