"""The command line over the whole world: doctor, dry run, a run beside the service, a library's terraform."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from app.agent.canaries import CANARIES
from app.cli.doctor import Check, outcome
from app.ledger import open_ledger
from app.ledger.schema import cages
from pipelines.cage import OFF
from tests.e2e.conftest import (
    CONFIG,
    FIX,
    FOLLOW_UP,
    PATH,
    command,
    deliver,
    finished,
    log,
    plans_empty,
    post_mortem,
    push,
    run_checkout,
)
from tests.world.loopback import Answer, Loopback
from tests.world.world import Options, World

REPO = "example-org/infra"


def test_doctor_finds_everything_in_order(world: World) -> None:
    done = command(world, "doctor")
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("\nok ") + done.stdout.startswith("ok ") == 7
    assert re.search(rf"\nok   agent cage: {len(CANARIES)} canaries held \(Claude Code 2\.\d+\.\d+, ", done.stdout)
    ledger = open_ledger(f"sqlite:///{world.database}")
    with ledger.engine.connect() as db:
        (kept,) = db.execute(sa.select(cages)).mappings()
    ledger.engine.dispose()
    assert (kept["devvm"], kept["held"], kept["escapes"]) == ("devvm", len(CANARIES), "[]"), "the service knows it too"
    assert "everything that is configured works" in done.stdout
    assert world.slack.messages == [], "asking whether Slack is there posts nothing"
    assert world.bao.live_tokens() == 0


@pytest.mark.parametrize(
    ("changes", "part", "says"),
    [
        ({"vault": {"role": "nobody"}}, "vault", "check the role's bound service account"),
        ({"vault": {"ssh_key_field": "other"}}, "vault", "it has no field 'other'"),
        ({"devvm": {"claude": "/nowhere/claude"}}, "devvm devvm", "install Claude Code or set devvm.claude"),
        ({"devvm": {"path": "/nowhere"}}, "devvm devvm", "is on devvm.path"),
        ({"devvm": {"port": 1}}, "devvm devvm", "connecting to DevVM devvm"),
        ({"repository": {"stacks": "nowhere"}}, "repository example-org/infra", "set repository.stacks"),
        ({"repository": {"plan": "scripts/none plan"}}, "repository example-org/infra", "has no file scripts/none"),
        ({"repository": {"clone_url": "/nowhere.git"}}, "repository example-org/infra", "fetching master"),
        ({"slack": {"webhook_url": "http://127.0.0.1:9/x"}}, "slack", "check slack.webhook_url"),
        ({"github": {"webhook_secrets": []}}, "configuration", "set one"),
        ({"vault": {"url": "http://a..b"}}, "vault", "correct vault.url"),
        ({"vault": {"jwt_file": "/bin/true"}}, "vault", "is no text"),
        ({"devvm": {"host": "a..b"}}, "devvm devvm", "correct devvm.host"),
        ({"devvm": {"port": 1}, "agent": {}}, "agent cage", "connecting to DevVM devvm"),
        ({"slack": {"webhook_url": "http://a..b/x"}}, "slack", "check slack.webhook_url"),
        ({"database": {"url": "postgresql://127.0.0.1:1/x"}}, "database", "opening the database: connection failed"),
        ({"database": {"url": "postgresql://a..b/x"}}, "database", "is no host name"),
        ({"database": {"url": "sqlite:////proc/nowhere/x.db"}}, "database", "opening the database"),
        ({"database": {"url": "sqlite:////proc/version"}}, "database", "opening the database"),
        ({"repository": {"verify": {"promtool": "/no/promtool"}}}, "devvm devvm", "set repository.verify.promtool"),
        ({"repository": {"verify": {"prometheus": "http://127.0.0.1:9"}}}, f"prometheus of {REPO}", "no connection"),
        ({"repository": {"verify": {"uptime_kuma": "http://127.0.0.1:9"}}}, f"uptime kuma of {REPO}", "no field"),
    ],
)
def test_doctor_names_what_is_wrong_and_how_to_mend_it(
    world: World, changes: dict[str, Any], part: str, says: str
) -> None:
    done = _doctor(world, {"agent": {"cage_test": "off"}, **changes})
    assert done.returncode == 1
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    assert any(line.startswith(f"FAIL {part}:") and says in line for line in failed), done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_says_what_is_no_vault(world: World) -> None:
    with Loopback(lambda _: Answer(200, b"<html>Welcome</html>", "text/html")) as page:
        done = _doctor(world, {"agent": {"cage_test": "off"}, "vault": {"url": page.url}})
    assert "FAIL vault:" in done.stdout
    assert "does not answer as Vault does" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_doctor_says_openly_that_the_cage_is_not_tested(world: World) -> None:
    done = _doctor(world, {"agent": {"cage_test": "off"}})
    assert done.returncode == 0
    assert f"agent cage: {OFF}" in done.stdout


def test_a_part_that_breaks_in_a_way_of_its_own_is_one_line_too() -> None:
    works, said = outcome(Check("x", lambda: str(1 // 0)))
    assert (works, said) == (
        False,
        "an error that nobody foresaw (ZeroDivisionError): integer division or modulo by zero",
    )


def test_serve_refuses_to_start_without_a_secret(world: World) -> None:
    world.options.changes = {"github": {"webhook_secrets": []}}
    world.write_config()
    done = command(world, "serve", timeout=30)
    world.options.changes = {}
    world.write_config()
    assert done.returncode == 2
    assert "no-webhook-secret" in done.stderr


def test_a_dry_run_says_what_would_be_done_and_does_nothing(fresh: World) -> None:
    _, after = push(fresh, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", "Redesign it", "Architecture"))})
    done = run_checkout(fresh, "--dry-run")
    assert done.returncode == 0
    assert CONFIG in done.stdout
    assert "type-needs-human" in done.stdout
    assert "nothing was changed" in done.stdout
    assert fresh.model.requests == []
    assert fresh.forge.head() == after
    assert fresh.slack.messages == []


def test_a_run_does_the_job_without_a_service_and_a_second_one_nothing(fresh: World) -> None:
    _, after = push(fresh, {PATH: post_mortem()})
    done = run_checkout(fresh, "--file", PATH)
    assert done.returncode == 0, done.stdout
    assert log(fresh, after) == [FIX, FOLLOW_UP]
    assert plans_empty(fresh, "nfs")
    tip, told = fresh.forge.head(), len(fresh.slack.messages)
    again = run_checkout(fresh)
    assert again.returncode == 0
    assert "nothing to do" in again.stdout
    assert (fresh.forge.head(), len(fresh.slack.messages)) == (tip, told)


def test_a_run_beside_the_service_is_handed_to_it(fresh: World) -> None:
    _, after = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    done = run_checkout(fresh)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "handed to the running service" in done.stdout
    assert log(fresh, after) == [FIX, FOLLOW_UP]
    assert finished(fresh)["outcome"] == "done"


@pytest.mark.configured(repository={"mode": "dry-run"})
def test_a_repository_in_dry_run_mode_is_only_told_of(fresh: World) -> None:
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    ended = finished(fresh)
    assert (ended["outcome"], [t["reason"] for t in ended["todos"]]) == ("nothing-to-do", ["dry-run"])
    assert fresh.forge.head() == commits[1]
    assert fresh.model.requests == []


def test_a_file_that_cannot_be_run_is_named(world: World) -> None:
    for name, reason in (("docs/post-mortems/none.md", "file-not-committed"), ("README.md", "not-a-post-mortem")):
        done = run_checkout(world, "--file", name)
        assert done.returncode == 2
        assert reason in done.stderr


def test_parse_prints_one_object_or_an_array_and_2_for_what_it_cannot_read(world: World) -> None:
    sample = world.folder / "one.md"
    sample.write_text(post_mortem())
    one = _parse(sample)
    assert (one.returncode, json.loads(one.stdout)["safe_todos"]) == (0, 1)
    two = _parse(sample, sample)
    assert [d["safe_todos"] for d in json.loads(two.stdout)] == [1, 1]
    missing = _parse(world.folder / "none.md")
    assert (missing.returncode, missing.stdout) == (2, "")
    assert "file-unreadable" in missing.stderr


@pytest.mark.thorough
def test_the_library_s_terraform_does_the_same(tmp_path_factory: pytest.TempPathFactory) -> None:
    with World(tmp_path_factory.mktemp("library"), Options(library=True)) as world:
        _, after = push(world, {PATH: post_mortem()})
        done = run_checkout(world)
        assert done.returncode == 0, done.stdout
        assert log(world, after) == [FIX, FOLLOW_UP]


def _doctor(world: World, changes: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    world.options.changes = changes
    world.write_config()
    done = command(world, "doctor")
    world.options.changes = {}
    world.write_config()
    return done


def _parse(*files: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "app.cli", "parse", *map(str, files)]
    return subprocess.run(argv, cwd=Path(__file__).parents[2], capture_output=True, text=True)
