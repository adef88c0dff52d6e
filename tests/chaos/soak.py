"""scripts/chaos: post-mortems are pushed while the service is killed at random moments; then everything is counted.

With --workers the service executes nothing, on a PostgreSQL, and so many workers do, each as on a machine of its own:
any of them is killed, comes back under its name, or never does and another one comes.

What is counted comes from outside of the service: commits of the forge, and a log that the repository's own wrapper
writes at each apply. The model is scripted, every other part is real. The seed is printed; the same seed gives the
same plan of kills, though not the same moments.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.chaos import flood
from tests.world.database import postgresql
from tests.world.model import Attempt, edit, read
from tests.world.processes import WorldError
from tests.world.world import Options, World, temporary_folder

WEB, NFS, WRAPPER = "stacks/web/main.tf", "stacks/nfs/main.tf", "scripts/tg"
ANCHOR, BACKUPS = "    replicas = local.replicas\n", '    path          = "/srv/nfs/backups"\n'
FINAL = ("done", "partial", "needs-human", "failed", "unknown", "cancelled", "nothing-to-do")
HEAD = "# Post-Mortem: Number {n}\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
TABLE = "| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
LONGEST_LIFE, LONGEST_RUN = 8.0, 300.0
# How a worker is seen alive, in seconds: much sooner than usual, so that others take over while the soak lasts.
BEAT, DEAD_AFTER = 0.5, 3.0


@dataclass
class Count:
    """What a soak came to. `lost` are TODOs without an outcome, `twice` those applied or committed more than once."""

    kills: int = 0
    gone: int = 0
    deliveries: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    runs: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    applied_twice: list[str] = field(default_factory=list)
    committed_twice: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Nothing lost, nothing twice, every run at a named outcome."""
        named = set(self.runs) <= set(FINAL)
        return named and not (self.lost or self.applied_twice or self.committed_twice)


class Soak:
    """One world under attack. Each post-mortem asks for one new number of one resource, so each TODO is one apply."""

    def __init__(self, world: World, chance: random.Random, say: Callable[[str], None], workers: int = 0) -> None:
        self.world, self.chance, self.say, self.workers = world, chance, say, workers
        self.count = Count()
        self.asked: list[str] = []
        self.pushed = 0
        self._applies = world.folder / "applies.log"

    def prepare(self) -> None:
        """Make the wrapper write a line at each apply, and start the service."""
        wrapper = self.world.forge.file(WRAPPER).decode()
        told = f'echo "$command $stack $*" >> {self._applies}\n'
        marked = wrapper.replace('echo "tg: $command $stack"\n', f'echo "tg: $command $stack"\n{told}')
        if marked == wrapper:
            raise WorldError("the sample's scripts/tg has changed: the soak does not find where to write its log")
        self.world.forge.commit({WRAPPER: marked}, "Write down each command")
        self.world.forge.push()
        self._serve()
        for number in range(self.workers):
            self.world.worker(f"w{number}")

    def ask(self) -> None:
        """Push one more post-mortem and deliver it, as often as it takes, with one delivery id, sometimes twice."""
        number = self.pushed
        self.pushed += 1
        rows = "".join(self._wish(*wish) for wish in self._wishes(number))
        forge = self.world.forge
        self._retry(forge.pull)
        path = f"docs/post-mortems/2026-04-14-number-{number}.md"
        text = HEAD.format(n=number) + TABLE + rows
        forge.commit({path: text}, f"docs: post-mortem {number} [ci skip]")
        commits = self._retry(self._push)
        for _ in range(1 + (self.chance.random() < 0.3)):
            self._retry(lambda: self._deliver(commits, f"soak-{number}"))
            self.count.deliveries += 1

    def _wishes(self, number: int) -> list[tuple[str, str, str]]:
        """What a post-mortem asks for, as (action, file, where it goes): now and then of two stacks side by side."""
        web = (f"Give the frontend limit number {number}", WEB, ANCHOR)
        nfs = (f"Give the backups limit number {number}", NFS, BACKUPS)
        return [web, nfs] if self.chance.random() < 0.4 else [web]

    def _wish(self, action: str, file: str, anchor: str) -> str:
        """A row of the post-mortem; the model knows what to do for it."""
        key = f"limit_{action.rpartition(' ')[2]}"
        calls = [read(file), edit(file, anchor, f"{anchor}    {key} = 10\n")]
        self.world.model.script = {**self.world.model.script, action: [Attempt(calls)]}
        self.asked.append(action)
        return f"| P1 | {action} | Config | as said | TODO |\n"

    def strike(self) -> None:
        """Kill the service or a worker after a while, at once or while it starts, and start it again."""
        self._sleep(self.chance.uniform(0.0, LONGEST_LIFE))
        victim = self.chance.choice(["", *sorted(self.world.workers)])
        if victim:
            self._strike_worker(victim)
            return
        if self.world.service is not None:
            self.world.service.kill()
            self.world.service = None
            self.count.kills += 1
        self._serve()

    def _strike_worker(self, name: str) -> None:
        """It comes back under its name, soon or when others have its runs; one in four never does."""
        self.world.workers.pop(name).kill()
        self.count.kills += 1
        fate = self.chance.random()
        if fate < 0.25:
            self.count.gone += 1
            name = f"w{self.workers + self.count.gone - 1}"
        elif fate < 0.5:
            self._sleep(2 * DEAD_AFTER)
        self.world.worker(name)

    def _serve(self) -> None:
        self.world.serve(*(["--no-work"] if self.workers else []))

    def settle(self, seconds: float) -> None:
        """Leave the service alone until every run is over, or give up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            runs = self.world.get("/api/runs")["runs"]
            if len(runs) >= self.pushed and all(run["outcome"] for run in runs):
                return
            time.sleep(1)

    def judge(self) -> Count:
        """Count what came of everything that was asked."""
        runs = self.world.get("/api/runs")["runs"]
        outcomes: dict[str, list[str]] = {action: [] for action in self.asked}
        for run in runs:
            self.count.runs[str(run["outcome"])] += 1
            for todo in self.world.get(f"/api/runs/{run['id']}")["todos"]:
                outcomes.setdefault(todo["action"], []).append(str(todo["outcome"]))
        for action, found in outcomes.items():
            worked = [outcome for outcome in found if outcome != "None"]
            self.count.outcomes.update(worked[:1])
            if not worked:
                self.count.lost.append(action)
        self._twice()
        return self.count

    def _twice(self) -> None:
        subjects = Counter(self.world.forge.run("log", "--format=%s").split("\n"))
        for action in self.asked:
            if sum(n for subject, n in subjects.items() if f": {action} [" in subject) > 1:
                self.count.committed_twice.append(action)
        lines = self._applies.read_text().splitlines() if self._applies.exists() else []
        for plan, times in Counter(line for line in lines if line.startswith("apply ")).items():
            if times > 1:
                self.count.applied_twice.append(plan)

    def _push(self) -> tuple[str, str]:
        try:
            return self.world.forge.push()
        except RuntimeError:
            # The service pushed in between, as another operator would.
            self.world.forge.run("pull", "--quiet", "--rebase", "origin", "master", at=self.world.forge.checkout)
            raise

    def _deliver(self, commits: tuple[str, str], delivery: str) -> None:
        answer = self.world.forge.post(self.world.webhook_url, self.world.webhook_secret, *commits, delivery=delivery)
        if answer.status_code != 202:
            raise RuntimeError(f"the webhook answered {answer.status_code}: {answer.text}")

    def _retry(self, act: Callable[[], Any]) -> Any:
        """The forge redelivers, and people try again."""
        for _ in range(20):
            try:
                return act()
            except (httpx.TransportError, RuntimeError) as error:
                last: Exception = error
                time.sleep(0.5)
        raise last

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def soak(kills: int, seed: int, say: Callable[[str], None], workers: int = 0) -> Count:
    """Kill the service, or a worker, this often while post-mortems come, and count.

    Raises WorldError when a part does not work.
    """
    changes: dict[str, dict[str, Any]] = {
        "agent": {"cage_test": "off", "budget_usd": 100, "day_budget_usd": 10_000},
        "workers": {"beat_seconds": BEAT, "dead_after_seconds": DEAD_AFTER},
    }
    with ExitStack() as parts:
        if workers:
            changes["database"] = {"url": parts.enter_context(postgresql()).get_uri()}
        world = parts.enter_context(World(parts.enter_context(temporary_folder()), Options(changes=changes)))
        run = Soak(world, random.Random(seed), say, workers)
        run.prepare()
        while run.count.kills < kills:
            if run.pushed * 4 <= run.count.kills:
                run.ask()
            run.strike()
            say(f"{run.count.kills} kills, {run.pushed} post-mortems")
        run.settle(LONGEST_RUN)
        return run.judge()


def main(words: Sequence[str] | None = None) -> int:
    """Run a soak as the command line says; exit code 1 when something was lost or done twice."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description="Kill the service at random, then count.")
    parser.add_argument("--kills", type=int, default=20, metavar="N", help="how often the service is killed")
    parser.add_argument("--flood", type=int, default=0, metavar="N", help="so many deliveries instead, half repeats")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same plan of kills again")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="so many workers, on PostgreSQL")
    found = parser.parse_args(words)
    if found.kills < 1:
        parser.error("--kills takes a whole number, 1 or more")
    if found.flood and found.flood < flood.LEAST:
        parser.error(f"--flood takes a whole number, {flood.LEAST} or more")
    if found.workers < 0 or (found.workers and found.flood):
        parser.error("--workers takes a whole number, and goes without --flood")
    what = f"--flood {found.flood} " if found.flood else ""
    what += f"--workers {found.workers} " if found.workers else ""
    print(f"seed {found.seed}: scripts/chaos {what}--kills {found.kills} --seed {found.seed}", flush=True)
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - began:6.1f} s  {text}", flush=True)

    if found.flood:
        return flood.main(found.flood, found.kills, found.seed, say)
    try:
        count = soak(found.kills, found.seed, say, found.workers)
    except WorldError as error:
        print(f"the soak does not work: {error}")
        return 1
    print_count(count)
    return 0 if count.ok else 1


def print_count(count: Count) -> None:
    """The table of a soak."""
    runs = ", ".join(f"{n} {outcome}" for outcome, n in sorted(count.runs.items()))
    todos = ", ".join(f"{n} {outcome}" for outcome, n in sorted(count.outcomes.items()))
    for what, said in (
        ("kills", count.kills),
        ("workers gone", count.gone),
        ("deliveries", count.deliveries),
        ("runs", runs),
        ("TODOs", todos),
        ("lost", count.lost or 0),
        ("applied twice", count.applied_twice or 0),
        ("committed twice", count.committed_twice or 0),
    ):
        print(f"{what:<16} {said}")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
