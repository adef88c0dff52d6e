"""The commands over what is kept: `followthrough retention`, `export`, `backup`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.settings import load

commands = typer.Typer()

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
Day = Annotated[str | None, typer.Option(metavar="DATE", help="YYYY-MM-DD in UTC, that day included.")]
Replace = Annotated[bool, typer.Option("--yes", help="Replace a file that is there.")]


@commands.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much would go; remove nothing.")] = False,
    config: Config = None,
) -> None:
    """Remove now what was kept as long as the settings say. A running service does it once a day."""
    from app.cli.retention import remove_old

    raise typer.Exit(remove_old(load(config), dry_run))


@commands.command()
def export(
    since: Day = None,
    until: Day = None,
    output: Annotated[Path | None, typer.Option(help="A file, made for you alone. Default: print.")] = None,
    yes: Replace = False,
    config: Config = None,
) -> None:
    """Write the audit trail as JSON lines, in order of time: deliveries, runs, TODOs, approvals, checks, effects."""
    from app.cli.export import export as export_facts

    raise typer.Exit(export_facts(load(config), since, until, output, yes))


@commands.command()
def backup(
    file: Annotated[Path, typer.Argument(help="The copy, made for you alone.")],
    yes: Replace = False,
    config: Config = None,
) -> None:
    """Copy the SQLite database while it is in use, and check the copy."""
    from app.cli.backup import backup as back_up

    raise typer.Exit(back_up(load(config), file, yes))
