"""The ledger of cage tests, on a database that the migrations made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from app.ledger import Ledger, open_ledger
from app.ledger.cages import CageTest
from app.ledger.schema import metadata

HELD = CageTest("devvm", "f" * 64, "2.1.197", 58, ())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    yield opened
    opened.engine.dispose()


def test_the_migrations_make_what_the_schema_says(ledger: Ledger) -> None:
    with ledger.engine.connect() as db:
        differences = compare_metadata(MigrationContext.configure(db, opts={"compare_type": False}), metadata)
    assert differences == []


def test_a_test_is_of_one_command_on_one_devvm(ledger: Ledger) -> None:
    ledger.cages.keep(HELD)
    found = ledger.cages.find("devvm", "f" * 64)
    assert found is not None
    assert (found.version, found.held, list(found.escapes)) == ("2.1.197", 58, [])
    assert ledger.cages.find("devvm", "0" * 64) is None
    assert ledger.cages.find("other", "f" * 64) is None


def test_the_last_test_counts(ledger: Ledger) -> None:
    for escapes in (["shell: it could"], []):
        ledger.cages.keep(replace(HELD, escapes=escapes))
        found = ledger.cages.find("devvm", "f" * 64)
        assert found is not None
        assert list(found.escapes) == escapes
