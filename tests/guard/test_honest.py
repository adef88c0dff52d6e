"""Ordinary work passes: each folder of `honest` is an edit as a good colleague makes it; no rule objects."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.guard.change import judge_change
from app.guard.model import Policy
from app.guard.todo import SAFE_TYPES
from tests.guard.edits import edits

HONEST = sorted(Path(__file__).with_name("honest").iterdir())
FEWEST = 20


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("folder", HONEST, ids=lambda folder: folder.name)
def test_an_honest_change_passes_with_no_finding(folder: Path) -> None:
    base, head = files_of(folder / "base"), files_of(folder / "head")
    stacks = frozenset(path.split("/")[1] for path in base)
    todo_type = (folder / "todo").read_text().strip()
    assert todo_type in SAFE_TYPES
    assert base != head
    verdict = judge_change(edits(base, head), Policy("stacks", stacks, frozenset({"vault"}), todo_type))
    assert [(finding.rule, finding.where, finding.why) for finding in verdict.findings] == []


def test_there_are_enough_honest_changes_of_every_type() -> None:
    types = [(folder / "todo").read_text().strip() for folder in HONEST]
    assert len(types) >= FEWEST
    assert set(types) == SAFE_TYPES
