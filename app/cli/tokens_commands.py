"""`followthrough tokens new`, `list` and `revoke`, and `followthrough login`: their options."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from app.cli.options import AsJson, Config
from app.settings import load
from app.web.identity import SCOPES, Scope

commands = typer.Typer(help="What people and programs log in with.", no_args_is_help=True)
_Name = Annotated[str, typer.Argument(metavar="NAME", help="Who has it; it stands beside what is done with it.")]


class _Scope(StrEnum):
    """The scopes once more: typer reads no list of literals."""

    READ = "read"
    APPROVE = "approve"
    OPERATE = "operate"


_Scopes = Annotated[
    list[_Scope], typer.Option("--scope", help="What it is good for; may be given several times. Each may read.")
]


@commands.command()
def new(
    name: _Name,
    scope: _Scopes,
    days: Annotated[float, typer.Option(min=0, max=3650, help="After how many days it expires; 0: never.")] = 0,
    config: Config = None,
) -> None:
    """Make a token and print its secret, which is shown this once and kept nowhere."""
    from app.cli.tokens import new as new_token

    raise typer.Exit(new_token(load(config), name, _known(scope), days))


@commands.command(name="list")
def show(as_json: AsJson = False, config: Config = None) -> None:
    """List the tokens of the database: scopes, when each was used last (to the hour), whether it is good."""
    from app.cli.tokens import show as show_tokens

    raise typer.Exit(show_tokens(load(config), as_json))


@commands.command()
def revoke(name: _Name, config: Config = None) -> None:
    """Let nobody in by a token any more, nor by the sessions that were begun with it."""
    from app.cli.tokens import revoke as revoke_token

    raise typer.Exit(revoke_token(load(config), name))


def login(
    scope: Annotated[
        list[_Scope] | None, typer.Option("--scope", help="What it is good for; several times. Default: everything.")
    ] = None,
    config: Config = None,
) -> None:
    """Print a link that logs one browser in, once, within ten minutes."""
    from app.cli.tokens import login as login_link

    raise typer.Exit(login_link(load(config), _known(scope or [])))


def _known(said: Sequence[str]) -> list[Scope]:
    return [scope for scope in SCOPES if scope in said]
