"""Insights: how it goes over weeks and months, each as a picture with its numbers beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from app.guard.table import rows as rules
from app.ledger import Ledger
from app.ledger.insights import AGES, Insight
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import duration, page
from app.web.pages.charts import Said, Series, bars, columns, usd, whole

_PERIODS = (30, 90, 365)
_MOST_REFUSALS = 15


@dataclass(frozen=True)
class Chart:
    """A picture, None for no data, and its numbers as a table: the first of `head` is what its rows are named by."""

    picture: Markup | None
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


def router(_: Settings, ledger: Ledger, access: Access, __: Acts) -> APIRouter:
    """GET /insights."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    @routes.get("/insights")
    def insights(request: Request, who: Identity = reader, days: str = "") -> Response:
        wanted = next((period for period in _PERIODS if str(period) == days), _PERIODS[1])
        found = ledger.insights.read(wanted)
        return page(request, who, "insights.html", days=wanted, periods=_PERIODS, **_shown(found, wanted))

    return routes


def _shown(found: Insight, days: int) -> dict[str, Any]:
    closed = [sum(pair) for pair in found.closed.values()]
    by_run = sum(pair[0] for pair in found.closed.values())
    spent = sum(found.spent.values())
    return {
        "since": found.since,
        "until": found.until,
        "flow": _flow(found),
        "ages": _ages(found),
        "open": sum(count for count, _ in found.ages),
        "overdue": sum(late for _, late in found.ages),
        "lead": found.lead,
        "median": duration(found.lead.median or 0),
        "ninety": duration(found.lead.ninety or 0),
        "share": _share(found),
        "closed": sum(closed),
        "by_run": by_run,
        "percent": round(100 * by_run / sum(closed)) if sum(closed) else 0,
        "refusals": _refusals(found),
        "spend": _spend(found, days),
        "spent": spent,
        "landed": found.landed,
        "each": spent / found.landed if found.landed else 0.0,
    }


def _flow(found: Insight) -> Chart:
    labels, (opened, run, people) = _weekly(found, found.opened, found.closed_by_run, found.closed_by_people)
    series = [Series("opened", opened), Series("closed by a run", run), Series("closed by people", people)]
    about = f"{_total(opened)} opened, {_total(run)} closed by a run, {_total(people)} closed by people."
    return _columns("flow", "Items opened and closed, by week", about, labels, series, whole, "Week of")


def _ages(found: Insight) -> Chart:
    ends = ("Less than a week", *(f"{a} to {b} days" for a, b in pairwise(AGES)))
    labels = (*ends, f"More than {AGES[-1]} days")
    rows = [(label, (count - late, late)) for label, (count, late) in zip(labels, found.ages, strict=True)]
    about = ", ".join(f"{label.lower()}: {sum(values)}" for label, values in rows) + "."
    names = ("in time", "overdue")
    return _bars("ages", "Open items, by how long they have been open", about, rows, names, whole, "Open for")


def _share(found: Insight) -> Chart:
    rows = sorted(found.closed.items(), key=lambda one: (-sum(one[1]), one[0]))
    about = "; ".join(f"{kind}: {run} of {run + people} by a run" for kind, (run, people) in rows) + "."
    names = ("closed by a run", "closed by people")
    return _bars("share", "Items closed, by type and by whom", about, rows, names, whole, "Type")


def _refusals(found: Insight) -> Chart:
    why = {rule.id: rule.why for rule in rules()}
    shown = found.refusals[:_MOST_REFUSALS]
    rows = [(name, (count,)) for name, count in shown]
    about = ", ".join(f"{name}: {count}" for name, count in shown) + "."
    made = _bars(
        "refusals", "Refused TODOs, by the rule that said no", about, rows, ("TODOs",), whole, "Rule or reason"
    )
    table = [[*row, why.get(row[0], "")] for row in made.rows]
    return Chart(made.picture, (*made.head, "What the rule is for"), table)


def _spend(found: Insight, days: int) -> Chart:
    if days <= _PERIODS[0]:
        labels = _days(found)
        values, unit, head = [found.spent.get(day, 0.0) for day in labels], "day", "Day"
    else:
        labels, (values,) = _weekly(found, found.spent)
        unit, head = "week", "Week of"
    about = f"{usd(sum(values))} in all, {usd(max(values, default=0.0))} in the dearest {unit}."
    return _columns("spend", f"Spent on agents, by {unit}", about, labels, [Series("spent", values)], usd, head)


def _columns(
    name: str, title: str, about: str, labels: Sequence[str], series: Sequence[Series], said: Said, head: str
) -> Chart:
    """The columns, with labels short in the picture and whole in the table."""
    rows = [[label, *(said(one.values[at]) for one in series)] for at, label in enumerate(labels)]
    anything = any(value > 0 for one in series for value in one.values)
    picture = columns(name, title, about, [label[5:] for label in labels], series, said) if anything else None
    return Chart(picture, (head, *(one.name for one in series)), rows)


def _bars(
    name: str,
    title: str,
    about: str,
    rows: Sequence[tuple[str, Sequence[float]]],
    names: Sequence[str],
    said: Said,
    head: str,
) -> Chart:
    anything = any(value > 0 for _, values in rows for value in values)
    table = [[label, *(said(value) for value in values)] for label, values in rows]
    return Chart(bars(name, title, about, rows, names, said) if anything else None, (head, *names), table)


def _weekly(found: Insight, *by_day: Mapping[str, float]) -> tuple[list[str], list[list[float]]]:
    """The Mondays of the weeks that a period touches, and the sums of each of these by them."""
    mondays = list(dict.fromkeys(_monday(day) for day in _days(found)))
    sums = [dict.fromkeys(mondays, 0.0) for _ in by_day]
    for total, values in zip(sums, by_day, strict=True):
        for day, value in values.items():
            if (monday := _monday(day)) in total:
                total[monday] += value
    return mondays, [list(total.values()) for total in sums]


def _days(found: Insight) -> list[str]:
    first, last = date.fromisoformat(found.since), date.fromisoformat(found.until)
    return [(first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1)]


def _monday(day: str) -> str:
    on = date.fromisoformat(day)
    return (on - timedelta(days=on.weekday())).isoformat()


def _total(values: Sequence[float]) -> str:
    return whole(sum(values))
