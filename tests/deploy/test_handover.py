"""What people copy: the example configuration, and the skills and the agent for an infra repository."""

from __future__ import annotations

import re
import tomllib
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticUndefined
from ruamel.yaml import YAML

from app.settings import load
from tests.deploy.example import example, plain, sections
from tests.deploy.files import ROOT

EXAMPLE = (ROOT / "followthrough.example.toml").read_text()
CLAUDE = ROOT / ".claude"
SKILLS = sorted(CLAUDE.glob("skills/*/SKILL.md"))
AGENTS = sorted(CLAUDE.glob("agents/*.md"))


# --- followthrough.example.toml


def declared() -> list[tuple[str, str]]:
    nested = set(sections())
    return [(n, k) for n, (model, _) in sections().items() for k in model.model_fields if f"{n}.{k}" not in nested]


def tables() -> dict[str, dict[str, Any]]:
    """The example's tables, `repository.verify` for one within another."""
    read = {name: t[0] if isinstance(t, list) else t for name, t in tomllib.loads(uncommented()).items()}
    inner = {
        f"{name}.{key}": table.pop(key) for name, table in read.items() for key in [*table] if _is_table(name, key)
    }
    return read | inner


def _is_table(name: str, key: str) -> bool:
    return f"{name}.{key}" in sections()


def uncommented() -> str:
    """The example with every key taken: a comment has a space after its #, a key has none."""
    return re.sub(r"^#(?=\S)", "", EXAMPLE, flags=re.M)


def test_the_example_loads_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "followthrough.toml"
    file.write_text(EXAMPLE)
    settings = load(file)
    assert (settings.devvm, settings.repository, settings.secrets()) == ([], [], [])


def test_the_example_loads_with_every_key(tmp_path: Path) -> None:
    file = tmp_path / "followthrough.toml"
    file.write_text(uncommented())
    assert (len(load(file).devvm), len(load(file).repository)) == (1, 1)


def test_the_example_has_every_key_and_no_other() -> None:
    assert {(name, key) for name, table in tables().items() for key in table} == set(declared())


def test_the_example_is_what_the_settings_say() -> None:
    assert example() == EXAMPLE, "python -m tests.deploy.example > followthrough.example.toml"


@pytest.mark.parametrize(("section", "key"), declared())
def test_a_key_stands_with_its_help_and_its_default(section: str, key: str) -> None:
    field = sections()[section][0].model_fields[key]
    value = tables()[section][key]
    assert f"\n# {field.description}\n#{key} = " in EXAMPLE
    if field.default is not PydanticUndefined:
        assert value == plain(field.default)


# --- .claude


def front_matter(file: Path) -> dict[str, Any]:
    _, head, body = file.read_text().split("---\n", 2)
    assert body.strip()
    found = YAML(typ="safe").load(StringIO(head))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("file", SKILLS, ids=lambda file: file.parent.name)
def test_a_skill_is_found_by_its_name(file: Path) -> None:
    head = front_matter(file)
    assert head["name"] == file.parent.name
    assert 40 < len(head["description"]) <= 1024
    assert set(head) <= {"name", "description", "argument-hint", "allowed-tools"}


@pytest.mark.parametrize("file", AGENTS, ids=lambda file: file.stem)
def test_an_agent_has_no_shell(file: Path) -> None:
    head = front_matter(file)
    assert set(head) == {"name", "description", "tools", "model"}, "allowedTools, the seed's key, is ignored by the CLI"
    assert head["name"] == file.stem
    assert set(re.sub(r", Agent\(.*\)", "", head["tools"]).split(", ")) <= {"Read", "Edit", "Write", "Grep", "Glob"}


def test_the_agent_says_that_its_words_enforce_nothing() -> None:
    text = (CLAUDE / "agents/postmortem-todo-resolver.md").read_text()
    assert "Nothing on this page is a guardrail" in text
    for stack in sections()["repository"][0].model_fields["protected_stacks"].default:
        assert f"`{stack}`" in text


def test_health_leads_to_a_post_mortem() -> None:
    text = (CLAUDE / "skills/cluster-health/SKILL.md").read_text()
    assert "UNHEALTHY" in text and "/post-mortem" in text


def test_the_template_has_the_five_columns() -> None:
    text = (CLAUDE / "skills/post-mortem/template.md").read_text()
    assert "\n## Prevention Plan\n\n| Priority | Action | Type | Details | Status |\n" in text
    assert "\n| Date | Action | Priority | Type | Commit | Implemented By |\n" in text
    assert "TODO" not in text, "an unfilled template gives nobody work"
