"""`followthrough devvms`, `devvms drain` and `devvms undrain`: their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.settings import load

commands = typer.Typer(help="The DevVMs: how each was when it was tried last, its open runs, whether it gets new ones.")
_Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Its name in the configuration.")]


@commands.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    check: Annotated[bool, typer.Option("--check", help="Connect to each first.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: _Config = None,
) -> None:
    """List the DevVMs as they were when somebody tried them last."""
    if context.invoked_subcommand is None:
        from app.cli.devvms import print_devvms

        raise typer.Exit(print_devvms(load(config), check, as_json))


@commands.command()
def drain(name: _Name, why: Annotated[str, typer.Option(help="Why; it is kept.")] = "", config: _Config = None) -> None:
    """Give a DevVM no new run; those that it has go on there."""
    from app.cli.devvms import drain as drain_one

    raise typer.Exit(drain_one(load(config), name, why))


@commands.command()
def undrain(name: _Name, config: _Config = None) -> None:
    """Give a drained DevVM new runs again."""
    from app.cli.devvms import undrain as undrain_one

    raise typer.Exit(undrain_one(load(config), name))
