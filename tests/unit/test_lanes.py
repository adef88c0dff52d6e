"""What goes side by side, what goes one after the other, and whose turn it is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.agent.lanes import Turn, Wish, lanes, may_go
from app.ledger import Ledger, open_ledger
from pipelines.ending import end_todo

STACKS = frozenset({"nfs", "web", "home-assistant", "dns"})


def wish(name: str, text: str, kind: str = "Config") -> Wish:
    return Wish(name, kind, text)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path / 'l.db'}")
    yield made
    made.engine.dispose()


def test_stacks_that_differ_go_side_by_side_in_the_order_of_priority() -> None:
    wishes = [wish("a", "Shorten the NFS timeout"), wish("b", "Raise what web may wait"), wish("c", "Something else")]
    assert lanes(wishes, STACKS, 3) == [["a"], ["b"], ["c"]]


def test_what_names_the_same_stack_goes_one_after_the_other() -> None:
    wishes = [wish("a", "nfs: soft mounts"), wish("b", "dns: more"), wish("c", "The NFS server, again")]
    assert lanes(wishes, STACKS, 3) == [["a", "c"], ["b"]]


def test_one_that_names_two_stacks_joins_their_lanes() -> None:
    wishes = [wish("a", "nfs"), wish("b", "dns"), wish("c", "web"), wish("d", "nfs behind dns")]
    assert lanes(wishes, STACKS, 4) == [["a", "b", "d"], ["c"]]


@pytest.mark.parametrize("kind", ["Alert", "Monitor"])
def test_what_ends_in_one_file_is_one_lane_whatever_it_is_about(kind: str) -> None:
    wishes = [wish("a", "of nfs", kind), wish("b", "nfs"), wish("c", "of web", kind)]
    assert lanes(wishes, STACKS, 3) == [["a", "c"], ["b"]]


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("Restart Home Assistant nightly", True),
        ("set home_assistant's limit", True),
        ("stacks/home-assistant/main.tf", True),
        ("an assistant at home", False),
        ("homeassistant", False),
    ],
)
def test_a_stack_is_named_by_its_words(text: str, named: bool) -> None:
    found = lanes([wish("a", "the home-assistant stack"), wish("b", text)], STACKS, 2)
    assert found == ([["a", "b"]] if named else [["a"], ["b"]])


def test_with_one_at_a_time_there_is_one_lane() -> None:
    wishes = [wish("a", "nfs"), wish("b", "web")]
    assert lanes(wishes, STACKS, 1) == [["a", "b"]]
    assert lanes([], STACKS, 1) == lanes([], STACKS, 3) == []


def turn(name: str, place: int, *touches: str, known: bool = True) -> Turn:
    return Turn(name, place, frozenset(touches) if known else None)


def test_a_todo_waits_for_the_one_before_it_that_touches_the_same_or_may() -> None:
    mine = turn("m", 2, "stacks/nfs")
    assert may_go(mine, [])
    assert may_go(mine, [turn("a", 1, "stacks/web")])
    assert not may_go(mine, [turn("a", 1, "stacks/nfs", "stacks/web")])
    assert not may_go(mine, [turn("a", 1, known=False)])
    assert may_go(mine, [turn("z", 3, "stacks/nfs"), turn("y", 4, known=False)]), "what comes later waits for it"


def test_all_of_what_is_held_or_nothing(ledger: Ledger) -> None:
    holds = ledger.holds
    assert holds.take("o/r", "run", "a", ["stacks/nfs", "stacks/web"])
    assert holds.take("o/r", "run", "a", ["stacks/nfs"]), "its own stays its own"
    assert not holds.take("o/r", "run", "b", ["stacks/dns", "stacks/web"])
    assert holds.take("o/r", "run", "c", ["stacks/dns"]), "b took nothing"
    assert holds.take("o/other", "run", "b", ["stacks/web"]), "another repository's stack of that name"
    assert holds.holder("o/r", ["stacks/web"]) == ("run", "a", "stacks/web")
    holds.release("run", "a", "stacks/web")
    assert holds.take("o/r", "run", "b", ["stacks/web"])
    assert not holds.take("o/r", "other-run", "a", ["stacks/nfs"])
    holds.release("run", "a")
    assert holds.take("o/r", "other-run", "a", ["stacks/nfs"])
    holds.release_run("run")
    assert holds.take("o/r", "other-run", "a", ["stacks/web", "stacks/dns"])
    assert holds.holder("o/r", []) is None


def test_an_error_that_nobody_foresaw_ends_a_todo_and_frees_what_it_holds() -> None:
    """Others would wait for it until somebody cancels the run."""
    said: list[object] = []

    def finish(*words: object) -> str:
        said.extend(words)
        return "failed"

    assert end_todo(lambda: "done", finish) == "done"
    assert end_todo(lambda: str({}["touches"]), finish) == "failed"
    assert said[:2] == ["Failed", "internal-error"]
    assert "KeyError" in str(said[2])
