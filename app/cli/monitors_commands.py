"""`followthrough monitors ...`: the commands and their options. What they do is in `app.cli.monitors`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.settings import load

commands = typer.Typer(help="The inventory of monitors, and Uptime Kuma that has them.", no_args_is_help=True)
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
Named = Annotated[str, typer.Option("--repository", help="OWNER/NAME, when several are configured.")]
File = Annotated[
    Path | None, typer.Option("--file", help="The inventory. Default: repository.monitors, below this folder.")
]
Json = Annotated[bool, typer.Option("--json", help="For programs.")]


@commands.command()
def plan(file: File = None, repository: Named = "", as_json: Json = False, config: Config = None) -> None:
    """Say what Uptime Kuma lacks, has otherwise, and has. Changes nothing."""
    from app.cli.monitors import print_plan

    raise typer.Exit(print_plan(load(config), repository, file, as_json))


@commands.command()
def apply(file: File = None, repository: Named = "", as_json: Json = False, config: Config = None) -> None:
    """Bring what Uptime Kuma lacks, and wait for heartbeats. What it has is left as it is, nothing is removed."""
    from app.cli.monitors import apply_monitors

    raise typer.Exit(apply_monitors(load(config), repository, file, as_json))


@commands.command("import")
def import_(
    output: Annotated[Path | None, typer.Option(help="Write this file. Default: standard output.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Replace the file if it is there.")] = False,
    repository: Named = "",
    config: Config = None,
) -> None:
    """Write the inventory of what Uptime Kuma has; what it cannot say is told on standard error."""
    from app.cli.monitors import import_monitors

    raise typer.Exit(import_monitors(load(config), repository, output, yes))


@commands.command()
def schema() -> None:
    """Print the JSON Schema of the inventory."""
    from app.cli.monitors import print_schema

    raise typer.Exit(print_schema())
