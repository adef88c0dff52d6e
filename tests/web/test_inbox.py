"""A 2xx means that the delivery is on the disk: many at once, others who write, a crash right after the answer."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from sqlalchemy.exc import OperationalError

from app.ledger import Ledger, database, open_ledger
from app.ledger.deliveries import Delivery
from app.ledger.inbox import Inbox
from tests.hang import ends
from tests.world.payload import signed_headers
from tests.world.processes import ROOT, free_port

SECRET = "for this test alone"
SERVICE = """
import sys, uvicorn
from app.ledger import open_ledger
from app.settings import DevVMSettings, GitHubSettings, RepositorySettings, Settings
from app.web.application import application
port, database, secret = int(sys.argv[1]), sys.argv[2], sys.argv[3]
settings = Settings(
    github=GitHubSettings(webhook_secrets=[secret]),
    devvm=[DevVMSettings(host="127.0.0.1", user="u", host_key="k")],
    repository=[RepositorySettings(name="me/infra", clone_url="x")],
)
app = application(settings, open_ledger(database), lambda *_: None, lambda: True)
uvicorn.run(app, port=port, log_level="critical")
"""


def delivery(name: str) -> Delivery:
    return Delivery(
        name, "github", "push", "me/infra", "refs/heads/master", "a" * 40, "b" * 40, "me", "accepted", "", ""
    )


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return open_ledger(f"sqlite:///{tmp_path}/ledger.db")


def test_those_of_one_moment_are_all_kept_and_each_id_once(ledger: Ledger) -> None:
    async def at_once() -> list[bool]:
        inbox = Inbox(ledger.engine, ledger.deliveries)
        return await asyncio.gather(*(inbox.store(delivery(f"d-{n % 100}")) for n in range(200)))

    results = asyncio.run(at_once())
    assert results == [True] * 100 + [False] * 100
    assert len(ledger.deliveries.newest(1000)) == 100


def test_while_somebody_else_writes_it_waits_and_the_loop_goes_on(ledger: Ledger, tmp_path: Path) -> None:
    async def meanwhile() -> tuple[bool, bool]:
        inbox = Inbox(ledger.engine, ledger.deliveries)
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            storing = asyncio.create_task(inbox.store(delivery("d-1")))
            for _ in range(20):
                await asyncio.sleep(0.001)
            early = storing.done()
            other.execute("COMMIT")
            return early, await storing

    with ends():
        assert asyncio.run(meanwhile()) == (False, True)


def test_what_cannot_be_written_is_said_to_each_of_them_and_the_next_is_kept(ledger: Ledger) -> None:
    async def attempts() -> tuple[list[object], bool]:
        inbox = Inbox(ledger.engine, ledger.deliveries)
        with ledger.engine.begin() as db:
            db.exec_driver_sql("ALTER TABLE deliveries RENAME TO away")
        failed = await asyncio.gather(*(inbox.store(delivery(f"d-{n}")) for n in range(3)), return_exceptions=True)
        with ledger.engine.begin() as db:
            db.exec_driver_sql("ALTER TABLE away RENAME TO deliveries")
        return list(failed), await inbox.store(delivery("d-1"))

    failed, then = asyncio.run(attempts())
    assert [type(error) for error in failed] == [OperationalError] * 3
    assert then


def test_what_is_written_is_on_the_disk_before_anybody_is_told(ledger: Ledger) -> None:
    with database.impatient(ledger.engine) as own:
        assert own.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert own.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"


def test_who_hangs_up_takes_nobody_with_them(ledger: Ledger) -> None:
    async def hung_up() -> bool:
        inbox = Inbox(ledger.engine, ledger.deliveries)
        first = asyncio.create_task(inbox.store(delivery("d-1")))
        second = asyncio.create_task(inbox.store(delivery("d-2")))
        await asyncio.sleep(0)
        first.cancel()
        return await second

    assert asyncio.run(hung_up())
    assert {row["id"] for row in ledger.deliveries.newest()} == {"d-1", "d-2"}


def test_a_kill_right_after_the_answers_loses_none_of_them(tmp_path: Path) -> None:
    port = free_port()
    argv = [sys.executable, "-c", SERVICE, str(port), f"sqlite:///{tmp_path}/l.db", SECRET]
    service = subprocess.Popen(argv, cwd=tmp_path, env={"PATH": os.defpath, "PYTHONPATH": str(ROOT)})
    acknowledged: list[str] = []
    try:
        _answers(port)

        def send(number: int) -> None:
            body = json.dumps(
                {
                    "ref": "refs/heads/master",
                    "before": "a" * 40,
                    "after": f"{number:040x}",
                    "repository": {"full_name": "me/infra"},
                    "pusher": {"name": "me"},
                }
            ).encode()
            headers = signed_headers(body, SECRET, delivery=f"d-{number}")
            try:
                answer = client.post(f"http://127.0.0.1:{port}/webhooks/github", content=body, headers=headers)
            except httpx.TransportError:
                return
            if answer.status_code == 202:
                acknowledged.append(f"d-{number}")
            if number == 40:
                service.send_signal(signal.SIGKILL)

        with httpx.Client(timeout=30) as client, ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(60)))
    finally:
        service.kill()
        service.wait()
    assert len(acknowledged) > 20
    kept = {row["id"] for row in open_ledger(f"sqlite:///{tmp_path}/l.db").deliveries.newest(1000)}
    assert set(acknowledged) <= kept


def _answers(port: int) -> None:
    with ends():
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.05)
