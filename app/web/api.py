"""The JSON API: what is going on and what has been. Reads only; what changes something is in `operate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Depends, FastAPI, Query
from fastapi.responses import JSONResponse

from app.errors import BadInput
from app.ledger import Ledger
from app.ledger.controls import PAUSE
from app.ledger.listing import Wanted
from app.settings import Settings
from app.web import shapes
from app.web.access import Access
from app.web.answers import documented
from app.web.csrf import token_for
from app.web.identity import Identity
from app.web.pages import keys
from app.web.shapes import After, Before, DeliveryId, Limit, Name, Outcome, RunId

_ASKED = ("asked_at", "run_id", "todo_id")
_HIDDEN = ("source", "repository", "post_mortem", "run_id", "position")
_ERRORS = documented(400, 401, 403, 429)
_ERRORS_OF_ONE = documented(400, 401, 403, 404, 429)


def health(ready: Callable[[], bool]) -> APIRouter:
    """Whether the process lives, and whether it is ready, for everybody."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @routes.get("/readyz")
    def readyz() -> JSONResponse:
        is_ready = ready()
        return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)

    return routes


def router(settings: Settings, ledger: Ledger, access: Access) -> APIRouter:
    """Everything that may be read, for who may read it."""
    routes = APIRouter(dependencies=[Depends(access.needs("read"))], tags=["read"])
    _of_runs(routes, ledger)
    _of_people(routes, ledger, access)

    @routes.get("/api/deliveries", responses=_ERRORS_OF_ONE)
    def deliveries(limit: Limit = 100, before: Before = "") -> shapes.Deliveries:
        rows = ledger.pages.deliveries(_place(ledger, before), limit=limit)
        further = rows[-1]["id"] if len(rows) == limit else None
        return shapes.Deliveries(
            deliveries=[shapes.Delivery(**row) for row in rows], rejected=ledger.deliveries.rejected(), next=further
        )

    @routes.get("/api/deliveries/{delivery_id}", responses=_ERRORS_OF_ONE)
    def delivery(delivery_id: DeliveryId) -> shapes.Delivery:
        return shapes.Delivery(**_delivery(ledger, delivery_id), runs=ledger.runs.of_delivery(delivery_id))

    @routes.get("/api/spend", responses=_ERRORS)
    def spend(
        days: Annotated[int, Query(ge=1, le=366, description="UTC days, today among them")] = 7,
    ) -> dict[str, Any]:
        return ledger.spend.report(days, settings.agent.day_budget_usd)

    return routes


def description(app: FastAPI, access: Access) -> None:
    """GET /openapi.json, for readers: what the API takes and answers."""

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(access.needs("read"))])
    def openapi() -> dict[str, Any]:
        described = app.openapi()
        for path in described["paths"].values():
            for operation in path.values():
                # What does not fit is answered 400, by `answers`.
                operation["responses"].pop("422", None)
        return described


def _of_runs(routes: APIRouter, ledger: Ledger) -> None:
    @routes.get("/api/runs", responses=_ERRORS)
    def runs(limit: Limit = 100, before: Before = "", outcome: Outcome = "", repository: Name = "") -> shapes.Runs:
        rows = ledger.listing.older(Wanted(outcome, repository), limit, before)
        further = rows[-1]["id"] if len(rows) == limit else None
        return shapes.Runs(runs=[shapes.ListedRun(**_counted(row)) for row in rows], next=further)

    @routes.get("/api/runs/{run_id}", responses=_ERRORS_OF_ONE)
    def run(run_id: RunId) -> shapes.WholeRun:
        try:
            row = ledger.runs.row(run_id)
        except KeyError:
            raise BadInput("no-such-run", f"there is no run {run_id}") from None
        checks = ledger.checks.of_run(run_id)
        todos = [
            {**{k: v for k, v in todo.items() if k not in _HIDDEN}, "checks": checks.get(todo["id"], [])}
            for todo in ledger.runs.todos(run_id)
        ]
        shown = {k: v for k, v in row.items() if k != "source"}
        # Its outcome only when nothing more will happen, people told and the DevVM clean.
        outcome = row["outcome"] if row["finished_at"] else None
        return shapes.WholeRun(**{**shown, "outcome": outcome, "todos": todos, "events": ledger.runs.events(run_id)})


def _of_people(routes: APIRouter, ledger: Ledger, access: Access) -> None:
    @routes.get("/api/approvals", responses=_ERRORS)
    def approvals(limit: Limit = 200, after: After = "") -> shapes.Approvals:
        rows = ledger.pages.parked(keys.read(after, len(_ASKED)), limit)
        further = keys.written(rows[-1], *_ASKED) if len(rows) == limit else None
        return shapes.Approvals(approvals=[_waiting(row) for row in rows], next=further)

    @routes.get("/api/pause", responses=_ERRORS)
    def paused() -> shapes.Paused:
        said = ledger.controls.find(PAUSE)
        return shapes.Paused(paused=True, by=said.by, at=said.at, why=said.why) if said else shapes.Paused(paused=False)

    @routes.get("/api/actions", responses=_ERRORS)
    def actions(
        limit: Limit = 100,
        before: Annotated[int, Query(ge=0, lt=2**31, description="the id after which to go on, 0: none")] = 0,
        run: Before = "",
    ) -> shapes.Actions:
        rows = ledger.actions.newest(limit, before, run)
        further = rows[-1]["id"] if len(rows) == limit else None
        return shapes.Actions(actions=[shapes.Act(**row) for row in rows], next=further)

    reader = Depends(access.needs("read"))

    @routes.get("/api/me", responses=_ERRORS)
    def me(identity: Identity = reader) -> shapes.Me:
        scopes = sorted(identity.scopes)
        return shapes.Me(name=identity.name, how=identity.how, scopes=scopes, csrf=token_for(identity))


def _counted(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "todos": {outcome or "open": count for outcome, count in row["todos"].items()}}


def _delivery(ledger: Ledger, delivery_id: str) -> dict[str, Any]:
    found = ledger.deliveries.row(delivery_id)
    if found is None:
        raise BadInput("no-such-delivery", f"there is no delivery {delivery_id}")
    return found


def _place(ledger: Ledger, delivery_id: str) -> tuple[str, ...]:
    return (_delivery(ledger, delivery_id)["received_at"], delivery_id) if delivery_id else ()


def _waiting(row: dict[str, Any]) -> shapes.Waiting:
    place = {"run": row["run_id"], "todo": row["todo_id"]}
    same = {name: row[name] for name in shapes.Waiting.model_fields if name in row}
    does = [line for plan in row["plans"] for line in plan["shown"]]
    return shapes.Waiting(**same, **place, does=does)
