"""The audit trail: everything that the ledger knows happened, one fact at a time, in order of time.

Each fact is a plain dictionary. All of them have `schema` (1; raised when a name here changes its meaning or goes),
`fact` (which of the following it is) and `at` (ISO 8601, UTC). Names are never reused; new ones may be added.

    delivery  id, forge, event, repository, ref, before, after, pusher, decision, reason, message
    run       run, repository, post_mortem, title, incident_date, commit, delivery (empty: asked for by a person),
              source (the checkout it was asked for in), dry_run, devvm, finished_at, outcome, reason, message, cost_usd
    todo      run, todo, repository, post_mortem, line, action, type, priority, safe, started_at, finished_at, outcome,
              reason, message, findings [{rule, where, why, decision}], commit (on the branch), tree (git tree that was
              judged), diff (SHA-256 of the judged diff of the last try), plans [{stack, sha256}] (plan files whose
              apply began), policies (versions of the policy that judged it), cost_usd
    evidence  run, todo, kind (agent, edits, plan, commit, apply, verify), attempt, subject (the stack), hash,
              exit_code, policy, verdict: see app/ledger/evidence.py
    approval  run, todo, commit, tree, base, branch, plans [{stack, sha256}], asked_at, decision (empty, approved,
              declined, void, landed), by, decided_at, why
    check     run, todo, kind, subject, ok, answer, reason, link, first_at
    effect    run, key (what was begun, and may have happened: "apply RUN TODO STACK SHA256", "keep BRANCH")
    control   what (pause or cancel), run (empty for pause), by, why
    action    by (empty: nobody knows), how (token, oidc, proxy, link, cli, slack), action (approve, login, ...), run,
              todo, subject, why, outcome (begun, done, nothing, refused, failed), reason, times (what is not let in is
              counted, a row an hour)

`at` is when a delivery was received, a run began, a TODO ended (or began, or its run did), an approval was decided on
(or asked for), a check was asked last, an effect began, a control was said, a part of a try ended, somebody did it
(was counted last). A fact is told as it
is known now. Of runs of versions before there was evidence, only the trees that somebody was asked about are known.

Texts are as they were stored: who writes them out redacts them once more.
"""

from __future__ import annotations

import heapq
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from app.ledger.controls import PAUSE
from app.ledger.people import actions
from app.ledger.schema import approvals, checks, controls, deliveries, effects, evidence, runs, spend, todos

SCHEMA = 1
Fact = dict[str, Any]
# Rows that are fetched at a time: the trail may be longer than memory.
_FETCHED = 200


class Audit:
    """The audit trail of one database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def facts(self, since: str = "", until: str = "") -> Iterator[Fact]:
        """The facts from `since` on and before `until` (ISO 8601, UTC; empty: all), as they were at one moment."""
        with self._engine.connect() as db:
            if db.dialect.name == "sqlite":
                db.exec_driver_sql("BEGIN")
            else:
                db = db.execution_options(isolation_level="REPEATABLE READ")
            found = (_read(db, query, at, since, until, tell) for query, at, tell in _sources(db))
            yield from heapq.merge(*found, key=lambda fact: fact["at"])


_Tell = Callable[[Mapping[str, Any]], Fact]


def _read(
    db: Connection, query: sa.Select[Any], at: sa.ColumnElement[str], since: str, until: str, tell: _Tell
) -> Iterator[Fact]:
    query = query.add_columns(at.label("told_at")).order_by(at)
    query = query.where(at >= since) if since else query
    query = query.where(at < until) if until else query
    for row in db.execute(query, execution_options={"yield_per": _FETCHED}).mappings():
        fact = tell(dict(row))
        yield {"schema": SCHEMA, "fact": fact.pop("fact"), "at": row["told_at"], **fact}


def _sources(db: Connection) -> Iterator[tuple[sa.Select[Any], sa.ColumnElement[str], _Tell]]:
    """What is read, when it happened, and how a row becomes a fact."""
    yield sa.select(deliveries), _text(deliveries.c.received_at), _delivery
    yield sa.select(runs, _cost(runs.c.id)), _text(runs.c.created_at), _run
    todo = sa.select(todos, _cost(todos.c.run_id, todos.c.id), approvals.c.tree)
    same = (approvals.c.run_id == todos.c.run_id) & (approvals.c.todo_id == todos.c.id)
    todo = todo.join(runs, runs.c.id == todos.c.run_id).outerjoin(approvals, same)
    ended = sa.func.coalesce(todos.c.finished_at, todos.c.started_at, runs.c.created_at)
    yield todo, _text(ended), lambda row: _todo(db, row)
    decided = sa.func.coalesce(sa.func.nullif(approvals.c.decided_at, ""), approvals.c.asked_at)
    yield sa.select(approvals), _text(decided), _approval
    yield sa.select(checks), _text(checks.c.at), _check
    yield sa.select(effects), _text(effects.c.at), _effect
    yield sa.select(controls), _text(controls.c.at), _control
    yield sa.select(evidence), _text(evidence.c.at), _evidence
    yield sa.select(actions), _text(actions.c.at), _action


def _text(column: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    return sa.type_coerce(column, sa.Text())


def _cost(run_id: sa.Column[Any], todo_id: sa.Column[Any] | None = None) -> sa.Label[Any]:
    paid = sa.select(sa.func.coalesce(sa.func.sum(spend.c.spent_usd), 0.0)).where(spend.c.run_id == run_id)
    if todo_id is not None:
        paid = paid.where(spend.c.todo_id == todo_id)
    return paid.scalar_subquery().label("cost_usd")


def _some(row: Mapping[str, Any], *names: str) -> Fact:
    return {name: row[name] for name in names}


def _delivery(row: Mapping[str, Any]) -> Fact:
    names = ("id", "forge", "event", "repository", "ref", "before", "after", "pusher", "decision", "reason", "message")
    return {"fact": "delivery", **_some(row, *names)}


def _run(row: Mapping[str, Any]) -> Fact:
    asked = ("repository", "post_mortem", "title", "incident_date", "commit", "delivery", "source", "dry_run", "devvm")
    came = ("finished_at", "outcome", "reason", "message", "cost_usd")
    return {"fact": "run", "run": row["id"], **_some(row, *asked, *came)}


def _todo(db: Connection, row: Mapping[str, Any]) -> Fact:
    asked = ("repository", "post_mortem", "line", "action", "type", "priority")
    came = ("started_at", "finished_at", "outcome", "reason", "message")
    run_id, todo_id = row["run_id"], row["id"]
    kept = _kept(db, run_id, todo_id)
    return {
        "fact": "todo",
        "run": run_id,
        "todo": todo_id,
        **_some(row, *asked),
        "safe": row["safe"],
        **_some(row, *came),
        "findings": json.loads(row["findings"]),
        "commit": row["commit"],
        "tree": kept["commit"] or row["tree"] or "",
        "diff": kept["edits"],
        "plans": _applied(db, run_id, todo_id),
        "policies": kept["policies"],
        "cost_usd": row["cost_usd"],
    }


def _applied(db: Connection, run_id: str, todo_id: str) -> list[dict[str, str]]:
    """Stack and hash of each plan file whose apply began."""
    keys = db.execute(sa.select(effects.c.key).where(effects.c.run_id == run_id).order_by(effects.c.key)).scalars()
    found = (re.fullmatch(r"apply \S+ (\S+) (\S+) ([0-9a-f]{64})", key) for key in keys)
    return [{"stack": match[2], "sha256": match[3]} for match in found if match and match[1] == todo_id]


def _kept(db: Connection, run_id: str, todo_id: str) -> dict[str, Any]:
    """The tree of its commit, the hash of its last diff, the policies that judged it."""
    of_todo = (evidence.c.run_id == run_id) & (evidence.c.todo_id == todo_id)
    rows = db.execute(sa.select(evidence).where(of_todo).order_by(evidence.c.attempt)).mappings().all()
    hashes = {row["kind"]: row["hash"] for row in rows}
    policies = sorted({row["policy"] for row in rows if row["policy"]})
    return {"commit": hashes.get("commit", ""), "edits": hashes.get("edits", ""), "policies": policies}


def _approval(row: Mapping[str, Any]) -> Fact:
    plans = [_some(plan, "stack", "sha256") for plan in json.loads(row["plans"])]
    about = _some(row, "commit", "tree", "base", "branch")
    said = {"decision": row["decision"], "by": row["decided_by"], **_some(row, "decided_at", "why")}
    place = {"run": row["run_id"], "todo": row["todo_id"]}
    return {"fact": "approval", **place, **about, "plans": plans, "asked_at": row["asked_at"], **said}


def _check(row: Mapping[str, Any]) -> Fact:
    names = ("kind", "subject", "ok", "answer", "reason", "link", "first_at")
    return {"fact": "check", "run": row["run_id"], "todo": row["todo_id"], **_some(row, *names)}


def _effect(row: Mapping[str, Any]) -> Fact:
    return {"fact": "effect", "run": row["run_id"], "key": row["key"]}


def _evidence(row: Mapping[str, Any]) -> Fact:
    names = ("kind", "attempt", "subject", "hash", "exit_code", "policy", "verdict")
    return {"fact": "evidence", "run": row["run_id"], "todo": row["todo_id"], **_some(row, *names)}


def _control(row: Mapping[str, Any]) -> Fact:
    what, run_id = ("pause", "") if row["name"] == PAUSE else ("cancel", row["name"])
    return {"fact": "control", "what": what, "run": run_id, **_some(row, "by", "why")}


def _action(row: Mapping[str, Any]) -> Fact:
    place = {"run": row["run_id"], "todo": row["todo_id"]}
    who, what = _some(row, "by", "how", "action"), _some(row, "subject", "why", "outcome", "reason", "times")
    return {"fact": "action", **who, **place, **what}
