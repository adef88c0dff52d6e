"""`followthrough runs` and `reconcile`: their options."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from app.cli.options import AsJson, Config, InsecureHttp, RunOrAll, Server
from app.settings import load

Outcome = Literal[
    "going-on", "done", "nothing-to-do", "partial", "needs-human", "failed", "unknown", "cancelled", "refused"
]


def runs(
    run: RunOrAll = "",
    follow: Annotated[bool, typer.Option("--follow", help="Print what happens in RUN until it is over.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Show the last runs as they change, until Ctrl-C.")] = False,
    outcome: Annotated[
        Outcome | None, typer.Option(help="Only runs that ended so; going-on: those that are not over.")
    ] = None,
    repository: Annotated[str, typer.Option(metavar="OWNER/NAME", help="Only runs of this repository.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many runs.")] = 20,
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Show the last runs, newest first, or one run with its TODOs and its last events.

    --follow needs RUN; a service afar that is lost meanwhile is tried again for five minutes. --watch draws on a
    terminal and prints a line for each change anywhere else, with --json one object a line.
    """
    from app.cli.desk import Where, desk_of
    from app.cli.live import watch as watch_runs
    from app.cli.runs import follow_run, list_runs, must_fit, show_run
    from app.cli.shown import answering

    with answering(as_json):
        must_fit(run, follow, watch, outcome or "", repository)
        with desk_of(Where(config, server, insecure_http)) as desk:
            if watch:
                watch_runs(desk, limit, outcome or "", repository, as_json)
            if not run:
                raise typer.Exit(list_runs(desk, limit, outcome or "", repository, as_json))
            raise typer.Exit(follow_run(desk, run, as_json) if follow else show_run(desk, run, as_json))


def reconcile(
    everything: Annotated[
        bool, typer.Option("--all", help="Look into all of each branch, as for a first push; settled TODOs stay so.")
    ] = False,
    config: Config = None,
) -> None:
    """Look for pushes that no webhook told of, and follow them. A running service does so every few minutes."""
    from app.cli.reconcile import look_now

    raise typer.Exit(look_now(load(config), everything))
