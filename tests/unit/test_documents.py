"""The post-mortems kept for pages: what git has, when items were opened and closed, what is found and added up."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.ledger import Ledger, open_ledger
from app.ledger.clock import now, today
from app.ledger.documents import Seen, Tracked
from app.ledger.runs import Run, Todo
from app.ledger.schema_documents import document_items
from pipelines import documents, reconcile
from tests.unit.test_reconcile import OTHER, PATH, Place, made
from tests.world.database import postgresql
from tests.world.forge import REPOSITORY

OLD = "2026-04-14T00:00:00Z"
HEAD = "# {title}\n\n**Date**: 2026-04-14\n**Severity**: SEV2\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Due | Status |\n|---|---|---|---|---|\n"
RECORD = (
    "\n## Follow-up Implementation\n\n"
    "| Date | Action | Priority | Type | Commit | Implemented By |\n|---|---|---|---|---|---|\n"
    "| 2026-04-20 | Watch the mounts | P1 | Monitor | — | ana |\n"
)


def text_of(*rows: tuple[str, str, str, str], title: str = "NFS outage", more: str = "") -> str:
    """A document with an item for each (action, type, due, status)."""
    body = "".join(f"| P1 | {action} | {kind} | {due} | {status} |\n" for action, kind, due, status in rows)
    return HEAD.format(title=title) + TABLE + body + more


MOUNTS = ("Let the mounts give up", "Config", "2026-05-01", "TODO")
WATCH = ("Watch the mounts", "Monitor", "", "TODO")


def closed(row: tuple[str, str, str, str]) -> tuple[str, str, str, str]:
    return (*row[:3], "Done")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    found = made(tmp_path)
    yield found
    found.ledger.engine.dispose()


def kept(place: Place) -> str:
    return documents.keep(place.repository, fetch=True)


def by_action(place: Place, path: str = PATH) -> dict[str, dict[str, Any]]:
    """What is known of each item of a document, by its action."""
    found = place.ledger.documents.find(REPOSITORY, path)
    assert found is not None
    history = place.ledger.documents.history(REPOSITORY, path)
    return {item["action"]: {**item, **history[item["id"]]} for item in found["items"]}


def test_what_the_first_look_finds_was_opened_on_the_documents_date(place: Place) -> None:
    place.push(text=text_of(MOUNTS, closed(WATCH), closed(("Ask the vendor", "Investigation", "", "")), more=RECORD))
    assert kept(place) == "1 of 1 post-mortems are new or changed, 0 are gone"
    found = place.ledger.documents.find(REPOSITORY, PATH)
    assert found is not None
    assert (found["title"], found["date"], found["severity"]) == ("NFS outage", "2026-04-14", "SEV2")
    assert (found["open"], found["done"], found["next_due"], found["failure"]) == (1, 2, "2026-05-01", "")
    assert found["text"].startswith("# NFS outage")
    items = by_action(place)
    assert items["Let the mounts give up"]["opened_at"] == OLD
    assert (items["Watch the mounts"]["closed_at"], items["Watch the mounts"]["closed_by"]) == (
        "2026-04-20T00:00:00Z",
        "people",
    )
    assert items["Watch the mounts"]["lead_seconds"] == 6 * 86400
    assert (items["Ask the vendor"]["closed_at"], items["Ask the vendor"]["closed_by"]) == ("", "")


def test_a_forge_that_falls_silent_holds_nobody_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documents, "_FETCH_SECONDS", 1)
    place.push(text=text_of(MOUNTS))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/infra.git"
        elsewhere = place.repository.model_copy(update={"clone_url": url})
        hangs_up = threading.Timer(30, silent.close)
        hangs_up.start()
        said = documents.keep(elsewhere, fetch=True)
        assert hangs_up.is_alive(), "it was waited for until it hung up by itself"
        hangs_up.cancel()
    assert said.startswith("fetching ")


def test_items_are_opened_and_closed_when_that_is_seen(place: Place) -> None:
    place.push(text=text_of(MOUNTS))
    kept(place)
    began = now()
    place.push(text=text_of(MOUNTS, WATCH))
    kept(place)
    assert by_action(place)["Watch the mounts"]["opened_at"] >= began
    place.push(text=text_of(closed(MOUNTS), WATCH))
    kept(place)
    mounts = by_action(place)["Let the mounts give up"]
    assert mounts["closed_at"] >= began and mounts["closed_by"] == "people" and mounts["lead_seconds"] > 0
    place.push(text=text_of(MOUNTS))
    kept(place)
    history = place.ledger.documents.history(REPOSITORY, PATH)
    assert [bool(row["gone_at"]) for row in history.values()].count(True) == 1
    again = by_action(place)["Let the mounts give up"]
    assert (again["opened_at"], again["closed_at"], again["closed_by"], again["lead_seconds"]) == (OLD, "", "", None)


def test_what_a_run_did_is_the_runs(place: Place) -> None:
    place.push(text=text_of(MOUNTS, WATCH))
    kept(place)
    item = by_action(place)["Let the mounts give up"]["id"]
    run = Run("r-1", REPOSITORY, PATH, "c" * 40)
    place.ledger.runs.add(run)
    place.ledger.runs.add_todos(run, [Todo(item, 0, 9, "x", "", "P1", "Config", True)])
    place.ledger.runs.finish_todo("r-1", item, "done", "", "")
    place.push(text=text_of(closed(MOUNTS), WATCH))
    kept(place)
    found = by_action(place)["Let the mounts give up"]
    (todo,) = place.ledger.runs.todos("r-1")
    assert (found["closed_by"], found["closed_at"]) == ("run", todo["finished_at"])
    lead = place.ledger.insights.read(30).lead
    assert (lead.count, lead.median, lead.ninety) == (1, found["lead_seconds"], found["lead_seconds"])


def test_only_what_changed_is_read_again(place: Place) -> None:
    place.push(text=text_of(MOUNTS))
    place.push(OTHER, text_of(WATCH))
    assert kept(place) == "2 of 2 post-mortems are new or changed, 0 are gone"
    assert kept(place) == "nothing is new"
    place.push("README.md", "other\n")
    assert kept(place) == "0 of 2 post-mortems are new or changed, 0 are gone"
    place.push(OTHER, text_of(closed(WATCH)))
    assert kept(place) == "1 of 2 post-mortems are new or changed, 0 are gone"


def test_a_document_that_went_is_gone_and_one_that_moved_keeps_what_is_known(place: Place) -> None:
    place.push(text=text_of(MOUNTS))
    kept(place)
    place.forge.run("mv", PATH, OTHER, at=place.forge.checkout)
    place.push("README.md", "x2\n")
    assert kept(place) == "1 of 1 post-mortems are new or changed, 1 are gone"
    assert place.ledger.documents.find(REPOSITORY, PATH) is None
    assert by_action(place, OTHER)["Let the mounts give up"]["opened_at"] == OLD
    place.forge.run("rm", "--quiet", OTHER, at=place.forge.checkout)
    place.push("README.md", "x3\n")
    kept(place)
    assert place.ledger.document_list.page().rows == []
    assert place.ledger.document_list.totals() == {"documents": 0, "open": 0, "overdue": 0}


def test_what_cannot_be_read_is_kept_with_the_reason_and_stops_nothing(place: Place) -> None:
    place.push(text=text_of(MOUNTS))
    kept(place)
    target = place.forge.checkout / "docs/post-mortems"
    (target / "2026-04-14-nfs.md").write_bytes(b"\xff\xfe\0 not text")
    (target / "huge.md").write_bytes(b"x" * (documents.TEXT_LIMIT + 1))
    (target / "large.md").write_bytes(b"y" * 300_000)
    (target / "deep.md").write_text("> " * 50_000 + "\n- " * 1000)
    place.forge.run("add", "-A", at=place.forge.checkout)
    place.push(OTHER, text_of(WATCH))
    assert kept(place) == "5 of 5 post-mortems are new or changed, 0 are gone"
    found = {
        row["path"].rpartition("/")[2]: row["failure"].partition(":")[0]
        for row in place.ledger.document_list.page().rows
    }
    assert found == {
        "2026-04-14-nfs.md": "not-utf8",
        "huge.md": "too-large",
        "large.md": "too-large",
        "deep.md": "",
        OTHER.rpartition("/")[2]: "",
    }
    unread = place.ledger.documents.find(REPOSITORY, PATH)
    assert unread is not None and unread["title"] == "NFS outage" and unread["text"].endswith(" not text")
    assert len(place.ledger.documents.history(REPOSITORY, PATH)) == 1
    assert (place.ledger.documents.find(REPOSITORY, "docs/post-mortems/huge.md") or {})["text"] == ""


def test_a_forge_that_is_away_stops_nothing(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    place.forge.url.rename(place.forge.url.with_name("away"))
    with caplog.at_level(logging.WARNING):
        said = kept(place)
    assert "fetching" in said and "keeping the post-mortems" in caplog.text


def test_the_reconciler_keeps_what_it_finds(place: Place) -> None:
    place.push(text=text_of(MOUNTS))
    reconcile.look_at_branch("2026-05-01T00:00:00.000Z", REPOSITORY)
    assert [row["path"] for row in place.ledger.document_list.page().rows] == [PATH]


# What the queries say, on both databases.


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as running:
        yield running.get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def book(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    url = f"sqlite:///{tmp_path}/l.db" if request.param == "sqlite" else request.getfixturevalue("server")
    opened = open_ledger(url)
    yield opened
    if request.param == "postgresql":
        with opened.engine.begin() as db:
            for table in ("documents", "document_items", "document_looks", "todos", "runs", "spend"):
                db.execute(sa.text(f"DELETE FROM {table}"))
    opened.engine.dispose()


def seen(number: int, *tracked: Tracked, date: str = "2026-01-01", title: str = "") -> Seen:
    items = [{"id": one.id, "action": one.action} for one in tracked]
    return Seen(
        "me/infra", f"{number:03}.md", "b" * 40, "c" * 40, "x\0y", title or f"No {number}", date, "", items, tracked
    )


def test_pages_follow_each_other_both_ways(book: Ledger) -> None:
    for number in range(7):
        book.documents.keep(seen(number, date="" if number == 6 else f"2026-01-0{number // 2 + 1}"), True)
    order = ["005", "004", "003", "002", "001", "000", "006"]
    first = book.document_list.page(limit=3)
    second = book.document_list.page(limit=3, before=first.older)
    third = book.document_list.page(limit=3, before=second.older)
    assert [row["path"][:3] for page in (first, second, third) for row in page.rows] == order
    assert (first.newer, third.older) == ("", "")
    back = book.document_list.page(limit=3, after=third.newer)
    assert [row["path"][:3] for row in back.rows] == order[3:6]
    assert book.document_list.page(limit=3, after=back.newer).newer == ""
    assert len(book.document_list.page(before="no key").rows) == 7


def test_words_are_found_whatever_their_case_and_signs_are_signs(book: Ledger) -> None:
    book.documents.keep(seen(1, Tracked("a", "Größe von 100% begrenzen", "Config", True), title="ＮＦＳ outage"), True)
    book.documents.keep(seen(2, Tracked("a", "Watch a_b", "Monitor", True), title="DNS outage"), True)

    def found(words: str) -> list[str]:
        return [row["path"][:3] for row in book.document_list.page(words).rows]

    assert found("OUTAGE") == ["002", "001"]
    assert found("nfs") == found("GRÖSSE outage") == found("100%") == ["001"]
    assert found("a_b") == ["002"]
    assert found("a%b") == found("outage nothing") == found("' OR 1=1 --") == []
    assert found("002.md") == ["002"]
    assert len(found("\0  ")) == 2


def test_open_overdue_and_unread_are_told_apart(book: Ledger) -> None:
    late, soon = (
        Tracked("a", "x", "Config", True, due="2020-01-01"),
        Tracked("b", "y", "Config", True, due="9999-01-01"),
    )
    book.documents.keep(seen(1, late, soon), True)
    book.documents.keep(seen(2, soon), True)
    book.documents.keep(seen(3, Tracked("c", "z", "Alert", False, due="2020-01-01")), True)
    book.documents.keep(Seen("me/infra", "004.md", "b", "c", "", failure="not-utf8: no"), True)
    listed = {row["path"][:3]: (row["open"], row["done"], row["overdue"]) for row in book.document_list.page().rows}
    assert listed == {"001": (2, 0, 1), "002": (1, 0, 0), "003": (0, 1, 0), "004": (0, 0, 0)}
    found = {
        word: sorted(r["path"][:3] for r in book.document_list.page(only=word).rows)
        for word in ("open", "overdue", "unread")
    }
    assert found == {"open": ["001", "002"], "overdue": ["001"], "unread": ["004"]}
    assert book.document_list.totals() == {"documents": 4, "open": 3, "overdue": 1}


@pytest.mark.parametrize(
    ("date", "closed", "lead"),
    [("1926-01-01", "2026-01-02", 2**31 - 1), ("0106-01-01", "2026-01-02", 2**31 - 1), ("2026-01-01", "0226-01-02", 0)],
)
def test_a_year_that_somebody_mistyped_is_kept_too(book: Ledger, date: str, closed: str, lead: int) -> None:
    """Were it not, no look would come to its end, and no other document be kept."""
    done = Tracked("a", "x", "Config", False, closed_on=closed, closed_by="people")
    assert book.documents.keep(seen(1, done, date=date), True)
    assert book.documents.history("me/infra", "001.md")["a"]["lead_seconds"] == lead


def test_the_last_run_that_took_an_item_on_says_its_state(book: Ledger) -> None:
    for name, outcome, reason in (("r-1", "done", ""), ("r-2", "needs-human", "already-done")):
        run = Run(name, "me/infra", "001.md", "c" * 40)
        book.runs.add(run)
        book.runs.add_todos(run, [Todo("a", 0, 1, "x", "", "P1", "Config", True, reason)])
        book.runs.finish_todo(name, "a", outcome, reason, "")
    states = book.document_list.states("me/infra", "001.md")
    assert {name: (row["run_id"], row["outcome"]) for name, row in states.items()} == {"a": ("r-1", "done")}
    assert {row["id"] for row in book.document_list.runs_of("me/infra", "001.md")} == {"r-1", "r-2"}
    assert book.document_list.states("me/other", "001.md") == {}


def test_insights_add_up(book: Ledger) -> None:
    day = today()
    items = [
        Tracked(str(n), "x", "Config" if n % 2 else "Alert", n > 9, due="2020-01-01" if n == 12 else "")
        for n in range(13)
    ]
    book.documents.keep(seen(1, *items, date=day), True)
    values = {"closed_at": f"{day}T00:00:00Z"}
    with book.engine.begin() as db:
        for n in range(10):
            who = {"closed_by": "run" if n < 8 else "people", "lead_seconds": 100 * (n + 1)}
            db.execute(sa.update(document_items).where(document_items.c.id == str(n)).values(**values, **who))
    run = Run("r-1", "me/infra", "001.md", "c" * 40)
    book.runs.add(run)
    book.runs.add_todos(run, [Todo(str(n), n, 1, "x", "", "P1", "Config", True) for n in range(5)])
    twice = [{"rule": "PLAN-02", "where": where} for where in ("a", "b")]
    book.runs.finish_todo("r-1", "0", "refused", "plan-refused", "", [*twice, {"rule": "FILE-01"}])
    book.runs.finish_todo("r-1", "1", "refused", "plan-refused", "", twice)
    book.runs.finish_todo("r-1", "2", "refused", "day-budget-spent", "")
    book.runs.finish_todo("r-1", "3", "awaiting-approval", "approval-needed", "", twice)
    book.runs.finish_todo("r-1", "4", "done", "", "")
    book.runs.set_commit("r-1", "4", "d" * 40)
    book.spend.reserve("r-1", "4", 1, 2.0)
    book.spend.settle("r-1", "4", 1, 0.5)
    book.spend.reserve("r-1", "3", 1, 1.0)
    found = book.insights.read(30)
    assert (found.opened, found.closed_by_run, found.closed_by_people) == ({day: 13}, {day: 8}, {day: 2})
    assert found.ages == [(3, 1), (0, 0), (0, 0), (0, 0)]
    assert found.closed == {"Alert": (4, 1), "Config": (4, 1)}
    assert (found.lead.count, found.lead.median, found.lead.ninety) == (8, 400, 800)
    assert found.refusals == [("PLAN-02", 2), ("FILE-01", 1), ("day-budget-spent", 1)]
    assert (found.spent, found.landed) == ({day: 1.5}, 1)


def test_nothing_at_all_adds_up_too(book: Ledger) -> None:
    found = book.insights.read(365)
    assert (found.lead.count, found.lead.median, found.refusals, found.spent, found.landed) == (0, None, [], {}, 0)
    assert found.ages == [(0, 0)] * 4
