"""The options that the operator's commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.cli import completion

Config = Annotated[
    Path | None, typer.Option("--config", help="Configuration file. Default: followthrough.toml in this folder.")
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="A service afar, asked with the token in FOLLOWTHROUGH_TOKEN. Default: FOLLOWTHROUGH_SERVER, else the"
        " database here.",
    ),
]
InsecureHttp = Annotated[
    bool, typer.Option("--insecure-http", help="Send the token to an http:// address that is not this machine's.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For programs; failures too, as error and message.")]
Why = Annotated[str, typer.Option(help="Why; it is kept.")]
Run = Annotated[str, typer.Argument(metavar="RUN", help="The run's id.", autocompletion=completion.runs)]
RunOrAll = Annotated[
    str, typer.Argument(metavar="RUN", help="One run's id. Default: the last runs.", autocompletion=completion.runs)
]
RunTodo = Annotated[
    str,
    typer.Argument(metavar="RUN/TODO", help="What waits, as the run says it.", autocompletion=completion.waiting),
]
