"""The JSON API's other half: what people and programs do through it. Each is written down with who did it."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from app.web import shapes
from app.web.access import Access
from app.web.acts import Acts
from app.web.answers import documented
from app.web.identity import Identity
from app.web.shapes import Because, Decision, DeliveryId, RunId, TodoId

_ERRORS = documented(400, 401, 403, 404, 409, 413, 429)


def router(access: Access, acts: Acts) -> APIRouter:
    """Everything that may be done, for who may do it. Bodies may be left out."""
    routes = APIRouter(responses=_ERRORS, tags=["act"])
    _decisions(routes, access, acts)
    _operations(routes, access, acts)
    return routes


def _decisions(routes: APIRouter, access: Access, acts: Acts) -> None:
    approver = Depends(access.needs("approve"))

    @routes.post("/api/runs/{run_id}/todos/{todo_id}/approve")
    def approve(
        run_id: RunId, todo_id: TodoId, who: Identity = approver, said: Decision | None = None
    ) -> shapes.Decided:
        said = said or Decision()
        acts.decide(run_id, todo_id, "approved", who.name, said.why, said.commit)
        return shapes.Decided(run=run_id, todo=todo_id, decision="approved")

    @routes.post("/api/runs/{run_id}/todos/{todo_id}/decline")
    def decline(
        run_id: RunId, todo_id: TodoId, who: Identity = approver, said: Decision | None = None
    ) -> shapes.Decided:
        said = said or Decision()
        acts.decide(run_id, todo_id, "declined", who.name, said.why, said.commit)
        return shapes.Decided(run=run_id, todo=todo_id, decision="declined")


def _operations(routes: APIRouter, access: Access, acts: Acts) -> None:
    operator = Depends(access.needs("operate"))

    @routes.post("/api/runs", status_code=202)
    def start(wanted: shapes.Wanted, who: Identity = operator) -> shapes.Begun:
        return shapes.Begun(run=acts.start(wanted.repository, wanted.post_mortem, who.name))

    @routes.post("/api/runs/{run_id}/cancel")
    def cancel(run_id: RunId, who: Identity = operator, said: Because | None = None) -> shapes.Cancelled:
        changed = acts.cancel(run_id, who.name, said.why if said else "")
        return shapes.Cancelled(run=run_id, cancelled=changed, changed=changed)

    @routes.post("/api/runs/{run_id}/retry")
    def retry(run_id: RunId, who: Identity = operator) -> shapes.Begun:
        return shapes.Begun(run=acts.retry(run_id, who.name))

    @routes.post("/api/deliveries/{delivery_id}/replay")
    def replay(delivery_id: DeliveryId, who: Identity = operator) -> shapes.Replayed:
        return shapes.Replayed(delivery=delivery_id, message=acts.replay(delivery_id, who.name))

    @routes.post("/api/pause")
    def pause(who: Identity = operator, said: Because | None = None) -> shapes.Switched:
        return shapes.Switched(paused=True, changed=acts.pause(who.name, said.why if said else ""))

    @routes.post("/api/resume")
    def resume(who: Identity = operator) -> shapes.Switched:
        return shapes.Switched(paused=False, changed=acts.resume(who.name))
