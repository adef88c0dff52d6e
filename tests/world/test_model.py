"""The real Claude Code command against the scripted model: what it does, and what it is not let do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from app.agent.command import Cage, command_line, environment, message
from app.agent.events import AgentResult, read_result
from app.agent.prompt import Task, user_prompt
from app.guard.model import Finding
from tests.world import asking
from tests.world.claude import claude_command
from tests.world.model import API_KEY, NO_SCRIPT, Attempt, Model, edit, read, write
from tests.world.world import temporary_folder

FILE = "stacks/web/main.tf"
FINDING = Finding("PLAN-02", "web", "it would be replaced")


@pytest.fixture
def tree() -> Iterator[Path]:
    with temporary_folder() as folder:
        for path, text in ((FILE, "replicas = 3\n"), ("scripts/tg", "#!/bin/sh\n")):
            (folder / "tree" / path).parent.mkdir(parents=True)
            (folder / "tree" / path).write_text(text)
        yield folder / "tree"


def session(model: Model, tree: Path, action: str, findings: Sequence[Finding] = (), key: str = API_KEY) -> AgentResult:
    """One session as the service starts it."""
    home = tree.parent / "home"
    home.mkdir(exist_ok=True)
    cage = Cage(str(claude_command()), "sonnet", "stacks", ["vault"], 10, 1.0)
    env = environment(os.defpath, str(home), model.url) | {"ANTHROPIC_API_KEY": key}
    task = Task(str(tree), "stacks", ["web"], action, "Config", "P1", "mail ops@example.org", findings)
    prompt = user_prompt(task)
    done = subprocess.run(command_line(cage), input=message(prompt), cwd=tree, env=env, capture_output=True, timeout=60)
    return read_result(done.stdout.decode(), done.returncode, False)


def test_a_session_edits_a_file_and_costs_something(tree: Path) -> None:
    script = {"Scale": [Attempt([read(FILE), edit(FILE, "replicas = 3", "replicas = 4")], "Scaled.")]}
    with Model(script) as model:
        result = session(model, tree, "Scale")
    assert (result.ok, result.message, result.denials) == (True, "Scaled.", ())
    assert (tree / FILE).read_text() == "replicas = 4\n"
    assert result.cost_usd is not None and result.cost_usd > 0
    assert model.tasks()[0]["todo"]["details"] == "mail ops@example.org"


def test_writes_outside_of_the_stacks_are_denied_and_told(tree: Path) -> None:
    calls = [
        read("scripts/tg"),
        write("scripts/tg", "#!/bin/sh\nexit 0\n"),
        write("stacks/vault/main.tf", "x = 1\n"),
        write("stacks/web/new.tf", "x = 1\n"),
    ]
    with Model({"Widen": [Attempt(calls)]}) as model:
        result = session(model, tree, "Widen")
    # What a deny rule stops is not among the denials of the result; it is stopped all the same.
    assert [denial.endswith("/scripts/tg") for denial in result.denials] == [True]
    assert (tree / "scripts/tg").read_text() == "#!/bin/sh\n"
    assert not (tree / "stacks/vault").exists()
    assert (tree / "stacks/web/new.tf").exists()


def test_findings_bring_the_second_attempt(tree: Path) -> None:
    with Model({"Scale": [Attempt(text="first"), Attempt(text="second")]}) as model:
        assert session(model, tree, "Scale").message == "first"
        assert session(model, tree, "Scale", [FINDING]).message == "second"


def test_a_todo_without_a_script_changes_nothing(tree: Path) -> None:
    with Model({}) as model:
        result = session(model, tree, "Paint it green")
    assert (result.ok, result.message) == (True, NO_SCRIPT)


def test_an_error_of_the_api_is_an_error_of_the_session(tree: Path) -> None:
    with Model({"Scale": [Attempt(fault="error")]}) as model:
        result = session(model, tree, "Scale")
    assert (result.ok, result.reason) == (False, "agent-error")


def test_an_overloaded_model_is_asked_again(tree: Path) -> None:
    with Model({"Scale": [Attempt(text="Scaled.")]}) as model:
        model.break_next("overloaded")
        result = session(model, tree, "Scale")
        asked = len(model.tasks())
    assert (result.ok, result.message) == (True, "Scaled.")
    assert asked >= 2


def ask(model: Model, body: dict[str, object], key: str = API_KEY) -> httpx.Response:
    return asking.post(f"{model.url}/v1/messages", json=body, headers={"x-api-key": key}, timeout=5)


def test_the_model_asks_for_its_key_and_answers_small_questions() -> None:
    question = {"model": "claude", "max_tokens": 1, "messages": [{"role": "user", "content": "quota"}]}
    with Model({}) as model:
        assert ask(model, question, "another").status_code == 401
        answer = ask(model, question).json()
    assert answer["content"] == [{"type": "text", "text": "OK"}]
    assert (model.unauthorised, len(model.requests)) == (1, 1)


def test_a_hanging_model_gives_no_answer_until_it_closes() -> None:
    task = json.dumps({"tree": "/t", "todo": {"action": "Scale"}, "findings": []})
    question = {"model": "m", "tools": [{"name": "Read"}], "messages": [{"role": "user", "content": task}]}
    with Model({"Scale": [Attempt(fault="hang")]}) as model, pytest.raises(httpx.ReadTimeout):
        asking.post(f"{model.url}/v1/messages", json=question, headers={"x-api-key": API_KEY}, timeout=0.3)
