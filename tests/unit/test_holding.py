"""A change stands on the agent's copy: what somebody landed since that copy was made is never undone by it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.agent.events import AgentResult
from app.documents.parse import parse
from app.errors import Failed
from app.guard.change import stack_of
from app.guard.model import Policy
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Todo
from app.settings import Settings
from pipelines import agent_work, holding, postmortem_todos
from pipelines import bench as benches
from pipelines.bench import Bench
from pipelines.values import AgentChange
from tests.world.here import Ground

ROWS = "| P1 | as said | Config | | TODO |\n"
POST_MORTEM = (
    "# Post-Mortem: A test\n\n**Date**: 2026-04-14\n\n## Prevention Plan\n\n"
    f"| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n{ROWS}"
)
NFS, WEB = "stacks/nfs/main.tf", "stacks/web/main.tf"
TODO = parse(POST_MORTEM.encode(), "docs/a.md").todos[0].id


@pytest.fixture
def ground(tmp_path: Path) -> Ground:
    return Ground(tmp_path / "ground", {"docs/a.md": POST_MORTEM, NFS: "# nfs\n", WEB: "# web\n"})


@pytest.fixture
def ledger(tmp_path: Path, ground: Ground) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), opened)
    opened.runs.add(ground.run)
    opened.runs.add_todos(ground.run, [todo()])
    yield opened
    opened.engine.dispose()


def todo() -> Todo:
    return Todo(TODO, 0, 1, "as said", "", "P1", "Config", True)


def edited(bench: Bench, base_tree: str, *paths: str) -> AgentChange:
    """What the agent has changed, now that it has added a line to these files of its copy."""
    for path in paths:
        file = Path(bench.workspace.agent_tree(TODO)) / path
        file.write_text(file.read_text() + "# the agent's\n")
    entries = tuple(bench.workspace.changes(TODO, base_tree))
    policy = Policy("stacks", frozenset(), frozenset())
    return AgentChange(entries, tuple(sorted({stack_of(entry.path, policy) or "" for entry in entries})), ())


def lands(ground: Ground, path: str) -> None:
    """Somebody else pushes a change of a file."""
    ground.forge.commit({path: ground.forge.file(path).decode() + "# theirs\n"}, "theirs")
    ground.forge.push()


def test_what_was_landed_before_the_first_hold_outdates_what_the_second_try_edits(
    ground: Ground, ledger: Ledger
) -> None:
    """The first try did not touch it, so the worktree moved on; the agent's copy stayed as it was."""
    bench = ground.bench({}, {})
    base_tree = agent_work.export(bench, todo())
    lands(ground, WEB)
    assert not holding.hold(bench, todo(), edited(bench, base_tree, NFS)).outdated
    held = holding.hold(bench, todo(), edited(bench, base_tree, WEB))
    assert held.outdated
    assert [(found.rule, found.where) for found in held.findings] == [("GIT-03", "stacks/web"), ("GIT-03", WEB)]


def test_a_hold_that_is_cut_short_and_done_again_finds_the_same(ground: Ground, ledger: Ledger) -> None:
    bench = ground.bench({}, {})
    change = edited(bench, agent_work.export(bench, todo()), WEB)
    lands(ground, WEB)
    assert holding.hold(bench, todo(), change).outdated
    assert holding.hold(bench, todo(), change).outdated, "the worktree is on the tip, the change is not"


def test_a_rewound_branch_stays_rewound_when_it_is_looked_at_again(ground: Ground, ledger: Ledger) -> None:
    bench = ground.bench({}, {})
    lands(ground, NFS)
    change = edited(bench, agent_work.export(bench, todo()), WEB)
    ground.forge.run("update-ref", "refs/heads/master", "refs/heads/master^", at=ground.forge.url)
    for _ in range(2):
        with pytest.raises(Failed) as raised:
            holding.hold(bench, todo(), change)
        assert raised.value.reason == "branch-rewound"


def test_a_new_copy_is_not_outdated_by_what_it_holds(ground: Ground, ledger: Ledger) -> None:
    bench = ground.bench({}, {})
    change = edited(bench, agent_work.export(bench, todo()), WEB)
    lands(ground, WEB)
    assert holding.hold(bench, todo(), change).outdated
    change = edited(bench, agent_work.export(bench, todo()), WEB)
    assert not holding.hold(bench, todo(), change).outdated


def test_a_worktree_that_is_lost_after_the_agent_has_ended_is_said_to_be(ground: Ground, ledger: Ledger) -> None:
    """By this reason the next try begins on a new copy; any other one ends the TODO."""
    bench = ground.bench({}, {})
    base_tree = agent_work.export(bench, todo())
    change = edited(bench, base_tree, WEB)
    shutil.rmtree(bench.workspace.folder)
    for lost in (
        lambda: holding.hold(bench, todo(), change),
        lambda: agent_work.judge(bench, todo(), 1, base_tree, AgentResult(True, "", "", 0.1, 1)),
    ):
        with pytest.raises(Failed) as raised:
            lost()
        assert raised.value.reason in postmortem_todos.LOST
