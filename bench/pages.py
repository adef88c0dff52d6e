"""How soon each page is there: its first contentful paint with ten thousand runs in the database, and with none.

A real Chromium looks at the service as it is run, one that has a full database (bench/filled.py: 10,000 runs of 40,000
TODOs, 300,000 lines, deliveries, approvals, spend, 2,500 post-mortems) and one that has an empty one, in turns. The
page of one run or one post-mortem has nothing to show in an empty database: there the other side is a database with one
post-mortem and its four runs, which are the oldest of the full one. Whoever looks is logged in and has been there
before, so that style and script come from the browser's cache: fetching them would take as long on both sides, and make
the ratio look better.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx

from app.ledger import open_ledger
from bench.filled import Size, fill, path_of, run_of
from tests.browser.browsing import Visit, chromium, visit
from tests.world.forge import REPOSITORY
from tests.world.processes import ROOT, WorldError, free_port, start, wait_until
from tests.world.world import temporary_folder

LISTS: Mapping[str, str] = {
    "now": "/",
    "review": "/review",
    "stopped": "/review/stopped",
    "decided": "/review/decided",
    "runs": "/runs",
    "post-mortems": "/post-mortems",
    "insights": "/insights",
    "deliveries": "/deliveries",
}
ONES: Mapping[str, str] = {
    "run": f"/runs/{run_of(0)}",
    "post-mortem": f"/post-mortems/{REPOSITORY}/-/{path_of(0)}",
}
_RUNS_EACH = 4
_PAINTED = """new Promise(tell => new PerformanceObserver(list => {
    const painted = list.getEntriesByName('first-contentful-paint')
    if (painted.length) tell(painted[0].startTime)
}).observe({type: 'paint', buffered: true}))"""


def measure(runs: int = 10_000, rounds: int = 21) -> dict[str, Any]:
    """Each page's medians in milliseconds, empty and full, and their ratio; the largest ratio, and which page has it.

    Raises WorldError where there is no Chromium, or a page is not shown.
    """
    sizes = {
        "empty": None,
        "one": Size(_RUNS_EACH, 1),
        "full": Size(runs, runs // _RUNS_EACH, waiting=min(60, runs // 4), live=min(20, runs // 4)),
    }
    with ExitStack() as held:
        folder = held.enter_context(temporary_folder())
        browser = held.enter_context(chromium())
        looks: dict[str, Visit] = {}
        for name, size in sizes.items():
            token = secrets.token_urlsafe(24)
            url = held.enter_context(_serving(folder / name, token, size))
            looks[name] = held.enter_context(visit(browser, url))
            looks[name].log_in(token)
        sides = dict.fromkeys(LISTS, ("empty", "full")) | dict.fromkeys(ONES, ("one", "full"))
        found: dict[tuple[str, str], list[float]] = {(page, name): [] for page in sides for name in sides[page]}
        for n in range(rounds + 1):
            for page, names in sides.items():
                # Who is first changes: the browser may be busier with one than with the other.
                for name in names if n % 2 else names[::-1]:
                    taken = _painted(looks[name], {**LISTS, **ONES}[page])
                    if n:
                        found[page, name].append(taken)
    pages = {page: _told(found[page, names[0]], found[page, names[1]]) for page, names in sides.items()}
    slowest = max(pages, key=lambda page: pages[page]["ratio"])
    return {"runs": runs, "rounds": rounds, "ratio": pages[slowest]["ratio"], "slowest": slowest, "pages": pages}


def _told(empty: list[float], full: list[float]) -> dict[str, float]:
    middle = [statistics.median(side) for side in (empty, full)]
    return {
        "empty_ms": round(middle[0], 1),
        "full_ms": round(middle[1], 1),
        "ratio": round(middle[1] / middle[0], 2),
    }


def _painted(look: Visit, path: str) -> float:
    """Milliseconds from asking for the page to the first text of it on the screen."""
    answer = look.page.goto(f"{look.url}{path}")
    if answer is None or answer.status != 200 or answer.url != f"{look.url}{path}":
        raise WorldError(f"{path} was not shown: {answer and (answer.status, answer.url)}")
    return float(look.page.evaluate(_PAINTED))


@contextmanager
def _serving(folder: Path, token: str, size: Size | None) -> Iterator[str]:
    """The service in a process of its own over a database with so much in it; nothing is there that it could run."""
    folder.mkdir(mode=0o700)
    url, port = f"sqlite:///{folder}/followthrough.db", free_port()
    ledger = open_ledger(url)
    if size:
        fill(ledger.engine, size)
    ledger.engine.dispose()
    tables: dict[str, dict[str, Any]] = {
        "[server]": {"port": port, "data": str(folder / "data"), "reconcile_minutes": 0, "api_tokens": [token]},
        "[database]": {"url": url},
        "[github]": {"webhook_secrets": [secrets.token_urlsafe(32)]},
        "[[repository]]": {"name": REPOSITORY, "clone_url": f"file://{folder}/none.git"},
        "[[devvm]]": {"name": "vm-1", "host": "192.0.2.1", "user": "ci", "host_key": "ssh-ed25519 AAAA"},
    }
    config = folder / "followthrough.toml"
    config.touch(mode=0o600)
    config.write_text(
        "".join(
            f"{head}\n" + "".join(f"{name} = {json.dumps(value)}\n" for name, value in table.items())
            for head, table in tables.items()
        )
    )
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    argv: list[str | Path] = [sys.executable, "-m", "app.cli", "serve", "--config", config]
    child = start("followthrough serve", argv, folder / "log", env, cwd=folder)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _is_ready(address), child)
        yield address
    finally:
        child.stop()


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(f"{url}/readyz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False
