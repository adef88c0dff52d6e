"""What Slack is to be told: each message in its newest state, kept until it is known to be there.

    put ─► waits (next_at) ─► begin ─► done            Slack has it; `sent` is the digest of what it has
                               │  └──► later           Slack did not take it: again at next_at
                               └─────► end             given-up, or unknown: nobody can tell whether it is there

A newer state takes the place of one that waits. A post is written down before it begins, since it would be a second
message if it were done again: what is found begun was cut short, and whether Slack has it has to be looked up.

Times are seconds since 1970, by the database's clock on PostgreSQL, where the machines' clocks may differ.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import IntegrityError

from app.ledger.outbox_tables import outbox, turns

# How long a message is tried to be sent, in seconds.
PATIENCE = 24 * 3600
_TURN = "outbox"
_DAY = 24 * 3600.0
_BLANK: dict[str, Any] = {"wanted": "", "digest": "", "sent": "", "begun": "", "begun_at": None, "ts": "", "state": ""}
_BLANK |= {"reason": "", "attempts": 0, "since": None, "next_at": None, "ended_at": None}
_IDLE: dict[str, Any] = {"next_at": None, "since": None, "attempts": 0}


@dataclass(frozen=True)
class Waiting:
    """How many messages wait, for how long the first has, and how many ended in the last day, by how."""

    count: int
    seconds: float
    ended: Mapping[tuple[str, ...], int]


@dataclass(frozen=True)
class Place:
    """Where a message belongs: its run, the message that it answers, its channel, and how long it is worth sending."""

    run_id: str = ""
    parent: str = ""
    channel: str = ""
    patience: int = PATIENCE


class Outbox:
    """The messages of one database. `news` is set whenever this process has put one."""

    def __init__(self, engine: Engine, clock: Callable[[], float] | None = None) -> None:
        self._engine, self._clock = engine, clock
        self.news = threading.Event()

    def now(self) -> float:
        """The time that this outbox goes by."""
        with self._engine.connect() as db:
            return self._now(db)

    def open(self, key: str, place: Place, about: Mapping[str, Any]) -> None:
        """Know of a message before there is anything to send. One that is known stays as it is."""
        row = {"key": key, "about": json.dumps(dict(about)), **asdict(place)}
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(outbox).values(**_BLANK, **row, opened_at=self._now(db)))
        except IntegrityError:
            return

    def put(
        self, key: str, message: Mapping[str, Any], about: Mapping[str, Any] | None = None, delay: float = 0
    ) -> None:
        """What a message, which has been opened, is to be from now on; the same again changes nothing.

        `about` is added to what is known of it. `delay` is how long it waits, in seconds, when it is a new one.
        """
        wanted = json.dumps(dict(message), sort_keys=True)
        digest = hashlib.sha256(wanted.encode()).hexdigest()
        with self._engine.begin() as db:
            row = db.execute(sa.select(outbox).where(outbox.c.key == key).with_for_update()).mappings().one()
            values: dict[str, Any] = {"about": json.dumps({**json.loads(row["about"]), **(about or {})})}
            if digest != row["digest"]:
                values |= {"wanted": wanted, "digest": digest}
                if digest == row["sent"] and not row["begun"]:
                    values |= {**_IDLE, "state": "", "reason": ""}
                elif row["next_at"] is None:
                    now = self._now(db)
                    values |= {"next_at": now + delay, "since": now, "attempts": 0, "state": "", "reason": ""}
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(**values))
        self.news.set()

    def find(self, key: str) -> dict[str, Any] | None:
        """A message as it is known, `wanted` and `about` read; None when it is not."""
        with self._engine.connect() as db:
            row = db.execute(sa.select(outbox).where(outbox.c.key == key)).mappings().first()
        return None if row is None else _read(dict(row))

    def due(self, limit: int = 20) -> list[dict[str, Any]]:
        """What is to be sent now, what has waited longest first."""
        with self._engine.connect() as db:
            wanted = outbox.c.next_at <= self._now(db)
            query = sa.select(outbox).where(wanted).order_by(outbox.c.since, outbox.c.opened_at).limit(limit)
            return [_read(dict(row)) for row in db.execute(query).mappings()]

    def begin(self, key: str, digest: str) -> bool:
        """Write down that this state is being posted; False when one is, or was and nobody knows what came of it.

        False as well when it does not wait any more: somebody else has posted it, or it was withdrawn.
        """
        waits = (outbox.c.key == key) & outbox.c.next_at.is_not(None)
        free = waits & (outbox.c.begun == "") & (outbox.c.digest == digest)
        with self._engine.begin() as db:
            values = {"begun": digest, "begun_at": self._now(db)}
            return bool(db.execute(sa.update(outbox).where(free).values(**values)).rowcount)

    def done(self, key: str, digest: str, ts: str) -> None:
        """Slack has this state; a newer one waits on."""
        values: dict[str, Any] = {"sent": digest, "begun": "", "begun_at": None, "state": "", "reason": "", "ts": ts}
        with self._engine.begin() as db:
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(**values, attempts=0))
            db.execute(sa.update(outbox).where((outbox.c.key == key) & (outbox.c.digest == digest)).values(**_IDLE))

    def later(self, key: str, at: float, reason: str, begun: str = "") -> None:
        """Slack does not have it: it is sent again at this time. With `begun` it is looked up again instead."""
        values: dict[str, Any] = {"next_at": at, "reason": reason, "attempts": outbox.c.attempts + 1, "begun": begun}
        with self._engine.begin() as db:
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(**values))

    def hold(self, channel: str, at: float) -> None:
        """Nothing is sent to this channel before that time."""
        early = (outbox.c.channel == channel) & (outbox.c.next_at < at)
        with self._engine.begin() as db:
            db.execute(sa.update(outbox).where(early).values(next_at=at))

    def hold_one(self, key: str, at: float) -> None:
        """This message is not looked at before that time."""
        with self._engine.begin() as db:
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(next_at=at))

    def end(self, key: str, digest: str, state: str, reason: str) -> None:
        """`given-up` or `unknown`: this state is not sent any more; a newer one is, as a message of its own."""
        with self._engine.begin() as db:
            values = {"begun": "", "begun_at": None, "state": state, "reason": reason, "ended_at": self._now(db)}
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(**values))
            db.execute(sa.update(outbox).where((outbox.c.key == key) & (outbox.c.digest == digest)).values(**_IDLE))

    def forget_message(self, key: str) -> None:
        """Slack has the message no more: the newest state is posted as a new one."""
        with self._engine.begin() as db:
            db.execute(sa.update(outbox).where(outbox.c.key == key).values(ts="", sent=""))

    def withdraw(self, run_id: str, prefix: str) -> None:
        """Send nothing more of a run whose keys begin like this, where it has not begun."""
        waits = (outbox.c.run_id == run_id) & outbox.c.next_at.is_not(None) & (outbox.c.begun == "")
        with self._engine.begin() as db:
            keys = [key for key in db.execute(sa.select(outbox.c.key).where(waits)).scalars() if key.startswith(prefix)]
            db.execute(sa.update(outbox).where(outbox.c.key.in_(keys)).values(**_IDLE))

    def turn(self, holder: str, seconds: float) -> bool:
        """Take or keep the turn to send for so long; False while it is somebody else's."""
        with self._engine.begin() as db:
            now = self._now(db)
            mine = (turns.c.name == _TURN) & ((turns.c.holder == holder) | (turns.c.until < now))
            taken = db.execute(sa.update(turns).where(mine).values(holder=holder, until=now + seconds)).rowcount
            if taken or db.execute(sa.select(turns.c.name).where(turns.c.name == _TURN)).first():
                return bool(taken)
        try:
            with self._engine.begin() as db:
                db.execute(sa.insert(turns).values(name=_TURN, holder=holder, until=now + seconds))
        except IntegrityError:
            return False
        return True

    def yield_turn(self, holder: str) -> None:
        """Let somebody else send."""
        with self._engine.begin() as db:
            db.execute(sa.delete(turns).where((turns.c.name == _TURN) & (turns.c.holder == holder)))

    def waiting(self, run_ids: Sequence[str] = ()) -> Waiting:
        """What waits, of all or of these runs, and what ended in the last day."""
        of_runs = outbox.c.run_id.in_(run_ids) if run_ids else sa.true()
        # Not "is not null", which no index is used for.
        waits = (outbox.c.next_at > 0) & of_runs
        waiting = sa.select(sa.literal(""), sa.func.count(), sa.func.min(outbox.c.since)).where(waits)
        with self._engine.connect() as db:
            now = self._now(db)
            last_day = (outbox.c.ended_at > now - _DAY) & (outbox.c.state != "")
            ended = sa.select(outbox.c.state, sa.func.count(), sa.null()).where(last_day).group_by(outbox.c.state)
            found = {word: (count, first) for word, count, first in db.execute(waiting.union_all(ended))}
        count, first = found.pop("")
        words: dict[tuple[str, ...], int] = {(word,): number for word, (number, _) in found.items()}
        return Waiting(count, max(now - first, 0.001) if count else 0.0, words)

    def forget(self, days: float) -> None:
        """Remove what is of no run, waits no more and is so old; what is of a run goes with it."""
        with self._engine.begin() as db:
            before = self._now(db) - days * _DAY
            old = (outbox.c.run_id == "") & outbox.c.next_at.is_(None) & (outbox.c.opened_at < before)
            db.execute(sa.delete(outbox).where(old))

    def _now(self, db: Connection) -> float:
        if self._clock is not None:
            return self._clock()
        if db.dialect.name == "postgresql":
            return float(db.execute(sa.select(sa.extract("epoch", sa.func.clock_timestamp()))).scalar_one())
        return time.time()


def _read(row: Mapping[str, Any]) -> dict[str, Any]:
    wanted = json.loads(row["wanted"]) if row["wanted"] else None
    return {**row, "wanted": wanted, "about": json.loads(row["about"])}
