"""What goes wrong around a run: the outcome is honest, the reason is said, nothing is lost and nothing is left."""

from __future__ import annotations

import psutil
import pytest

from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    NFS,
    PATH,
    deliver,
    eventually,
    finished,
    log,
    plans_empty,
    post_mortem,
    push,
    pushed_meanwhile,
    run_checkout,
    script,
)
from tests.world.model import Attempt, edit, read
from tests.world.world import World


@pytest.mark.parametrize(
    ("section", "key", "value", "reason"),
    [
        ("vault", "role", "nobody", "vault-login-refused"),
        ("vault", "path", "ci/other", "vault-read-refused"),
        ("vault", "ssh_key_field", "no_such_field", "vault-no-field"),
        ("vault", "jwt_file", "/nowhere/token", "vault-no-jwt"),
        (
            "devvm",
            "host_key",
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ7bqSY7eG4p8a4bCjEyw5yO8k1wOcyMAvaTkXrSFGfT",
            "changed",
        ),
        ("devvm", "host_key", "ssh-ed25519 garbage", "devvm-host-key-unreadable"),
    ],
)
def test_what_opens_the_devvm_says_no(world: World, section: str, key: str, value: str, reason: str) -> None:
    """Nothing is begun, the reason names the part, and each is tried again when the document is pushed again."""
    push(world, {PATH: post_mortem() + f"\n<!-- {reason} -->\n"})
    world.options.changes = {section: {key: value}}
    world.write_config()
    done = run_checkout(world)
    assert done.returncode == 1
    assert reason in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert not (world.devvm.workspace / "runs").exists()
    assert world.model.requests == []


def test_a_devvm_that_is_down_is_waited_for_and_then_given_up(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    fresh.devvm.power_off()
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "devvm-unreachable" in done.stdout
    assert "(tried for 15 s)" in done.stdout
    assert "waiting" in done.stdout
    fresh.devvm.power_on()
    assert run_checkout(fresh).returncode == 0, "what failed is tried again"


def test_an_api_that_is_overloaded_fails_the_todo_and_a_later_run_does_it(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    usual = fresh.model.script
    script(fresh, CONFIG, Attempt(fault="error"))
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "agent-error" in done.stdout
    assert "Needs human review" in fresh.forge.file(PATH).decode()
    fresh.model.script = usual
    fresh.forge.pull()
    assert run_checkout(fresh).returncode == 0
    document = fresh.forge.file(PATH).decode()
    assert document.count(CONFIG) == 2, "one row in each table"
    assert "Needs human review" not in document


@pytest.mark.configured(agent={"todo_minutes": 0.05})
def test_an_agent_that_hangs_is_ended_with_all_its_children(fresh: World) -> None:
    script(fresh, CONFIG, Attempt(fault="hang"))
    push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "agent-timeout" in done.stdout
    workspace = str(fresh.devvm.workspace)
    assert [p.info for p in psutil.process_iter(["environ", "cmdline"]) if workspace in str(p.info)] == []


@pytest.mark.configured(agent={"day_budget_usd": 0.01})
def test_a_budget_that_is_spent_refuses_before_an_agent_starts(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 4
    assert "day-budget-spent" in done.stdout
    assert fresh.model.requests == []


def test_slack_s_failures_change_no_outcome(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    fresh.slack.fail_next(500, 20)
    done = run_checkout(fresh)
    assert done.returncode == 0
    assert fresh.slack.messages == []
    assert "it answered 500" in done.stdout


def test_slack_that_is_busy_is_asked_again(fresh: World) -> None:
    push(fresh, {PATH: post_mortem()})
    fresh.slack.fail_next(429, 2)
    assert run_checkout(fresh).returncode == 0
    assert len(fresh.slack.messages) == 1


def test_a_plan_that_fails_goes_back_to_the_agent_once(fresh: World) -> None:
    broken = edit(NFS, '"/srv/nfs/media"', '"/srv/nfs/media" + 1')
    mended = edit(NFS, '"/srv/nfs/media" + 1', '"/srv/nfs/films"')
    script(fresh, CONFIG, Attempt([read(NFS), broken]), Attempt([read(NFS), mended]))
    push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 0, done.stdout
    assert "PLAN-01" in done.stdout
    assert b"/srv/nfs/films" in fresh.forge.file(NFS)


def test_a_plan_that_fails_twice_fails_the_todo_and_nothing_is_landed(fresh: World) -> None:
    script(fresh, CONFIG, Attempt([read(NFS), edit(NFS, '"/srv/nfs/media"', '"/srv/nfs/media" + 1')]), Attempt())
    _, after = push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh)
    assert done.returncode == 1
    assert "plan-failed" in done.stdout
    assert log(fresh, after) == [FOLLOW_UP]


def test_a_pending_change_of_somebody_else_does_not_ride_along(fresh: World) -> None:
    pending = fresh.forge.file(NFS).decode().replace("/srv/nfs/media", "/srv/nfs/films")
    push(fresh, {NFS: pending, PATH: post_mortem()}, "not applied by its author")
    done = run_checkout(fresh)
    assert done.returncode == 4
    assert "ENV-06" in done.stdout
    assert not plans_empty(fresh, "nfs"), "it still is pending"


def test_an_agent_that_changes_nothing_asks_a_person(fresh: World) -> None:
    push(fresh, {PATH: post_mortem(("P1", "Something without a script", "Config"))})
    done = run_checkout(fresh)
    assert done.returncode == 4
    assert "agent-made-no-change" in done.stdout
    assert "I have no script for this action item" in done.stdout


def test_a_push_in_between_is_rebased_onto(fresh: World) -> None:
    """Somebody pushes while the agent works: both changes land, nothing is forced."""
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    _, other = push(fresh, {"README.md": "written meanwhile\n"}, "docs: meanwhile")
    ended = finished(fresh)
    assert ended["outcome"] == "done", ended["events"]
    assert fresh.forge.file("README.md") == b"written meanwhile\n"
    assert log(fresh, other) == [FIX, FOLLOW_UP]


def test_a_conflict_keeps_the_applied_commit_on_a_branch_of_its_own(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    clash = fresh.forge.file(NFS).decode().replace("nfsvers=4.2,hard,timeo=600", "nfsvers=3")
    pushed_meanwhile(fresh, {NFS: clash}, "a clash")
    fresh.serve()
    deliver(fresh, commits)
    ended = finished(fresh)
    (todo,) = ended["todos"]
    assert (todo["outcome"], todo["reason"]) == ("unknown", "push-conflict")
    assert fresh.forge.run("log", "-1", "--format=%s", f"followthrough/{ended['id']}/{todo['id']}") == FIX
    assert "conflict" in fresh.slack.texts[0]
