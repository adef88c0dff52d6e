"""`followthrough`: every command, its options, its exit codes. What a command does is in the module beside this one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from app import logs
from app.cli.data_commands import commands as data_commands
from app.cli.devvms_commands import commands as devvms_commands
from app.cli.guard_commands import commands as guard_commands
from app.cli.monitors_commands import commands as monitors_commands
from app.cli.runs_commands import reconcile, replay, retry, runs
from app.errors import BadInput, FollowthroughError
from app.redact import redact
from app.settings import load

app = typer.Typer(
    name="followthrough",
    help="Does the TODOs of a post-mortem: an agent writes, code judges, only what destroys nothing is landed.",
    no_args_is_help=True,
    add_completion=False,
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
    """Print the action items of post-mortems. Exit code 2 when a file cannot be read."""
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
    """Say what would make post-mortems better, as FILE:LINE: RULE: what; why. A rule is turned off under [lint].

    Exit codes: 0 clean, 1 errors (with --strict: or warnings), 2 a file cannot be read.
    """
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
    """Begin a post-mortem: write YYYY-MM-DD-<slug>.md from a template. Exit code 2 when the file is there already."""
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
    """Do the main job for the commit that is checked out, without a webhook.

    Exit codes: 0 done or nothing to do, 4 partial or needs a person, 1 failed.
    """
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
    """Follow post-mortems through beside others on the same PostgreSQL, receiving nothing, until it is stopped.

    Exit code 75: it was not heard of, and others have its runs; start it again.
    """
    from app.serving import work as work_until_stopped

    logs.set_up(logs.JsonLines())
    work_until_stopped(load(config), name, host, port)


@app.command()
def approve(
    name: Annotated[str, typer.Argument(metavar="RUN/TODO", help="What waits, as the run says it.")],
    why: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    config: Config = None,
) -> None:
    """Let a change that waits for a person be landed, exactly as it was planned. Exit code 1 when it cannot be."""
    from app.cli.approve import decide

    raise typer.Exit(decide(load(config), name, "approved", why))


@app.command()
def decline(
    name: Annotated[str, typer.Argument(metavar="RUN/TODO", help="What waits, as the run says it.")],
    why: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    config: Config = None,
) -> None:
    """Say no to a change that waits for a person."""
    from app.cli.approve import decide

    raise typer.Exit(decide(load(config), name, "declined", why))


@app.command()
def approvals(config: Config = None) -> None:
    """List what waits for a person."""
    from app.cli.approve import print_waiting

    raise typer.Exit(print_waiting(load(config)))


Why = Annotated[str, typer.Option(help="Why; it is kept.")]


@app.command()
def cancel(
    run: Annotated[str, typer.Argument(help="The run's id.")],
    why: Why = "",
    config: Config = None,
) -> None:
    """Stop one run within seconds. Its agent is ended, an apply under way is waited for, people are told."""
    from app.cli.control import cancel as cancel_run

    raise typer.Exit(cancel_run(load(config), run, why))


@app.command()
def pause(why: Why = "", config: Config = None) -> None:
    """Let nothing begin any more, no agent, no plan and no apply, until resume."""
    from app.cli.control import pause as pause_all

    raise typer.Exit(pause_all(load(config), why))


@app.command()
def resume(config: Config = None) -> None:
    """Go on after a pause."""
    from app.cli.control import resume as resume_all

    raise typer.Exit(resume_all(load(config)))


@app.command()
def verify(
    paths: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="Post-mortems (Markdown), or folders of them.")
    ],
    repository: Annotated[str, typer.Option(help="The configured repository. Default: the only one.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    config: Config = None,
) -> None:
    """Ask the running system about everything that post-mortems claim as done: loaded alerts, monitors that are up.

    Exit codes: 0 all hold, 1 something is gone or unwell, 4 something could not be checked, 2 a file cannot be read.
    """
    from app.cli.verify import verify_files

    raise typer.Exit(verify_files(load(config), paths, repository, as_json))


@app.command()
def doctor(config: Config = None) -> None:
    """Check every configured part and say how to mend what fails. Exit code 1 when something does."""
    from app.cli.doctor import check_everything

    raise typer.Exit(check_everything(load(config)))


for command in (runs, retry, replay, reconcile):
    app.command()(command)

skills = typer.Typer(help="Skills and agents of Claude Code for an infra repository.", no_args_is_help=True)
app.add_typer(skills, name="skills")
app.add_typer(data_commands)
app.add_typer(devvms_commands, name="devvms")
app.add_typer(guard_commands, name="guard")
app.add_typer(monitors_commands, name="monitors")


@skills.command()
def install(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The repository whose .claude they are copied into.")],
    yes: Annotated[bool, typer.Option("--yes", help="Replace files that differ without asking.")] = False,
) -> None:
    """Copy them into DIR/.claude, with a diff before a file is replaced. Exit code 2 for a DIR that will not do."""
    from app.cli.skills import install as install_into

    raise typer.Exit(install_into(folder, yes))


def main() -> None:
    """Entry point: failures that are ours to explain become one line and an exit code, 2 for bad input, else 1."""
    logs.set_up(logs.Words())
    try:
        app()
    except FollowthroughError as error:
        Console(stderr=True, highlight=False).print(
            redact(f"followthrough: {error} ({error.reason})"), markup=False, soft_wrap=True
        )
        sys.exit(2 if isinstance(error, BadInput) else 1)
