"""`followthrough guard ...`: the commands and their options. What they do is in `app.cli.guard`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from app.settings import load

commands = typer.Typer(
    help="Judge a plan, a diff or a TODO by the rules alone.",
    no_args_is_help=True,
)
Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
Form = Annotated[Literal["json", "text", "sarif"], typer.Option("--format", help="sarif for annotations on GitHub.")]
TodoType = Annotated[
    Literal["Alert", "Config", "Monitor"] | None, typer.Option("--type", help="The type of the TODO, when it is known.")
]
Named = Annotated[str, typer.Option("--repository", help="OWNER/NAME, when several are configured.")]


@commands.command()
def plan(
    file: Annotated[Path, typer.Argument(help="What `terraform show -json PLAN` printed; - for standard input.")],
    baseline: Annotated[Path | None, typer.Option(help="The same of a plan without the change.")] = None,
    todo_type: TodoType = None,
    form: Form = "json",
    repository: Named = "",
    config: Config = None,
) -> None:
    """Judge a saved Terraform plan by its JSON."""
    from app.cli.guard import guard_plan

    raise typer.Exit(guard_plan(load(config), repository, file, baseline, todo_type, form))


@commands.command()
def diff(
    repo: Annotated[Path, typer.Option(help="A checkout.")] = Path(),
    base: Annotated[str, typer.Option(help="The commit to compare with what the checkout holds now.")] = "HEAD",
    todo_type: TodoType = None,
    form: Form = "json",
    repository: Named = "",
    config: Config = None,
) -> None:
    """Judge what a checkout changes against a commit, committed or not, new files included."""
    from app.cli.guard import guard_diff

    raise typer.Exit(guard_diff(load(config), repository, repo, base, todo_type, form))


@commands.command()
def todo(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="Where the action item stands.")],
    form: Form = "json",
    repository: Named = "",
    config: Config = None,
) -> None:
    """Judge whether a machine may take an action item."""
    from app.cli.guard import guard_todo

    raise typer.Exit(guard_todo(load(config), repository, place, form))


@commands.command()
def policy(
    repo: Annotated[Path | None, typer.Option(help="A checkout, whose own file may narrow the policy.")] = None,
    form: Annotated[Literal["json", "text"], typer.Option("--format")] = "text",
    repository: Named = "",
    config: Config = None,
) -> None:
    """Print the policy in force and its version."""
    from app.cli.guard import print_policy

    raise typer.Exit(print_policy(load(config), repository, repo, form))
