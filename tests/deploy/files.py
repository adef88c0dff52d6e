"""How these tests open the files of the repository."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
CLUSTER = ROOT / "deploy/kubernetes"


def read(path: str | Path) -> Any:
    """A YAML file, below the repository's root unless absolute."""
    return YAML(typ="safe").load(ROOT / path)


def program(path: str) -> ModuleType:
    """A script of deploy/ as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
