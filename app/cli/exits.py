"""What every command's exit code means: one table, from which the help of each command and the documentation come."""

from __future__ import annotations

from collections.abc import Mapping

import typer

from app.errors import BadInput, FollowthroughError

# Whatever a command says of its own, these are so for all.
COMMON: Mapping[int, str] = {
    0: "it was done",
    1: "it was refused, or something failed; the sentence on standard error says which",
    2: "an option, a name, a file, the configuration or the token is not right",
    130: "Ctrl-C ended it",
}

_JUDGED = {0: "allow", 1: "block", 2: "what is to be judged cannot be read", 3: "a person has to approve"}
TABLE: Mapping[str, Mapping[int, str]] = {
    "parse": {0: "all were read", 2: "a file cannot be read"},
    "lint": {0: "clean", 1: "errors, with --strict warnings too", 2: "a file cannot be read"},
    "new": {0: "written", 2: "the file is there already, or cannot be written"},
    "run": {0: "done or nothing to do", 1: "failed", 4: "partial or needs a person", 130: "Ctrl-C: it goes on afar"},
    "serve": {0: "it was told to stop", 1: "it could not go on", 2: "the configuration is not fit to serve"},
    "worker": {0: "it was told to stop", 1: "it could not go on", 75: "it was not heard of, others have its runs"},
    "verify": {
        0: "all hold",
        1: "something is gone or unwell",
        2: "a file cannot be read",
        4: "something could not be checked",
    },
    "doctor": {0: "everything that is configured works", 1: "something does not"},
    "runs": {
        0: "shown; with --follow: the run ended as done, or with nothing to do",
        1: "with --follow: the run ended in another way; or nobody answers",
        2: "there is no such run",
        130: "Ctrl-C ended --watch or --follow; the runs go on",
    },
    "approve": {0: "approved", 1: "nothing waits there, it was decided before, or its day is over", 2: "not RUN/TODO"},
    "decline": {0: "declined", 1: "nothing waits there, or it was decided before", 2: "not RUN/TODO"},
    "approvals": {0: "shown"},
    "cancel": {0: "it stops, or was cancelled before", 1: "it is over", 2: "there is no such run"},
    "retry": {
        0: "a new run is handed over",
        1: "nothing of it can be tried again, or it goes on still",
        2: "there is no such run",
    },
    "replay": {
        0: "it was looked into, before or now, or is handed over",
        1: "it came to nothing again, or was ignored",
        2: "there is no such delivery",
    },
    "pause": {0: "paused, by this or before"},
    "resume": {0: "nothing is paused any more"},
    "spend": {0: "shown"},
    "reconcile": {
        0: "looked at every repository",
        1: "one of them could not be reached",
        2: "the configuration is wrong",
    },
    "skills install": {0: "installed, or kept where you said so", 2: "DIR will not do"},
    "retention": {0: "removed, or counted"},
    "export": {0: "written", 2: "the file is there already or cannot be written"},
    "backup": {
        0: "the copy is there, and is sound",
        1: "the copy is not sound",
        2: "the file is there already, or the database is PostgreSQL's (it says what to run)",
    },
    "devvms": {0: "shown", 1: "one that gets new runs could not be used"},
    "devvms drain": {0: "drained", 2: "none of that name is configured"},
    "devvms undrain": {0: "it gets new runs", 1: "the configuration keeps it drained", 2: "none has that name"},
    "tokens new": {0: "made; its secret is printed once", 2: "the name is or was taken, or will not do"},
    "tokens list": {0: "shown"},
    "tokens revoke": {0: "it lets nobody in any more", 2: "there is none of that name"},
    "login": {0: "the link is printed"},
    "guard plan": _JUDGED,
    "guard diff": _JUDGED,
    "guard todo": _JUDGED,
    "guard policy": {0: "shown"},
    "monitors plan": {0: "shown"},
    "monitors apply": {0: "all up", 1: "failed", 4: "some down or not seen"},
    "monitors import": {0: "written"},
    "monitors schema": {0: "shown"},
}


def code_of(error: FollowthroughError) -> int:
    """The exit code of a failure, the same for every command."""
    return 2 if isinstance(error, BadInput) else 1


def sentence(command: str) -> str:
    """A command's exit codes for its help, as in `Exit codes: 0 shown; 2 there is no such run.`; "" for no command."""
    codes = TABLE.get(command, {})
    return f"Exit codes: {'; '.join(f'{code} {means}' for code, means in sorted(codes.items()))}." if codes else ""


def markdown() -> str:
    """The table for the documentation: what holds for all commands, then each command."""
    common = [f"| `{code}` | {means} |" for code, means in COMMON.items()]
    each = [
        f"| `{name}` | `{code}` | {means} |" for name, codes in TABLE.items() for code, means in sorted(codes.items())
    ]
    lines = [
        "| code | for every command |",
        "|---|---|",
        *common,
        "",
        "| command | code | means |",
        "|---|---|---|",
        *each,
    ]
    return "\n".join(lines) + "\n"


def add_to(app: typer.Typer, group: str = "") -> None:
    """Put each command's exit codes at the end of its help, those of groups too."""
    for command in app.registered_commands:
        callback = command.callback
        name = command.name or getattr(callback, "__name__", "")
        own = command.help or getattr(callback, "__doc__", "") or ""
        command.help = _with_codes(own, f"{group} {name}".strip())
    for inner in app.registered_groups:
        below = f"{group} {inner.name or ''}".strip()
        if inner.typer_instance is not None:
            if below in TABLE and below != group:
                inner.typer_instance.info.help = _with_codes(inner.typer_instance.info.help or "", below)
            add_to(inner.typer_instance, below)


def _with_codes(own: str, command: str) -> str:
    lines = [line.strip() for line in own.strip().splitlines()]
    return "\n".join([*lines, "", sentence(command)]).strip()
