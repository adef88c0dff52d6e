"""Marking as done: the right bytes change, and no other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.edit import fill_follow_up, mark_done
from app.documents.model import Declared, FollowUpRow
from app.documents.parse import parse, scan
from app.documents.proof import prove_marked
from app.errors import BadInput, Refused
from tests.documents.checks import HEAD, check_filling, check_marking, item_of
from tests.documents.fuzz import fuzzed


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("| P1 | Add alert | Alert | x | TODO |", "| P1 | Add alert | Alert | x | Done |"),
        ("|P1|Add alert|Alert|x|TODO|", "|P1|Add alert|Alert|x|Done|"),
        ("| P1 |\tAdd alert | Alert | x |\t TODO\t|  ", "| P1 |\tAdd alert | Alert | x |\t Done\t|  "),
        ("P1 | Add alert | Alert | x | TODO", "P1 | Add alert | Alert | x | Done"),
        (
            "| P1 | Add alert | Alert | a \\| TODO \\| `b` | **TODO** |",
            "| P1 | Add alert | Alert | a \\| TODO \\| `b` | **Done** |",
        ),
        ("| P1 | Add alert | Alert | TODO | ⬜ To do |", "| P1 | Add alert | Alert | TODO | Done |"),
        ("  | P1 | Add alert | Migration | x | pending |", "  | P1 | Add alert | Migration | x | Done |"),
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("final", [True, False])
def test_only_the_status_cell_changes(before: str, after: str, eol: str, bom: bytes, final: bool) -> None:
    def whole(row: str) -> bytes:
        text = "# T\n\n" + HEAD + "| P0 | First | Config | x | TODO |\n" + row + ("\n" if final else "")
        return bom + text.replace("\n", eol).encode()

    data = whole(before)
    assert mark_done(data, item_of(data).id) == whole(after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- [ ] Add alert\n", "- [x] Add alert\n"),
        ("12) [ ]\tAdd alert\n", "12) [x]\tAdd alert\n"),
        ("- Group:\n  * [ ] Add alert\n    more: [ ]\n", "- Group:\n  * [x] Add alert\n    more: [ ]\n"),
        ("> - [ ] Add alert\n", "> - [x] Add alert\n"),
        ("- - [ ] Add alert\n", "- - [x] Add alert\n"),
        (
            "1. Table:\n\n   | Action | Status |\n   |---|---|\n   | Add alert | TODO |\n",
            "1. Table:\n\n   | Action | Status |\n   |---|---|\n   | Add alert | Done |\n",
        ),
        (
            "> | Action | Status |\n> |---|---|\n> | Add alert | TODO |\n",
            "> | Action | Status |\n> |---|---|\n> | Add alert | Done |\n",
        ),
    ],
)
def test_boxes_and_nested_tables(before: str, after: str) -> None:
    data = ("## Tasks\n\n" + before).encode()
    action = next(i for i in parse(data, "x").items if i.action.startswith("Add alert"))
    assert mark_done(data, action.id) == ("## Tasks\n\n" + after).encode()


def test_an_item_is_found_again_when_lines_moved_and_other_cells_changed() -> None:
    old = (HEAD + "| P1 | Add alert | Alert | x | TODO |\n").encode()
    new = (
        "# New title\n\ntext\n\n" + HEAD + "| P0 | New | Config | x | TODO |\n| P3 | Add `alert` | Alert | y | TODO |\n"
    ).encode()
    assert b"| P3 | Add `alert` | Alert | y | Done |" in mark_done(new, item_of(old).id)


def test_marking_twice_changes_nothing_more() -> None:
    data = (HEAD + "| P1 | Add alert | Alert | x | TODO |\n").encode()
    once = mark_done(data, item_of(data).id)
    assert mark_done(once, item_of(data).id) == once != data


def test_the_fifty_first_comes_up_when_one_is_done() -> None:
    data = (HEAD + "".join(f"| P1 | Add alert {n} | Alert | x | TODO |\n" for n in range(51))).encode()
    first, *_, last = parse(data, "x").items
    after = parse(mark_done(data, first.id), "x").items
    assert (last.reason, after[0].status, after[-1].safe) == ("too-many-todos", "done", True)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("| P1 | Add alert | Alert | x | TODO (after #3) |\n", "status-not-editable"),
        ("| P1 | Add alert | Alert | x | |\n", "status-not-editable"),
        ("| P1 | Add alert | Alert | x | Manual |\n", "status-not-editable"),
        ("| P1 | Add alert | Alert |\n", "status-not-editable"),
        ("\n- Add alert\n", "status-not-editable"),
    ],
)
def test_what_is_not_plain_is_refused(body: str, reason: str) -> None:
    data = (HEAD + body).encode()
    with pytest.raises(Refused) as refused:
        mark_done(data, item_of(data).id)
    assert refused.value.reason == reason


def test_a_reworded_or_removed_item_is_gone() -> None:
    old = (HEAD + "| P1 | Add alert | Alert | x | TODO |\n").encode()
    with pytest.raises(Refused) as refused:
        mark_done(old.replace(b"Add alert", b"Delete alert"), item_of(old).id)
    assert refused.value.reason == "item-gone"


def test_bytes_that_are_no_text_are_the_caller_s_fault() -> None:
    with pytest.raises(BadInput):
        mark_done(b"\xff", "x")
    with pytest.raises(BadInput):
        fill_follow_up(b"\xff", [FollowUpRow("1", "Add alert", "P1", "Alert", False)])


CELL = st.text(st.sampled_from("ab é日|\\`*_~<>[]()#- TODO"), max_size=12).map(
    lambda t: re.sub(r"(?<!\\)\|", r"\\|", t)
)
STATUS = st.sampled_from(["TODO", "Done", "**TODO**", "open", "", "TODO (x)", "⬜ À faire", "In progress"])
TABLE_ROW = st.builds(
    "| {} | {} | {} | {} | {} |".format, CELL, CELL, st.sampled_from(["Alert", "Migration", "x"]), CELL, STATUS
)
TASK = st.builds("- [{}] {}".format, st.sampled_from(" xX~"), CELL)
OTHER_TEXT = st.sampled_from(
    ["", "text", "# T", "## Tasks", "- item", "  - [ ] nested", "> quote", "```", "<!-- c -->", "| x | y |", "***"]
)
PLAN = st.lists(TABLE_ROW, max_size=5).map(lambda rows: HEAD + "\n".join(rows))
DOCUMENT = st.builds(
    lambda parts, eol, bom, final: bom + (eol.join("\n".join(parts).split("\n")) + (eol if final else "")).encode(),
    st.lists(st.one_of(PLAN, TASK, OTHER_TEXT, st.just(HEAD + "| P1 | A | Alert | x | TODO |")), max_size=8),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([b"", b"\xef\xbb\xbf"]),
    st.booleans(),
)


@fuzzed(200)
@given(DOCUMENT)
def test_marking_any_item_of_any_document_changes_that_item_alone(data: bytes) -> None:
    check_marking(data)


@fuzzed(150)
@given(DOCUMENT)
def test_filling_any_document_adds_each_row_once_and_loses_nothing(data: bytes) -> None:
    check_filling(data)


def test_an_edit_that_changes_more_than_its_item_is_not_let_through() -> None:
    data = (HEAD + "| P1 | Add alert | Alert | x | TODO |\n| P1 | Other | Alert | x | TODO |\n").encode()
    good = data.replace(b"TODO", b"Done", 1)
    assert prove_marked(scan(data, "x"), good, item_of(data)) == good
    for bad in (data, data.replace(b"TODO", b"Done"), good.replace(b"Other", b"Else"), b"# T\n" + good):
        with pytest.raises(Refused) as refused:
            prove_marked(scan(data, "x"), bad, item_of(data))
        assert refused.value.reason == "edit-not-proven"


def test_declared_words_survive_an_edit() -> None:
    data = (HEAD + "| High | Add alert | Alert | x | TODO |\n").encode()
    after = item_of(mark_done(data, item_of(data).id))
    assert after.declared == Declared("Alert", "High", "Done")
