"""Which process may run where, what a worker answers, and who is asked before a worker is taken for the only one."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from pydantic import SecretStr, ValidationError

from app import serving
from app.errors import BadInput, Failed
from app.ledger import Ledger, open_ledger
from app.ledger.workers import Worker, Workers
from app.settings import (
    DatabaseSettings,
    DevVMSettings,
    GitHubSettings,
    RepositorySettings,
    Settings,
    WorkersSettings,
)
from app.web.application import worker_application
from pipelines.takeover import EXIT_CODE, Takeover


def on_sqlite(folder: Path) -> Settings:
    return Settings(
        database=DatabaseSettings(url=f"sqlite:///{folder}/l.db"),
        github=GitHubSettings(webhook_secrets=[SecretStr("s")]),
        devvm=[DevVMSettings(host="127.0.0.1", user="u", host_key="ssh-ed25519 AAAA")],
        repository=[RepositorySettings(name="me/infra", clone_url="/nowhere")],
    )


@pytest.mark.parametrize("start", [lambda s: serving.serve(s, work=False), serving.work], ids=["no-work", "worker"])
def test_sqlite_is_for_one_process(tmp_path: Path, start: Callable[[Settings], None]) -> None:
    with pytest.raises(BadInput, match="SQLite, which is for one process") as refused:
        start(on_sqlite(tmp_path))
    assert refused.value.reason == "needs-postgresql"
    assert not (tmp_path / "l.db").exists()


def test_a_worker_answers_for_its_health_and_metrics_alone(tmp_path: Path) -> None:
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db")
    app = worker_application(Settings(), ledger, lambda: True)
    http = TestClient(app, client=("127.0.0.1", 1234), base_url="http://127.0.0.1:8080")
    assert [http.get(path).status_code for path in ("/healthz", "/readyz", "/metrics", "/api/runs")] == [
        200,
        200,
        200,
        404,
    ]
    assert http.post("/webhooks/github").status_code == 404
    ledger.engine.dispose()


def test_a_beat_that_may_come_too_late_is_not_accepted() -> None:
    with pytest.raises(ValidationError, match="four times"):
        WorkersSettings(beat_seconds=5, dead_after_seconds=15)


@pytest.fixture
def ledger(url: str) -> Ledger:
    """One that leaves no connection behind."""
    made = open_ledger(url)
    made.engine.dispose()
    return made


def boot(name: str) -> Worker:
    return Worker(f"{name}-{uuid.uuid4().hex[:12]}", name, "here", 1, "flow-1")


def silent(ledger: Ledger, worker: Worker) -> None:
    """It was last heard of a minute ago."""
    with ledger.engine.begin() as db:
        db.execute(
            sa.text("UPDATE workers SET heartbeat_at = heartbeat_at - 60 WHERE executor_id = :e"),
            {"e": worker.executor},
        )


def test_death_is_sticky_and_only_who_is_silent_dies(ledger: Ledger) -> None:
    workers: Workers = ledger.workers
    a, b, again = boot("a"), boot("b"), boot("a")
    assert [workers.join(a), workers.join(b)] == [[], []]
    assert workers.declare_dead(a.executor, 15) == []
    silent(ledger, b)
    assert [row["name"] for row in workers.living(15)] == ["a"]
    assert workers.declare_dead(b.executor, 15) == [], "nobody declares itself dead"
    assert workers.declare_dead(a.executor, 15) == ["b"]
    assert not workers.beat(b.executor)
    assert workers.beat(a.executor)
    assert workers.join(again) == [a.executor], "a boot takes the place of the one before"
    assert not workers.beat(a.executor)
    workers.leave(again.executor)
    assert workers.living(15) == []
    assert workers.count() == {("alive",): 0, ("dead-with-runs",): 0}
    ledger.engine.dispose()


def test_a_service_of_an_earlier_release_is_waited_for(ledger: Ledger) -> None:
    """It holds a lock, and is in no table: its runs would be taken for a dead worker's."""
    with ledger.engine.connect() as earlier:
        earlier.execute(sa.text("SELECT pg_advisory_lock(4171902)"))
        with pytest.raises(Failed, match="stop it first") as refused:
            ledger.workers.join(boot("a"))
        assert refused.value.reason == "already-running"
        earlier.execute(sa.text("SELECT pg_advisory_unlock(4171902)"))
    assert ledger.workers.join(boot("a")) == []
    ledger.engine.dispose()


class Ended(Exception):
    """The process would have ended."""


def ending(code: int) -> None:
    raise Ended(code)


def test_who_was_stopped_and_declared_dead_begins_no_step(ledger: Ledger) -> None:
    """Whatever its threads get to do first when it wakes."""
    ttl = 0.5
    alive = Takeover(boot("a"), ledger.workers, 60, ttl, ending)
    alive.join()
    time.sleep(ttl)
    alive.fence()
    dead = Takeover(boot("b"), ledger.workers, 60, ttl, ending)
    dead.join()
    time.sleep(ttl)
    silent(ledger, dead._me)
    assert ledger.workers.declare_dead(alive.executor, 15) == ["b"]
    with pytest.raises(Ended, match=str(EXIT_CODE)):
        dead.fence()
    ledger.engine.dispose()


def test_who_leaves_waits_for_its_steps_and_then_says_so(ledger: Ledger) -> None:
    member, order = Takeover(boot("a"), ledger.workers, 60, 60, ending), []
    member.join()
    with member.step():
        leaving = threading.Thread(target=lambda: (member.leave(60), order.append("left")))
        leaving.start()
        later = threading.Thread(target=lambda: order.append(member.step().__enter__()), daemon=True)
        later.start()
        leaving.join(0.3)
        order.append("ended")
        assert [row["name"] for row in ledger.workers.living(60)] == ["a"]
    leaving.join(60)
    assert order == ["ended", "left"], "and no step begins any more"
    assert ledger.workers.living(60) == []
    ledger.engine.dispose()
