"""`followthrough devvms`: how each DevVM of the pool is, and keeping one empty."""

from __future__ import annotations

import json
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.cli.person import person
from app.errors import BadInput
from app.ledger import Ledger
from app.ledger.actions import Action
from app.main import compose
from app.redact import redact
from app.settings import DevVMSettings, Settings
from pipelines import pool

_STYLES = {"up": "green", "down": "red"}


def print_devvms(settings: Settings, try_now: bool, as_json: bool) -> int:
    """Print each configured DevVM; `try_now`: after a connection to each. Returns the exit code.

    0: all that may get runs could be used when they were tried last; 1: one could not.
    """
    ledger = compose(settings)
    if try_now:
        pool.try_all(settings, ledger)
    rows = [_row(ledger, devvm, has) for devvm, has in zip(settings.devvm, _open_runs(settings, ledger), strict=True)]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))  # noqa: T201
    else:
        _print_table(rows)
    return 1 if any(row["state"] == "down" and not row["drained"] for row in rows) else 0


def drain(settings: Settings, name: str, why: str) -> int:
    """Give a DevVM no new run; those that it has go on there. Returns 0."""
    _known(settings, name)
    ledger, by, why = compose(settings), f"cli:{person()}", redact(why, settings.secrets())
    with ledger.actions.noted(Action(by, "drain", subject=name, why=why)) as noted:
        said = ledger.devvms.drain(name, by, why)
        noted.outcome = "done" if said else "nothing"
    _say(f"{name} gets no new run; `followthrough devvms` says when it has none left" if said else f"{name} is drained")
    return 0


def undrain(settings: Settings, name: str) -> int:
    """Give it new runs again. Returns 0, or 1 when the configuration keeps it drained."""
    devvm = _known(settings, name)
    ledger = compose(settings)
    with ledger.actions.noted(Action(f"cli:{person()}", "undrain", subject=name)) as noted:
        lifted = ledger.devvms.undrain(name)
        noted.outcome = "done" if lifted else "nothing"
    _say(f"{name} gets new runs again" if lifted else f"{name} was not drained here")
    if devvm.drained:
        _say("devvm.drained is true in the configuration: it gets none as long as that stands")
    return int(devvm.drained)


def _known(settings: Settings, name: str) -> DevVMSettings:
    for devvm in settings.devvm:
        if devvm.name == name:
            return devvm
    names = ", ".join(devvm.name for devvm in settings.devvm) or "none"
    raise BadInput("unknown-devvm", f"looking for DevVM {name!r}: configured are {names}")


def _open_runs(settings: Settings, ledger: Ledger) -> list[int]:
    return [standing.open_runs for standing in pool.standings(settings, ledger)]


def _row(ledger: Ledger, devvm: DevVMSettings, open_runs: int) -> dict[str, Any]:
    health = ledger.devvms.health(devvm.name)
    by_whom = f"{health.drained_by} at {health.drained_at}" if health.drained_at else ""
    return {
        "name": devvm.name,
        "state": health.state or "unknown",
        "since": health.since or None,
        "checked_at": health.checked_at or None,
        "open_runs": open_runs,
        "drained": devvm.drained or bool(health.drained_at),
        "drained_by": by_whom or ("the configuration" if devvm.drained else ""),
        "drained_why": redact(health.drained_why),
        "reason": health.reason,
        "why": redact(health.message),
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    table = Table("devvm", "state", "since", "tried", "open runs", "drained", "why, or the last failure")
    for row in rows:
        drained = " ".join(filter(None, ("by", row["drained_by"], row["drained_why"]))) if row["drained"] else ""
        state = Text(row["state"], style=_STYLES.get(row["state"], ""))
        times = (row["since"] or "", row["checked_at"] or "")
        cells = (*times, str(row["open_runs"]), drained, f"{row['reason']} {row['why']}".strip())
        table.add_row(row["name"], state, *map(Text, cells))
    console.print(table if rows else "no [[devvm]] is configured")


def _say(text: str) -> None:
    console.print(text, markup=False, soft_wrap=True)
