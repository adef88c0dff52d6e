"""From a delivery to the agent's first request of the model, beside the same command started by a bare `ssh`.

Both start the real Claude Code command on the same DevVM with the same environment and talk to the same scripted
model, in turns. Ours does before that what makes it safe: the push is looked into, the post-mortem read, a worktree and
the agent's copy made, while the command is up already and waits for its prompt; where its time goes is read from the
service's own measure of its steps.
"""

from __future__ import annotations

import json
import re
import shlex
import statistics
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx

from app.agent.command import environment
from bench.told import Thinking, all_over, post_mortem, push, wait_for
from tests.world.model import API_KEY, Attempt
from tests.world.world import Options, World, temporary_folder

ACTION = "Look at the frontend, number {n}"
_STEP = re.compile(r'followthrough_step_seconds_sum\{outcome="ok",step="(\w+)"\} (\S+)')


def measure(rounds: int = 7) -> dict[str, Any]:
    """Medians in seconds of both ways, their ratio, and the steps that ours took up to the first request."""
    ours, bare, steps = [], [], []
    changes = {"agent": {"day_budget_usd": 10_000}}
    with temporary_folder() as folder, World(folder, Options(changes=changes)) as world:
        world.serve()
        _ours(world, 0)
        _bare(world, folder, 0)
        for n in range(1, rounds + 1):
            taken, where = _ours(world, n)
            ours.append(taken)
            steps.append(where)
            bare.append(_bare(world, folder, n))
    names = {name for found in steps for name in found}
    return {
        "ours_seconds": round(statistics.median(ours), 2),
        "bare_seconds": round(statistics.median(bare), 2),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 2),
        "steps_seconds": {
            name: round(statistics.median(found.get(name, 0.0) for found in steps), 3) for name in sorted(names)
        },
    }


def _ours(world: World, n: int) -> tuple[float, dict[str, float]]:
    """Seconds until the first request, and of each step that had ended by then."""
    action, gate = ACTION.format(n=n), Thinking()
    world.model.gates[action] = gate
    world.model.script = {action: [Attempt(text="Nothing to do.")]}
    before = _steps(world)
    sent = push(world, f"first-{n}", [post_mortem(f"First {n}", [(action, "Config", "stacks/web")])])
    wait_for("the first request", lambda: bool(gate.asked), 0.005)
    after = _steps(world)
    wait_for("the end of the run", lambda: all_over(world, n + 1))
    where = {name: seconds - before.get(name, 0.0) for name, seconds in after.items()}
    return gate.asked[0] - sent, {name: seconds for name, seconds in where.items() if seconds > 0}


def _steps(world: World) -> dict[str, float]:
    """Seconds that each step has taken so far, all together."""
    text = httpx.get(f"{world.url}/metrics", timeout=30).text
    return {name: float(seconds) for name, seconds in _STEP.findall(text)}


def _bare(world: World, folder: Path, n: int) -> float:
    """Seconds from starting ssh to the first request."""
    action, gate = f"Bare, number {n}", Thinking()
    world.model.gates[action] = gate
    world.model.script = {action: [Attempt(text="Nothing to do.")]}
    machine = world.devvm
    key, known = folder / "bare_key", folder / "bare_known_hosts"
    key.touch(mode=0o600)
    key.write_text(machine.private_key)
    known.write_text(f"[{machine.host}]:{machine.port} {machine.host_key}\n")
    task = json.dumps({"tree": str(machine.home / "infra"), "todo": {"action": action}})
    variables = environment(world.path, str(machine.home), world.model.url) | {"ANTHROPIC_API_KEY": API_KEY}
    words = [*(f"{name}={value}" for name, value in variables.items())]
    claude = [str(world.claude), "-p", f"Look at the frontend.\n{task}", "--model", "sonnet"]
    line = f"cd {shlex.quote(str(machine.home / 'infra'))} && env -i {shlex.join([*words, *claude])}"
    options = ["-o", f"UserKnownHostsFile={known}", "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes"]
    argv = ["ssh", "-F", "none", "-i", str(key), "-p", str(machine.port), *options, f"{machine.user}@{machine.host}"]
    began = time.perf_counter()
    subprocess.run([*argv, line], stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=120)
    return gate.asked[0] - began
