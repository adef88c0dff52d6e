"""TODO types, money and pushes."""

from __future__ import annotations

from typing import Any

import pytest

from app.errors import Refused
from app.guard.money import Limits, allowance
from app.guard.push import decide_push, is_post_mortem, read_push
from app.guard.todo import judge_todo


@pytest.mark.parametrize("word", ["Alert", "Config", "Monitor"])
def test_safe_types(word: str) -> None:
    assert judge_todo(word, 3).allows


@pytest.mark.parametrize(
    "word",
    [
        None,
        "",
        "alert",
        "ALERT",
        " Alert",
        "Alert ",
        "\u0410lert",
        "\uff21lert",
        "Al\u200bert",
        "Alert\u00a0",
        "Migration",
    ],
)
def test_every_other_type_is_for_people(word: str | None) -> None:
    assert judge_todo(word, 3).word == "block"


def test_the_tightest_limit_counts() -> None:
    assert allowance(Limits(2, 5, 25), Limits(0, 0, 0)) == 2
    assert allowance(Limits(2, 5, 25), Limits(0.5, 4, 4)) == 1
    assert allowance(Limits(2, 5, 25), Limits(0, 0, 24.4)) == pytest.approx(0.6)


@pytest.mark.parametrize(
    ("spent", "reason"),
    [
        (Limits(2, 2, 2), "todo-budget-spent"),
        (Limits(0, 4.99, 4.99), "run-budget-spent"),
        (Limits(0, 0, 26), "day-budget-spent"),
    ],
)
def test_nothing_left_is_refused(spent: Limits, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        allowance(Limits(2, 5, 25), spent)
    assert refused.value.reason == reason


def payload(**more: Any) -> dict[str, Any]:
    return {
        "ref": "refs/heads/master",
        "before": "a" * 40,
        "after": "b" * 40,
        "repository": {"full_name": "me/infra"},
        "pusher": {"name": "me"},
        **more,
    }


def test_a_push_to_the_branch_is_accepted() -> None:
    assert decide_push(read_push(payload()), "master", []).accepted
    assert decide_push(read_push(payload()), "master", ["ME"]).accepted


@pytest.mark.parametrize(
    ("more", "branch", "pushers", "reason"),
    [
        ({}, None, [], "unknown-repository"),
        ({"ref": "refs/heads/topic"}, "master", [], "other-branch"),
        ({"ref": "refs/tags/master"}, "master", [], "other-branch"),
        ({"ref": "--upload-pack=touch PWN"}, "master", [], "other-branch"),
        ({"deleted": True}, "master", [], "branch-deleted"),
        ({"after": "0" * 40}, "master", [], "branch-deleted"),
        ({}, "master", ["you"], "pusher-not-allowed"),
        ({"pusher": {}}, "master", ["you"], "pusher-not-allowed"),
    ],
)
def test_other_pushes_are_ignored(more: dict[str, Any], branch: str | None, pushers: list[str], reason: str) -> None:
    decision = decide_push(read_push(payload(**more)), branch, pushers)
    assert (decision.accepted, decision.reason) == (False, reason)
    assert decision.message


@pytest.mark.parametrize(
    "bad",
    [
        [],
        {},
        payload(repository={"full_name": "me/infra; rm"}),
        payload(repository=None),
        payload(ref=7),
        payload(ref="refs/heads/a\nb"),
        payload(after="HEAD"),
        payload(before="B" * 40),
        payload(pusher={"name": "a\x1bb"}),
        payload(pusher={"name": 7}),
    ],
)
def test_malformed_pushes_are_errors(bad: Any) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read_push(bad)


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("docs/post-mortems/2026-04-14-nfs.md", True),
        ("docs/post-mortems/PM-2026-001.md", True),
        ("docs/post-mortems/deep/2026-04-14-nfs.md", False),
        ("docs/post-mortems/../post-mortems/x.md", False),
        ("docs/post-mortems/-rf.md", False),
        ("docs/post-mortems/x;id.md", False),
        ("docs/post-mortems/a.md\n", False),
        ("docs/post-mortems/index.html", False),
        ("docs/other/2026-04-14-nfs.md", False),
    ],
)
def test_which_files_are_post_mortems(path: str, yes: bool) -> None:
    assert is_post_mortem(path, "docs/post-mortems/*.md") is yes
