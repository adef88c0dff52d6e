"""POST /webhooks/slack: whose word counts, for which commit, and what they are told; with Slack's own signatures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.acts import Doing
from app.blocks import Asked, Look, TodoLine, run_message
from app.ledger import open_ledger
from app.ledger.approvals import Parked
from app.ledger.runs import Run, Todo
from app.settings import Settings
from app.web.answers import install
from app.web.application import application
from app.web.slack import router
from pipelines.telling import Sender
from tests.unit.test_blocks import RUN
from tests.world.slack import TEAM, Slack

pytestmark = pytest.mark.usefixtures("database")

COMMIT, OTHER = "c" * 40, "d" * 40
ALICE, MALLORY = "U0ALICE", "U0MALLORY"
PLACE = "/webhooks/slack"


class Door:
    """The web face with the real acts, over a ledger in which a change waits; `begun` are flows that would begin."""

    def __init__(self, folder: Path, slack: Slack, **more: Any) -> None:
        table = {"signing_secret": slack.signing_secret, "approvers": [ALICE], "team": TEAM, "api_url": slack.api_url}
        self.settings = Settings.model_validate({"slack": {**table, **more}})
        self.slack, self.ledger = slack, open_ledger(f"sqlite:///{folder}/l.db")
        self.begun: list[str] = []
        acts = Doing(self.settings, self.ledger, lambda _, subject, lane: self.begun.append(f"{lane}: {subject}"))
        app = FastAPI()
        app.include_router(router(self.settings, self.ledger, acts))
        install(app)
        self.client = TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)
        run = Run("r-1", "me/infra", "docs/a.md", "a" * 40)
        self.ledger.runs.add(run)
        self.ledger.runs.add_todos(run, [Todo("t1", 0, 1, "Raise it", "", "P1", "Config", True)])
        self.ledger.runs.finish_todo("r-1", "t1", "awaiting-approval", "approval-needed", "")
        self.ledger.approvals.ask(Parked("r-1", "t1", COMMIT, "t", "b", "f/r/t1", []))
        asked, look = [Asked("t1", "Raise it", COMMIT, ["update x.y"])], Look(public_url="http://ft", buttons=True)
        message = run_message(RUN, [TodoLine("Raise it", "P1", "Config", "awaiting-approval")], asked, look)
        slack.messages.append({**message, "ts": "1.2", "channel": "C0GENERAL1"})

    def press(self, action: str = "approve", user: str = ALICE, **changes: Any) -> httpx.Response:
        """A button of the message."""
        body, headers = self.slack.interaction(action, user, **changes)
        return self.send(body, headers)

    def send(self, body: bytes, headers: dict[str, str]) -> Any:
        return self.client.post(PLACE, content=body, headers=headers)

    @property
    def decision(self) -> tuple[str, str]:
        asked = self.ledger.approvals.find("r-1", "t1") or {}
        return asked["decision"], asked["decided_by"]

    @property
    def rejected(self) -> dict[str, int]:
        return {row["reason"]: row["count"] for row in self.ledger.deliveries.rejected()}

    def told(self) -> list[str]:
        """What those who pressed a button see, once the outbox is sent."""
        Sender(self.settings, self.ledger, True).once()
        return [answer["text"] for answer in self.slack.answers]

    def noted(self) -> list[tuple[str, str, str, str]]:
        """Who did what, and what came of it, newest first."""
        return [(row["by"], row["action"], row["outcome"], row["reason"]) for row in self.ledger.actions.newest()]


@pytest.fixture
def door(tmp_path: Path, slack: Slack) -> Iterator[Door]:
    made = Door(tmp_path, slack)
    yield made
    made.ledger.engine.dispose()


@pytest.mark.parametrize(("action", "word"), [("approve", "approved"), ("decline", "declined")])
def test_who_may_decides_and_is_told_what_was_done(door: Door, action: str, word: str) -> None:
    answer = door.press(action)
    assert (answer.status_code, answer.content) == (200, b"")
    assert door.decision == (word, f"slack:{ALICE}")
    assert door.begun == ["me/infra: r-1 t1"]
    (said,) = door.told()
    assert said.startswith(f"You {word} r-1/t1 at ccccccc: ")
    assert door.noted() == [(f"slack:{ALICE}", action, "done", "")]


def test_who_may_not_is_told_so_and_written_down(door: Door) -> None:
    assert door.press(user=MALLORY).status_code == 200
    assert (door.decision, door.begun) == (("", ""), [])
    (said,) = door.told()
    assert "You may not approve here: your id U0MALLORY is not in slack.approvers" in said
    assert door.noted() == [(f"slack:{MALLORY}", "approve", "refused", "not-an-approver")]


def test_what_is_refused_is_counted_at_the_run_that_it_was_for(door: Door) -> None:
    for run_id in ("r-1", "r-2", "r-2"):
        door.press(user=MALLORY, value=json.dumps({"run": run_id, "todo": "t1", "commit": COMMIT}))
    noted = {row["run_id"]: row["times"] for row in door.ledger.actions.newest()}
    assert noted == {"r-1": 1, "r-2": 2}


def test_nobody_may_where_nobody_is_named(tmp_path: Path, slack: Slack) -> None:
    door = Door(tmp_path, slack, approvers=[])
    assert door.press().status_code == 200
    assert door.decision == ("", "")
    door.ledger.engine.dispose()


@pytest.mark.parametrize(
    "changes",
    [{"secret": "another"}, {"age": 301}, {"age": -301}],
    ids=["another-secret", "too-old", "from-the-future"],
)
def test_a_signature_that_is_wrong_or_late_is_refused(door: Door, changes: dict[str, Any]) -> None:
    answer = door.press(**changes)
    assert (answer.status_code, answer.json()["error"]) == (401, "bad-signature")
    assert (door.decision, door.told()) == (("", ""), [])
    assert door.rejected == {"slack-bad-signature": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-slack-signature": ""},
        {"x-slack-signature": "v0=" + "é" * 64},
        {"x-slack-signature": "v0=" + "0" * 64},
        {"x-slack-signature": "v1=" + "0" * 64},
        {"x-slack-request-timestamp": ""},
        {"x-slack-request-timestamp": "soon"},
        {"x-slack-request-timestamp": "-1"},
        {"x-slack-request-timestamp": "9" * 400},
        {"x-slack-request-timestamp": "\u0661\u0662"},
    ],
)
def test_odd_headers_are_wrong_and_no_error(door: Door, headers: dict[str, str]) -> None:
    body, good = door.slack.interaction("approve", ALICE)
    raw = {name: value.encode() for name, value in {**good, **headers}.items()}
    assert door.client.post(PLACE, content=body, headers=raw).status_code == 401  # type: ignore[arg-type]
    assert door.decision == ("", "")


def test_a_body_that_was_changed_or_is_no_text_is_refused(door: Door) -> None:
    body, headers = door.slack.interaction("approve", ALICE)
    assert door.send(body + b"&x=1", headers).status_code == 401
    assert door.press(body=b"\xff\xfe").status_code == 401
    large = b"payload=" + b"x" * door.settings.server.max_body_bytes
    assert door.press(body=large).status_code == 413
    assert door.decision == ("", "")


def test_what_comes_twice_is_done_once(door: Door) -> None:
    body, headers = door.slack.interaction("approve", ALICE)
    assert [door.send(body, headers).status_code for _ in range(3)] == [200, 200, 200]
    assert door.begun == ["me/infra: r-1 t1"]
    assert len(door.told()) == 1
    assert len(door.noted()) == 1


def test_another_press_after_the_decision_is_told_why_not(door: Door) -> None:
    door.press("decline")
    door.press("approve")
    assert door.decision == ("declined", f"slack:{ALICE}")
    assert sorted(text.split(":")[0] for text in door.told()) == ["Not done", "You declined r-1/t1 at ccccccc"]


def test_a_commit_that_was_not_shown_is_not_approved(door: Door) -> None:
    door.press(value=json.dumps({"run": "r-1", "todo": "t1", "commit": OTHER}))
    assert (door.decision, door.begun) == (("", ""), [])
    (said,) = door.told()
    assert said.startswith("Not done: ")
    assert door.noted()[0][2:] == ("refused", "approval-void")


def test_another_workspace_is_refused(door: Door) -> None:
    answer = door.press(team="T0OTHER01")
    assert (answer.status_code, answer.json()["error"]) == (403, "wrong-workspace")
    assert door.decision == ("", "")
    assert door.rejected == {"slack-wrong-workspace": 1}


@pytest.mark.parametrize(
    "value",
    [
        "", "{", "[]", "{}", "null", '{"run":"r-1"}', '{"run":"r-1","todo":"t1","commit":""}',
        '{"run":"../r","todo":"t1","commit":"' + COMMIT + '"}', '{"run":1,"todo":"t1","commit":"' + COMMIT + '"}',
        "[" * 5000,
    ],
)  # fmt: skip
def test_a_value_that_is_not_ours_is_refused(door: Door, value: str) -> None:
    assert door.press(value=value).status_code == 400
    assert door.decision == ("", "")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"payload=%7B%7D", 200),
        (b"ssl_check=1", 200),
        (b"payload=%7B%22type%22%3A%22view_submission%22%7D", 200),
        (b"payload=%7B%22type%22%3A%22block_actions%22%7D", 400),
        (b"payload=%5B%5D", 400),
        (b"payload=x", 400),
        (b"payload=" + b"%5B" * 20000, 400),
        (b"&" * 50, 400),
    ],
)
def test_what_is_no_button_does_nothing(door: Door, body: bytes, status: int) -> None:
    assert door.press(body=body).status_code == status
    assert (door.decision, door.told()) == (("", ""), [])


def test_opening_the_page_is_no_decision(door: Door) -> None:
    assert door.press("open").status_code == 200
    assert (door.decision, door.told(), door.noted()) == (("", ""), [], [])


def test_nothing_is_answered_at_an_address_that_is_not_slack_s(door: Door, slack: Slack) -> None:
    with Slack() as elsewhere:
        body, headers = elsewhere_signed(door, elsewhere)
        assert door.send(body, headers).status_code == 200
        assert door.decision[0] == "approved"
        assert door.told() == []
        assert (elsewhere.answers, elsewhere.rejected) == ([], [])


def elsewhere_signed(door: Door, elsewhere: Slack) -> tuple[bytes, dict[str, str]]:
    """An interaction that wants its answer at another host."""
    elsewhere.messages, elsewhere.signing_secret = door.slack.messages, door.slack.signing_secret
    return elsewhere.interaction("approve", ALICE)


def test_without_a_signing_secret_there_is_no_endpoint(tmp_path: Path, slack: Slack) -> None:
    door = Door(tmp_path, slack, signing_secret="")
    assert door.press().status_code == 404
    assert door.decision == ("", "")
    door.ledger.engine.dispose()


def test_the_service_has_it(door: Door) -> None:
    app = application(door.settings, door.ledger, lambda *_: None, lambda: True, acts=Doing(door.settings, door.ledger))
    assert TestClient(app).post(PLACE, content=b"payload=%7B%7D").status_code == 401


def test_a_database_that_is_away_is_no_yes(door: Door) -> None:
    body, headers = door.slack.interaction("approve", ALICE)
    with door.ledger.engine.begin() as db:
        db.exec_driver_sql("ALTER TABLE approvals RENAME TO hidden")
    assert door.send(body, headers).status_code == 503


def test_the_secret_is_in_nothing_that_is_said(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    said = door.press(secret="another").text + door.press(team="T0OTHER01").text + caplog.text
    assert door.slack.signing_secret not in said
