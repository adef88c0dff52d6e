"""`followthrough guard`, as somebody's CI calls it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.guard.plan.made import plan, row
from tests.world.processes import ROOT

POST_MORTEM = """# Post-Mortem: A test

## Prevention Plan

| Priority | Action | Type | Details | Status |
|---|---|---|---|---|
| P1 | Alert on it | Alert | now | TODO |
| P1 | Move it | Migration | now | TODO |
| P1 | Watch it | Monitor | now | Done |
"""
MAIN = 'resource "terraform_data" "a" {\n  input = 1\n}\n'


def guard(folder: Path, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "app.cli", "guard", *words]
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), "PYTHONPATH": str(ROOT)}
    return subprocess.run(argv, cwd=folder, env=environment, input=given, capture_output=True, text=True, timeout=60)


def git(folder: Path, *words: str) -> None:
    who = {f"GIT_{who}_{what}": "a@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": str(folder), **who}
    subprocess.run(["git", *words], cwd=folder, env=environment, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with one stack, committed."""
    folder = tmp_path / "repo"
    (folder / "stacks" / "web").mkdir(parents=True)
    (folder / "stacks" / "web" / "main.tf").write_text(MAIN)
    (folder / ".gitignore").write_text("*.log\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "first")
    return folder


@pytest.mark.parametrize(("verbs", "word", "code"), [(["update"], "allow", 0), (["delete"], "block", 1)])
def test_a_plan_from_standard_input(tmp_path: Path, verbs: list[str], word: str, code: int) -> None:
    done = guard(tmp_path, "plan", "-", given=json.dumps(plan(row(*verbs))))
    assert done.returncode == code, done.stdout + done.stderr
    answer = json.loads(done.stdout)
    assert answer["verdict"] == word
    assert {"rule", "where", "why", "decision"} == set().union(*map(set, answer["findings"] or [{}])) or not code


def test_a_large_plan_waits_for_a_person(tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(
        json.dumps(plan(*(row("update", address=f"terraform_data.x{n}") for n in range(9))))
    )
    done = guard(tmp_path, "plan", "plan.json", "--format", "text")
    assert done.returncode == 3, done.stdout
    assert "PLAN-10" in done.stdout


def test_a_plan_that_is_none_is_blocked(tmp_path: Path) -> None:
    assert guard(tmp_path, "plan", "-", given="No changes.").returncode == 1
    done = guard(tmp_path, "plan", "nowhere.json")
    assert done.returncode == 2
    assert "nowhere.json" in done.stderr


def test_a_diff_is_what_the_checkout_holds_now(checkout: Path) -> None:
    assert guard(checkout, "diff").returncode == 0
    (checkout / "stacks" / "web" / "main.tf").write_text(MAIN.replace("1", "2"))
    (checkout / "noise.log").write_text("ignored by git")
    assert guard(checkout, "diff").returncode == 0
    (checkout / "stacks" / "web" / "new.tf").write_text('data "external" "x" {\n  program = ["id"]\n}\n')
    done = guard(checkout, "diff", "--base", "HEAD")
    assert done.returncode == 1
    assert {f["rule"] for f in json.loads(done.stdout)["findings"]} >= {"HCL-01"}
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "second")
    assert guard(checkout, "diff").returncode == 0, "it is committed, and HEAD is what it is compared with"
    assert guard(checkout, "diff", "--base", "HEAD~1").returncode == 1


def test_links_modes_and_removals_are_seen(checkout: Path) -> None:
    (checkout / "stacks" / "web" / "link.tf").symlink_to("/etc/hostname")
    rules = {f["rule"] for f in _findings(guard(checkout, "diff"))}
    assert "FILE-04" in rules
    (checkout / "stacks" / "web" / "link.tf").unlink()
    (checkout / "stacks" / "web" / "main.tf").unlink()
    assert "FILE-04" in {f["rule"] for f in _findings(guard(checkout, "diff"))}


def test_a_diff_runs_nothing_of_the_repository(checkout: Path) -> None:
    """A clean filter and a file system monitor that the checkout's own configuration names."""
    git(checkout, "config", "filter.evil.clean", "touch sprung")
    git(checkout, "config", "core.fsmonitor", "touch sprung")
    (checkout / ".gitattributes").write_text("*.tf filter=evil\n")
    (checkout / "stacks" / "web" / "main.tf").write_text(MAIN.replace("1", "2"))
    guard(checkout, "diff")
    assert not (checkout / "sprung").exists()


def test_a_repository_only_narrows_the_policy(checkout: Path) -> None:
    (checkout / ".followthrough.toml").write_text("most_updates = 1\n")
    git(checkout, "add", ".")
    git(checkout, "commit", "--quiet", "-m", "narrower")
    shown = json.loads(guard(checkout, "policy", "--repo", ".", "--format", "json").stdout)
    assert shown["most_updates"] == 1
    assert shown["version"] != json.loads(guard(checkout, "policy", "--format", "json").stdout)["version"]
    (checkout / ".followthrough.toml").write_text("most_updates = 100\n")
    git(checkout, "commit", "--quiet", "-am", "wider")
    done = guard(checkout, "policy", "--repo", ".")
    assert done.returncode == 2
    assert "can only allow less" in done.stderr


@pytest.mark.parametrize(("line", "code", "said"), [(7, 0, "allow"), (8, 1, "Migration"), (9, 1, "done")])
def test_a_todo_by_its_line(tmp_path: Path, line: int, code: int, said: str) -> None:
    (tmp_path / "2026-04-14-x.md").write_text(POST_MORTEM)
    done = guard(tmp_path, "todo", f"2026-04-14-x.md:{line}")
    assert done.returncode == code, done.stdout
    assert said in done.stdout


def test_a_line_without_a_todo_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "2026-04-14-x.md").write_text(POST_MORTEM)
    done = guard(tmp_path, "todo", "2026-04-14-x.md:1")
    assert done.returncode == 2
    assert "items begin on lines 7, 8, 9" in done.stderr


def test_sarif_names_every_rule_and_where_each_finding_is(checkout: Path) -> None:
    (checkout / "stacks" / "web" / "main.tf").write_text(MAIN + 'provider "x" {\n}\n')
    log = json.loads(guard(checkout, "diff", "--format", "sarif").stdout)["runs"][0]
    rules = [rule["id"] for rule in log["tool"]["driver"]["rules"]]
    assert len(rules) == len(set(rules)) > 40
    result = next(r for r in log["results"] if r["ruleId"] == "HCL-03")
    assert rules[result["ruleIndex"]] == "HCL-03"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "stacks/web/main.tf"


def _findings(done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    assert done.returncode in (0, 1, 3), done.stderr
    return list(json.loads(done.stdout)["findings"])
