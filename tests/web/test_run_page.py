"""The pages of runs: what they tell, whom they let do what, and that what others wrote is text there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient
from markupsafe import Markup

from app.ledger import Ledger
from app.ledger.actions import Action
from app.ledger.retention import Cutoffs
from app.ledger.runs import Run
from app.web.acts import Timed
from app.web.pages import timeline
from tests.web.pages_scene import COMMIT, HOSTILE, add_run, as_user, scene, todo
from tests.web.run_scene import RUN, fill_run, settings_with

SAID = f'{HOSTILE}\x1b[31m\u2066</pre></textarea></style>[x](javascript:alert(1)) {{{{7*7}}}} onmouseover="x" '


class Seen(HTMLParser):
    """Every tag with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture
def seen(tmp_path: Path) -> Iterator[tuple[Ledger, TestClient]]:
    with scene(tmp_path, settings_with(tmp_path)) as (ledger, http, _):
        yield ledger, http


def text_of(http: TestClient, path: str, user: str = "oli") -> str:
    answer = http.get(path, headers=as_user(user))
    assert answer.status_code == 200, answer.text
    return " ".join(Seen(answer.text).text.split())


def test_the_page_answers_what_why_what_of_me_and_what_it_cost(seen: tuple[Ledger, TestClient]) -> None:
    ledger, http = seen
    fill_run(ledger)
    text = text_of(http, f"/runs/{RUN}")
    assert "1 awaiting approval, 1 done, 1 going on, 1 needs human, 1 refused of 5 TODOs. Cost $0.63." in text
    assert "Waits for you: Raise the limits" in text
    assert "a push at github, viktor" in text
    assert "The edits (try 2): allowed, no rule objected" in text
    assert "The plan of monitoring (try 2): allowed" in text
    assert "FILE-03 blocks at stacks/vault/main.tf: protected" in text
    assert "because protected stacks hold what everything else stands on." in text
    assert "✓ holds: prometheus rule DiskFull health ok" in text
    assert "Plan of monitoring: 1 to create, 1 to update, 1 stay as they are" in text
    assert "(known after apply)" in text
    assert "(sensitive value)" in text
    assert "$0.63 in 2 tries" in text
    assert "ab" * 32 in text
    assert "What you can do: Read the findings" in text
    assert "glsa_unmasked" not in text
    assert (
        f'href="https://forge.example/me/infra/commit/{COMMIT}"'
        in http.get(f"/runs/{RUN}", headers=as_user("rea")).text
    )


def test_lines_are_grouped_by_todo_and_what_has_no_room_has_pages(seen: tuple[Ledger, TestClient]) -> None:
    ledger, http = seen
    fill_run(ledger)
    for number in range(700):
        ledger.runs.note(RUN, "agent", f"line {number} of it", "t-3")
    page = http.get(f"/runs/{RUN}", headers=as_user("oli")).text
    assert re.findall(r"line (\d+) of it", page) == [str(n) for n in range(100, 700)]
    assert "vm-1 has master" not in page
    found: list[str] = []
    address = f"/runs/{RUN}/lines"
    while address:
        page = http.get(address, headers=as_user("oli")).text
        found = re.findall(r'data-line="(\d+)"', page) + found
        older = re.search(r'href="(/runs/\S+/lines\?before=\d+)" rel="next"', page)
        address = older[1] if older else ""
    assert found == [str(row["id"]) for row in ledger.runs.events(RUN)]
    parts = http.get(f"/runs/{RUN}", headers={**as_user("oli"), "X-Followed": "1"}).text
    assert "data-line" not in parts, "who follows has the lines"
    assert f'value="/runs/{RUN}"' in parts, "forms lead back to the page itself"


@pytest.mark.parametrize(
    ("user", "forms"),
    [
        ("rea", set()),
        ("app", {f"/runs/{RUN}/todos/t-2/approve", f"/runs/{RUN}/todos/t-2/decline"}),
        ("ops", {f"/runs/{RUN}/cancel"}),
        ("oli", {f"/runs/{RUN}/todos/t-2/approve", f"/runs/{RUN}/todos/t-2/decline", f"/runs/{RUN}/cancel"}),
    ],
)
def test_forms_are_for_who_may_and_name_the_commit(seen: tuple[Ledger, TestClient], user: str, forms: set[str]) -> None:
    ledger, http = seen
    fill_run(ledger)
    page = http.get(f"/runs/{RUN}", headers=as_user(user)).text
    assert set(re.findall(r'action="(/runs/[^"]+)"', page)) == forms
    assert page.count(f'name="commit" value="{"b2" * 20}"') == sum("todos" in form for form in forms)


def test_approving_on_the_page_is_seen_there(seen: tuple[Ledger, TestClient]) -> None:
    ledger, http = seen
    fill_run(ledger)
    page = http.get(f"/runs/{RUN}", headers=as_user("app")).text
    csrf = re.search(r'name="csrf" value="([0-9a-f]{64})"', page)
    assert csrf
    form = {"csrf": csrf[1], "commit": "b2" * 20, "why": "looks right", "back": f"/runs/{RUN}"}
    done = http.post(
        f"/runs/{RUN}/todos/t-2/approve", data=form, headers={**as_user("app"), "Origin": "http://127.0.0.1:8080"}
    )
    assert (done.status_code, done.headers["location"]) == (303, f"/runs/{RUN}")
    text = text_of(http, f"/runs/{RUN}", "app")
    assert re.search(r"Approved by \S*app, \S+ \S+: looks right", text)
    assert "It waits for you." not in text


def test_a_run_that_is_over_can_be_tried_again_and_says_who_did(seen: tuple[Ledger, TestClient]) -> None:
    ledger, http = seen
    add_run(ledger, "me-infra-a1b2c3d4e5f6-000000bb", "Again", todo("t-1", "Alert"), delivery="gone")
    ledger.runs.finish_todo("me-infra-a1b2c3d4e5f6-000000bb", "t-1", "failed", "agent-failed", "no answer")
    ledger.runs.finish("me-infra-a1b2c3d4e5f6-000000bb", "failed")
    ledger.runs.close("me-infra-a1b2c3d4e5f6-000000bb")
    page = http.get("/runs/me-infra-a1b2c3d4e5f6-000000bb", headers=as_user("ops")).text
    assert 'action="/runs/me-infra-a1b2c3d4e5f6-000000bb/retry"' in page
    assert "data-going" not in page
    with ledger.actions.noted(Action("proxy:ops", "retry", "me-infra-a1b2c3d4e5f6-000000bb")):
        add_run(ledger, "me-infra-a1b2c3d4e5f6-000000bb-2", "Again", todo("t-1", "Alert"))
    assert "a person, proxy:ops" in text_of(http, "/runs/me-infra-a1b2c3d4e5f6-000000bb-2")


def test_a_run_that_is_not_there_is_said_to_be_none(seen: tuple[Ledger, TestClient]) -> None:
    _, http = seen
    answer = http.get("/runs/none", headers={**as_user("rea"), "Accept": "text/html"})
    assert answer.status_code == 404
    assert "no-such-run" in answer.text
    assert http.get("/runs/none/lines", headers=as_user("rea")).status_code == 404


def test_what_others_wrote_is_text_everywhere(seen: tuple[Ledger, TestClient]) -> None:
    """No tag, no attribute, no address and no character of theirs does anything."""
    ledger, http = seen
    fill_run(ledger, SAID)
    clean_run = "me-infra-a1b2c3d4e5f6-000000cc"
    fill_run(ledger, "", clean_run)
    for path, there in (("/runs/{}", 40), ("/runs/{}/lines", 5)):
        hostile, clean = (http.get(path.format(run), headers=as_user("oli")).text for run in (RUN, clean_run))
        assert hostile.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= there
        seen_tags = Seen(hostile)
        assert [tag for tag, _ in seen_tags.tags] == [tag for tag, _ in Seen(clean).tags]
        for tag, attributes in seen_tags.tags:
            assert not [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")], tag
            address = attributes.get("href") or attributes.get("src") or attributes.get("action") or ""
            assert re.match(r"/(?!/)|#|https://(forge|prometheus)\.example/", address) or not address, address
        assert not [c for c in hostile if c in "\x1b\u202e\u2066"]
        assert "{{7*7}}" in hostile
    listed = http.get("/runs", headers=as_user("oli")).text
    assert "<script>alert" not in listed
    assert "\u202e" not in listed


def joined(pages: list[list[str]]) -> list[str]:
    return [name for page in pages for name in page]


def test_lists_page_both_ways_and_filter(seen: tuple[Ledger, TestClient]) -> None:
    ledger, http = seen
    for number in range(70):
        run = add_run(ledger, f"r-{number:03}", f"Incident {number}", todo("t-1", "Alert"))
        if number % 7:
            ledger.runs.finish_todo(run.id, "t-1", "done" if number % 2 else "failed", "", "")
            ledger.runs.finish(run.id, "done" if number % 2 else "failed")
            ledger.runs.close(run.id)

    def walk(address: str, way: str) -> list[list[str]]:
        pages = []
        while address:
            page = http.get(address.replace("&amp;", "&"), headers=as_user("rea")).text
            pages.append(re.findall(r'href="/runs/(r-\d+)"', page))
            onward = re.search(rf'href="([^"]+)" rel="{way}"', page)
            address = onward[1] if onward else ""
        return pages

    everything = [f"r-{number:03}" for number in reversed(range(70))]
    older = walk("/runs", "next")
    assert [len(page) for page in older] == [30, 30, 10]
    assert joined(older) == everything
    newer = walk(f"/runs?before={older[1][-1]}", "prev")
    assert newer[1:] == [older[1], older[0]]
    assert joined(walk("/runs?outcome=going-on", "next")) == [name for name in everything if int(name[2:]) % 7 == 0]
    failed = [name for name in everything if int(name[2:]) % 7 and not int(name[2:]) % 2]
    assert joined(walk("/runs?outcome=failed&repository=me/infra", "next")) == failed
    assert "There is no such run" in text_of(http, "/runs?repository=me/other")
    assert "no more runs on this side" in text_of(http, "/runs?before=gone")
    assert http.get("/runs?repository=%3Cscript%3E", headers=as_user("rea")).status_code == 400


def test_what_is_kept_of_a_change_goes_with_its_run(seen: tuple[Ledger, TestClient]) -> None:
    ledger, _ = seen
    for run_id in ("goes", "stays"):
        run = Run(run_id, "me/infra", "docs/a.md", COMMIT)
        ledger.runs.add(run)
        ledger.runs.add_todos(run, [todo("t-1", "Alert")])
        ledger.changes.keep_diff(run_id, "t-1", 1, [{"path": "a"}])
        ledger.changes.keep_plan(run_id, "t-1", 1, "web", {"counts": {}})
        ledger.runs.finish_todo(run_id, "t-1", "failed" if run_id == "goes" else "done", "", "")
        ledger.runs.finish(run_id, "failed")
        ledger.runs.close(run_id)
    assert ledger.retention.forget_runs(Cutoffs(runs="2999-01-01T00:00:00Z"))["runs"] == 1
    assert (ledger.changes.diffs("goes"), ledger.changes.plans("goes")) == ([], [])
    assert ledger.changes.plans("stays")[0].shown == {"counts": {}}
    ledger.changes.keep_diff("stays", "t-1", 1, [{"path": "again"}])
    assert [kept.shown for kept in ledger.changes.diffs("stays")] == [[{"path": "again"}]], "a step that is done again"


STEPS = [
    Timed("read_todos", "", 1000.0, 1002.0),
    Timed("run_agent", "t-1", 1002.0, 1102.0, "agent-lost"),
    Timed("run_agent", "t-1", 1102.0, 1202.0),
    Timed("apply_plan", "t-1", 90_000.0, 90_010.0),
    Timed("push_commit", "t-1", 90_010.0, None),
]


def test_the_timeline_is_a_picture_with_words() -> None:
    drawn = timeline.drawn(STEPS, {"t-1": SAID}, 90_020.0)
    svg = ElementTree.fromstring(drawn.replace("\x1b", ""))
    assert svg.get("role") == "img"
    named = {part.get("id") for part in svg}
    assert set((svg.get("aria-labelledby") or "").split()) <= named
    bars = [
        (bar.get("class") or "", float(bar.get("x") or 0), float(bar.get("width") or 0)) for bar in svg.iter("rect")
    ]
    kinds = [kind for kind, _, _ in bars]
    assert (kinds.count("bar failed"), kinds.count("bar going-on"), kinds.count("rest")) == (1, 1, 1)
    assert all(x >= 0 and x + wide <= 960 for _, x, wide in bars)
    agents = [(x, wide) for kind, x, wide in bars if wide > 150]
    assert len(agents) == 2, "a day's rest does not make what was done small"
    assert not [part for part in svg.iter() if part.get("style")]
    assert "<script>" not in drawn
    assert timeline.drawn([], {}, 0.0) == Markup("")
    told = timeline.told(STEPS, {"t-1": "Alert"}, 90_020.0)
    assert [(step.name, step.todo, step.took, step.ended) for step in told][1] == (
        "run agent",
        "Alert",
        "1 min",
        "failed: agent-lost",
    )
    assert told[-1].ended == "goes on"


def test_steps_that_cannot_be_read_take_nothing_else_away(seen: tuple[Ledger, TestClient]) -> None:
    """The engine has never been launched on this database: its tables are not there."""
    ledger, http = seen
    fill_run(ledger)
    assert "Its steps cannot be read now." in text_of(http, f"/runs/{RUN}")
