"""What the outbox holds, sent to Slack: one sender among all processes, one message a second a channel.

    execute ─► begin: a thread that takes the turn, then again and again
                 due messages, what has waited longest first ─► posted, edited, replied ─► written down

What is promised: a message that Slack has not taken is sent again, for a day, longer apart each time and not before the
time that Slack names; only its newest state is sent. A message is never knowingly posted twice: a post is written down
before it begins, and one whose answer was lost (a crash, a connection that broke) is looked up in the channel by its
metadata, and posted again only when it is not there. Where it cannot be looked up (an incoming webhook, a token without
channels:history) it is `unknown`: it is not posted again, and that is told in the run's events, the log and /metrics.
An edit may be repeated, it ends the same.
"""

from __future__ import annotations

import hashlib
import logging
import threading
import time
import uuid
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from app.edges import slack, vault
from app.errors import Failed, FollowthroughError, Transient, Unknown
from app.ledger import Ledger
from app.redact import redact
from app.settings import Settings

# A channel takes a message a second (Slack's limit).
_APART = 1.0
# The turn is kept up while there is something to send, and another worker's when it was not for so long. What such a
# one had begun is looked up when it cannot be under way any more.
_TURN_SECONDS = 30.0
_UNDER_WAY = 90.0
_LOOK_SECONDS = 1.0
_LONGEST_WAIT = 300.0
# How long before a lost post the channel is looked through: clocks differ.
_CLOCKS_DIFFER = 600.0
_KEPT_DAYS = 30.0
_CLEAN_SECONDS = 24 * 3600.0
# The channel of what answers an interaction: each has an address of its own.
ANSWERS = "answers"
log = logging.getLogger(__name__)
# The sender of this process, where it executes.
_begun: list[Sender] = []


class Sender:
    """Sends what one database's outbox holds: `alone`, or while it is its turn among several."""

    def __init__(self, settings: Settings, ledger: Ledger, alone: bool) -> None:
        self._settings, self._ledger, self._outbox, self._alone = settings, ledger, ledger.outbox, alone
        self._name = uuid.uuid4().hex
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._forever, name="telling", daemon=True)
        self.leads = alone
        self._kept_until = self._cleaned = 0.0
        # Whoever sent before us may have done it just now.
        self._since = self._outbox.now()
        self._free: dict[str, float] = {}

    def start(self) -> None:
        """Send in the background until `stop`."""
        self._thread.start()

    def stop(self, seconds: float) -> None:
        """Begin nothing more; what is being sent has so long to be answered."""
        self._stopped.set()
        self._outbox.news.set()
        self._thread.join(seconds)
        if not self._thread.is_alive() and self.leads and not self._alone:
            try:
                self._outbox.yield_turn(self._name)
            except SQLAlchemyError as error:
                log.warning("leaving without giving the turn away: %s", type(error).__name__)

    def once(self) -> int:
        """Send what is due now, if it is our turn. Returns how many messages Slack was asked to take."""
        asked = 0
        for row in self._outbox.due():
            if self._stopped.is_set() or not self._has_turn():
                break
            asked += self._if_free(row)
        if asked and self._outbox.now() > self._cleaned + _CLEAN_SECONDS:
            self._cleaned = self._outbox.now()
            self._outbox.forget(_KEPT_DAYS)
        return asked

    def _has_turn(self) -> bool:
        """Whether it is ours for long enough to send one more; taken or kept up where it is not."""
        now = self._outbox.now()
        if self._alone or now < self._kept_until - _TURN_SECONDS / 2:
            return True
        held, self.leads = self.leads, self._outbox.turn(self._name, _TURN_SECONDS)
        if self.leads:
            self._kept_until = now + _TURN_SECONDS
            self._since = self._since if held else now
        return self.leads

    def _if_free(self, row: dict[str, Any]) -> int:
        """Send it unless its channel, or its thread, has to wait."""
        now, channel = self._outbox.now(), row["channel"]
        free = 0.0 if channel == ANSWERS else self._free.get(channel, self._since + _APART)
        if now < free:
            self._outbox.hold(channel, free)
            return 0
        parent = self._outbox.find(row["parent"]) if row["parent"] else None
        if parent is not None and not parent["ts"] and parent["next_at"] is not None:
            # In its thread, which is not there yet.
            self._outbox.hold_one(row["key"], max(parent["next_at"], now + _APART))
            return 0
        if row["begun"] and now < row["begun_at"] + (_APART if self._alone else _UNDER_WAY):
            self._outbox.hold_one(row["key"], row["begun_at"] + (_APART if self._alone else _UNDER_WAY))
            return 0
        self._free[channel] = now + _APART
        self._send(row, parent)
        return 1

    def _send(self, row: dict[str, Any], parent: dict[str, Any] | None) -> None:
        """One message; what came of it is written down. One that breaks here keeps no other from being told."""
        key = row["key"]
        try:
            if row["begun"]:
                self._look_up(row, parent)
            else:
                self._hand_over(row, parent)
        except slack.Busy as busy:
            self._again(row, busy)
            self._free[row["channel"]] = self._outbox.now() + busy.seconds
            self._outbox.hold(row["channel"], self._free[row["channel"]])
        except Unknown as lost:
            log.warning("%s: %s", key, lost)
            if row["ts"] or row["begun"]:
                # An edit may be repeated, and so may a look for a post.
                self._again(row, lost)
            else:
                # Left as begun: it is looked up.
                self._outbox.hold_one(key, self._outbox.now() + _APART)
        except Failed as error:
            self._failed(row, error)
        except SQLAlchemyError:
            raise
        except Exception:
            log.exception("%s was not told", key)
            self._outbox.hold_one(key, self._outbox.now() + _LONGEST_WAIT)

    def _hand_over(self, row: dict[str, Any], parent: dict[str, Any] | None) -> None:
        """Ask Slack to take it. A post is written down first; one that is not the newest any more is left alone."""
        key, message, channel, digest = row["key"], row["wanted"], row["channel"], row["digest"]
        by_bot, ts = channel not in ("", ANSWERS), ""
        if by_bot and row["ts"]:
            ts = bot(self._settings).update(channel, row["ts"], message)
        elif by_bot:
            with_token = bot(self._settings)
            if not self._outbox.begin(key, digest):
                return
            thread, broadcast = parent["ts"] if parent else "", bool(row["about"].get("broadcast"))
            ts = with_token.post(channel, message, thread, broadcast, _found_by(key, digest))
        else:
            url = str(row["about"]["url"]) if channel == ANSWERS else self._webhook()
            if not self._outbox.begin(key, digest):
                return
            slack.post(url, message)
        self._outbox.done(key, digest, ts)
        self._say_told(row)

    def _look_up(self, row: dict[str, Any], parent: dict[str, Any] | None) -> None:
        """A post that was begun and not written down as done: there, not there, or nobody can tell."""
        key, digest = row["key"], row["begun"]
        if row["channel"] in ("", ANSWERS):
            self._unknown(row, "an incoming webhook does not tell what is in its channel")
            return
        thread = parent["ts"] if parent else ""
        try:
            since = float(row["begun_at"]) - _CLOCKS_DIFFER
            ts = bot(self._settings).find(row["channel"], thread, since, _found_by(key, digest))
        except Transient:
            raise
        except Failed as error:
            self._unknown(row, f"the channel cannot be looked through ({error})")
            return
        if ts:
            self._outbox.done(key, digest, ts)
            self._say_told(row)
        else:
            lost = Failed("slack-lost", "telling Slack: it was cut short, and is not in the channel")
            self._again({**row, "begun": ""}, lost)

    def _unknown(self, row: dict[str, Any], why: str) -> None:
        said = f"nobody can tell whether Slack has it, so it is not sent again: {why}"
        self._outbox.end(row["key"], row["begun"], "unknown", said)
        self._say(row, said)

    def _failed(self, row: dict[str, Any], error: Failed) -> None:
        if error.reason == "slack-message-gone" and row["ts"]:
            self._outbox.forget_message(row["key"])
            self._again(row, error)
        elif error.reason == "slack-refused-message":
            self._give_up(row, error)
        else:
            self._again(row, error)

    def _again(self, row: dict[str, Any], error: FollowthroughError) -> None:
        """Later, longer each time; given up when it has waited for as long as it is worth."""
        now = self._outbox.now()
        wait = min(2.0 ** min(row["attempts"], 20), _LONGEST_WAIT)
        if now + wait > row["since"] + row["patience"]:
            self._give_up(row, error)
            return
        self._outbox.later(row["key"], now + wait, self._hidden(str(error)), row["begun"])
        log.warning("%s was not told: %s; again in %.0f s", row["key"], self._hidden(str(error)), wait)
        if row["attempts"] == 0:
            self._say(row, f"{error}; it is tried again until it is told, at most for {row['patience'] // 3600} h")

    def _give_up(self, row: dict[str, Any], error: FollowthroughError) -> None:
        word = "unknown" if row["begun"] else "given-up"
        self._outbox.end(row["key"], row["digest"], word, self._hidden(str(error)))
        self._say(row, f"{word}: {error}")

    def _say_told(self, row: dict[str, Any]) -> None:
        if row["about"].get("final"):
            self._say(row, "told")

    def _say(self, row: dict[str, Any], text: str) -> None:
        """To who follows the run, and to the log."""
        said = self._hidden(text)
        if said != "told":
            log.warning("%s: %s", row["key"], said)
        if row["run_id"]:
            self._ledger.runs.note(row["run_id"], "slack", said[:4000])

    def _hidden(self, text: str) -> str:
        return redact(text, self._settings.secrets())

    def _webhook(self) -> str:
        if url := self._settings.slack.webhook_url.get_secret_value():
            return url
        raise Failed("slack-not-configured", "telling Slack: slack.webhook_url is empty now; set it")

    def _forever(self) -> None:
        while not self._stopped.is_set():
            self._outbox.news.clear()
            try:
                self.once()
            except SQLAlchemyError as error:
                log.warning("the outbox cannot be read: %s", type(error).__name__)
            except Exception:
                log.exception("telling Slack")
            self._outbox.news.wait(_LOOK_SECONDS)


def bot(settings: Settings) -> slack.Bot:
    """The bot, with its token as it is now: from the settings, else read from Vault for this one request.

    Raises Failed when there is none, and what reading Vault raises.
    """
    token = settings.slack.bot_token.get_secret_value()
    if not token and settings.vault.slack_field:
        token = vault.field(vault.read_secret(settings.vault), settings.vault.slack_field, settings.vault)
    if not token:
        raise Failed("slack-not-configured", "telling Slack: slack.bot_token is empty, and so is vault.slack_field")
    return slack.Bot(settings.slack.api_url, token)


def begin(settings: Settings, ledger: Ledger, alone: bool) -> Sender:
    """Begin to send in this process, which is `alone` or one of several workers."""
    _begun[:] = [Sender(settings, ledger, alone)]
    _begun[0].start()
    return _begun[0]


def settle(ledger: Ledger, key: str, seconds: float = 2.0) -> None:
    """Wait for a message that is sent right now, by this process: a run that is shown as over was told.

    What Slack did not take at once is not waited for.
    """
    deadline = time.monotonic() + seconds
    while _begun and _begun[0].leads and time.monotonic() < deadline:
        row = ledger.outbox.find(key)
        if row is None or row["next_at"] is None or row["attempts"] or row["next_at"] > ledger.outbox.now():
            return
        time.sleep(0.02)


def drain(ledger: Ledger, run_ids: list[str], seconds: float) -> str:
    """Wait until these runs are told, for so long. Returns why one is not, empty when all are."""
    deadline = time.monotonic() + seconds
    while ledger.outbox.waiting(run_ids).count:
        if time.monotonic() > deadline:
            rows = [ledger.outbox.find(f"run {run_id}") or {} for run_id in run_ids]
            return next((str(row["reason"]) for row in rows if row.get("reason")), "Slack has not answered yet")
        time.sleep(0.05)
    return ""


def _found_by(key: str, digest: str) -> str:
    """What a post is found again by: which message, and which state of it."""
    return hashlib.sha256(f"{key} {digest}".encode()).hexdigest()[:32]
