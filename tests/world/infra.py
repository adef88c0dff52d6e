"""The sample infrastructure repository, and its stacks brought to the state that the repository asks for."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.world.processes import ROOT, WorldError
from tests.world.prometheus import Prometheus

SAMPLE = Path(__file__).with_name("sample")
POST_MORTEMS = "docs/post-mortems"
POST_MORTEM = f"{POST_MORTEMS}/2026-04-14-nfs-outage.md"
INVENTORY = "monitors.yaml"
_KEPT = ROOT / ".tools" / "sample-states"
STACKS = tuple(sorted(folder.name for folder in (SAMPLE / "stacks").iterdir()))


def sample_files(inventory: bool = False) -> dict[str, bytes]:
    """The repository before anybody wrote a post-mortem, path to content; with the inventory of monitors or without."""
    paths = [path for path in SAMPLE.rglob("*") if path.is_file()]
    found = {str(path.relative_to(SAMPLE)): path.read_bytes() for path in paths}
    left_out = (f"{POST_MORTEMS}/",) if inventory else (f"{POST_MORTEMS}/", INVENTORY)
    return {path: data for path, data in found.items() if not path.startswith(left_out)}


def sample_post_mortem() -> bytes:
    """The post-mortem that the demo pushes."""
    return (SAMPLE / POST_MORTEM).read_bytes()


def wrapper_environment(path: str, states: Path, data: Path, prometheus: Prometheus | None = None) -> dict[str, str]:
    """What scripts/tg needs when a person runs it."""
    usual = {"PATH": path, "HOME": str(data), "SAMPLE_STATE_DIR": str(states), "TF_DATA_DIR": str(data)}
    return usual | deployment(prometheus)


def deployment(prometheus: Prometheus | None) -> dict[str, str]:
    """The variables by which scripts/tg deploys rules to a Prometheus; none, and it deploys nowhere."""
    if prometheus is None:
        return {}
    rules, pid_file = str(prometheus.rules_folder), str(prometheus.pid_file)
    return {"SAMPLE_RULES_DIR": rules, "SAMPLE_PROMETHEUS_PID_FILE": pid_file}


def tg(checkout: Path, stack: str, words: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run scripts/tg in the folder of one stack."""
    argv = [str(checkout / "scripts" / "tg"), *words]
    return subprocess.run(argv, cwd=checkout / "stacks" / stack, env=dict(env), capture_output=True, text=True)


def apply_stacks(checkout: Path, states: Path, path: str, prometheus: Prometheus | None = None) -> None:
    """Plan and apply every stack of a checkout, so that the next plan of each is empty. Raises WorldError."""
    states.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda stack: _apply(checkout, stack, states, path, prometheus), STACKS))


def sample_states(checkout: Path, states: Path, path: str, version: str, prometheus: Prometheus | None = None) -> None:
    """Like `apply_stacks`, for the sample as it is: applied once for each terraform, its states copied from then on.

    `version` is what the terraform on `path` says of itself. Rules are deployed by an apply, so with a Prometheus the
    stack that has them is applied for real each time.
    """
    files = sorted(sample_files(inventory=True).items())
    of_what = hashlib.sha256(repr((version, files)).encode()).hexdigest()[:16]
    kept = _KEPT / of_what
    if not kept.is_dir():
        made = Path(tempfile.mkdtemp(prefix=f"{of_what}-", dir=_made(_KEPT)))
        apply_stacks(checkout, made, path)
        try:
            made.rename(kept)
        except OSError:
            # Somebody who was faster made the same.
            shutil.rmtree(made)
    shutil.copytree(kept, states, dirs_exist_ok=True)
    if prometheus:
        (states / "monitoring.tfstate").unlink()
        _apply(checkout, "monitoring", states, path, prometheus)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _apply(checkout: Path, stack: str, states: Path, path: str, prometheus: Prometheus | None) -> None:
    with tempfile.TemporaryDirectory(prefix="followthrough-init-") as folder:
        env = wrapper_environment(path, states, Path(folder), prometheus)
        plan = f"{folder}/first.plan"
        for words in (["plan", "-input=false", f"-out={plan}"], ["apply", "--non-interactive", plan]):
            done = tg(checkout, stack, words, env)
            if done.returncode:
                said = (done.stdout + done.stderr)[-2000:]
                raise WorldError(f"scripts/tg {words[0]} of the sample's stack {stack} failed:\n{said}")
