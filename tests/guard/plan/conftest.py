"""Real plans, made once for all tests here."""

from __future__ import annotations

import pytest

from tests.guard.plan.real import Plans


@pytest.fixture(scope="session")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Plans:
    """Plans by the name of their scenario, each made when it is first asked for."""
    return Plans(tmp_path_factory.mktemp("plans"))
