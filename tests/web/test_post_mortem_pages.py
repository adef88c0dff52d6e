"""Post-mortems and insights as people see them, over a real ledger: who may, what is shown, what stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.acts import Doing
from app.documents import history
from app.ledger import Ledger, open_ledger
from app.ledger.documents import Seen, Tracked
from app.ledger.runs import Run, Todo
from app.settings import RepositorySettings, ServerSettings, Settings
from app.web.application import application

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
TEXT = f"""# Outage {HOSTILE}

**Date**: 2026-04-14
**Severity**: {HOSTILE}

It broke. [a](javascript:alert(1)) ghp_abcdefghijklmnopqrstuvwxyz0123456789

## Prevention Plan

| Priority | Action | Type | Owner | Due | Status |
|---|---|---|---|---|---|
| P1 | Watch it | Monitor | {HOSTILE} | 2020-01-01 | TODO |
| P1 | Mend it | Config | ana | 2020-01-01 | Done |
"""
PATH = "docs/post-mortems/a b#?.md"
ADDRESS = "/post-mortems/me/infra/-/docs/post-mortems/a%20b%23%3F.md"


class Tags(HTMLParser):
    """The tags of a page, and those of a script or a style without an address."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.wrong: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = dict(attrs)
        if (tag == "script" and not given.get("src")) or tag in ("style", "img", "iframe"):
            self.wrong.append(tag)
        self.wrong += [name for name in given if name.startswith("on") or name == "style"]
        if tag in ("script", "link") and not (given.get("src") or given.get("href") or "").startswith("/static/"):
            self.wrong.append(str(attrs))


def add(ledger: Ledger, path: str, text: str) -> list[str]:
    """A document as the pipeline keeps it; returns the ids of its items."""
    document, entries = history.read(text.encode(), path)
    tracked = [Tracked(e.item.id, e.item.action, e.type, e.item.status != "done", e.due) for e in entries]
    head = (document.title or "", document.date or "", document.severity or "")
    ledger.documents.keep(
        Seen("me/infra", path, "b" * 40, "c" * 40, text, *head, [e.shown for e in entries], tracked), True
    )
    return [one.id for one in tracked]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    yield opened
    opened.engine.dispose()


@pytest.fixture
def http(ledger: Ledger) -> TestClient:
    return browser(ledger)


def browser(ledger: Ledger, *tokens: str) -> TestClient:
    repository = RepositorySettings(name="me/infra", clone_url="https://forge.example/me/infra.git")
    settings = Settings(server=ServerSettings(api_tokens=list(tokens)), repository=[repository])
    acts = Doing(settings, ledger, lambda *_, **__: None, has_git=False)
    app = application(settings, ledger, lambda *_: None, lambda: True, acts=acts)
    return TestClient(app, client=("127.0.0.1", 1234), base_url="http://127.0.0.1:8080", follow_redirects=False)


def shown(http: TestClient, path: str, status: int = 200) -> str:
    answer = http.get(path)
    assert answer.status_code == status, answer.text
    assert Tags(answer.text).wrong == []
    assert "unsafe" not in answer.headers["content-security-policy"]
    return answer.text


def test_a_document_is_shown_with_what_became_of_its_items(http: TestClient, ledger: Ledger) -> None:
    watch, _ = add(ledger, PATH, TEXT)
    run = Run("r-1", "me/infra", PATH, "c" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(watch, 0, 12, "Watch it", "", "P1", "Monitor", True)])
    ledger.runs.finish_todo("r-1", watch, "refused", "plan-refused", f"no {HOSTILE}")
    ledger.runs.finish("r-1", "needs-human")
    ledger.runs.close("r-1")
    text = shown(http, ADDRESS)
    assert f'<a class="outcome is-refused" href="/runs/r-1#todo-{watch}">refused</a>' in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in text and "javascript:" not in text
    assert "ghp_" not in text and "[redacted]" in text
    assert f"https://forge.example/me/infra/blob/{'c' * 40}/docs/post-mortems/a%20b%23%3F.md" in text
    assert text.count("overdue") >= 1 and "plan-refused" in text
    assert '<span class="outcome is-done">done</span>' in text


def test_there_is_a_page_for_what_is_not_there(http: TestClient) -> None:
    for path in ("none.md", "%3Cscript%3E.md", "..%2F..%2Fetc%2Fpasswd"):
        text = shown(http, f"/post-mortems/me/infra/-/{path}", 404)
        assert "<script>." not in text


def test_the_list_is_searched_filtered_and_paged(http: TestClient, ledger: Ledger) -> None:
    assert "None has been seen yet" in shown(http, "/post-mortems")
    add(ledger, PATH, TEXT)
    for number in range(60):
        add(ledger, f"n{number:02}.md", f"# Outage of number {number:02}\n\n**Date**: 2026-01-01\n")
    first = shown(http, "/post-mortems")
    assert (
        f'href="{ADDRESS}"' in first and "61 on the configured branches, with 1 open items, 1 of them overdue" in first
    )
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    second = shown(http, older[1].replace("&amp;", "&"))
    titles = [re.findall(r"Outage of number (\d\d)", page) for page in (first, second)]
    assert (len(titles[0]), len(titles[1])) == (29, 30) and not set(titles[0]) & set(titles[1])
    newer = re.search(r'href="([^"]+)" rel="prev"', second)
    assert newer and re.findall(r"Outage of number (\d\d)", shown(http, newer[1].replace("&amp;", "&"))) == titles[0]
    found = shown(http, "/post-mortems?q=NUMBER+07")
    assert re.findall(r"Outage of number (\d\d)", found) == ["07"]
    assert ADDRESS in shown(http, "/post-mortems?only=overdue") and "number 07" not in shown(
        http, "/post-mortems?only=open"
    )
    evil = (
        shown(http, "/post-mortems", 200)
        and http.get("/post-mortems", params={"q": f"nothing {HOSTILE}", "before": HOSTILE}).text
    )
    assert Tags(evil).wrong == [] and "No post-mortem fits" in evil


def test_insights_say_in_words_that_there_is_nothing(http: TestClient) -> None:
    text = shown(http, "/insights")
    for words in (
        "No action item was opened",
        "Nothing is open",
        "No run closed",
        "Nothing was spent",
        "No rule refused",
    ):
        assert words in text
    assert '<svg class="chart"' not in text and "The last 90 days" in text


def test_insights_are_drawn_for_a_period(http: TestClient, ledger: Ledger) -> None:
    ledger.documents.keep(
        Seen("me/infra", "a.md", "b" * 40, "c" * 40, "x", tracked=[Tracked("a", "x", "Config", True)]), False
    )
    ledger.documents.keep(
        Seen("me/infra", "a.md", "d" * 40, "c" * 40, "x", tracked=[Tracked("a", "x", "Config", False)]), False
    )
    run = Run("r-1", "me/infra", "a.md", "c" * 40)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo("t", 0, 1, "x", "", "P1", "Config", True)])
    ledger.runs.finish_todo("r-1", "t", "refused", "plan-refused", "", [{"rule": "PLAN-02"}])
    ledger.spend.reserve("r-1", "t", 1, 2.0)
    for asked, chosen in (("30", "30"), ("365", "365"), ("1e9", "90"), (HOSTILE, "90")):
        answer = http.get("/insights", params={"days": asked})
        assert answer.status_code == 200 and Tags(answer.text).wrong == []
        assert f'<option value="{chosen}" selected>' in answer.text
        assert answer.text.count('<svg class="chart"') == 4
        assert "PLAN-02" in answer.text and "$2.00" in answer.text and "none landed" in answer.text


def test_nobody_who_is_not_let_in_sees_them(ledger: Ledger) -> None:
    add(ledger, PATH, TEXT)
    closed = browser(ledger, "a-token-of-somebody")
    for path in ("/post-mortems", ADDRESS, "/insights"):
        answer = closed.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
        assert "Outage" not in answer.text
