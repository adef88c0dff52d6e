"""What people do, through app/acts.py: done or refused with a reason, and written down either way."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.acts import Doing
from app.cli import app as command
from app.cli.person import person
from app.errors import BadInput, FollowthroughError, Refused, Transient
from app.ledger.runs import Run
from app.ledger.tips import Tip
from app.redact import redact
from tests.web.door import COMMIT, PATH, Door, add_parked, door

ROOT = Path(__file__).parents[2]


@pytest.fixture
def made(tmp_path: Path) -> Iterator[Door]:
    with door(tmp_path) as opened:
        add_parked(opened.ledger)
        opened.client()
        yield opened


def acts_of(made: Door, has_git: bool = False) -> Doing:
    return Doing(made.settings, made.ledger, lambda flow, *about: made.begun.append((flow.__name__, *about)), has_git)


def last(made: Door) -> tuple[str, str, str]:
    row = made.ledger.actions.newest(1)[0]
    return row["action"], row["outcome"], row["reason"]


@pytest.mark.parametrize(
    ("act", "kind", "reason"),
    [
        (lambda a: a.decide("none", "t-1", "approved", "x:y", ""), BadInput, "no-such-run"),
        (lambda a: a.decide("r-1", "t-9", "approved", "x:y", ""), Refused, "no-such-approval"),
        (lambda a: a.decide("r-1", "t-1", "approved", "x:y", "", "e" * 40), Refused, "approval-void"),
        (lambda a: a.cancel("none", "x:y", ""), BadInput, "no-such-run"),
        (lambda a: a.cancel("r-1", "x:y", ""), Refused, "run-is-over"),
        (lambda a: a.retry("none", "x:y"), BadInput, "no-such-run"),
        (lambda a: a.retry("r-1-goes-on", "x:y"), Refused, "run-goes-on"),
        (lambda a: a.replay("none", "x:y"), BadInput, "no-such-delivery"),
        (lambda a: a.start("me/other", PATH, "x:y"), BadInput, "no-such-repository"),
        (lambda a: a.start("me/infra", "README.md", "x:y"), BadInput, "not-a-post-mortem"),
        (lambda a: a.start("me/infra", PATH, "x:y"), Refused, "branch-not-seen"),
    ],
)
def test_what_cannot_be_done_is_said_and_kept(made: Door, act, kind: type[FollowthroughError], reason: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(kind) as raised:
        act(acts_of(made))
    assert raised.value.reason == reason
    assert last(made)[1:] == ("refused", reason)
    assert made.begun == []


def test_what_is_done_is_kept_with_who_and_why(made: Door) -> None:
    acts = acts_of(made)
    assert acts.cancel("r-1-goes-on", "token:alice", "hvs.AAAAAAAAAAAAAAAAAAAAAAAA \x1b[31m") is True
    row = made.ledger.actions.newest(1)[0]
    assert (row["by"], row["how"], row["run_id"]) == ("token:alice", "token", "r-1-goes-on")
    assert row["why"] == "[redacted] \\u001b[31m"
    assert acts.cancel("r-1-goes-on", "token:alice", "") is False
    assert last(made) == ("cancel", "nothing", "")
    assert acts.pause("slack:U1", "a freeze") and not acts.pause("slack:U1", "")
    assert acts.resume("slack:U1") and not acts.resume("slack:U1")
    assert "is handed over" in acts.replay("d-1", "cli:me")
    assert made.ledger.deliveries.get("d-1").pusher == "cli:me"
    assert ("follow_push", "d-1", "push me/infra") in made.begun
    made.ledger.tips.move("me/infra", "master", None, Tip(COMMIT, COMMIT))
    run_id = acts.start("ME/infra", PATH, "token:alice")
    assert ("follow_through", run_id, "me/infra") in made.begun
    assert made.ledger.runs.get(run_id) == Run(run_id, "me/infra", PATH, COMMIT)
    again = acts.retry("r-1", "token:alice")
    assert ("follow_through", again, "me/infra") in made.begun
    facts = [fact for fact in made.ledger.audit.facts() if fact["fact"] == "action"]
    assert {fact["action"] for fact in facts} == {"cancel", "pause", "resume", "replay", "start", "retry"}
    assert all(fact["schema"] == 1 and fact["times"] == 1 for fact in facts)


def test_a_forge_that_is_away_is_no_refusal(made: Door) -> None:
    with pytest.raises(Transient):
        acts_of(made, has_git=True).start("me/infra", PATH, "token:alice")
    assert last(made) == ("start", "failed", "fetch-failed")


def test_a_row_is_there_before_anything_is_done(made: Door) -> None:
    seen = []

    def begin(*_: object) -> None:
        seen.append(last(made))
        raise RuntimeError("cut short")

    with pytest.raises(RuntimeError):
        Doing(made.settings, made.ledger, begin).decide("r-1", "t-1", "declined", "cli:me", "no")
    assert seen == [("decline", "begun", "")]
    assert last(made) == ("decline", "failed", "internal-error")


def test_tokens_are_made_listed_and_revoked_at_the_terminal(made: Door, tmp_path: Path) -> None:
    config = tmp_path / "f.toml"
    config.write_text(
        f'[database]\nurl = "sqlite:///{tmp_path}/ledger.db"\n[server]\npublic_url = "https://ft.example/"\n'
    )

    def said(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(command, [*words, "--config", str(config)])
        assert done.exit_code == code or isinstance(done.exception, BadInput), done.output
        return done.output

    secret = said("tokens", "new", "alice", "--scope", "read", "--scope", "approve", "--days", "2").strip()
    assert re.fullmatch(r"ftk_[A-Za-z0-9_-]{43}", secret)
    assert redact(f"it is {secret}") == "it is [redacted]"
    (token,) = made.ledger.access.tokens()
    assert (token.name, token.scopes, token.created_by, token.is_good) == (
        "alice",
        ("read", "approve"),
        f"cli:{person()}",
        True,
    )
    listed = said("tokens", "list", "--json")
    assert '"alice"' in listed and secret not in listed
    for taken in (("alice",), ("config-1",), ("a b",)):
        assert said("tokens", "new", *taken, "--scope", "read", code=2) == ""
    said("tokens", "revoke", "alice")
    assert not made.ledger.access.tokens()[0].is_good
    assert said("tokens", "new", "alice", "--scope", "read", code=2) == "", "a name is never given twice"
    link = said("login").strip()
    assert link.startswith("https://ft.example/login?once=ftl_")
    found = made.ledger.access.use_link(link.partition("once=")[2])
    assert found and (found.name, found.proof) == (f"link:{person()}", {"link": ["read", "approve", "operate"]})
    done = [row["action"] for row in made.ledger.actions.newest() if row["outcome"] == "done"]
    assert done == ["make-link", "revoke-token", "make-token"]


EXECUTES = """
import sys, time
from pipelines import durable, postmortem_todos
from pipelines.durable import step, workflow

@step
def read_todos(run_id: str) -> str: return run_id
@step
def open_workspace(run_id: str) -> list[list[str]]: return [["t-1", "t-2"]]
@step
def export_tree(run_id: str, todo_id: str) -> str: return todo_id
@step
def finish_todo(run_id: str, todo_id: str) -> str:
    from app.errors import Refused
    raise Refused("plan-refused", "no")
@step
def write_back(run_id: str) -> str: return ""

def follow(run_id):
    read_todos(run_id)
    open_workspace(run_id)
    for todo in ("t-1", "t-2"):
        export_tree(run_id, todo)
        try: finish_todo(run_id, todo)
        except Exception: pass
    write_back(run_id)

postmortem_todos.end_run = lambda run_id, work: follow(run_id)
durable.launch(sys.argv[1], 1, lambda *_: None)
durable.start(postmortem_todos.follow_through, "r-1", "me/infra")
while not durable.is_over(sys.argv[1], "follow_through", "r-1"): time.sleep(0.05)
durable.stop()
"""


def test_the_steps_of_a_run_are_told_by_a_process_that_executes_none(made: Door) -> None:
    acts, url = Doing(made.settings, made.ledger), made.settings.database.url
    subprocess.run([sys.executable, "-W", "ignore", "-c", EXECUTES, url], check=True, cwd=ROOT, timeout=120)
    found = acts.steps("r-1")
    of_todos = [(step.name, step.todo_id, step.failure) for step in found]
    one = [("export_tree", "t-1", ""), ("finish_todo", "t-1", "plan-refused")]
    other = [("export_tree", "t-2", ""), ("finish_todo", "t-2", "plan-refused")]
    assert of_todos == [("read_todos", "", ""), ("open_workspace", "", ""), *one, *other, ("write_back", "", "")]
    now = time.time()
    assert all(now - 3600 < step.began <= (step.ended or 0) <= now for step in found)
    assert acts.steps("r-1-goes-on") == []
    with pytest.raises(BadInput, match="no such run"):
        acts.steps("none")
