"""A ledger as a service has it after some days, and people who look at its pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from app.acts import Doing
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.deliveries import Delivery
from app.ledger.runs import Run, Todo
from app.settings import AgentSettings, DevVMSettings, PeopleSettings, RepositorySettings, ServerSettings, Settings
from app.web.application import application

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202egnp.exe"
COMMIT = "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678"
PARKED = "me-infra-a1b2c3d4e5f6-00000001"
LIVE = "me-infra-a1b2c3d4e5f6-00000002"
BAD = "me-infra-a1b2c3d4e5f6-00000003"


def settings_of(tmp_path: Path) -> Settings:
    """One repository, two DevVMs, and people whom a proxy on this machine names."""
    return Settings(
        server=ServerSettings(trusted_proxies=["127.0.0.1"], proxy_user_header="X-User", data=tmp_path / "data"),
        people=PeopleSettings(
            readers=["user:rea"], approvers=["user:app", "user:oli"], operators=["user:ops", "user:oli"]
        ),
        agent=AgentSettings(day_budget_usd=20),
        repository=[
            RepositorySettings(
                name="me/infra", clone_url="ssh://git@forge/me/infra", web_url="https://forge.example/me/infra"
            )
        ],
        devvm=[
            DevVMSettings(name=name, host="192.0.2.1", user="ci", host_key="ssh-ed25519 AAAA")
            for name in ("vm-1", "vm-2")
        ],
    )


class Begun:
    """What acts had begin: `all`, the name of each flow and its subject."""

    def __init__(self) -> None:
        self.all: list[tuple[str, str]] = []

    def __call__(self, flow: object, subject: str, lane: str) -> None:
        self.all.append((getattr(flow, "__name__", ""), subject))


@contextmanager
def scene(tmp_path: Path, settings: Settings | None = None) -> Iterator[tuple[Ledger, TestClient, Begun]]:
    """A ledger, a browser that a trusted proxy stands before, and what acts have begun."""
    ledger, begun = open_ledger(f"sqlite:///{tmp_path}/ledger.db"), Begun()
    known = settings or settings_of(tmp_path)
    acts = Doing(known, ledger, begun, has_git=False)
    app = application(known, ledger, lambda *_: None, lambda: True, acts=acts)
    with TestClient(app, client=("127.0.0.1", 1234), base_url="http://127.0.0.1:8080", follow_redirects=False) as http:
        yield ledger, http, begun
    ledger.engine.dispose()


def as_user(name: str) -> dict[str, str]:
    """The headers of a request of this person."""
    return {"X-User": name}


def csrf_of(http: TestClient, path: str, user: str) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="csrf" value="([0-9a-f]{64})"', http.get(path, headers=as_user(user)).text)
    assert found, f"{path} has no form for {user}"
    return found[1]


def ago(**time: float) -> str:
    """So long ago, as the ledger writes it."""
    return (datetime.now(UTC) - timedelta(**time)).strftime("%Y-%m-%dT%H:%M:%SZ")


def add_run(ledger: Ledger, run_id: str, title: str, *todos: Todo, delivery: str = "", devvm: str = "vm-1") -> Run:
    """A run with its TODOs, going on."""
    run = Run(
        run_id, "me/infra", f"docs/post-mortems/{title.lower().replace(' ', '-')[:40]}.md", COMMIT, delivery=delivery
    )
    ledger.runs.add(run)
    ledger.runs.describe(run_id, title=title, incident_date="2026-11-18", devvm=devvm)
    ledger.runs.add_todos(run, list(todos))
    return run


def todo(todo_id: str, action: str, kind: str = "Alert", safe: bool = True) -> Todo:
    """An open TODO."""
    return Todo(todo_id, 0, 12, action, "", "P1", kind, safe, "" if safe else "type-not-safe")


def park(
    ledger: Ledger, run_id: str = PARKED, action: str = "Alert when etcd's disk is slow", todo_id: str = "t-1"
) -> None:
    """A run whose only TODO waits for a person."""
    add_run(ledger, run_id, "Cluster API down for 40 minutes", todo(todo_id, action))
    findings = [
        {
            "rule": "PLAN-10",
            "where": "monitoring",
            "why": "the plan creates 5 resources, at most 3 are allowed",
            "decision": "needs-approval",
        },
        {
            "rule": "LIVE-03",
            "where": "EtcdDiskSlow",
            "why": "it would fire now for 1 series; raise the limit",
            "decision": "needs-approval",
        },
    ]
    plan = {
        "stack": "monitoring",
        "job": "/var/tmp/followthrough/runs/x",
        "sha256": "ab" * 32,
        "does": ["create grafana_rule_group.etcd", "update grafana_rule_group.api"],
        "findings": [],
        "shown": [
            "+ grafana_rule_group.etcd",
            '    name = "etcd"',
            "    for = 10m",
            "    token = (sensitive)",
            "~ grafana_rule_group.api",
            "    interval = 60 -> 30",
        ],
    }
    ledger.approvals.ask(
        Parked(run_id, todo_id, COMMIT, "b" * 40, "c" * 40, f"followthrough/{run_id}/{todo_id}", [plan])
    )
    ledger.runs.finish_todo(
        run_id, todo_id, "awaiting-approval", "approval-needed", "PLAN-10 monitoring: 5 creates", findings
    )
    ledger.runs.finish(run_id, "needs-human")
    ledger.runs.close(run_id)


def fill(ledger: Ledger) -> None:
    """Something of everything that pages show."""
    for number, (decision, reason, message) in enumerate(
        (
            ("accepted", "runs-started", "1 post-mortems among 3 files"),
            ("ignored", "other-branch", "refs/heads/topic is not the branch that is deployed"),
            ("accepted", "fetch-failed", "fetching me/infra: the forge did not answer within 30 s"),
            ("ignored", "event-not-handled", "issues events cause nothing"),
            ("accepted", "", ""),
        )
    ):
        event = "issues" if reason == "event-not-handled" else "push"
        place = ("me/infra", "refs/heads/master", "0" * 40, COMMIT, "viktor") if event == "push" else ("",) * 5
        ledger.deliveries.store(
            Delivery(f"72d3162e-cc78-11e3-81ab-{number:012}", "github", event, *place, decision, reason, message)
        )
    ledger.deliveries.reject("bad-signature")
    ledger.deliveries.reject("bad-signature")
    park(ledger)
    add_run(
        ledger,
        LIVE,
        "Ingress certificates ran out",
        todo("t-1", "Alert 14 days before a certificate ends"),
        todo("t-2", "Monitor the login page", "Monitor"),
        delivery="72d3162e-cc78-11e3-81ab-000000000000",
    )
    ledger.runs.finish_todo(LIVE, "t-1", "done", "", "create grafana_rule_group.certificates")
    ledger.runs.note(LIVE, "plan", "stacks/monitoring: terraform plan", "t-2")
    add_run(
        ledger,
        BAD,
        "Disk of the database was full",
        todo("t-1", "Alert when the disk fills within a day"),
        todo("t-2", "Raise the limit of connections", "Config"),
        todo("t-3", "Move the backups", "Migration", safe=False),
    )
    ledger.runs.finish_todo(
        BAD,
        "t-1",
        "unknown",
        "apply-lost",
        "applying stacks/dbaas: the connection ended while terraform applied; look at the stack",
    )
    refused = [
        {"rule": "FILE-03", "where": "stacks/vault/main.tf", "why": "the stack vault is protected", "decision": "block"}
    ]
    ledger.runs.finish_todo(
        BAD, "t-2", "refused", "change-refused", "FILE-03 stacks/vault/main.tf: the stack vault is protected", refused
    )
    ledger.runs.finish_todo(BAD, "t-3", "needs-human", "type-not-safe", "")
    ledger.runs.finish(BAD, "unknown")
    ledger.runs.close(BAD)
    ledger.spend.reserve(LIVE, "t-1", 1, 2.0)
    ledger.spend.settle(LIVE, "t-1", 1, 1.37)
    ledger.spend.reserve(LIVE, "t-2", 1, 2.0)
    ledger.devvms.answered("vm-1")
    ledger.devvms.failed("vm-2", "ssh-unreachable", "connecting to vm-2: no answer from 192.0.2.1:22 within 10 s")
