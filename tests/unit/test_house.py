"""Rules of the house that import contracts cannot say: sizes, and single homes of dangerous things."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted([*ROOT.glob("app/**/*.py"), *ROOT.glob("pipelines/**/*.py")])


def tree(module: Path) -> ast.Module:
    return ast.parse(module.read_text())


@pytest.mark.parametrize("module", MODULES, ids=lambda m: str(m.relative_to(ROOT)))
def test_modules_stay_small_and_say_what_they_are(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 300
    if module.stat().st_size > 2 and "versions" not in module.parts:
        assert ast.get_docstring(tree(module)), "a module begins with what it is"


def test_functions_fit_a_screen() -> None:
    too_long = [
        f"{module.relative_to(ROOT)}:{node.name}"
        for module in MODULES
        if "versions" not in module.parts
        for node in ast.walk(tree(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (node.end_lineno or 0) - node.lineno > 60
    ]
    assert too_long == []


def test_the_environment_is_read_in_settings_alone() -> None:
    readers = {
        str(module.relative_to(ROOT))
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Attribute) and node.attr in ("environ", "getenv")
    }
    assert readers <= {"app/settings/__init__.py"}


def test_subprocess_lives_in_edges_alone() -> None:
    users = {
        str(module.relative_to(ROOT))
        for module in MODULES
        for node in ast.walk(tree(module))
        if isinstance(node, ast.Import | ast.ImportFrom)
        and any("subprocess" in name for name in [*(a.name for a in node.names), getattr(node, "module", "") or ""])
    }
    assert all(user.startswith("app/edges/") for user in users)


def test_public_functions_of_the_core_say_what_they_do() -> None:
    silent = [
        f"{module.relative_to(ROOT)}:{node.name}"
        for module in MODULES
        if "versions" not in module.parts and "web" not in module.parts
        for node in tree(module).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []
