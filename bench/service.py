"""scripts/bench: the service measured beside what else there is, as a table and as JSON.

    scripts/bench [PART...] [--quick] [--json FILE]

Every part compares two things in one run on one machine; what is quoted are the ratios. Numbers in absolute units say
something about the machine as well, whose cores and versions stand beside them. A second run of a part replaces its
numbers in the file and leaves the others.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench import ack, debian, first_request, memory, pages, resume, side_by_side
from tests.world.claude import claude_command
from tests.world.processes import WorldError

RESULTS = Path(__file__).with_name("results.json")
Part = Callable[[], dict[str, Any]]
PARTS: Mapping[str, Part] = {
    "ack": ack.measure,
    "ack-several": partial(ack.measure, several=True),
    "first-request": first_request.measure,
    "side-by-side": side_by_side.measure,
    "resume": resume.measure,
    "memory": memory.measure,
    "pages": pages.measure,
}
# So small that it only shows that a part works.
QUICK: Mapping[str, Part] = {
    "ack": lambda: ack.measure(seconds=0.5, rounds=1, least=100, most=100),
    "ack-several": lambda: ack.measure(seconds=0.5, rounds=1, least=100, most=100, several=True),
    "first-request": lambda: first_request.measure(rounds=1),
    "side-by-side": lambda: side_by_side.measure(think=0.5, numbers=(1, 2)),
    "resume": lambda: resume.measure(rounds=1),
    "memory": lambda: memory.measure(first=2, last=4),
    "pages": lambda: pages.measure(runs=40, rounds=1),
}


def main(words: Sequence[str] | None = None) -> int:
    """Run the parts that are named, all without one; exit code 1 when one could not be run."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="Measure the service beside what else there is.")
    parser.add_argument("part", nargs="*", help=f"of {', '.join(PARTS)}; all without one")
    parser.add_argument("--quick", action="store_true", help="so small that it only shows that it works")
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the numbers go")
    found = parser.parse_args(words)
    if unknown := sorted(set(found.part) - set(PARTS)):
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    failed = 0
    for name in found.part or PARTS:
        began = time.monotonic()
        try:
            result = (QUICK if found.quick else PARTS)[name]()
        except WorldError as error:
            print(f"{name}: {error}")
            failed = 1
            continue
        print_table(name, result, time.monotonic() - began)
        keep(found.json, name, result, machine())
    return failed


def keep(file: Path, name: str, result: Mapping[str, Any], on: Mapping[str, Any]) -> None:
    """Put a part's numbers into the file, with the date and what they were measured on."""
    known: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    known[name] = {"date": datetime.now(UTC).date().isoformat(), "on": on, **result}
    file.write_text(json.dumps({part: known[part] for part in PARTS if part in known}, indent=2) + "\n")


def machine() -> dict[str, Any]:
    """Cores, and the versions of what is compared and of what decides about speed."""
    claude = subprocess.run([claude_command(), "--version"], capture_output=True, text=True, check=True, timeout=60)
    return {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "webhook": debian.version(),
        "claude": claude.stdout.split()[0],
        "dbos": version("dbos"),
    }


def print_table(name: str, result: Mapping[str, Any], seconds: float) -> None:
    """One line for each number."""
    print(f"\n{name} ({seconds:.0f} s)")
    for path, value in lines(result):
        print(f"  {path:<40} {value}")


def lines(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Every number with its path."""
    for key, inner in value.items():
        path = f"{above}{key}"
        if isinstance(inner, Mapping):
            yield from lines(inner, f"{path}.")
        else:
            yield path, ", ".join(map(str, inner)) if isinstance(inner, list) else str(inner)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
