"""A whole web face on a real database for who knocks at it: every kind of identity, and what each request bears."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.testclient import TestClient

from app.acts import Doing
from app.ledger import Ledger, open_ledger
from app.ledger.approvals import Parked
from app.ledger.deliveries import Delivery
from app.ledger.runs import Run, Todo
from app.settings import DatabaseSettings, OIDCSettings, PeopleSettings, RepositorySettings, ServerSettings, Settings
from app.web.application import application
from pipelines import bench

COMMIT = "a" * 40
HERE, AFAR = "127.0.0.1", "192.0.2.7"
CONFIGURED = "of-the-configuration"
PATH = "docs/post-mortems/x.md"
Begun = list[tuple[str, str, str]]


class Door:
    """The application, its ledger, and what was begun by it."""

    def __init__(self, settings: Settings, ledger: Ledger) -> None:
        self.settings, self.ledger = settings, ledger
        self.begun: Begun = []
        acts = Doing(settings, ledger, lambda flow, *about: self.begun.append((flow.__name__, *about)), has_git=False)
        self.app: FastAPI = application(settings, ledger, lambda *_: None, lambda: True, acts=acts)

    def client(self, address: str = HERE, base: str = "http://127.0.0.1:8080", **more: Any) -> TestClient:
        """A browser or program at this address. What is asked of this door from now on is done in its database."""
        bench.use(self.settings, self.ledger)
        options: dict[str, Any] = {"client": (address, 1234), "base_url": base, "follow_redirects": False, **more}
        return TestClient(self.app, **options)

    def logged_in(self, token: str, address: str = AFAR, base: str = "http://ft.example") -> TestClient:
        """A browser whose person logged in by the form."""
        http = self.client(address, base)
        answer = log_in(http, token=token)
        assert answer.status_code == 303, answer.text
        return http


def log_in(http: TestClient, **fields: str) -> Any:
    """Fill in the form as a person does, in a browser that may have been here before."""
    shown = http.get("/login")
    return http.post("/login", content=urlencode({"csrf": field(shown.text, "csrf"), **fields}), headers=FORM)


def field(html: str, name: str) -> str:
    """A hidden field's value."""
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, html
    return found[1]


FORM = {"content-type": "application/x-www-form-urlencoded"}


@cache
def _new_database() -> bytes:
    """An SQLite file with the newest tables and nothing in them: making them takes longer than most tests."""
    with TemporaryDirectory() as folder:
        open_ledger(f"sqlite:///{folder}/l.db").engine.dispose()
        return (Path(folder) / "l.db").read_bytes()


@contextmanager
def door(
    folder: Path, *, url: str = "", people: PeopleSettings | None = None, oidc: str = "", **server: Any
) -> Iterator[Door]:
    """One with a repository; `server` are settings of it."""
    file = folder / "ledger.db"
    if not url and not file.exists():
        file.write_bytes(_new_database())
    url = url or f"sqlite:///{file}"
    ledger = open_ledger(url)
    settings = Settings(
        database=DatabaseSettings(url=url),
        server=ServerSettings(data=folder, **server),
        people=people or PeopleSettings(),
        oidc=OIDCSettings(issuer=oidc, client_id="followthrough", client_secret="of-the-client-and-no-one-else-0001")  # type: ignore[arg-type]
        if oidc
        else OIDCSettings(),
        repository=[RepositorySettings(name="me/infra", clone_url="file:///nowhere/infra.git")],
    )
    try:
        yield Door(settings, ledger)
    finally:
        ledger.engine.dispose()


def add_parked(ledger: Ledger, run_id: str = "r-1", todo_id: str = "t-1") -> None:
    """A run that is over, and a change of it that waits for a person; a run that goes on; a delivery held back."""
    run = Run(run_id, "me/infra", PATH, COMMIT)
    ledger.runs.add(run)
    ledger.runs.add_todos(run, [Todo(todo_id, 0, 7, "Add alert", "", "P1", "Alert", True)])
    ledger.runs.finish_todo(run_id, todo_id, "awaiting-approval", "needs-approval", "PLAN-03")
    plan = {"stack": "stacks/x", "job": "j", "sha256": "c" * 64, "does": ["create x"], "findings": [], "shown": ["+ x"]}
    ledger.approvals.ask(
        Parked(run_id, todo_id, COMMIT, "b" * 40, "d" * 40, f"followthrough/{run_id}/{todo_id}", [plan])
    )
    ledger.runs.finish(run_id, "needs-human")
    ledger.runs.close(run_id)
    ledger.runs.add(Run(f"{run_id}-goes-on", "me/infra", PATH, COMMIT))
    held = ("me/infra", "refs/heads/master", "0" * 40, COMMIT, "", "ignored", "pusher-unknown", "who?")
    ledger.deliveries.store(Delivery("d-1", "git", "reconcile", *held))
