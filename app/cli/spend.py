"""`followthrough spend`: what the agents cost, by day, for each landed change, by outcome."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from app.cli.console import console
from app.cli.desk import Desk
from app.cli.shown import print_json, say, text


def print_spend(desk: Desk, days: int, as_json: bool) -> int:
    """Print what the last so many days cost, in US dollars. Returns 0."""
    found = desk.spend(days)
    if as_json:
        print_json(found)
        return 0
    table = Table("day (UTC)", "spent", "reserved", "limit", "used")
    for column in table.columns[1:]:
        column.justify = "right"
    for day in found["days"]:
        money = (day["spent_usd"], day["reserved_usd"], day["limit_usd"])
        table.add_row(*(text(cell) for cell in (day["day"], *map(_usd, money), _share(day))))
    console.print(table)
    landed = found["landed"]
    each = f"{_usd(landed['usd_each'])} for each, all tries included" if landed["changes"] else ""
    total = f"{_usd(found['total_usd'])} from {found['since']} to {found['until']}"
    say(f"{total}; changes landed: {landed['changes']}" + (f", {each}" if each else ""))
    if found["outcomes"]:
        outcomes = Table("TODOs that ended as", "how many", "cost")
        for one in found["outcomes"]:
            outcomes.add_row(*(text(cell) for cell in (one["outcome"], str(one["todos"]), _usd(one["usd"]))))
        console.print(outcomes)
    return 0


def _usd(amount: float) -> str:
    return f"${amount:.2f}"


def _share(day: dict[str, Any]) -> str:
    """How much of the day's limit is used up, reservations included."""
    used = day["spent_usd"] + day["reserved_usd"]
    return f"{used / day['limit_usd']:.0%}" if day["limit_usd"] else "-"
