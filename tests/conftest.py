"""What tests of more than one folder stand on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.ledger import open_ledger
from tests.world.slack import Slack


@pytest.fixture
def slack() -> Iterator[Slack]:
    """The fake, empty."""
    with Slack() as running:
        yield running


@pytest.fixture(scope="session")
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that was brought to the newest schema: copied, not made anew for each test."""
    made = tmp_path_factory.mktemp("new") / "l.db"
    open_ledger(f"sqlite:///{made}").engine.dispose()
    return made


@pytest.fixture
def database(tmp_path: Path, new_database: Path) -> None:
    """A copy of it, as l.db in the test's folder."""
    shutil.copy(new_database, tmp_path / "l.db")
