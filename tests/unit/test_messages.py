"""Words for people: commits, outcomes, redaction."""

from __future__ import annotations

import pytest

from app.checks import Check
from app.messages import follow_up_commit, is_own_commit, run_outcome, todo_commit
from app.redact import redact

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
