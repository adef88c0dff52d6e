"""A ledger in which everything that is measured has happened, and what /metrics says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from app.checks import Check
from app.ledger import Ledger
from app.ledger.approvals import Parked
from app.ledger.cages import CageTest
from app.ledger.controls import PAUSE
from app.ledger.deliveries import Delivery
from app.ledger.runs import Run, Todo
from app.ledger.schema import approvals, cages, controls, deliveries, runs, todos
from app.settings import AgentSettings, DevVMSettings, ServerSettings, Settings
from app.web.application import application
from pipelines import timing

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def text(ago: float) -> str:
    """The time so many seconds ago, as the ledger writes it."""
    return (datetime.now(UTC) - timedelta(seconds=ago)).strftime("%Y-%m-%dT%H:%M:%SZ")


def populate(ledger: Ledger) -> None:
    """Two deliveries, four runs, a TODO each, and one of everything else."""
    for delivery_id, decision, reason in (("d-1", "accepted", ""), ("d-2", "ignored", "other-branch")):
        ledger.deliveries.store(Delivery(delivery_id, "github", "push", "o/r", "", "", "", "", decision, reason, ""))
    ledger.deliveries.reject("bad-signature")
    for run_id, ended in (("old", ""), ("done", "done"), ("new", ""), ("waits", "")):
        run = Run(run_id, "o/r", "p.md", "0" * 40)
        ledger.runs.add(run)
        ledger.runs.add_todos(run, [Todo("t", 0, 1, "a", "", "P1", "Alert" if ended else "Anything", True)])
        ledger.runs.describe(run_id, devvm="devvm" if ended else "")
        if ended:
            ledger.runs.finish(run_id, ended)
            ledger.runs.close(run_id)
    ledger.runs.finish_todo("done", "t", "done", "", "")
    ledger.runs.finish_todo("old", "t", "failed", "vault-error", "")
    ledger.runs.describe("new", devvm="devvm")
    rule, monitor = (
        Check("prometheus-rule", "A", False, "no", "alert-not-loaded"),
        Check("uptime-kuma", "M", True, "up"),
    )
    ledger.checks.keep("done", "t", [rule, monitor])
    for run_id in ("done", "old"):
        ledger.approvals.ask(Parked(run_id, "t", "c", "t", "b", "x", []))
    ledger.cages.keep(CageTest("devvm", "older", "1", 9, []))
    ledger.cages.keep(CageTest("devvm", "newer", "2", 7, ["it could read", 'a ", " b']))
    ledger.devvms.answered("devvm")
    ledger.devvms.failed("second", "devvm-unreachable", "it is away")
    ledger.devvms.drain("second", "me", "")
    ledger.devvms.failed("taken-away", "devvm-unreachable", "it is gone")
    ledger.controls.set(PAUSE, "me", "a freeze")
    ledger.spend.reserve("done", "t", 1, 2.0)
    ledger.spend.settle("done", "t", 1, 0.25)
    ledger.spend.reserve("new", "t", 1, 2.0)
    with ledger.engine.begin() as db:
        day_old = {"created_at": text(200_000), "finished_at": text(180_000), "outcome": "failed", "reason": "x"}
        db.execute(sa.update(runs).where(runs.c.id == "old").values(**day_old))
        db.execute(sa.update(runs).where(runs.c.id == "waits").values(created_at=text(7200)))
        db.execute(sa.update(todos).where(todos.c.run_id == "old").values(finished_at=text(180_000)))
        db.execute(sa.update(deliveries).where(deliveries.c.id == "d-1").values(received_at=text(1800)))
        db.execute(sa.update(approvals).values(asked_at=text(3600)))
        db.execute(sa.update(approvals).where(approvals.c.run_id == "old").values(asked_at=text(90_000)))
        db.execute(sa.update(cages).where(cages.c.fingerprint == "older").values(tested_at=text(3600)))
        db.execute(sa.update(controls).values(at=text(600)))
    with timing.timed("run_agent"):
        timing.tried_again("run_agent", "vault-sealed")
    timing.running("flow")


def client(ledger: Ledger, address: str = "127.0.0.1", **tokens: list[str]) -> TestClient:
    """The service's web face, asked from this address."""
    pool = [DevVMSettings(name=name, host="h", user="u", host_key="k") for name in ("devvm", "second", "new")]
    settings = Settings(server=ServerSettings(**tokens), agent=AgentSettings(day_budget_usd=10), devvm=pool)
    app = application(settings, ledger, lambda *_: None, lambda: True)
    return TestClient(app, client=(address, 1234), base_url="http://127.0.0.1:8080")


def scrape(ledger: Ledger) -> str:
    """The body of GET /metrics."""
    answer = client(ledger).get("/metrics")
    assert answer.status_code == 200
    return answer.text


def series(body: str) -> Series:
    """Every series of ours by name and labels. None may stand twice."""
    samples = [s for family in text_string_to_metric_families(body) for s in family.samples]
    found = {(s.name, frozenset(s.labels.items())): s.value for s in samples}
    assert len(found) == len(samples)
    return {key: value for key, value in found.items() if key[0].startswith("followthrough_")}
