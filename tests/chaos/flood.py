"""scripts/chaos --flood: many pushes told of many times, at once and out of order, to a service that is killed.

Half of the deliveries are repeats: of the same delivery, or of the same push under another id. Who sends them does what
a forge's operator does: what got no answer, or a 5xx, is sent again. Then what the database holds is compared with
what was pushed: a run for each post-mortem that a push changed, and nothing else.
"""

from __future__ import annotations

import queue
import random
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pipelines.bench import run_id_of
from tests.chaos.alone import SECRET, Alone
from tests.world.payload import push_payload, signed_headers
from tests.world.world import temporary_folder

BRANCH = "master"
SENDERS, REPOSITORIES = 8, 8
# The fewest deliveries of which each repository gets some pushes.
LEAST = 20 * REPOSITORIES
# One push in so many changes a post-mortem; its TODOs are for people, so that its run is short.
ONE_IN = 10
_DOCUMENTS = 40
_TEXT = (
    "# Post-Mortem: Number {n}\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
    "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
    "| P1 | Talk about number {n} | Process | as said | TODO |\n"
)
_WHO = "Operator <operator@example.org> 1776000000 +0000"
# How far a delivery may be sent before or after its turn.
_OUT_OF_ORDER = 20


@dataclass(frozen=True)
class Push:
    """One push: where, the commits before and after it, and the post-mortem that it changed, if any."""

    repository: str
    before: str
    after: str
    post_mortem: str


@dataclass
class Count:
    """What a flood came to. All but `runs`, `deliveries` and `kills` must be empty or 0."""

    pushes: int = 0
    deliveries: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    runs: int = 0
    lost_runs: list[str] = field(default_factory=list)
    more_runs: list[str] = field(default_factory=list)
    lost_deliveries: list[str] = field(default_factory=list)
    unconcluded: list[str] = field(default_factory=list)
    unfinished: list[str] = field(default_factory=list)
    sent_seconds: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Exactly the expected runs, every acknowledged delivery kept, everything concluded."""
        wrong = (self.lost_runs, self.more_runs, self.lost_deliveries, self.unconcluded, self.unfinished)
        return not any(wrong)


def forge(bare: Path, name: str, pushes: int, chance: random.Random) -> list[Push]:
    """A bare repository with this many pushes after a first commit, at which its branch is; the pushes in order."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch", BRANCH, bare], check=True)
    changed = [_document(chance) if chance.randrange(ONE_IN) == 0 else "" for _ in range(pushes)]
    stream = "".join(_commits(changed))
    marks = bare / "marks"
    subprocess.run(
        ["git", "-C", bare, "fast-import", "--quiet", f"--export-marks={marks}"], input=stream.encode(), check=True
    )
    ids = dict(line.split(" ") for line in marks.read_text().splitlines())
    commits = [ids[f":{n}"] for n in range(1, pushes + 2)]
    advance(bare, commits[0])
    return [Push(name, before, after, path) for before, after, path in zip(commits, commits[1:], changed, strict=False)]


def advance(bare: Path, commit: str) -> None:
    """Move the forge's branch."""
    subprocess.run(["git", "-C", bare, "update-ref", f"refs/heads/{BRANCH}", commit], check=True)


def _document(chance: random.Random) -> str:
    return f"docs/post-mortems/2026-04-14-number-{chance.randrange(_DOCUMENTS)}.md"


def _commits(changed: Sequence[str]) -> Iterator[str]:
    for number, path in enumerate(["", *changed], start=1):
        text = _TEXT.format(n=number) if path else f"{number}\n"
        data, message = text.encode(), f"push {number}"
        yield f"commit refs/heads/all\nmark :{number}\ncommitter {_WHO}\ndata {len(message)}\n{message}\n"
        if number > 1:
            yield f"from :{number - 1}\n"
        yield f"M 100644 inline {path or 'notes.txt'}\ndata {len(data)}\n{text}\n"


class Flood:
    """Pushes of several repositories, told of to one service."""

    def __init__(self, folder: Path, deliveries: int, repositories: int, seed: int, say: Callable[[str], None]) -> None:
        self.chance, self.say, self.count = random.Random(seed), say, Count()
        names = [f"example-org/infra-{n}" for n in range(repositories)]
        self.bare = {name: folder / f"{name.rpartition('/')[2]}.git" for name in names}
        each = max(1, deliveries // 2 // repositories)
        by_name = [forge(self.bare[name], name, each, self.chance) for name in names]
        self.pushes = [push for turn in zip(*by_name, strict=True) for push in turn]
        self.service = Alone(folder, self.bare)
        self.acknowledged: set[str] = set()
        self._waiting: queue.Queue[tuple[str, Push]] = queue.Queue()
        self.turn = {push.after: n for n, push in enumerate(self.pushes)}
        self._at: dict[str, int] = {}
        self._left = 0
        self._lock, self._end = threading.Lock(), threading.Event()
        for item in self._deliveries(deliveries):
            self._waiting.put(item)
            self._left += 1
        self.count.pushes, self.count.deliveries = len(self.pushes), self._left

    def _deliveries(self, wanted: int) -> list[tuple[str, Push]]:
        """Each push once and then repeats up to the number wanted, roughly in order: each near its turn."""
        once = [(f"flood-{n}", n) for n in range(len(self.pushes))]
        repeats = []
        for k in range(wanted - len(once)):
            name, n = self.chance.choice(once)
            repeats.append((name if self.chance.random() < 0.6 else f"again-{k}", n))
        placed = [(n + self.chance.uniform(0, _OUT_OF_ORDER), name, n) for name, n in [*once, *repeats]]
        return [(name, self.pushes[n]) for _, name, n in sorted(placed)]

    def run(self, kills: int) -> Count:
        """Send everything while the service is killed this often, wait until all is concluded, and count."""
        begun = time.monotonic()
        self.service.serve()
        try:
            senders = [threading.Thread(target=self._send) for _ in range(SENDERS)]
            for sender in senders:
                sender.start()
            try:
                self._strike_senders(kills - kills // 2)
                for sender in senders:
                    sender.join()
            finally:
                self._end.set()
            self.count.sent_seconds = time.monotonic() - begun
            self.say(f"everything is acknowledged after {self.count.sent_seconds:.0f} s")
            self._strike_follower(kills // 2)
            self._settle()
            self.count.seconds = time.monotonic() - begun
        finally:
            self._end.set()
            self.service.stop()
        return self._judge()

    def _strike_senders(self, kills: int) -> None:
        """Kill the service this often, each time after some more of the deliveries were acknowledged."""
        total = self._left
        for turn in range(1, kills + 1):
            while self._left > total * (1 - turn / (kills + 1)):
                time.sleep(0.02)
            self._strike(f"{total - self._left} of {total} are acknowledged")

    def _strike_follower(self, kills: int) -> None:
        """Kill it this often while it follows what is acknowledged."""
        total = self._open()
        for turn in range(1, kills + 1):
            while (left := self._open()) > total * (1 - turn / (kills + 1)):
                time.sleep(0.1)
            self._strike(f"{left} deliveries and runs are under way")

    def _strike(self, said: str) -> None:
        time.sleep(self.chance.uniform(0, 0.3))
        self.service.kill()
        self.count.kills += 1
        self.say(f"kill {self.count.kills}: {said}")
        self.service.serve()

    def _send(self) -> None:
        with httpx.Client(timeout=60) as client:
            while not self._end.is_set() and self._left:
                try:
                    name, push = self._waiting.get(timeout=0.2)
                except queue.Empty:
                    continue
                self._tell(client, name, push)

    def _tell(self, client: httpx.Client, name: str, push: Push) -> None:
        self._push(push)
        body = push_payload(push.repository, BRANCH, push.before, push.after, [])
        try:
            answer = client.post(
                self.service.webhook_url, content=body, headers=signed_headers(body, SECRET, delivery=name)
            )
            said = str(answer.status_code)
        except httpx.TransportError as error:
            said = type(error).__name__
        with self._lock:
            self.count.answers[said] += 1
            if said.startswith("2"):
                self.acknowledged.add(name)
                self._left -= 1
        if not said.startswith("2"):
            time.sleep(0.2)
            self._waiting.put((name, push))

    def _push(self, push: Push) -> None:
        """The forge's branch is at what was pushed last when a push is told of, which may be later ones."""
        with self._lock:
            at = self.turn[push.after]
            if at <= self._at.get(push.repository, -1):
                return
            self._at[push.repository] = at
            advance(self.bare[push.repository], push.after)

    def _settle(self) -> None:
        """Wait until every delivery is concluded and every run over, as long as something still changes."""
        last, since = -1, time.monotonic()
        while time.monotonic() - since < 120:
            left = self._open()
            if left == 0:
                return
            if left != last:
                last, since = left, time.monotonic()
                self.say(f"{left} deliveries and runs are under way")
            time.sleep(1)

    def _open(self) -> int:
        with closing(sqlite3.connect(self.service.database, timeout=30)) as db:
            ((waiting,),) = db.execute("SELECT count(*) FROM deliveries WHERE decision = 'accepted' AND reason = ''")
            ((going,),) = db.execute("SELECT count(*) FROM runs WHERE finished_at IS NULL")
            ((begun,),) = db.execute("SELECT count(*) FROM workflow_status WHERE status IN ('PENDING', 'ENQUEUED')")
        return int(waiting) + int(going) + int(begun)

    def _judge(self) -> Count:
        count = self.count
        with closing(sqlite3.connect(self.service.database)) as db:
            kept = {row[0]: row[1] for row in db.execute("SELECT id, reason FROM deliveries")}
            runs = dict(db.execute("SELECT id, outcome FROM runs"))
            engine = "SELECT workflow_uuid FROM workflow_status WHERE status NOT IN ('SUCCESS')"
            count.unfinished = [row[0] for row in db.execute(engine)]
        wanted = {run_id_of(push.repository, push.after, push.post_mortem) for push in self.pushes if push.post_mortem}
        count.runs = len(runs)
        count.lost_runs, count.more_runs = sorted(wanted - set(runs)), sorted(set(runs) - wanted)
        count.lost_deliveries = sorted(self.acknowledged - set(kept))
        usual = ("runs-started", "no-post-mortem-changed", "already-followed")
        count.unconcluded = sorted(name for name, reason in kept.items() if reason not in usual)
        count.unfinished += [run for run, outcome in runs.items() if outcome != "nothing-to-do"]
        return count


def main(deliveries: int, kills: int, seed: int, say: Callable[[str], None]) -> int:
    """A flood as the command line says; exit code 1 when something was lost, or was there that should not be."""
    with temporary_folder() as folder:
        count = Flood(folder, deliveries, REPOSITORIES, seed, say).run(kills)
    for what, found in table(count):
        print(f"{what:<28} {found}")
    return 0 if count.ok else 1


def table(count: Count) -> list[tuple[str, object]]:
    """What a flood came to, as lines of a table."""
    return [
        ("pushes", count.pushes),
        ("deliveries", f"{count.deliveries}, answered {dict(sorted(count.answers.items()))}"),
        ("kills", count.kills),
        ("runs", count.runs),
        ("runs lost", count.lost_runs or 0),
        ("runs too many", count.more_runs or 0),
        ("deliveries lost after a 2xx", count.lost_deliveries or 0),
        ("deliveries not concluded", count.unconcluded or 0),
        ("not finished", count.unfinished or 0),
        ("seconds", f"{count.sent_seconds:.0f} until all was acknowledged, {count.seconds:.0f} until all was followed"),
    ]
