"""How fast a delivery is acknowledged: by us, who have it on the disk then, and by Debian's `webhook`, who forgets it.

Both check the same HMAC over the same bodies, sent by the same generator, in turns. Ours is the whole service, alone on
SQLite or one that only answers beside a worker on PostgreSQL: every delivery has an id of its own, tells of a push to a
configured branch, is accepted, stored, handed over and followed (it changes no post-mortem) while the next ones come.
Theirs answers, then runs /bin/true. Beside both, `bare` (bench/bare.py) is the least that a durable answer can do here.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import Any

import sqlalchemy as sa

from app.ledger.database import engine
from bench import bare, debian
from bench.load import Measured, offer
from tests.world.database import postgresql
from tests.world.forge import BRANCH, REPOSITORY
from tests.world.payload import Commit, push_payload, signed_headers
from tests.world.processes import Child
from tests.world.world import Options, World, temporary_folder

OFFERED = 200.0
# Sustained: every answer is an acknowledgement, and 99 of 100 come within this, in milliseconds.
SUSTAINED = 100.0
_STEP = 1.15
_PUSHES = 1000
_FILES = [f"services/service-{n:02}/deployment.yaml" for n in range(24)]
Side = Callable[[float, float], Measured]


def measure(
    seconds: float = 5.0, rounds: int = 5, least: float = 400.0, most: float = 5000.0, several: bool = False
) -> dict[str, Any]:
    """All sides' median p50 and p99 in milliseconds at 200 a second, their highest sustained rates, and the ratios.

    A round lasts `seconds`; the rates tried go from `least` to `most`. `lost` are acknowledged deliveries of ours that
    were not stored, after a kill -9 at the end. `several`: on PostgreSQL, with a worker.
    """
    with ExitStack() as held:
        folder = held.enter_context(temporary_folder())
        url = held.enter_context(postgresql()).get_uri() if several else f"sqlite:///{folder}/ack.db"
        world = held.enter_context(World(folder, Options(changes={"database": {"url": url}})))
        port = held.enter_context(debian.serving(folder, world.webhook_secret))
        least_port = held.enter_context(bare.serving(folder, world.webhook_secret))
        bodies = _bodies(world, _PUSHES)
        acknowledged: list[int] = []

        def ours(rate: float, length: float) -> Measured:
            found = _offer(world, world.port, "/webhooks/github", bodies, rate, length)
            acknowledged.append(len(found.latencies))
            return found

        def theirs(rate: float, length: float) -> Measured:
            with _held(world):
                return _offer(world, port, debian.PATH, bodies, rate, length)

        def least_possible(rate: float, length: float) -> Measured:
            with _held(world):
                return _offer(world, least_port, bare.PATH, bodies, rate, length)

        world.serve(*(["--no-work"] if several else []))
        if several:
            world.worker("one")
        sides: dict[str, Side] = {"ours": ours, "webhook": theirs, "bare": least_possible}
        for side in sides.values():
            side(OFFERED, min(seconds, 2.0))
        offered = [{name: side(OFFERED, seconds) for name, side in sides.items()} for _ in range(rounds)]
        highest = {name: _highest(side, min(seconds, 4.0), least, most) for name, side in sides.items()}
        for child in _ours(world):
            child.kill()
        world.service = None
        world.workers.clear()
        stored, followed = _kept(url)
    found: dict[str, Any] = {"deliveries": sum(acknowledged), "followed": followed, "lost": sum(acknowledged) - stored}
    for name in sides:
        found[name] = {
            f"p{share}_ms": round(statistics.median(r[name].quantile(share / 100) for r in offered), 2)
            for share in (50, 99)
        }
        found[name] |= {"errors": sum(len(r[name].errors) for r in offered), "highest_rate": round(highest[name])}
    found["p99_ratio"] = round(found["ours"]["p99_ms"] / found["webhook"]["p99_ms"], 2)
    found["bare_p99_ratio"] = round(found["bare"]["p99_ms"] / found["webhook"]["p99_ms"], 2)
    found["rate_ratio"] = round(highest["ours"] / highest["webhook"], 2)
    return found


def _ours(world: World) -> list[Child]:
    return [child for child in (world.service, *world.workers.values()) if child is not None]


@contextmanager
def _held(world: World) -> Iterator[None]:
    """Ours stands still: what it still does after its rounds takes nothing from the other side."""
    for child in _ours(world):
        os.killpg(child.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for child in _ours(world):
            os.killpg(child.pid, signal.SIGCONT)


def _highest(side: Side, seconds: float, least: float, most: float) -> float:
    """The last of ever higher rates that is sustained; a rate that is not gets a second chance. 0 when none is."""
    rate, sustained = least, 0.0
    while rate <= most:
        tries = (side(rate, seconds) for _ in range(2))
        if not any(not found.errors and found.quantile(0.99) < SUSTAINED for found in tries):
            break
        rate, sustained = rate * _STEP, rate
    return sustained


def _offer(world: World, port: int, path: str, bodies: list[bytes], rate: float, seconds: float) -> Measured:
    requests = [_request(world, port, path, bodies[n % len(bodies)]) for n in range(int(rate * seconds))]
    return offer(port, requests, rate, b"202")


def _request(world: World, port: int, path: str, body: bytes) -> bytes:
    headers = {"Host": f"127.0.0.1:{port}", "Content-Length": str(len(body))}
    headers |= signed_headers(body, world.webhook_secret)
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode() + body


def _bodies(world: World, count: int) -> list[bytes]:
    """Push events of about 10 KB for so many commits, which the forge's branch really has."""
    tip, git = world.forge.head(), shutil.which("git") or "git"
    stream = "".join(_import(n, tip) for n in range(count))
    subprocess.run([git, "-C", world.forge.url, "fast-import", "--quiet"], input=stream.encode(), check=True)
    line = world.forge.run("log", "--reverse", "--format=%H %T %cI", f"-{count + 1}", BRANCH).split("\n")
    bodies = []
    for before, after in pairwise(line):
        commit, tree, stamp = after.split(" ")
        told = [Commit(commit, tree, "Tune the services", stamp, modified=_FILES)]
        bodies.append(push_payload(REPOSITORY, BRANCH, before.split(" ")[0], commit, told))
    return bodies


def _import(number: int, tip: str) -> str:
    """One commit in the language of git fast-import."""
    message, text = f"Tune the services, number {number}", f"tuned: {number}\n"
    begin = f"from {tip}\n" if number == 0 else ""
    who = f"committer Operator <operator@example.org> {1_776_000_000 + number} +0000"
    return (
        f"commit refs/heads/{BRANCH}\n{who}\ndata {len(message)}\n{message}\n{begin}"
        f"M 100644 inline services/tuning.yaml\ndata {len(text)}\n{text}\n"
    )


def _kept(url: str) -> tuple[int, int]:
    """How many accepted deliveries are in the database, and of how many is known what came of them."""
    made = engine(url)
    with made.connect() as db:
        query = "SELECT COUNT(*), COUNT(*) FILTER (WHERE reason <> '') FROM deliveries WHERE decision = 'accepted'"
        stored, followed = db.execute(sa.text(query)).one()
    made.dispose()
    return int(stored), int(followed)
