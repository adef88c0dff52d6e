"""Break every rule in turn, and see that the tests notice. Run by scripts/mutate; exit code 1 when one went unnoticed.

A rule of the two tables is silenced while the tests of the tables run. A rule that is held where something is done is
broken in a copy of the project, in which the tests that stand for it run.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.guard import change, plan
from app.guard.table import rows
from tests.world.processes import ROOT

_COPIED = ("app", "pipelines", "tests", "pyproject.toml", ".claude", "scripts")


@dataclass(frozen=True)
class Break:
    """How to break a rule: the text in a file that holds it, what it becomes, and the tests that have to fail."""

    file: str
    old: str
    new: str
    tests: str


BREAKS: dict[str, Break] = {
    "TODO-01": Break("app/guard/todo.py", "if declared_type in SAFE_TYPES", "if True", "tests/unit/test_guard_rest.py"),
    "AGENT-01": Break(
        "pipelines/agent_work.py",
        "if not entries and not outside:",
        "if not entries:",
        "tests/e2e/test_hostile.py::test_calls_out_of_scope_change_nothing",
    ),
    "LIVE-01": Break(
        "app/guard/alerts/live.py",
        "if answers.refused:\n        found.append",
        "if False:\n        found.append",
        "tests/guard/test_live.py",
    ),
    "LIVE-02": Break(
        "app/guard/alerts/live.py",
        "if answers.unknown:\n        named",
        "if False:\n        named",
        "tests/guard/test_live.py",
    ),
    "LIVE-03": Break(
        "app/guard/alerts/live.py",
        "if answers.firing:\n        shown",
        "if False:\n        shown",
        "tests/guard/test_live.py",
    ),
    "ENV-01": Break(
        "app/settings/values.py", "or _FORBIDDEN_VARIABLES.fullmatch(name)", "or False", "tests/unit/test_settings.py"
    ),
    "ENV-02": Break(
        "pipelines/landing.py", "if steering := ", "if steering := [] and ", "tests/e2e/test_environment.py"
    ),
    "ENV-03": Break(
        "app/edges/terraform.py",
        "if self._repository.provider_mirror else {}),",
        "if False else {}),",
        "tests/e2e/test_environment.py",
    ),
    "ENV-06": Break(
        "pipelines/landing.py",
        "if baseline.exit_code == 2:",
        "if False:",
        "tests/e2e/test_faults.py::test_a_pending_change_of_somebody_else_does_not_ride_along",
    ),
    "APP-01": Break(
        "app/edges/terraform.py", "if self._sha256(file) != sha256:", "if False:", "tests/e2e/test_apply.py"
    ),
    "APP-03": Break("pipelines/landing.py", "first = ledger()", "first = True or ledger()", "tests/e2e/test_apply.py"),
    "APP-04": Break("app/edges/terraform.py", "if _STALE in said:", "if False:", "tests/e2e/test_apply.py"),
    "APP-05": Break(
        "pipelines/landing.py",
        "if after.exit_code != 0:",
        "if False:",
        "tests/e2e/test_landing.py::test_an_unapplied_change_of_the_same_stack_in_between_stops_the_push",
    ),
    "GIT-01": Break("app/edges/branch.py", "!= set(files):", "!= set(files) and False:", "tests/e2e/test_apply.py"),
    "GIT-02": Break(
        "app/edges/branch.py",
        "if not self._git.contains(tip, self.base()):",
        "if False:",
        "tests/e2e/test_landing.py::test_a_branch_that_is_rewound_does_not_get_its_commits_back",
    ),
    "GIT-03": Break(
        "pipelines/holding.py",
        "if not theirs:",
        "if True:",
        "tests/e2e/test_side_by_side.py::test_the_same_stack_is_planned_and_applied_in_the_order_of_priority",
    ),
    "MONEY-01": Break(
        "app/guard/money.py", "if left[reason] < LEAST_USD:", "if False:", "tests/unit/test_guard_rest.py"
    ),
}


def main(wanted: list[str]) -> int:
    """Break the wanted rules, all without any; print a line for each."""
    unnoticed = 0
    for rule in wanted or [row.id for row in rows()]:
        failing = list(_failing(rule))
        print(f"{rule:<9} {'noticed by ' + failing[0] if failing else 'UNNOTICED'}", flush=True)
        unnoticed += not failing
    print(f"{unnoticed} rules can be broken without a test that fails" if unnoticed else "every broken rule is noticed")
    return 1 if unnoticed else 0


def _failing(rule: str) -> Iterator[str]:
    if rule in {r.id for r in (*change.RULES, *plan.RULES)}:
        yield from _run(ROOT, "-p", "tests.guard.silence", "--silence", rule, "tests/guard")
        return
    how = BREAKS[rule]
    with tempfile.TemporaryDirectory(prefix="followthrough-mutate-") as folder:
        for name in _COPIED:
            source, target = ROOT / name, Path(folder) / name
            shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
        if (tools := ROOT / ".tools").exists():
            (Path(folder) / ".tools").symlink_to(tools)
        broken = Path(folder) / how.file
        text = broken.read_text()
        if text.count(how.old) != 1:
            raise SystemExit(
                f"{rule}: {how.old!r} stands {text.count(how.old)} times in {how.file}, it must stand once"
            )
        broken.write_text(text.replace(how.old, how.new))
        yield from _run(Path(folder), how.tests)


def _run(folder: Path, *words: str) -> list[str]:
    """The tests that failed."""
    argv = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:randomly", *words]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise SystemExit(
            f"pytest {' '.join(words)} ended with {done.returncode}:\n{done.stdout[-2000:]}{done.stderr[-2000:]}"
        )
    return [line.split()[1] for line in done.stdout.splitlines() if line.startswith("FAILED ")]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
