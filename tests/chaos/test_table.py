"""Every fault that the manual tells of is held by tests that are there."""

from __future__ import annotations

import ast

import pytest

from tests.chaos.table import rows
from tests.world.processes import ROOT


def test_the_table_is_found() -> None:
    assert len(rows()) > 20
    assert len({fault for fault, _ in rows()}) == len(rows())


@pytest.mark.parametrize(("fault", "tests"), rows(), ids=lambda value: value if isinstance(value, str) else "")
def test_a_fault_names_tests_that_are_there(fault: str, tests: list[tuple[str, str]]) -> None:
    assert tests, fault
    for file, name in tests:
        parsed = ast.parse((ROOT / file).read_text())
        there = {node.name for node in parsed.body if isinstance(node, ast.FunctionDef) and node.name[:5] == "test_"}
        assert name in there if name else there, f"{file}::{name}"
