"""Run ids and RUN/TODO for the shell's completion, from an SQLite database here and from nowhere else.

A shell asks at each press of a key: PostgreSQL and a service afar would have to be waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

_MOST = 50
_Offered = list[tuple[str, str]]


def runs(context: typer.Context, incomplete: str) -> _Offered:
    """Ids of the last runs, each with its outcome and document."""
    return [pair for pair in _of_ledger(context, _runs) if pair[0].startswith(incomplete)]


def waiting(context: typer.Context, incomplete: str) -> _Offered:
    """RUN/TODO of what waits for a person, each with what it is about."""
    return [pair for pair in _of_ledger(context, _waiting) if pair[0].startswith(incomplete)]


def _of_ledger(context: typer.Context, read: Callable[[Any], _Offered]) -> _Offered:
    """What `read` finds; nothing where there is no such database, or it is not as this version has it."""
    import sqlalchemy as sa

    from app.errors import FollowthroughError
    from app.ledger.database import engine
    from app.redact import redact
    from app.settings import load
    from app.settings.operator import OperatorSettings

    config = context.params.get("config")
    if context.params.get("server") or (not config and OperatorSettings().server):
        return []
    try:
        url = sa.make_url(load(Path(config) if config else None).database.url)
        if url.get_backend_name() != "sqlite" or not Path(url.database or "").is_file():
            return []
        database = engine(url.render_as_string(hide_password=False))
        try:
            found = read(database)
        finally:
            database.dispose()
    except (sa.exc.SQLAlchemyError, FollowthroughError, ValueError):
        return []
    return [(redact(name), " ".join(redact(said).split())) for name, said in found]


def _runs(database: Any) -> _Offered:
    from app.ledger.runs import Runs

    return [(row["id"], f"{row['outcome'] or 'goes on'} {row['post_mortem']}") for row in Runs(database).newest(_MOST)]


def _waiting(database: Any) -> _Offered:
    from app.ledger.approvals import Approvals
    from app.ledger.runs import Runs

    found = Approvals(database).waiting()[:_MOST]
    todos = {row["run_id"]: Runs(database).todos(row["run_id"]) for row in found}
    said = {(run, todo["id"]): str(todo["action"]) for run, rows in todos.items() for todo in rows}
    return [(f"{row['run_id']}/{row['todo_id']}", said.get((row["run_id"], row["todo_id"]), "")) for row in found]
