"""`followthrough`: every command and its options. What a command does stands in the module beside this one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from app import logs
from app.cli import exits
from app.cli.data_commands import commands as data_commands
from app.cli.devvms_commands import commands as devvms_commands
from app.cli.guard_commands import commands as guard_commands
from app.cli.monitors_commands import commands as monitors_commands
from app.cli.operator_commands import commands as operator_commands
from app.cli.runs_commands import reconcile, runs
from app.cli.tokens_commands import commands as tokens_commands
from app.cli.tokens_commands import login
from app.errors import FollowthroughError
from app.redact import redact
from app.settings import load

app = typer.Typer(
    name="followthrough",
    help="Does the TODOs of a post-mortem: an agent writes, code judges, only what destroys nothing is landed.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
Kept = Annotated[
    Path | None, typer.Option("--cache", help="Keep answers in this file; only what changed is read again.")
]


@app.command()
def parse(
    paths: Annotated[list[Path], typer.Argument(help="Post-mortems (Markdown), or folders of them.")],
    form: Annotated[
        Literal["json", "table"], typer.Option("--format", help="json for programs, table for people.")
    ] = "json",
    cache: Kept = None,
    config: Config = None,
) -> None:
    """Print the action items of post-mortems."""
    from app.cli.parse import print_documents

    raise typer.Exit(print_documents(paths, form, load(config).documents.vocabulary, cache))


@app.command()
def lint(
    paths: Annotated[list[Path] | None, typer.Argument(help="Post-mortems (Markdown), or folders of them.")] = None,
    form: Annotated[
        Literal["text", "json", "sarif"], typer.Option("--format", help="sarif for annotations on GitHub.")
    ] = "text",
    strict: Annotated[bool, typer.Option("--strict", help="Warnings count as findings.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Mend what has only one right spelling, nothing else.")] = False,
    rules: Annotated[bool, typer.Option("--rules", help="Print every rule and what it is for.")] = False,
    cache: Kept = None,
    config: Config = None,
) -> None:
    """Say what would make post-mortems better, as FILE:LINE: RULE: what; why. A rule is turned off by lint.off."""
    from app.cli.lint import lint_files, print_rules

    if rules:
        raise typer.Exit(print_rules())
    settings = load(config)
    raise typer.Exit(lint_files(paths or [], form, strict, fix, settings.lint, settings.documents.vocabulary, cache))


@app.command()
def new(
    title: Annotated[str, typer.Argument(help="What happened, in a few words.")],
    template: Annotated[
        Literal["post-mortem", "postmortem-agent", "blameless", "incident-report"], typer.Option(help="The format.")
    ] = "post-mortem",
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD, the day it began. Default: today, in UTC.")] = None,
    severity: Annotated[Literal["SEV1", "SEV2", "SEV3"] | None, typer.Option(help="Default: left open.")] = None,
    service: Annotated[list[str] | None, typer.Option(help="An affected service; may be given several times.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the file is written.")] = Path("docs/post-mortems"),
) -> None:
    """Begin a post-mortem: write YYYY-MM-DD-<slug>.md from a template."""
    from app.cli.new import write_new

    raise typer.Exit(write_new(template, title, date, severity or "", service or [], folder))


@app.command()
def run(
    config: Config = None,
    repo: Annotated[Path, typer.Option(help="A checkout of a configured repository.")] = Path(),
    file: Annotated[Path | None, typer.Option(help="One post-mortem in it. Default: all with open TODOs.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow the runs to their end.")] = True,
) -> None:
    """Do the main job for the commit that is checked out, without a webhook."""
    from app.cli.run import run_checkout

    raise typer.Exit(run_checkout(load(config), repo, file, dry_run, wait))


@app.command()
def serve(
    config: Config = None,
    work: Annotated[
        bool, typer.Option("--work/--no-work", help="--no-work: workers execute the runs (PostgreSQL).")
    ] = True,
    name: Annotated[str, typer.Option(help="Its name as a worker, on PostgreSQL. Default: the host's.")] = "",
) -> None:
    """Receive webhooks and follow post-mortems through, until it is stopped."""
    from app.serving import serve as serve_until_stopped

    logs.set_up(logs.JsonLines())
    serve_until_stopped(load(config), work, name)


@app.command()
def worker(
    config: Config = None,
    name: Annotated[
        str, typer.Option(help="Stays over restarts: it goes on at once with its own runs. Default: the host's.")
    ] = "",
    host: Annotated[str, typer.Option(help="Where health and metrics are served, with --port.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Default: they are not served.")] = None,
) -> None:
    """Follow post-mortems through beside others on the same PostgreSQL, receiving nothing, until it is stopped."""
    from app.serving import work as work_until_stopped

    logs.set_up(logs.JsonLines())
    work_until_stopped(load(config), name, host, port)


@app.command()
def verify(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Post-mortems (Markdown), or folders of them.")
    ],
    repository: Annotated[str, typer.Option(help="The configured repository. Default: the only one.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: Config = None,
) -> None:
    """Ask the running system about everything that post-mortems claim as done: loaded alerts, monitors that are up."""
    from app.cli.verify import verify_files

    raise typer.Exit(verify_files(load(config), paths, repository, as_json))


@app.command()
def doctor(config: Config = None) -> None:
    """Check every configured part and say how to mend what fails."""
    from app.cli.doctor import check_everything

    raise typer.Exit(check_everything(load(config)))


for command in (runs, reconcile):
    app.command()(command)
app.add_typer(operator_commands)

skills = typer.Typer(help="Skills and agents of Claude Code for an infra repository.", no_args_is_help=True)
app.add_typer(skills, name="skills")
app.add_typer(data_commands)
app.add_typer(devvms_commands, name="devvms")
app.add_typer(guard_commands, name="guard")
app.add_typer(monitors_commands, name="monitors")
app.add_typer(tokens_commands, name="tokens")
app.command()(login)


@skills.command()
def install(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The repository whose .claude they are copied into.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace files that differ without asking.")] = False,
) -> None:
    """Copy them into DIR/.claude, with a diff before a file is replaced."""
    from app.cli.skills import install as install_into

    raise typer.Exit(install_into(folder, yes))


exits.add_to(app)


def main() -> None:
    """Entry point: failures that are ours to explain become one line and an exit code."""
    logs.set_up(logs.Words())
    try:
        app(prog_name="followthrough")
    except FollowthroughError as error:
        Console(stderr=True, highlight=False).print(
            redact(f"followthrough: {error} ({error.reason})"), markup=False, soft_wrap=True
        )
        sys.exit(exits.code_of(error))
