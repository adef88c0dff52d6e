"""One PostgreSQL for the tests of workers, a database for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from tests.workers.crew import Crew
from tests.world.database import postgresql


@pytest.fixture(scope="module")
def server() -> Iterator[Any]:
    """A server that can be stopped and started."""
    with postgresql() as running:
        yield running


@pytest.fixture
def url(server: Any, tmp_path: Path) -> str:
    """A new and empty database."""
    base = sa.make_url(server.get_uri())
    admin = sa.create_engine(base.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    name = f"w{abs(hash(tmp_path))}"
    with admin.connect() as db:
        db.exec_driver_sql(f'CREATE DATABASE "{name}"')
    admin.dispose()
    return base.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def crew(tmp_path: Path, url: str) -> Iterator[Crew]:
    """No worker yet."""
    made = Crew(tmp_path, url)
    try:
        yield made
    finally:
        made.close()
