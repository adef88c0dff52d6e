"""The Follow-up Implementation table: made, filled, corrected, never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.documents.edit import fill_follow_up
from app.documents.model import FollowUpRow
from app.errors import Refused
from tests.documents.checks import URL, lines

FOLLOW = "\n## Follow-up Implementation\n\n_Filled by a machine._\n"
ROW = FollowUpRow("1", "Add alert", "P1", "Alert", True, "2026-04-15", "abc1234def", URL)
OTHER = FollowUpRow("2", "Move Vault", "P2", "Migration", False)
DONE_LINE = f"| 2026-04-15 | Add alert | P1 | Alert | [abc1234]({URL}) | postmortem-todo-resolver |"
OTHER_LINE = "| — | Move Vault | P2 | Migration | — | Needs human review |"
TABLE_HEAD = "| Date | Action | Priority | Type | Commit | Implemented By |\n"
TABLE_HEAD += "|------|--------|----------|------|--------|----------------|"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("# T\n", f"# T\n\n## Follow-up Implementation\n\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n"),
        ("# T\n\n", f"# T\n\n## Follow-up Implementation\n\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n"),
        ("# T", f"# T\n\n## Follow-up Implementation\n\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}"),
        ("", f"## Follow-up Implementation\n\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}"),
        ("# T\n" + FOLLOW, f"# T\n{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n"),
        ("# T\n" + FOLLOW + "\n# End\n", f"# T\n{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n\n# End\n"),
        ("# T\n" + FOLLOW + "# End", f"# T\n{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n\n# End"),
        (f"# T\n{FOLLOW}\n{TABLE_HEAD}", f"# T\n{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}"),
        (f"# T\n{FOLLOW}\n{TABLE_HEAD}\n\n# 12\n", f"# T\n{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n\n# 12\n"),
        (f"{FOLLOW}\n{TABLE_HEAD}\n{OTHER_LINE}\n", f"{FOLLOW}\n{TABLE_HEAD}\n{OTHER_LINE}\n{DONE_LINE}\n"),
        (
            f"{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n",
            f"{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n",
        ),
        (
            f"{FOLLOW}\n{TABLE_HEAD}\n| — | Add alert | P1 | Alert | — | Needs human review |\n{OTHER_LINE}\n",
            f"{FOLLOW}\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n",
        ),
        (
            "### 7. FOLLOW-UP IMPLEMENTATION\n\n| Action | Commit | Note | Date |\n|-|-|-|-|\n",
            "### 7. FOLLOW-UP IMPLEMENTATION\n\n| Action | Commit | Note | Date |\n|-|-|-|-|\n"
            f"| Add alert | [abc1234]({URL}) | — | 2026-04-15 |\n| Move Vault | — | — | — |\n",
        ),
        (
            "Follow-up implementation\n---\nEnd\n===\n",
            f"Follow-up implementation\n---\n\n{TABLE_HEAD}\n{DONE_LINE}\n{OTHER_LINE}\n\nEnd\n===\n",
        ),
    ],
)
@pytest.mark.parametrize("eol", ["\n", "\r\n"])
def test_the_follow_up_table_is_made_or_filled(before: str, after: str, eol: str) -> None:
    data, expected = before.replace("\n", eol).encode(), after.replace("\n", eol).encode()
    if "\n" not in before:
        expected = after.encode()
    assert fill_follow_up(data, [ROW, OTHER]) == expected
    assert fill_follow_up(expected, [ROW, OTHER]) == expected


def test_a_done_row_is_never_taken_back() -> None:
    data = fill_follow_up(b"# T\n", [ROW])
    assert fill_follow_up(data, [replace(ROW, done=False)]) == data


def test_no_rows_no_change() -> None:
    assert fill_follow_up(b"# T", []) == b"# T"


@pytest.mark.parametrize(
    "action",
    [
        "a | b",
        "a\nb",
        "a \\| b",
        "ends with \\",
        "`x|y`",
        "| x |",
        "<!-- x",
        "a\u202eb",
        "# h",
        "- x",
        "x" * 900,
        "**b** _i_",
        "a\r\n| b | c |",
    ],
)
def test_no_action_breaks_the_table(action: str) -> None:
    row = FollowUpRow("1", action, "P1", "Alert", True, "2026-04-15", "abc1234", "https://x.test/a|b")
    data = fill_follow_up(b"# T\n", [row, OTHER])
    assert len(lines(data)) == 9
    assert data.endswith(OTHER_LINE.encode() + b"\n")
    assert fill_follow_up(data, [row, OTHER]) == data


def test_a_link_that_is_no_plain_address_is_left_out() -> None:
    for url in ("javascript:alert(1)", "https://x.test/a b", "https://x.test/)[x](y", ""):
        data = fill_follow_up(b"# T\n", [replace(ROW, commit_url=url)])
        assert b"| abc1234 |" in data
    assert b"| \xe2\x80\x94 | postmortem-todo-resolver |" in fill_follow_up(b"", [replace(ROW, commit="$(id)")])


@pytest.mark.parametrize(
    "data",
    [
        b"# T\n\n```\nnever closed\n",
        b"# T\n\n<!-- never closed\n",
        b"## Follow-up Implementation\n\n| Date | Commit |\n|---|---|\n",
    ],
)
def test_a_table_that_nobody_would_see_is_refused(data: bytes) -> None:
    with pytest.raises(Refused) as refused:
        fill_follow_up(data, [ROW])
    assert refused.value.reason == "follow-up-not-editable"
