"""The sample infrastructure repository, and its stacks brought to the state that the repository asks for."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.world.processes import WorldError

SAMPLE = Path(__file__).with_name("sample")
POST_MORTEMS = "docs/post-mortems"
POST_MORTEM = f"{POST_MORTEMS}/2026-04-14-nfs-outage.md"
STACKS = tuple(sorted(folder.name for folder in (SAMPLE / "stacks").iterdir()))


def sample_files() -> dict[str, bytes]:
    """The repository before anybody wrote a post-mortem: path to content."""
    paths = [path for path in SAMPLE.rglob("*") if path.is_file()]
    found = {str(path.relative_to(SAMPLE)): path.read_bytes() for path in paths}
    return {path: data for path, data in found.items() if not path.startswith(f"{POST_MORTEMS}/")}


def sample_post_mortem() -> bytes:
    """The post-mortem that the demo pushes."""
    return (SAMPLE / POST_MORTEM).read_bytes()


def wrapper_environment(path: str, states: Path, data: Path) -> dict[str, str]:
    """What scripts/tg needs when a person runs it."""
    return {"PATH": path, "HOME": str(data), "SAMPLE_STATE_DIR": str(states), "TF_DATA_DIR": str(data)}


def tg(checkout: Path, stack: str, words: list[str], env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run scripts/tg in the folder of one stack."""
    argv = [str(checkout / "scripts" / "tg"), *words]
    return subprocess.run(argv, cwd=checkout / "stacks" / stack, env=dict(env), capture_output=True, text=True)


def apply_stacks(checkout: Path, states: Path, path: str) -> None:
    """Plan and apply every stack of a checkout, so that the next plan of each is empty. Raises WorldError."""
    states.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda stack: _apply(checkout, stack, states, path), STACKS))


def _apply(checkout: Path, stack: str, states: Path, path: str) -> None:
    with tempfile.TemporaryDirectory(prefix="followthrough-init-") as folder:
        env = wrapper_environment(path, states, Path(folder))
        plan = f"{folder}/first.plan"
        for words in (["plan", "-input=false", f"-out={plan}"], ["apply", "--non-interactive", plan]):
            done = tg(checkout, stack, words, env)
            if done.returncode:
                said = (done.stdout + done.stderr)[-2000:]
                raise WorldError(f"scripts/tg {words[0]} of the sample's stack {stack} failed:\n{said}")
