"""Every list, of the pages and of the JSON API: so many rows at once, and each row on one page, from end to end."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from app.ledger import Ledger
from app.ledger.people import actions
from app.ledger.schema import approvals, deliveries, events, runs, todos
from app.ledger.schema_documents import documents
from bench.filled import Size, fill, run_of
from tests.web.pages_scene import as_user, scene

World = tuple[Ledger, TestClient]
SIZE = Size(runs=160, documents=160, waiting=30, live=20)
# Rows of a page, at most.
MOST = 30


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with scene(tmp_path_factory.mktemp("lists")) as (ledger, http, _):
        fill(ledger.engine, SIZE)
        yield ledger, http


def ids(ledger: Ledger, query: sa.Select[Any]) -> list[Any]:
    with ledger.engine.connect() as db:
        return list(db.execute(query).scalars())


def walk(http: TestClient, path: str, pattern: str, link: str = "next", most: int = MOST) -> list[str]:
    """The rows of a page and of those that it leads to, in order of looking."""
    found: list[str] = []
    for _ in range(SIZE.runs):
        answer = http.get(path, headers=as_user("oli"))
        assert answer.status_code == 200, answer.text
        rows = re.findall(pattern, answer.text)
        assert 0 < len(rows) <= most
        found += rows
        further = re.search(rf'<a href="([^"]*)" rel="{link}"', answer.text)
        if not further:
            return found
        path = unescape(further[1])
    raise AssertionError("the pages have no end")


def answers(http: TestClient, path: str, name: str, key: str = "before", limit: int = 7, **more: str) -> list[Any]:
    """The rows of a list of the API."""
    found: list[Any] = []
    further: Any = None
    for _ in range(SIZE.runs * 4):
        asked = {"limit": limit, **more, **({key: further} if further is not None else {})}
        answer = http.get(path, params=asked, headers=as_user("oli")).json()
        assert len(answer[name]) <= limit
        found += answer[name]
        further = answer["next"]
        if further is None:
            return found
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize("wanted", ["", "done", "partial", "going-on"])
def test_runs(world: World, wanted: str) -> None:
    ledger, http = world
    query = sa.select(runs.c.id).order_by(runs.c.created_at.desc(), runs.c.id.desc())
    if wanted:
        query = query.where(runs.c.finished_at.is_(None) if wanted == "going-on" else runs.c.outcome == wanted)
    all_of_them = ids(ledger, query)
    assert walk(http, f"/runs?outcome={wanted}", r'<th scope="row"><a href="/runs/([^"]+)"') == all_of_them
    found = answers(http, "/api/runs", "runs", outcome=wanted)
    assert [row["id"] for row in found] == all_of_them


def test_runs_back_to_the_newest(world: World) -> None:
    ledger, http = world
    first, *later = ids(ledger, sa.select(runs.c.id).order_by(runs.c.created_at, runs.c.id))
    back = walk(http, f"/runs?after={first}", r'<th scope="row"><a href="/runs/([^"]+)"', "prev")
    assert len(back) == len(set(back))
    assert set(back) == set(later)


def test_post_mortems(world: World) -> None:
    ledger, http = world
    key = (documents.c.date, documents.c.repository, documents.c.path)
    every = ids(ledger, sa.select(documents.c.path).order_by(*(column.desc() for column in key)))
    pattern = r'<th scope="row"><a href="/post-mortems/[^"]+/-/([^"]+)"'
    assert walk(http, "/post-mortems", pattern) == every
    assert walk(http, "/post-mortems?only=overdue&q=outage", pattern) == every


def test_deliveries(world: World) -> None:
    ledger, http = world
    every = ids(ledger, sa.select(deliveries.c.id).order_by(deliveries.c.received_at.desc(), deliveries.c.id.desc()))
    assert walk(http, "/deliveries", r'<tr id="([di]-\d+)"') == every
    assert [row["id"] for row in answers(http, "/api/deliveries", "deliveries")] == every


def test_approvals(world: World) -> None:
    ledger, http = world
    key = (approvals.c.asked_at, approvals.c.run_id)
    every = ids(ledger, sa.select(approvals.c.run_id).where(approvals.c.decision == "").order_by(*key))
    assert len(every) == SIZE.waiting
    assert [row["run"] for row in answers(http, "/api/approvals", "approvals", "after")] == every
    assert walk(http, "/review", r'<article class="card" id="([^"]+)\.t-1"') == every


def test_decided_and_stopped(world: World) -> None:
    ledger, http = world
    decided = ids(ledger, sa.select(approvals.c.run_id).where(approvals.c.decision != ""))
    found = walk(http, "/review/decided", r'<th scope="row"><a href="/runs/([^"]+)"')
    assert sorted(found) == sorted(decided)
    left = todos.c.finished_at.is_not(None) & todos.c.safe.is_(False)
    found = walk(http, "/review/stopped?left=yes", r'<a href="/runs/([^"]+)">Run</a>')
    assert sorted(found) == sorted(ids(ledger, sa.select(todos.c.run_id).where(left)))


def test_actions(world: World) -> None:
    ledger, http = world
    every = ids(ledger, sa.select(actions.c.id).order_by(actions.c.id.desc()))
    assert len(every) > 20
    assert [row["id"] for row in answers(http, "/api/actions", "actions")] == every


def test_lines_of_a_run(world: World) -> None:
    ledger, http = world
    with ledger.engine.begin() as db:
        db.execute(sa.insert(events), [
            {"run_id": run_of(0), "todo_id": "t-0", "at": "2026-01-01T00:00:00Z", "phase": "agent", "text": f"more {n}"}
            for n in range(1200)
        ])  # fmt: skip
    every = [str(one) for one in ids(ledger, sa.select(events.c.id).where(events.c.run_id == run_of(0)))]
    found = walk(http, f"/runs/{run_of(0)}/lines", r'data-line="(\d+)"', most=500)
    assert sorted(found, key=int) == sorted(every, key=int)
