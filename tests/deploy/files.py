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


def scrape_config(static: list[dict[str, Any]]) -> dict[str, Any]:
    """deploy/prometheus/scrape.yml with these in the place of its discovery, which Debian's Prometheus lacks."""
    config = read("deploy/prometheus/scrape.yml")
    for job in config["scrape_configs"]:
        del job["kubernetes_sd_configs"]
        job["static_configs"] = static
    config["rule_files"] = [str(ROOT / "deploy/prometheus" / file) for file in config["rule_files"]]
    return dict(config)


def program(path: str) -> ModuleType:
    """A script of deploy/ as a module."""
    spec = importlib.util.spec_from_file_location(Path(path).stem, ROOT / path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
