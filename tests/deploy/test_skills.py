"""Skills and agents: one copy in two places, what the real Claude Code makes of them, and `skills install`."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from app.cli.skills import install, shipped
from app.documents.templates import Incident, Template, render
from app.errors import BadInput
from tests.deploy.files import ROOT
from tests.deploy.test_handover import CLAUDE, front_matter
from tests.world.claude import claude_command
from tests.world.model import API_KEY, Attempt, Call, Model
from tests.world.world import temporary_folder

SKILLS = ["cluster-health", "conduct-post-mortem", "incident-postmortem", "post-mortem"]
WAVE_1 = ["cluster-health-checker", "sre", "observability-engineer"]
WAVE_2 = ["platform-engineer", "network-engineer", "security-engineer", "dba", "devops-engineer"]
COPIES: dict[str, Template] = {
    "post-mortem/template.md": "post-mortem",
    "post-mortem/agent-report.md": "postmortem-agent",
    "conduct-post-mortem/template.md": "blameless",
    "incident-postmortem/template.md": "incident-report",
}


# --- what is shipped


def test_the_package_and_the_repository_hold_the_same() -> None:
    here = {path.relative_to(CLAUDE).as_posix(): path.read_bytes() for path in CLAUDE.rglob("*") if path.is_file()}
    ours = {name: data for name, data in here.items() if name.startswith(("skills/", "agents/"))}
    assert ours == shipped(), "edit app/claude, then: followthrough skills install ."
    assert {name.split("/")[1] for name in ours if name.startswith("skills/")} == set(SKILLS)


@pytest.mark.parametrize(("file", "template"), COPIES.items())
def test_a_skills_template_is_the_one_that_new_writes(file: str, template: Template) -> None:
    unfilled = Incident("TITLE", "YYYY-MM-DD", "SEV1, SEV2 or SEV3", ("service",))
    assert (CLAUDE / "skills" / file).read_text() == render(template, unfilled)


@pytest.mark.parametrize("name", WAVE_1 + WAVE_2)
def test_a_specialist_can_only_read(name: str) -> None:
    assert front_matter(CLAUDE / f"agents/{name}.md")["tools"] == "Read, Grep, Glob"


def test_the_leader_spawns_these_and_no_others() -> None:
    tools = front_matter(CLAUDE / "agents/post-mortem.md")["tools"]
    assert tools == f"Read, Write, Edit, Grep, Glob, Agent({', '.join(WAVE_1 + WAVE_2)})"
    text = (CLAUDE / "agents/post-mortem.md").read_text()
    wave_1, _, wave_2 = text.partition("**Wave 1, always")[2].partition("**Wave 2, only where")
    assert (re.findall(r"^\| `(.+?)`", wave_1, re.M), re.findall(r"^\| `(.+?)`", wave_2, re.M)[: len(WAVE_2)]) == (
        WAVE_1,
        WAVE_2,
    )
    assert re.findall(r"^## Phase (\d)", text, re.M) == ["1", "2", "3", "4", "5"]
    assert len(re.findall(r"^- Never ", text, re.M)) >= 6


def test_nothing_names_a_machine() -> None:
    told = re.compile(rb"/(?:Users|home|root|work|opt|mnt)/|\b(?:10|192\.168)(?:\.\d+){2,3}|\.(?:lan|local)\b(?!/)")
    assert {name: told.findall(data) for name, data in shipped().items() if told.search(data)} == {}


def test_an_installed_package_holds_them(tmp_path: Path) -> None:
    source, built, target = tmp_path / "source", tmp_path / "built", tmp_path / "target"
    for part in ("app", "pipelines"):
        shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / part, source / part)
    build = [sys.executable, "-c", "import setuptools; setuptools.setup()", "-q", "build", "--build-lib", str(built)]
    subprocess.run(build, cwd=source, check=True, capture_output=True, timeout=120)
    shutil.rmtree(source)
    target.mkdir()
    env = {"PATH": os.defpath, "PYTHONPATH": str(built)}
    for arguments in (["skills", "install", str(target)], ["new", "It broke", "--folder", str(target / "docs")]):
        done = subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments], cwd=target, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    assert held(target / ".claude") == shipped()
    assert len(list((target / "docs").glob("*-it-broke.md"))) == 1


# --- the real Claude Code command


@pytest.fixture
def infra() -> Iterator[Path]:
    """An infra repository with everything installed, and with what a cluster showed."""
    with temporary_folder() as folder:
        (folder / "infra/evidence").mkdir(parents=True)
        (folder / "infra/evidence/pods.txt").write_text("web 0/1 CrashLoopBackOff\n")
        assert install(folder / "infra", yes=False) == 0
        yield folder / "infra"


def session(model: Model, infra: Path, prompt: str, *flags: str) -> list[dict[str, Any]]:
    """The events of a session that may use every tool that its agent has."""
    home = infra.parent / "home"
    home.mkdir(exist_ok=True)
    env = {"HOME": str(home), "PATH": os.defpath, "ANTHROPIC_BASE_URL": model.url, "ANTHROPIC_API_KEY": API_KEY}
    env |= {"DISABLE_AUTOUPDATER": "1", "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1"}
    command = [str(claude_command()), "-p", "--output-format", "stream-json", "--verbose"]
    command += ["--allowedTools", "Bash,Write,Edit,Agent,Read,Grep,Glob,Skill", *flags]
    done = subprocess.run(command, input=prompt, cwd=infra, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def task(infra: Path, name: str) -> str:
    return f"Investigate.\n{json.dumps({'tree': str(infra), 'todo': {'action': name}})}"


def spawn(infra: Path, name: str) -> Call:
    return Call("Agent", {"subagent_type": name, "description": "look", "prompt": task(infra, name)})


def requests_of(model: Model, name: str) -> list[dict[str, Any]]:
    """The requests that were made for a task. The task is in their first message."""
    return [body for body in model.requests if f'{{\\"action\\": \\"{name}\\"}}' in json.dumps(body["messages"][0])]


def results(bodies: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the tools of a session answered, in order."""
    blocks = [b for m in bodies[-1]["messages"] if isinstance(m["content"], list) for b in m["content"]]
    return [json.dumps(block["content"]) for block in blocks if block["type"] == "tool_result"]


def test_the_command_finds_every_skill_and_agent(infra: Path) -> None:
    with Model({}) as model:
        started = session(model, infra, "Hello")[0]
    assert set(SKILLS) <= set(started["skills"])
    assert {*WAVE_1, *WAVE_2, "post-mortem", "postmortem-todo-resolver"} <= set(started["agents"])
    described = json.dumps(model.requests[-1])
    for name in SKILLS:
        assert front_matter(CLAUDE / f"skills/{name}/SKILL.md")["description"][:60] in described


@pytest.mark.parametrize("name", SKILLS)
def test_a_skill_is_read_when_its_command_is_given(name: str, infra: Path) -> None:
    with Model({}) as model:
        session(model, infra, f"/{name} the disk was full")
    asked = json.dumps(model.requests[-1]["messages"], ensure_ascii=False)
    body = (CLAUDE / f"skills/{name}/SKILL.md").read_text().split("---\n", 2)[2].strip()
    assert json.dumps(body, ensure_ascii=False)[1:200] in asked
    assert "the disk was full" in asked


def test_the_leader_has_its_specialists_and_they_have_nothing_but_eyes(infra: Path) -> None:
    tries = [
        Call("Read", {"file_path": "evidence/pods.txt"}),
        Call("Write", {"file_path": "stacks/web/main.tf", "content": "x"}),
        Call("Bash", {"command": f"touch {infra}/touched", "description": "x"}),
        Call("Edit", {"file_path": "evidence/pods.txt", "old_string": "web", "new_string": "db"}),
    ]
    others = [Call("Bash", {"command": f"touch {infra}/touched", "description": "x"}), spawn(infra, "general-purpose")]
    script = {name: [Attempt(tries, f"{name} has looked")] for name in WAVE_1 + WAVE_2}
    script["lead"] = [Attempt([*(spawn(infra, name) for name in WAVE_1 + WAVE_2), *others], "Written.")]
    with Model(script) as model:
        events = session(model, infra, task(infra, "lead"), "--agent", "post-mortem")
    assert events[-1]["result"] == "Written."
    lead = requests_of(model, "lead")
    assert {tool["name"] for tool in lead[0]["tools"]} == {"Read", "Write", "Edit", "Grep", "Glob", "Agent"}
    assert "five phases" in CLAUDE.joinpath("agents/post-mortem.md").read_text()
    assert "Never write an event without a source" in json.dumps(lead[0]["system"])
    *reports, shell, another = results(lead)
    assert [f"{name} has looked" in report for name, report in zip(WAVE_1 + WAVE_2, reports, strict=True)] == [True] * 8
    assert "No such tool available: Bash" in shell
    assert "not found" in another
    for name in WAVE_1 + WAVE_2:
        asked = requests_of(model, name)
        assert {tool["name"] for tool in asked[0]["tools"]} == {"Read", "Grep", "Glob"}
        seen, *refused = results(asked)
        assert "CrashLoopBackOff" in seen
        assert ["No such tool available" in answer for answer in refused] == [True, True, True]
    assert sorted(path.name for path in infra.iterdir()) == [".claude", "evidence"]
    assert (infra / "evidence/pods.txt").read_text() == "web 0/1 CrashLoopBackOff\n"


# --- what collects the evidence

KUBECTL = """#!/bin/sh
printf '%s\\n' "$*" >> "$CALLS"
case "$*" in *jsonpath*) printf 'web-1\\nweb-2\\n' ;; *certificates*) exit 1 ;; *) echo shown ;; esac
"""


def collect(tmp_path: Path, *arguments: str, kubectl: str = KUBECTL) -> subprocess.CompletedProcess[str]:
    """Run the script with a stand-in for kubectl that writes down how it was called."""
    programs = tmp_path / "bin"
    programs.mkdir(exist_ok=True)
    (programs / "kubectl").write_text(kubectl)
    (programs / "kubectl").chmod(0o755)
    env = {"PATH": f"{programs}:{os.defpath}", "CALLS": str(tmp_path / "calls"), "HOME": str(tmp_path)}
    script = ["sh", str(CLAUDE / "skills/cluster-health/collect.sh"), *arguments]
    return subprocess.run(script, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60)


def test_evidence_is_collected_without_a_change(tmp_path: Path) -> None:
    done = collect(tmp_path, "typing/error", "web")
    assert done.returncode == 2, done.stderr
    done = collect(tmp_path, "evidence", "web")
    assert done.returncode == 0, done.stderr
    calls = [line.split() for line in (tmp_path / "calls").read_text().splitlines()]
    assert {call[1] for call in calls} == {"get", "describe", "top", "logs"}
    assert {call[2] for call in calls if call[1] == "describe"} == {"nodes"}
    asked = " ".join(call[2] for call in calls if call[1] == "get")
    assert "secret" not in asked and "configmap" not in asked
    assert not any(word in ("yaml", "json", "-oyaml", "-ojson") for call in calls for word in call)
    assert (tmp_path / "evidence/logs/web/web-2.previous.log").read_text() == "shown\n"
    assert (tmp_path / "evidence/.gitignore").read_text() == "*\n"
    index = (tmp_path / "evidence/index.txt").read_text()
    assert re.search(r"^\d{4}-\d\d-\d\dT[\d:]+Z exit 1 certificates.txt: kubectl", index, re.M)
    assert (tmp_path / "evidence").stat().st_mode & 0o077 == 0


def test_a_cluster_that_does_not_answer_is_no_evidence(tmp_path: Path) -> None:
    done = collect(tmp_path, "evidence", kubectl="#!/bin/sh\nexit 1\n")
    assert (done.returncode, done.stderr) == (1, "collect.sh: the cluster answered nothing\n")


@pytest.mark.parametrize("arguments", [(), ("there",), ("new", "--all"), ("new", "a/../b"), ("new", "")])
def test_evidence_is_not_collected_into_something_else(arguments: Sequence[str], tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    assert collect(tmp_path, *arguments).returncode == 2
    assert not (tmp_path / "calls").exists()


# --- skills install


def held(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def answers(monkeypatch: pytest.MonkeyPatch, *words: str) -> list[str]:
    asked: list[str] = []
    waiting = iter(words)

    def answer(question: str) -> str:
        asked.append(question)
        try:
            return next(waiting)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", answer)
    return asked


def test_a_second_time_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert install(tmp_path, yes=False) == 0
    assert held(tmp_path / ".claude") == shipped()
    assert f"{len(shipped())} new, 0 same" in capsys.readouterr().out
    assert install(tmp_path, yes=False) == 0
    assert f"0 new, {len(shipped())} same, 0 replaced, 0 kept" in capsys.readouterr().out


@pytest.mark.parametrize(("word", "replaced"), [("y", True), ("YES", True), ("", False), ("n", False), (None, False)])
def test_an_edited_file_is_shown_and_asked_about(
    word: str | None,
    replaced: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    install(tmp_path, yes=False)
    file = tmp_path / ".claude/agents/sre.md"
    file.write_text(file.read_text() + "Mine. \x1b[2J\n")
    (tmp_path / ".claude/agents/mine.md").write_text("mine")
    (tmp_path / ".claude/settings.json").write_text("{}")
    asked = answers(monkeypatch, *([] if word is None else [word]))
    capsys.readouterr()
    assert install(tmp_path, yes=False) == 0
    said = capsys.readouterr().out
    assert asked == ["Replace .claude/agents/sre.md? [y/N] "]
    assert "--- .claude/agents/sre.md (yours)\n+++ .claude/agents/sre.md (ours)\n@@" in said
    assert "\n-Mine. \\u001b[2J\n" in said and "\x1b" not in said
    assert ("1 replaced, 0 kept" if replaced else "0 replaced, 1 kept") in said
    assert (file.read_bytes() == shipped()["agents/sre.md"]) is replaced
    left = held(tmp_path / ".claude")
    assert (left.pop("agents/mine.md"), left.pop("settings.json")) == (b"mine", b"{}")
    assert set(left) == set(shipped())


def test_yes_replaces_without_a_question_and_still_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(tmp_path, yes=False)
    (tmp_path / ".claude/agents/sre.md").write_bytes(b"\xff\n")
    (tmp_path / ".claude/agents/dba.md").write_bytes(b"x" * 300_000)
    (tmp_path / ".claude/agents/post-mortem.md").write_bytes(shipped()["agents/post-mortem.md"].replace(b"\n", b"\r\n"))
    asked = answers(monkeypatch)
    assert install(tmp_path, yes=True) == 0
    said = capsys.readouterr().out
    assert asked == [] and "-\ufffd" in said and "too many to show" in said and "line ends only" in said
    assert held(tmp_path / ".claude") == shipped()


@pytest.mark.parametrize("link", [".claude", ".claude/skills", ".claude/skills/post-mortem", ".claude/agents/sre.md"])
@pytest.mark.parametrize("outside", ["outside", "missing"])
def test_a_link_that_leads_out_is_refused(link: str, outside: str, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (tmp_path / "outside").mkdir()
    (target / link).parent.mkdir(parents=True)
    (target / link).symlink_to(tmp_path / outside)
    with pytest.raises(BadInput) as caught:
        install(target, yes=True)
    assert caught.value.reason == "link-outside"
    assert list((tmp_path / "outside").iterdir()) == [] and held(target) == {}


def test_something_else_in_the_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / ".claude/agents").mkdir(parents=True)
    (tmp_path / ".claude/agents/sre.md").symlink_to(tmp_path / "README.md")
    with pytest.raises(BadInput) as caught:
        install(tmp_path, yes=True)
    assert (caught.value.reason, (tmp_path / "README.md").read_text()) == ("not-a-file", "mine")
    (tmp_path / "file").write_text("")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "other").mkdir()
    (tmp_path / "other/.claude").symlink_to(".claude")
    for folder in ("file", "circle", "nowhere", "other"):
        with pytest.raises(BadInput) as caught:
            install(tmp_path / folder, yes=True)
        assert caught.value.reason == "not-a-folder"


def test_the_command_says_what_it_did_in_its_exit_code(tmp_path: Path) -> None:
    def run(folder: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "skills", "install", str(folder)]
        return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)

    assert run(tmp_path).returncode == 0
    (tmp_path / ".claude/agents/sre.md").write_text("mine")
    done = run(tmp_path)
    assert done.returncode == 0 and "no answer: kept" in done.stdout
    done = run(tmp_path / "nowhere")
    assert done.returncode == 2 and "(not-a-folder)" in done.stderr and "Traceback" not in done.stderr
