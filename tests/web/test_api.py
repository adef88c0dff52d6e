"""Who may read the API, and what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.settings import ServerSettings, Settings
from app.web.application import application


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    made = open_ledger(f"sqlite:///{tmp_path}/ledger.db")
    run = Run("r-1", "me/infra", "docs/post-mortems/x.md", "a" * 40, source="/somewhere/private")
    made.runs.add(run)
    made.runs.add_todos(run, [Todo("t-1", 0, 7, "Add alert", "", "P1", "Alert", True)])
    made.spend.reserve("r-1", "t-1", 1, 2.0)
    made.spend.settle("r-1", "t-1", 1, 0.25)
    made.runs.finish_todo("r-1", "t-1", "refused", "plan-refused", "PLAN-02", [{"rule": "PLAN-02"}])
    yield made
    made.engine.dispose()


def client(ledger: Ledger, *tokens: str, address: str = "127.0.0.1", base: str = "http://127.0.0.1:8080") -> TestClient:
    settings = Settings(server=ServerSettings(api_tokens=list(tokens)))
    app = application(settings, ledger, lambda *_: None, lambda: True)
    return TestClient(app, client=(address, 1234), base_url=base)


def test_runs_and_todos_have_the_agreed_fields(ledger: Ledger) -> None:
    http = client(ledger)
    (run,) = http.get("/api/runs").json()["runs"]
    assert run["id"] == "r-1"
    assert run["outcome"] is None
    assert {"repository", "post_mortem", "commit", "cost_usd"} <= set(run)
    whole = http.get("/api/runs/r-1").json()
    (todo,) = whole["todos"]
    assert {"id", "action", "priority", "type", "outcome", "reason", "commit", "cost_usd"} <= set(todo)
    assert (todo["outcome"], todo["cost_usd"], todo["findings"]) == ("refused", 0.25, [{"rule": "PLAN-02"}])
    assert "/somewhere/private" not in str(whole)
    ledger.runs.finish("r-1", "needs-human")
    assert http.get("/api/runs/r-1").json()["outcome"] is None
    ledger.runs.close("r-1")
    assert http.get("/api/runs/r-1").json()["outcome"] == "needs-human"
    assert http.get("/api/runs/none").status_code == 404
    assert {"deliveries", "rejected"} <= set(http.get("/api/deliveries").json())


@pytest.mark.parametrize("path", ["/api/runs", "/api/runs/r-1", "/api/deliveries"])
def test_without_tokens_only_this_machine_reads(ledger: Ledger, path: str) -> None:
    assert client(ledger).get(path).status_code == 200
    assert client(ledger, address="::1", base="http://localhost").get(path).status_code == 200
    assert client(ledger, address="192.0.2.7").get(path).status_code == 403
    assert client(ledger, base="http://evil.example").get(path).status_code == 403
    assert client(ledger).get(path, headers={"X-Forwarded-For": "192.0.2.7"}).status_code == 403


def test_a_service_that_people_reach_elsewhere_is_read_by_nobody_without_a_token(ledger: Ledger) -> None:
    """A proxy on this machine that adds no header looks like this machine."""
    settings = Settings(server=ServerSettings(public_url="https://ft.example"))
    app = application(settings, ledger, lambda *_: None, lambda: True)
    answer = TestClient(app, client=("127.0.0.1", 1234), base_url="http://127.0.0.1:8080").get("/api/runs")
    assert (answer.status_code, "public_url" in answer.text) == (403, True)


def test_with_tokens_one_of_them_is_needed(ledger: Ledger) -> None:
    http = client(ledger, "right", "also-right", address="192.0.2.7", base="http://ft.example")
    assert http.get("/api/runs").status_code == 401
    assert http.get("/api/runs", headers={"Authorization": "Bearer wrong"}).status_code == 401
    assert http.get("/api/runs", headers={"Authorization": "Bearer also-right"}).status_code == 200


def test_health(ledger: Ledger) -> None:
    http = client(ledger, "token", address="192.0.2.7", base="http://ft.example")
    assert http.get("/healthz").json() == {"status": "ok"}
    assert http.get("/readyz").status_code == 200
