"""The two drop-in scripts: arguments, exit codes and lines that other people's pipelines depend on.

The program that they call is mostly a stand-in that notes its arguments; the real one has tests of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import ROOT

SCRIPTS = ROOT / "scripts"
OURS = sorted([*SCRIPTS.glob("*.sh"), *ROOT.glob("deploy/**/*.sh")])
NOTHING = "No post-mortem with pending TODOs found"
SKIPPING = "No auto-implementable TODOs — skipping"
STAND_IN = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$CALLS"
echo --end >> "$CALLS"
case $1 in
parse) cat "$ANSWER"; exit "${PARSE_CODE:-0}" ;;
run) echo 'progress of the run'; exit "${RUN_CODE:-0}" ;;
esac
"""


class Place:
    """An infra repository in a folder whose name has a space, and a stand-in program."""

    def __init__(self, folder: Path) -> None:
        self.repo = folder / "an infra repo"
        self.documents = self.repo / "docs/post-mortems"
        self.documents.mkdir(parents=True)
        self.program = folder / "a bin" / "followthrough"
        self.program.parent.mkdir()
        self.program.write_text(STAND_IN)
        self.program.chmod(0o755)
        self.answer, self.log = folder / "answer", folder / "calls"
        self.log.touch()

    def document(self, name: str = "2026-04-14 nfs.md") -> Path:
        file = self.documents / name
        file.write_text("# Post-Mortem\n")
        return file

    def answers(self, *counts: tuple[int, int], indent: int | None = 2) -> None:
        """Let `parse` find this many TODOs, (for a machine, for people), in one document each."""
        found = [{"file": "x", "safe_todos": safe, "skipped_todos": human, "todos": []} for safe, human in counts]
        self.answer.write_text(json.dumps(found[0] if len(found) == 1 else found, indent=indent))

    def call(self, script: str | Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "FOLLOWTHROUGH": str(self.program), "LC_ALL": "C.UTF-8"}
        environment |= {"CALLS": str(self.log), "ANSWER": str(self.answer), **variables}
        argv = [str(SCRIPTS / script), *words]
        return subprocess.run(argv, cwd=self.repo, env=environment, capture_output=True, text=True)

    def pipeline(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.call("postmortem-pipeline.sh", **variables)

    @property
    def calls(self) -> list[str]:
        """The first argument of each call."""
        lines = ["--end", *self.log.read_text().splitlines()]
        return [word for before, word in pairwise(lines) if before == "--end"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("script", OURS, ids=lambda script: script.name)
def test_every_shell_can_read_it(script: Path) -> None:
    for shell in filter(shutil.which, ("sh", "dash", "bash", "busybox")):
        words = [shell, "sh"] if shell == "busybox" else [shell]
        assert subprocess.run([*words, "-n", script]).returncode == 0
    assert os.access(script, os.X_OK) or script.name == "openbao.sh"
    assert script.read_text().startswith("#!/bin/sh\n")


# --- both, with the program itself

ROW = "| P1 | {action} | {type} | in stacks/monitoring | TODO |\n"
RULE = "|----------|--------|------|---------|--------|\n"
KEYS = ["file", "todos", "skipped", "total_todos_in_doc", "safe_todos", "skipped_todos"]


@pytest.fixture
def real(place: Place) -> Place:
    """The same place with the real program, and a post-mortem made of the template and two rows."""
    place.program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m app.cli "$@"\n')
    rows = ROW.format(action="Alert on NFS", type="Alert") + ROW.format(action="Move Vault", type="Migration")
    template = (ROOT / ".claude/skills/post-mortem/template.md").read_text()
    assert RULE in template
    place.document().write_text(template.replace(RULE, RULE + rows))
    return place


def test_parse_for_real(real: Place) -> None:
    done = real.call("parse-postmortem-todos.sh", str(real.documents / "2026-04-14 nfs.md"))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert set(KEYS) <= set(found)
    assert [item["action"] for item in found["todos"]] == ["Alert on NFS"]
    assert [item["action"] for item in found["skipped"]] == ["Move Vault"]


def test_the_pipeline_for_real(real: Place) -> None:
    """Up to the run, which nobody has configured here; then without the row for the machine; then without any."""
    document = next(real.documents.iterdir())
    done = real.pipeline()
    assert (done.returncode, done.stdout) == (1, "1 pending TODOs for the agent, 1 for people\n")
    document.write_text(document.read_text().replace("| Alert |", "| Architecture |"))
    assert real.pipeline().stdout.splitlines() == [SKIPPING, "2 pending TODOs need a person"]
    document.write_text(document.read_text().replace("| TODO |", "| Done |"))
    assert real.pipeline().stdout.splitlines() == [NOTHING]


# --- parse-postmortem-todos.sh


def test_parse_without_an_argument(place: Place) -> None:
    done = place.call("parse-postmortem-todos.sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_parse_of_a_missing_file(place: Place) -> None:
    done = place.call("parse-postmortem-todos.sh", "nowhere.md")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {"file": "", "todos": [], "error": "File not found"}
    assert place.calls == []


@pytest.mark.parametrize("name", ["2026-04-14 nfs.md", "-rf.md", "a;id.md", "$(id).md", "a'b\".md"])
def test_parse_hands_the_file_over_as_it_is(place: Place, name: str) -> None:
    place.document(name)
    place.answers((1, 2))
    place.repo = place.documents
    done = place.call("parse-postmortem-todos.sh", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["safe_todos"] == 1
    assert place.log.read_text().splitlines() == ["parse", "--format", "json", "--", name, "--end"]


def test_parse_passes_the_exit_code_on(place: Place) -> None:
    place.answers((0, 0))
    assert place.call("parse-postmortem-todos.sh", str(place.document()), PARSE_CODE="2").returncode == 2


# --- postmortem-pipeline.sh


def test_no_post_mortem_at_all(place: Place) -> None:
    done = place.pipeline()
    assert (done.returncode, done.stdout.splitlines()) == (0, [NOTHING])
    assert place.calls == []


@pytest.mark.parametrize("counts", [[(0, 0)], [(0, 0), (0, 0)]])
def test_nothing_pending(place: Place, counts: list[tuple[int, int]]) -> None:
    for number, _ in enumerate(counts):
        place.document(f"{number}.md")
    place.answers(*counts)
    done = place.pipeline()
    assert (done.returncode, done.stdout.splitlines()) == (0, [NOTHING])


@pytest.mark.parametrize("indent", [2, None])
def test_nothing_for_a_machine(place: Place, indent: int | None) -> None:
    place.document("a.md")
    place.document("b.md")
    place.answers((0, 2), (0, 11), indent=indent)
    done = place.pipeline()
    assert done.returncode == 0
    assert SKIPPING in done.stdout.splitlines()
    assert "13 " in done.stdout
    assert place.calls == ["parse"]


def test_the_run_gets_the_checkout(place: Place) -> None:
    place.document("a b.md")
    place.document("c.md")
    (place.documents / "link.md").symlink_to("/etc/hostname")
    place.answers((0, 1), (2, 0))
    done = place.pipeline()
    assert done.returncode == 0
    assert "progress of the run" in done.stdout
    paths = ["docs/post-mortems/a b.md", "docs/post-mortems/c.md"]
    parse = ["parse", "--format", "json", "--", *paths, "--end"]
    assert place.log.read_text().splitlines() == [*parse, "run", "--repo", ".", "--wait", "--end"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (4, 0), (1, 1), (2, 1), (3, 1), (127, 1), (130, 1)])
def test_exit_codes_of_the_run(place: Place, code: int, expected: int) -> None:
    place.document()
    place.answers((2, 3))
    done = place.pipeline(RUN_CODE=str(code))
    assert done.returncode == expected
    assert ("3 pending TODOs need a person" in done.stdout) == (code == 4)
    assert (f"code {code}" in done.stderr) == (expected == 1)


def test_unreadable_post_mortems_start_nothing(place: Place) -> None:
    place.document()
    place.answers((2, 0))
    assert place.pipeline(PARSE_CODE="2").returncode == 1
    assert place.calls == ["parse"]


def test_text_of_a_document_is_not_counted(place: Place) -> None:
    place.document()
    sly: dict[str, Any] = {
        "action": 'x", "safe_todos": 7, {"safe_todos": 9}',
        "details": 'safe_todos: 5,\n"safe_todos": 6',
    }
    place.answer.write_text(json.dumps({"todos": [sly], "safe_todos": 0, "skipped_todos": 1}, indent=2))
    assert SKIPPING in place.pipeline().stdout


@pytest.mark.parametrize("script", ["parse-postmortem-todos.sh", "postmortem-pipeline.sh"])
def test_the_program_is_looked_for(place: Place, tmp_path: Path, script: str) -> None:
    """PATH first, then .venv beside the folder of the scripts, then a clear end."""
    file = place.document()
    place.answers((0, 0))
    home = tmp_path / "copied elsewhere" / "scripts"
    home.mkdir(parents=True)
    shutil.copy(SCRIPTS / script, home)
    words = [str(file)] if script.startswith("parse") else []
    tools = os.pathsep.join(
        f for f in os.environ["PATH"].split(os.pathsep) if not shutil.which("followthrough", path=f)
    )

    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=tools).returncode in (1, 127)
    assert place.calls == []
    in_path = f"{place.program.parent}{os.pathsep}{tools}"
    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=in_path).returncode == 0
    beside = home.parent / ".venv/bin"
    beside.mkdir(parents=True)
    shutil.copy(place.program, beside)
    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=tools).returncode == 0
    assert place.calls == ["parse", "parse"]
