"""The demo: start everything, push a post-mortem, watch it being followed through, show what came of it."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from tests.parts.demo_report import report, summary
from tests.parts.processes import Child, NotReady
from tests.parts.scripts import EXPECTED, SAMPLE_POST_MORTEM
from tests.parts.world import SAMPLE, World

PATIENCE = 600
_COLOURS = {"outcome": "bold", "agent": "dim", "apply": "yellow", "diff": "cyan", "plan": "cyan", "push": "green"}


def main() -> int:
    """Run the demo; 0 when every TODO ended as it had to, 1 when not, 2 when a part did not come up."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    console = Console(stderr=options.json, highlight=False, width=None if sys.stdout.isatty() else 140)
    started = time.monotonic()
    api_key = os.environ.get("ANTHROPIC_API_KEY", "")
    if api_key:
        console.print("The model is the real API: ANTHROPIC_API_KEY is set. This costs money, at most $5.")
    else:
        console.print("The model is [bold]scripted[/bold]: its edits are written down in tests/parts/scripts.py.")
        console.print("Everything else that can be real is: the Claude Code CLI, SSH, Vault's API, git, terraform.")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="followthrough-demo-") as folder,
            World(Path(folder), api_key=api_key, progress=lambda t: console.print(f"  start  {t}")) as world,
        ):
            return _follow(world, options, console, started)
    except NotReady as error:
        console.print(f"the demo could not start: {error}", markup=False)
        return 2
    except KeyboardInterrupt:
        console.print("stopped; every part has been ended")
        return 130


def _follow(world: World, options: argparse.Namespace, console: Console, started: float) -> int:
    console.print("  start  the service")
    service = world.serve()
    path, content, expected = _post_mortem(options)
    before = world.forge.tip()
    after = world.forge.commit({path: content}, "docs: post-mortem")
    answer = world.forge.deliver(world.url, world.secret, before, after)
    console.print(f"  push   {path} at {after[:7]}; signed webhook answered {answer.status_code}")
    run = _watch(world, service, console)
    seconds = time.monotonic() - started
    data = summary(world, run, path, after, expected if not world.real_model else _sure(expected), seconds)
    if options.json:
        print(json.dumps(data, indent=2, ensure_ascii=False))
    else:
        report(console, data)
    if options.svg:
        picture = Console(record=True, width=118, file=open(os.devnull, "w"), highlight=False)  # noqa: PTH123, SIM115
        report(picture, data)
        picture.save_svg(options.svg, title="scripts/demo")
    if options.keep:
        console.print(
            f"\nleft running: {world.url}/api/runs\n  in {world.folder}: service.log, operator/infra, forge.git"
        )
        console.print("Ctrl-C ends it all")
        signal.pause()
    return 0 if data["as_expected"] else 1


def _watch(world: World, service: Child, console: Console) -> dict[str, Any]:
    """Print each event as it comes, until the run is over."""
    deadline, seen = time.monotonic() + PATIENCE, 0
    while time.monotonic() < deadline:
        if not service.running:
            raise NotReady(f"the service ended:\n{service.log.read_text()[-2000:]}")
        runs = world.get("/api/runs")["runs"]
        run: dict[str, Any] = world.get(f"/api/runs/{runs[0]['id']}") if runs else {"events": [], "outcome": None}
        for event in run["events"]:
            if event["id"] > seen:
                seen = event["id"]
                colour = _COLOURS.get(event["phase"], "none")
                text = escape(" ".join(event["text"].split())[:160])
                console.print(f"[{colour}]  {event['phase']:<10} {text}[/]", soft_wrap=True)
        if run["outcome"]:
            return run
        time.sleep(0.3)
    raise NotReady(f"no outcome after {PATIENCE} s; the service said:\n{service.log.read_text()[-2000:]}")


def _post_mortem(options: argparse.Namespace) -> tuple[str, bytes, dict[str, str]]:
    if options.post_mortem:
        expected = dict(pair.rsplit("=", 1) for pair in options.expect)
        return f"docs/post-mortems/{options.post_mortem.name}", options.post_mortem.read_bytes(), expected
    return SAMPLE_POST_MORTEM, (SAMPLE / SAMPLE_POST_MORTEM).read_bytes(), EXPECTED


def _sure(expected: dict[str, str]) -> dict[str, str]:
    """What holds whatever a model writes."""
    return {action: outcome for action, outcome in expected.items() if outcome == "needs-human"}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--json", action="store_true", help="print only a machine-readable summary on stdout")
    parser.add_argument("--post-mortem", type=Path, metavar="FILE", help="push this file instead of the sample's")
    parser.add_argument("--expect", action="append", default=[], metavar="ACTION=OUTCOME", help="with --post-mortem")
    parser.add_argument("--svg", type=Path, metavar="FILE", help="also draw the end as a picture")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
