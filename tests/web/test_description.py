"""What /openapi.json says is what the API does: made-up requests find no 5xx and no status that it does not name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance

from tests.web.door import CONFIGURED, Door, add_parked, door

CHECKS = (not_a_server_error, status_code_conformance, response_schema_conformance)
QUIET = {"deadline": None, "database": None, "suppress_health_check": list(HealthCheck)}
# How long a stream goes on is another test's.
LEFT_OUT = "/api/runs/{run_id}/events"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    with door(tmp_path_factory.mktemp("described"), api_tokens=[CONFIGURED]) as opened:
        add_parked(opened.ledger)
        yield opened


def knock(made: Door, examples: int) -> None:
    """Ask every operation so many times, with a token of everything and with none."""
    http = made.client()
    bearer = {"authorization": f"Bearer {CONFIGURED}"}
    assert http.get("/openapi.json").status_code == 401
    assert http.get("/openapi.json", headers=bearer).status_code == 200
    schema = schemathesis.openapi.from_asgi("/openapi.json", made.app, headers=bearer)
    asked = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path == LEFT_OUT:
            continue
        asked += 1

        @settings(max_examples=examples, phases=[Phase.explicit, Phase.generate], derandomize=True, **QUIET)  # type: ignore[arg-type]
        def ask(case: schemathesis.Case) -> None:
            case.call_and_validate(headers=bearer, checks=CHECKS)

        schema_test = operation.as_strategy()
        from hypothesis import given

        given(case=schema_test)(ask)()
    assert asked >= 17


def test_the_description_holds(made: Door) -> None:
    knock(made, 3)


@pytest.mark.thorough
def test_the_description_holds_for_long(made: Door) -> None:
    knock(made, 150)


def test_existing_things_are_described_too(made: Door) -> None:
    """Made-up ids rarely hit what there is."""
    schema = schemathesis.openapi.from_asgi(
        "/openapi.json", made.app, headers={"authorization": f"Bearer {CONFIGURED}"}
    )
    bearer = {"authorization": f"Bearer {CONFIGURED}"}
    for method, path, values in (
        ("GET", "/api/runs", {}),
        ("GET", "/api/runs/{run_id}", {"run_id": "r-1"}),
        ("GET", "/api/deliveries", {}),
        ("GET", "/api/deliveries/{delivery_id}", {"delivery_id": "d-1"}),
        ("GET", "/api/approvals", {}),
        ("GET", "/api/spend", {}),
        ("POST", "/api/runs/{run_id}/cancel", {"run_id": "r-1-goes-on"}),
        ("POST", "/api/runs/{run_id}/retry", {"run_id": "r-1"}),
        ("POST", "/api/deliveries/{delivery_id}/replay", {"delivery_id": "d-1"}),
        ("POST", "/api/runs/{run_id}/todos/{todo_id}/decline", {"run_id": "r-1", "todo_id": "t-1"}),
        ("GET", "/api/actions", {}),
    ):
        made.client()
        case = schema[path][method].Case(path_parameters=values)
        answer = case.call_and_validate(headers=bearer, checks=CHECKS)
        assert answer.status_code == 200, (path, answer.text)


def test_the_guide_of_errors_is_one(made: Door) -> None:
    described = made.client().get("/openapi.json", headers={"authorization": f"Bearer {CONFIGURED}"}).json()
    assert described["components"]["schemas"]["Error"]["required"] == ["error", "message"]
    for path in described["paths"].values():
        for operation in path.values():
            assert {"401", "403", "500", "503"} <= set(operation["responses"])


def test_a_page_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    with door(tmp_path) as opened:
        for number in range(7):
            add_parked(opened.ledger, f"r-{number}", f"t-{number}") if number == 0 else _add_run(opened, number)
        http = opened.client()
        seen: list[str] = []
        before = ""
        while True:
            page = http.get("/api/runs", params={"limit": 3, "before": before}).json()
            seen += [run["id"] for run in page["runs"]]
            before = page["next"] or ""
            if not before:
                break
        assert len(seen) == len(set(seen)) == 8
        assert http.get("/api/runs", params={"outcome": "going-on"}).json()["runs"]
        for wrong in ({"limit": 0}, {"limit": 201}, {"limit": "x"}, {"before": "\x00"}, {"outcome": "odd"}):
            answer = http.get("/api/runs", params=wrong)
            assert (answer.status_code, answer.json()["error"]) == (400, "bad-request"), wrong
        assert http.get("/api/deliveries", params={"before": "none"}).json()["error"] == "no-such-delivery"


def _add_run(opened: Door, number: int) -> None:
    from app.ledger.runs import Run

    opened.ledger.runs.add(Run(f"r-{number}", "me/infra", "docs/post-mortems/x.md", "a" * 40))
