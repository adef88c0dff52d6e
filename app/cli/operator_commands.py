"""`followthrough approve`, `decline`, `approvals`, `cancel`, `retry`, `replay`, `pause`, `resume`, `spend`: their
options. Each is done over the database here or a service afar.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AsJson, Config, InsecureHttp, Run, RunTodo, Server, Why

if TYPE_CHECKING:
    from app.cli.desk import Desk

commands = typer.Typer()


@contextmanager
def _desk(config: Path | None, server: str | None, insecure_http: bool, as_json: bool) -> Iterator[Desk]:
    from app.cli.desk import Where, desk_of
    from app.cli.shown import answering

    with answering(as_json), desk_of(Where(config, server, insecure_http)) as desk:
        yield desk


@commands.command()
def approve(
    name: RunTodo,
    why: Why = "",
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Let a change that waits for a person be landed, exactly as it was planned."""
    from app.cli.operating import decide

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(decide(desk, name, "approved", why, as_json))


@commands.command()
def decline(
    name: RunTodo,
    why: Why = "",
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Say no to a change that waits for a person."""
    from app.cli.operating import decide

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(decide(desk, name, "declined", why, as_json))


@commands.command()
def approvals(
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """List what waits for a person."""
    from app.cli.operating import print_waiting

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(print_waiting(desk, as_json))


@commands.command()
def cancel(
    run: Run,
    why: Why = "",
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Stop one run within seconds. Its agent is ended, an apply under way is waited for, people are told."""
    from app.cli.operating import cancel as cancel_run

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(cancel_run(desk, run, why, as_json))


@commands.command()
def retry(
    run: Run,
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Begin a new run for the commit and the document of an earlier one. What is settled stays settled."""
    from app.cli.operating import retry as retry_run

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(retry_run(desk, run, as_json))


@commands.command()
def replay(
    delivery: Annotated[str, typer.Argument(metavar="DELIVERY", help="The delivery's id.")],
    wait: Annotated[float, typer.Option(min=0, help="How long to wait for what comes of it, in seconds.")] = 20,
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Take a delivery up again that came to nothing through no fault of its own, or that waits for a person's word."""
    from app.cli.operating import replay as replay_delivery

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(replay_delivery(desk, delivery, wait, as_json))


@commands.command()
def pause(
    why: Why = "",
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Let nothing begin any more, no agent, no plan and no apply, until resume."""
    from app.cli.operating import pause as pause_all

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(pause_all(desk, why, as_json))


@commands.command()
def resume(
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Go on after a pause."""
    from app.cli.operating import resume as resume_all

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(resume_all(desk, as_json))


@commands.command()
def spend(
    days: Annotated[int, typer.Option(min=1, max=366, help="How many days, today included.")] = 7,
    as_json: AsJson = False,
    server: Server = None,
    insecure_http: InsecureHttp = False,
    config: Config = None,
) -> None:
    """Show what agents cost: by day with the limit, for each landed change, by what came of it. US dollars, UTC."""
    from app.cli.spend import print_spend

    with _desk(config, server, insecure_http, as_json) as desk:
        raise typer.Exit(print_spend(desk, days, as_json))
