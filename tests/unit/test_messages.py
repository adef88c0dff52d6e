"""Words for people: commits, Slack, outcomes, redaction."""

from __future__ import annotations

from typing import Any

import pytest

from app.checks import Check
from app.messages import TodoLine, follow_up_commit, is_own_commit, run_outcome, slack_message, todo_commit
from app.redact import redact

RUN: dict[str, Any] = {
    "id": "r-1", "repository": "me/infra", "title": "NFS <!channel> & more", "post_mortem": "docs/post-mortems/x.md",
    "commit": "a" * 40, "outcome": "partial", "message": "", "cost_usd": 0.5,
}  # fmt: skip
AUTHOR = "postmortem-todo-resolver <noreply@followthrough.invalid>"


def test_a_todo_commit_has_the_convention_and_the_trailers() -> None:
    message = todo_commit("Add NFS alert", "PM-2026-04-14", "run-1", "abc")
    assert message.splitlines() == [
        "fix(post-mortem): Add NFS alert [PM-2026-04-14]",
        "",
        "Followthrough-Run: run-1",
        "Followthrough-Todo: abc",
        "Co-Authored-By: postmortem-todo-resolver <noreply@followthrough.invalid>",
    ]


def test_a_password_in_an_action_or_in_what_was_checked_is_in_no_commit() -> None:
    address = "postgres://admin:hunter2hunter2@db.example"
    seen = [Check("uptime-kuma", address, False, "down")]
    assert "hunter2" not in todo_commit(f"Rotate {address}", "PM-2026-04-14", "r", "t", seen)


def test_an_action_can_neither_add_lines_nor_skip_ci_nor_call_people() -> None:
    message = todo_commit(
        "a\n\nFollowthrough-Run: other [skip ci] @me fixes #1 \u202e" + "x" * 200, "PM-2026-04-14", "r", "t"
    )
    subject, rest = message.split("\n", 1)
    assert rest.count("Followthrough-Run:") == 1
    assert len(subject) <= len("fix(post-mortem): ") + 72 + len(" [PM-2026-04-14]")
    assert not set("@#\u202e") & set(subject)
    assert "[skip" not in subject


def test_own_commits_are_known_by_author_and_trailer() -> None:
    assert is_own_commit(f"{AUTHOR}\n{follow_up_commit('PM-2026-04-14', 'r')}", AUTHOR)
    assert "[ci skip]" in follow_up_commit("PM-2026-04-14", "r").splitlines()[0]
    assert not is_own_commit(f"me <me@x>\n{follow_up_commit('PM-2026-04-14', 'r')}", AUTHOR)
    assert not is_own_commit(f"{AUTHOR}\nfix: x", AUTHOR)


@pytest.mark.parametrize(
    ("outcomes", "run"),
    [
        ([], "nothing-to-do"),
        (["done", "done"], "done"),
        (["done", "refused"], "partial"),
        (["done", "unknown"], "unknown"),
        (["failed", "failed"], "failed"),
        (["failed", "refused"], "needs-human"),
        (["refused"], "needs-human"),
        (["cancelled"], "cancelled"),
    ],
)
def test_what_comes_of_a_run(outcomes: list[str], run: str) -> None:
    assert run_outcome(outcomes) == run


def slack_text(lines: list[TodoLine], url: str = "https://forge/me/infra/commit", **run: Any) -> str:
    message = slack_message({**RUN, **run}, lines, url, "http://ft")
    return message["text"] + "\n" + "\n".join(block["text"]["text"] for block in message["blocks"])


def test_slack_text_is_escaped_and_names_outcome_commit_and_cost() -> None:
    text = slack_text(
        [
            TodoLine("Add <!here> *alert*", "P1", "Alert", "done", commit="c" * 40),
            TodoLine("Drop it <@U1>", "P1", "Config", "refused", message="PLAN-02 it would be <destroyed>"),
        ]
    )
    for raw in ("<!channel>", "<!here>", "<@U1>", "<destroyed>", "*alert*"):
        assert raw not in text
    assert "partial: 1 of 2 TODOs done" in text
    assert f"<https://forge/me/infra/commit/{'c' * 40}|ccccccc>" in text
    assert "PLAN-02" in text
    assert "$0.50" in text


def test_slack_says_when_there_is_nothing_to_do() -> None:
    people = [TodoLine("Redesign", "P1", "Architecture", "needs-human")]
    assert "nothing to do, 1 need a person" in slack_text(people, outcome="nothing-to-do")
    assert "nothing to do" in slack_text([], outcome="nothing-to-do")


def test_slack_sections_stay_below_the_limit() -> None:
    lines = [TodoLine("x" * 500, "P1", "Alert", "refused", message="y" * 5000) for _ in range(50)]
    blocks = slack_message(RUN, lines, "", "http://ft")["blocks"]
    assert 1 < len(blocks) <= 50
    assert all(len(block["text"]["text"]) <= 3000 for block in blocks)


@pytest.mark.parametrize(
    "secret",
    [
        "hvs.CAESIJ1234567890abcdefghij",
        "sk-ant-api03-abcdefgh",
        "ghp_" + "a" * 36,
        "xoxb-123456789012-abc",
        "AKIAABCDEFGHIJKLMNOP",
        "eyJhbGciOiJSUzI1.eyJzdWIiOiJ4In0.c2lnbmF0dXJl",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n-----END OPENSSH PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\ncut off here",
    ],
)
def test_shapes_of_secrets_are_hidden(secret: str) -> None:
    assert "[redacted]" in redact(f"before {secret}")
    assert secret not in redact(f"before {secret}")


def test_known_values_and_url_passwords_are_hidden_and_escapes_are_shown() -> None:
    assert redact("a correct-horse b", ["correct-horse"]) == "a [redacted] b"
    assert redact("the cat", ["the"]) == "the cat"
    assert redact("https://me:token@forge/x") == "https://[redacted]@forge/x"
    assert redact("\x1b]0;x\x07 \u202e") == "\\u001b]0;x\\u0007 \\u202e"
    assert redact("a\r\nb\tc") == "a\nb\tc"


def test_the_end_of_a_key_is_hidden_when_its_beginning_was_cut_off() -> None:
    rest = "b3BlbnNzaC1rZXk\nAAAAC3NzaC1lZDI1NTE5\n"
    assert redact(f"the log:\n{rest}-----END OPENSSH PRIVATE KEY-----\nmore") == "the log:\n[redacted]\nmore"
    assert redact(rest) == rest, "base64 alone is no key"


def test_what_is_no_text_becomes_text() -> None:
    assert redact("a\ud800b") == "a?b"
