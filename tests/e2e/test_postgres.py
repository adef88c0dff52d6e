"""The same code on PostgreSQL, which is what Docker Compose and several workers use."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tests.e2e.conftest import FIX, FOLLOW_UP, PATH, command, deliver, finished, log, post_mortem, push
from tests.world.database import postgresql
from tests.world.world import Options, World


@pytest.fixture
def url() -> Iterator[str]:
    """A server of its own."""
    with postgresql() as server:
        yield server.get_uri()


def test_a_run_after_a_crash_and_one_process_of_a_name_in_one_place(tmp_path: Path, url: str) -> None:
    (tmp_path / "world").mkdir()
    with World(tmp_path / "world", Options(changes={"database": {"url": url}})) as world:
        commits = push(world, {PATH: post_mortem()})
        service = world.serve()
        deliver(world, commits)
        second = command(world, "serve", timeout=60)
        assert second.returncode == 1
        assert "already-running" in second.stderr
        service.kill()
        world.serve()
        assert finished(world)["outcome"] == "done"
        assert log(world, commits[1]) == [FIX, FOLLOW_UP]
        world.stop_service()
    engine = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"))
    with engine.connect() as db:
        assert db.execute(sa.text("SELECT outcome FROM runs")).scalars().all() == ["done"]
    engine.dispose()
