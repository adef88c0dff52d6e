"""Between the judged plan and the branch: whatever the forge and other people do, no work is lost or brought back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    NFS,
    PATH,
    command,
    deliver,
    eventually,
    finished,
    hook,
    log,
    meanwhile,
    plans_empty,
    post_mortem,
    push,
    pushed_meanwhile,
    run_checkout,
)
from tests.world import asking
from tests.world.payload import signed_headers
from tests.world.world import World

RETRY = "<!-- once more -->\n"


def send(world: World, payload: bytes, delivery: str = "") -> None:
    headers = signed_headers(payload, world.webhook_secret, delivery=delivery)
    asking.post(world.webhook_url, content=payload, headers=headers, timeout=30).raise_for_status()


def run_ids(world: World) -> list[str]:
    with closing(sqlite3.connect(world.database)) as database:
        return [row[0] for row in database.execute("SELECT id FROM runs ORDER BY created_at")]


def todo_of(ended: dict[str, Any]) -> tuple[str, str]:
    (todo,) = ended["todos"]
    return todo["outcome"], todo["reason"]


def working(world: World) -> tuple[str, str]:
    """A delivery whose agent is at work."""
    commits = push(world, {PATH: post_mortem()})
    world.serve()
    deliver(world, commits)
    eventually(lambda: world.model.requests)
    return commits


def test_a_forge_that_protects_its_branch_keeps_the_applied_commit(fresh: World) -> None:
    commits = working(fresh)
    hook(fresh, '[ "$1" != refs/heads/master ] || { echo "protected branch"; exit 1; }')
    ended = finished(fresh)
    assert todo_of(ended) == ("unknown", "push-refused")
    assert "protected branch" in ended["todos"][0]["message"]
    assert fresh.forge.head() == commits[1]
    assert fresh.forge.run("log", "-1", "--format=%s", f"followthrough/{ended['id']}/{ended['todos'][0]['id']}") == FIX


def test_where_the_commit_cannot_be_kept_nothing_is_applied(fresh: World) -> None:
    _, after = push(fresh, {PATH: post_mortem()})
    refusing = hook(fresh, 'case $1 in refs/heads/followthrough/*) echo "no such branches here"; exit 1 ;; esac')
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "push-refused" in done.stdout
    assert " apply " not in done.stdout
    assert log(fresh, after) == [FOLLOW_UP]
    assert plans_empty(fresh, "nfs")
    refusing.unlink()
    fresh.forge.pull()
    assert run_checkout(fresh).returncode == 0, "nothing had happened, so it is tried again"


def test_a_branch_that_is_rewound_while_the_agent_works_gets_nothing_applied(fresh: World) -> None:
    before, _ = working(fresh)
    fresh.forge.run("update-ref", "refs/heads/master", before)
    ended = finished(fresh)
    assert todo_of(ended) == ("failed", "branch-rewound")
    assert fresh.forge.head() == before
    assert plans_empty(fresh, "nfs")
    assert fresh.forge.run("branch", "--list", "followthrough/*") == ""


def test_a_branch_that_is_rewound_does_not_get_its_commits_back(fresh: World) -> None:
    before, after = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    meanwhile(fresh, before)
    deliver(fresh, (before, after))
    ended = finished(fresh)
    assert todo_of(ended) == ("unknown", "branch-rewound")
    assert fresh.forge.head() == before
    assert fresh.forge.run("branch", "--contains", after).split() == [
        f"followthrough/{ended['id']}/{ended['todos'][0]['id']}"
    ]


def test_a_post_mortem_that_was_taken_back_starts_no_agent(fresh: World) -> None:
    before, _ = push(fresh, {PATH: post_mortem()})
    fresh.forge.run("update-ref", "refs/heads/master", before)
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "commit-gone" in done.stdout
    assert "push it first" in done.stdout
    assert fresh.model.requests == []


def test_a_todo_that_somebody_did_meanwhile_is_left_alone(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    mine = fresh.forge.run("rev-parse", "HEAD", at=fresh.forge.checkout)
    push(fresh, {PATH: post_mortem().replace("TODO", "Done")}, "docs: did it by hand")
    fresh.forge.run("checkout", "--quiet", "--detach", mine, at=fresh.forge.checkout)
    done = run_checkout(fresh)
    assert "todo-withdrawn" in done.stdout
    assert fresh.model.requests == []


def films(world: World) -> str:
    return world.forge.file(NFS).decode().replace("/srv/nfs/media", "/srv/nfs/films")


def test_an_unapplied_change_of_the_same_stack_is_seen_before_anything_is_applied(fresh: World) -> None:
    working(fresh)
    _, tip = push(fresh, {NFS: films(fresh)}, "not applied by its author")
    ended = finished(fresh)
    assert todo_of(ended) == ("refused", "changes-pending")
    assert log(fresh, tip) == [FOLLOW_UP]
    assert fresh.forge.run("branch", "--list", "followthrough/*") == ""


def test_an_unapplied_change_of_the_same_stack_in_between_stops_the_push(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    tip = pushed_meanwhile(fresh, {NFS: films(fresh)}, "not applied by its author")
    fresh.serve()
    deliver(fresh, commits)
    ended = finished(fresh)
    assert todo_of(ended) == ("unknown", "not-converged")
    assert log(fresh, tip) == [FOLLOW_UP]
    assert fresh.forge.run("log", "-1", "--format=%s", f"followthrough/{ended['id']}/{ended['todos'][0]['id']}") == FIX


def test_a_branch_that_kept_the_work_is_gone_when_it_has_landed(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    assert run_checkout(fresh).returncode == 0
    assert fresh.forge.run("branch", "--list", "followthrough/*") == ""


def test_a_forge_that_is_away_for_a_while_delays_a_delivery_and_does_not_end_it(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    body = fresh.forge.url
    fresh.serve()
    payload = fresh.forge.payload(*commits)
    away = body.with_name("away.git")
    body.rename(away)
    send(fresh, payload)
    eventually(lambda: "fetching master" in (fresh.folder / "service.log").read_text())
    away.rename(body)
    assert finished(fresh)["outcome"] == "done"


def test_a_delivery_that_was_given_up_is_taken_up_by_a_redelivery(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    body = fresh.forge.url
    payload = fresh.forge.payload(*commits)
    away = body.with_name("away.git")
    body.rename(away)
    send(fresh, payload, "the-same")

    def reason() -> str:
        return str(fresh.get("/api/deliveries")["deliveries"][0]["reason"])

    eventually(lambda: reason() == "fetch-failed")
    away.rename(body)
    send(fresh, payload, "the-same")
    assert finished(fresh)["outcome"] == "done"
    assert reason() == "runs-started"


def test_a_write_back_that_was_lost_is_made_up_by_the_next_run(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    refusing = hook(fresh, 'git log -1 --format=%s "$3" | grep -q "^docs: update" && exit 1; exit 0')
    done = run_checkout(fresh)
    assert done.returncode == 4
    assert "push-refused" in done.stdout
    assert "| TODO |" in fresh.forge.file(PATH).decode()
    refusing.unlink()
    push(fresh, {PATH: post_mortem() + RETRY}, "docs: once more")
    sessions = len(fresh.model.requests)
    assert run_checkout(fresh).returncode == 0
    document = fresh.forge.file(PATH).decode()
    assert "| TODO |" not in document
    assert f"| {CONFIG} | P1 | Config |" in document
    assert len(fresh.model.requests) == sessions, "the work itself is not done again"


@pytest.mark.configured(agent={"day_budget_usd": 0.01})
def test_what_was_refused_for_money_is_done_when_there_is_some(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    assert "day-budget-spent" in run_checkout(fresh).stdout
    fresh.options.changes = {}
    fresh.write_config()
    fresh.forge.pull()
    assert run_checkout(fresh).returncode == 0


def test_what_a_run_left_behind_is_swept_by_the_next(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    assert run_checkout(fresh).returncode == 0
    runs = fresh.devvm.workspace / "runs"
    run_id = run_ids(fresh)[0]
    (runs / run_id / "jobs").mkdir(parents=True)
    (runs / "somebody-else").mkdir()
    push(fresh, {PATH: post_mortem(("P1", "Something without a script", "Config"))}, "docs: another")
    done = run_checkout(fresh)
    assert f"removed what run {run_id} had to leave behind" in done.stdout
    assert [folder.name for folder in runs.iterdir()] == ["somebody-else"], "what the ledger does not know stays"


def test_a_workspace_that_others_may_enter_is_not_used(fresh: World) -> None:
    fresh.devvm.workspace.mkdir(exist_ok=True)
    fresh.devvm.workspace.chmod(0o755)
    push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "workspace-unsafe" in done.stdout
    assert fresh.model.requests == []


def test_a_checkout_that_is_not_there_is_said_to_be_so(fresh: World) -> None:
    done = command(fresh, "run", "--repo", str(fresh.folder / "nowhere"))
    assert done.returncode == 2
    assert "there is no such folder" in done.stderr
