"""Lists page by key: every row once, in order, whatever comes meanwhile, over an index."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from app.ledger import Ledger, open_ledger
from app.ledger.pages import Pages
from app.ledger.runs import Run
from app.ledger.schema import approvals, deliveries, runs, todos
from tests.web.pages_scene import COMMIT, Begun, ago, as_user, scene

World = tuple[Ledger, TestClient, Begun]
COUNT = 60


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with scene(tmp_path_factory.mktemp("many")) as made:
        many(made[0])
        yield made


def many(ledger: Ledger) -> None:
    """Rows of which several share a second."""
    place = {"repository": "me/infra", "post_mortem": "docs/x.md"}
    ledger.runs.add(Run("live", "me/infra", "docs/x.md", COMMIT))
    ledger.runs.note("live", "plan", "terraform plan")
    with ledger.engine.begin() as db:
        for n in range(COUNT):
            at, run = ago(minutes=n // 3), f"r-{n:03}"
            db.execute(sa.insert(deliveries).values(
                id=f"d-{n:03}", forge="github", event="push", ref="", before="", after="", pusher="", received_at=at,
                repository="me/infra", decision="accepted" if n % 2 else "ignored", reason="x",
                message=""))  # fmt: skip
            db.execute(sa.insert(runs).values(
                **place, id=run, commit=COMMIT, source="", delivery=f"d-{n:03}", dry_run=False, title="", reason="",
                incident_date="", devvm="", created_at=at, finished_at=at, outcome="failed", message=""))  # fmt: skip
            for name, outcome in (("t", "failed"), ("p", "awaiting-approval")):
                db.execute(sa.insert(todos).values(
                    **place, run_id=run, id=f"{name}-{n:03}", position=0, line=1, action=f"do {name}-{n:03}",
                    details="",
                    priority="", type="Alert", safe=True, outcome=outcome, reason="", message="", findings="[]",
                    commit="", finished_at=at))  # fmt: skip
            decision = "" if n % 2 else ("approved", "declined", "void", "landed")[n // 2 % 4]
            db.execute(sa.insert(approvals).values(
                run_id=run, todo_id=f"p-{n:03}", commit=COMMIT, tree="", base="", branch="b", plans="[]", asked_at=at,
                decision=decision, decided_by="a", decided_at=at, why=""))  # fmt: skip


def walk(http: TestClient, path: str, pattern: str) -> list[str]:
    found: list[str] = []
    for _ in range(COUNT):
        text = http.get(path, headers=as_user("oli")).text
        found += re.findall(pattern, text)
        older = re.search(r'<a href="([^"]*)" rel="next"', text)
        if not older:
            return found
        path = older[1].replace("&amp;", "&")
    raise AssertionError("the pages have no end")


@pytest.mark.parametrize(
    ("path", "pattern", "count"),
    [
        ("/deliveries", r'<tr id="(d-\d+)"', COUNT),
        ("/deliveries?decision=accepted", r'<tr id="(d-\d+)"', COUNT // 2),
        ("/review", r'<article class="card" id="(r-\d+)', COUNT // 2),
        ("/review/stopped", r"<bdi>do (t-\d+)", COUNT),
        ("/review/stopped?outcome=failed", r"<bdi>do (t-\d+)", COUNT),
        ("/review/decided", r"<bdi>do (p-\d+)", COUNT // 2),
    ],
)
def test_each_row_is_on_one_page(world: World, path: str, pattern: str, count: int) -> None:
    found = walk(world[1], path, pattern)
    assert len(found) == len(set(found)) == count


def test_what_comes_meanwhile_moves_nothing(world: World) -> None:
    ledger = world[0]
    first = ledger.pages.deliveries(limit=10)
    key = (first[-1]["received_at"], first[-1]["id"])
    second = [row["id"] for row in ledger.pages.deliveries(key, limit=10)]
    with ledger.engine.begin() as db:
        db.execute(sa.insert(deliveries).values(
            id="new", forge="github", event="push", ref="", before="", after="", pusher="", received_at=ago(minutes=-1),
            repository="me/infra", decision="accepted", reason="", message=""))  # fmt: skip
    assert [row["id"] for row in ledger.pages.deliveries(key, limit=10)] == second
    with ledger.engine.begin() as db:
        db.execute(sa.delete(deliveries).where(deliveries.c.id == "new"))


def test_deliveries_bring_their_runs(world: World) -> None:
    rows = world[0].pages.deliveries(limit=3)
    assert [[run["id"] for run in row["runs"]] for row in rows] == [[f"r-{row['id'][2:]}"] for row in rows]


@pytest.mark.parametrize(
    "key", ["x", "~", "~~~~", "a~b", "a~b~c", "~" * 400, "a~\x00~b", "a~b\x00", "2026-11-21T00:00:00Z~" + "y" * 400]
)
@pytest.mark.parametrize("path", ["/deliveries", "/review/stopped", "/review/decided", "/review"])
def test_a_key_that_is_none_breaks_nothing(world: World, path: str, key: str) -> None:
    name = "after" if path == "/review" else "before"
    assert world[1].get(path, params={name: key}, headers=as_user("oli")).status_code == 200


def test_what_came_up_again_is_not_a_persons_any_more(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    place = {"repository": "me/infra", "post_mortem": "docs/x.md", "details": "", "priority": "", "type": "Alert"}
    with ledger.engine.begin() as db:
        for run, todo, outcome, at in (
            ("r-1", "a", "failed", ago(hours=2)), ("r-2", "a", "done", ago(hours=1)),
            ("r-1", "b", "failed", ago(hours=2)), ("r-2", "b", None, None),
            ("r-1", "c", "failed", ago(hours=2)), ("r-2", "c", "failed", ago(hours=1)),
            ("r-1", "d", "refused", ago(hours=2)),
        ):  # fmt: skip
            db.execute(sa.insert(todos).values(
                **place, run_id=run, id=todo, position=0, line=1, action=todo, safe=True, outcome=outcome, reason="",
                message="", findings="[]", commit="", finished_at=at))  # fmt: skip
    stopped = Pages(ledger.engine).stopped(("failed", "refused"), True)
    assert [(row["run_id"], row["id"]) for row in stopped] == [("r-2", "c"), ("r-1", "d")]
    ledger.engine.dispose()


def test_no_list_reads_a_whole_table(world: World) -> None:
    pages, asked = world[0].pages, []
    engine = world[0].engine

    def note(_c: object, _cursor: object, statement: str, values: object, _x: object, _m: object) -> None:
        asked.append((statement, values))

    sa.event.listen(engine, "before_cursor_execute", note)
    key3, key2 = ("2026-11-21T00:00:00Z", "r", "t"), ("2099-01-01T00:00:00Z", "d")
    pages.parked(key3), pages.decided(key3), pages.stopped(("failed",), True, key3), pages.deliveries(key2, "accepted")
    pages.live(), pages.troubled(), pages.queue(), pages.waiting()
    sa.event.remove(engine, "before_cursor_execute", note)
    assert len(asked) >= 12
    used = ""
    with engine.connect() as db:
        for statement, values in asked:
            for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values):
                used += f"{row.detail}\n"
                assert not re.match(r"SCAN (deliveries|runs|todos|approvals|events)\b(?!.* INDEX)", row.detail), (
                    row.detail,
                    statement,
                )
    for index in ("todos_by_end", "deliveries_by_time", "runs_by_delivery", "approvals_by_decision", "runs_by_end"):
        assert f"INDEX {index} " in used
