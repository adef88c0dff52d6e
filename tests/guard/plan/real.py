"""Plans that a real terraform made, of nothing but its built-in provider: no registry, no network."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.world.terraform import terraform_path

_STATE = '{"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "l", "outputs": {}, "resources": []}'
HEAD = 'terraform {\n  backend "local" {}\n}\n'
X = 'resource "terraform_data" "x" {\n  input = { threshold = 85, text = "disk is full" }\n}\n'
FULLER = X.replace("85", "90")


@dataclass(frozen=True)
class Planned:
    """What `show -json`, the exit code and the plan itself said; `baseline` is the JSON of the plan before the edit."""

    shown: str
    exit_code: int
    text: str
    baseline: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.shown)
        return found


class Stack:
    """One folder with one configuration and its state."""

    def __init__(self, folder: Path, path: str) -> None:
        folder.mkdir(parents=True)
        self.folder, self._path = folder, path
        for name in ("one", "two"):
            (folder / f"{name}.tfstate").write_text(_STATE)

    def write(self, text: str, name: str = "main.tf") -> None:
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text((HEAD if name == "main.tf" else "") + text)

    def run(self, *argv: str) -> subprocess.CompletedProcess[str]:
        env = {"PATH": self._path, "HOME": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
        command = ["terraform", *argv]
        return subprocess.run(command, cwd=self.folder, env=env, capture_output=True, text=True, timeout=60)

    def apply(self, text: str, succeeds: bool = True) -> None:
        """Make it so, from nothing or from what is there."""
        self.write(text)
        assert self.run("init", "-input=false", "-no-color").returncode == 0
        done = self.run("apply", "-auto-approve", "-input=false", "-no-color")
        assert (done.returncode == 0) == succeeds, done.stderr

    def plan(self, text: str | None = None, *flags: str) -> Planned:
        """Plan what is there as the baseline, then the edited configuration (or what the flags ask for)."""
        before = self._plan() if (self.folder / "main.tf").exists() else None
        if text is not None:
            self.write(text)
            assert self.run("init", "-input=false", "-no-color").returncode == 0
        planned = self._plan(*flags)
        return Planned(planned.shown, planned.exit_code, planned.text, before.shown if before else "")

    def _plan(self, *flags: str) -> Planned:
        done = self.run("plan", "-input=false", "-no-color", "-detailed-exitcode", "-out=plan.bin", *flags)
        shown = self.run("show", "-json", "plan.bin").stdout
        return Planned(shown, done.returncode, done.stdout + done.stderr, "")


Scenario = Callable[[Stack], Planned]


def edited(before: str, after: str, *flags: str) -> Scenario:
    """Apply the one, plan the other."""

    def make(stack: Stack) -> Planned:
        stack.apply(before)
        return stack.plan(after, *flags)

    return make


def _created(stack: Stack) -> Planned:
    stack.apply("")
    return stack.plan(X)


def _deposed(stack: Stack) -> Planned:
    """A replacement that creates first and fails there leaves the old object behind, deposed."""
    fails = _CBD.replace("}\n}", '}\n  provisioner "local-exec" { command = "exit 1" }\n}')
    stack.apply(_CBD)
    stack.apply(fails.replace("= 1", "= 2"), succeeds=False)
    return stack.plan(_CBD.replace("= 1", "= 2"))


def _with_module(source: str) -> Scenario:
    def make(stack: Stack) -> Planned:
        stack.write('resource "terraform_data" "y" { input = 1 }\n', "m/one.tf")
        stack.write('resource "terraform_data" "y" { input = 1 }\n', "n/one.tf")
        stack.apply('module "m" { source = "./m" }\n')
        return stack.plan(f'module "m" {{ source = "{source}" }}\n')

    return make


def _read(path: str) -> str:
    return (
        'data "terraform_remote_state" "r" {\n  backend = "local"\n  defaults = {}\n'
        f"  config = {{ path = {path} }}\n}}\n"
    )


_CBD = 'resource "terraform_data" "x" {\n  triggers_replace = 1\n  lifecycle { create_before_destroy = true }\n}\n'
_PROVISIONED = X.replace("}\n}", '}\n  provisioner "local-exec" { command = "true" }\n}')
_SECRET = (
    'variable "pw" {\n  default = "correct-horse-battery"\n  sensitive = true\n}\n'
    'resource "terraform_data" "x" { input = { pw = var.pw, threshold = 1 } }\n'
)
_CHECK = (
    'check "low" {\n  assert {\n    condition     = terraform_data.x.input.threshold < 88\n'
    '    error_message = "no"\n  }\n}\n'
)
_GUARDED = "locals { no = false }\n" + X.replace(
    "}\n}",
    '}\n  lifecycle {\n    precondition {\n      condition = local.no\n      error_message = "no"\n    }\n  }\n}',
)
_KEPT = X.replace("}\n}", "}\n  lifecycle { prevent_destroy = true }\n}")
_TWO = X + X.replace('"x"', '"y"')

SCENARIOS: dict[str, Scenario] = {
    "create": _created,
    "update": edited(X, FULLER),
    "delete": edited(X, ""),
    "count to nothing": edited(X.replace("input", "count = 1\n  input"), X.replace("input", "count = 0\n  input")),
    "destroy": edited(X, X, "-destroy"),
    "replace": edited(
        'resource "terraform_data" "x" { triggers_replace = 1 }\n',
        'resource "terraform_data" "x" { triggers_replace = 2 }\n',
    ),
    "replace, create first": edited(_CBD, _CBD.replace("= 1", "= 2")),
    "replace by request": edited(X, X, "-replace=terraform_data.x"),
    "deposed": _deposed,
    "forget": edited(X, "removed {\n  from = terraform_data.x\n  lifecycle { destroy = false }\n}\n"),
    "move": edited(X, X.replace('"x"', '"y"') + "moved {\n  from = terraform_data.x\n  to = terraform_data.y\n}\n"),
    "import": edited("", X + 'import {\n  to = terraform_data.x\n  id = "i"\n}\n'),
    "check fails": edited(X + _CHECK, FULLER + _CHECK),
    "check fails, nothing else": edited(X, X + _CHECK.replace("88", "2")),
    "output": edited(X + 'output "o" { value = 1 }\n', X + 'output "o" { value = 2 }\n'),
    "output goes": edited(X + 'output "o" { value = 1 }\n', X),
    "output unmarked": edited(
        _SECRET + 'output "o" {\n  value = var.pw\n  sensitive = true\n}\n',
        _SECRET + 'output "o" { value = nonsensitive(var.pw) }\n',
    ),
    "targeted": edited(_TWO, _TWO.replace("85", "90"), "-target=terraform_data.x"),
    "errored": edited(X, _GUARDED),
    "empty": edited(X, X),
    "refresh only": edited(X, X, "-refresh-only"),
    "prevent_destroy removed": edited(_KEPT, X),
    "prevent_destroy goes with its block": edited(_KEPT, ""),
    "provisioner on create": edited("", _PROVISIONED),
    "provisioner added": edited(X, _PROVISIONED.replace("85", "90")),
    "provisioner kept": edited(_PROVISIONED, _PROVISIONED.replace("85", "90")),
    "data source added": edited(X, FULLER + _read('"one.tfstate"')),
    "data source changed": edited(X + _read('"one.tfstate"'), FULLER + _read('"two.tfstate"')),
    "data source during apply": edited(X, FULLER + _read("terraform_data.x.output.text")),
    "module source": _with_module("./n"),
    "five creates": edited("", X.replace("input", "count = 5\n  input")),
    "mark removed": edited(
        _SECRET, _SECRET.replace("pw = var.pw", "pw = nonsensitive(var.pw)").replace("= 1 }", "= 2 }")
    ),
    "secret beside it": edited(_SECRET, _SECRET.replace("threshold = 1", "threshold = 2")),
}


class Plans:
    """Makes each plan when it is first asked for, once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = terraform_path(folder / "bin")
        self._made: dict[str, Planned] = {}

    def __getitem__(self, name: str) -> Planned:
        if name not in self._made:
            self._made[name] = self.make(name, SCENARIOS[name])
        return self._made[name]

    def make(self, name: str, scenario: Scenario) -> Planned:
        """A plan of one's own, kept under its name."""
        if name not in self._made:
            self._made[name] = scenario(Stack(self._folder / name.replace(" ", "-"), self._path))
        return self._made[name]
