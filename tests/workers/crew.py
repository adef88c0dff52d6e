"""Workers of one database, and what they did."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from pipelines import durable
from tests.world.processes import ROOT, Child, start, wait_until

BEAT, TTL = 0.3, 2.0


class Crew:
    """Workers that are started by name; `close` ends those that are left."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url, self.log = folder, url, folder / "steps.log"
        self.children: list[Child] = []
        self.log.touch()
        self._config = folder / "followthrough.toml"
        self._config.write_text(
            f'[server]\ndata = "{folder}/data"\n[database]\nurl = "{url}"\n'
            f"[workers]\nbeat_seconds = {BEAT}\ndead_after_seconds = {TTL}\n"
            '[[devvm]]\nhost = "127.0.0.1"\nuser = "nobody"\nhost_key = "ssh-ed25519 AAAA"\n'
            '[[repository]]\nname = "me/infra"\nclone_url = "/nowhere"\n'
        )

    def dead_after(self, seconds: float) -> None:
        """Workers that are started from now on take each other for dead after so long."""
        text = self._config.read_text()
        self._config.write_text(text.replace(f"dead_after_seconds = {TTL}", f"dead_after_seconds = {seconds}"))

    def worker(self, name: str, version: str = "", ready: bool = True) -> Child:
        """Start a worker, and wait until it works."""
        words = ["-m", "tests.workers.tiny", self._config, name, self.log, version]
        env = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), "HOME": str(self.folder)}
        log = self.folder / f"{name}-{len(self.children)}.log"
        child = start(name, [sys.executable, *words], log, env, cwd=self.folder)
        self.children.append(child)
        if ready:
            wait_until(lambda: "working on" in log.read_text(), child)
        return child

    def ask(self, subject: str, lane: str = "") -> None:
        """Have the flow done for a subject, in a lane of its own unless one is named."""
        durable.hand_over(self.url, "count", subject, lane or subject)

    def is_over(self, subject: str) -> bool:
        """Whether its flow has ended, well or not."""
        return durable.is_over(self.url, "count", subject)

    def go(self) -> None:
        """Let the middle steps end."""
        Path(f"{self.log}.go").touch()

    def did(self, word: str, subject: str, name: str = "") -> int:
        """How often a worker (any, without a name) wrote this."""
        lines = Counter(line.rpartition(" ")[0] for line in self.log.read_text().splitlines())
        return sum(n for line, n in lines.items() if line.startswith(f"{word} {subject} {name}"))

    def at_work(self, subject: str) -> str:
        """Who began the middle step last, empty for nobody."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return next((name for word, what, name, _ in reversed(lines) if (word, what) == ("begins", subject)), "")

    def dead(self) -> list[str]:
        """Names of boots that were declared dead, or have left."""
        return self._ask("SELECT name FROM workers WHERE dead_at IS NOT NULL ORDER BY name")

    def alive(self) -> list[str]:
        """Names of boots that nobody has declared dead."""
        return self._ask("SELECT name FROM workers WHERE dead_at IS NULL ORDER BY name")

    def seen(self, name: str) -> float:
        """When a worker was last seen alive, in seconds."""
        return float(self._ask(f"SELECT max(heartbeat_at) FROM workers WHERE name = '{name}'")[0])

    def close(self) -> None:
        """End every process that was started, stopped ones too."""
        for child in self.children:
            with suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGCONT)
            child.kill()

    def _ask(self, query: str) -> list[Any]:
        engine = sa.create_engine(sa.make_url(self.url).set(drivername="postgresql+psycopg"))
        with engine.connect() as db:
            found = list(db.execute(sa.text(query)).scalars())
        engine.dispose()
        return found


def other(name: str) -> str:
    """The other one of two."""
    return "b" if name == "a" else "a"
