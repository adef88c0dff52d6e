"""How long a post-mortem takes whose n TODOs touch n different stacks, beside one with a single TODO.

The model is scripted and thinks for the same time before each answer, as a real one does; terraform, the DevVM and
everything else are real, so the part that is work of this machine grows with n where it has few cores.
"""

from __future__ import annotations

import time
from typing import Any

from bench.told import Thinking, all_over, post_mortem, push, wait_for
from tests.world.infra import tg, wrapper_environment
from tests.world.model import Attempt, edit, read
from tests.world.processes import WorldError
from tests.world.world import Options, World, temporary_folder

NUMBERS = (1, 2, 4, 8)
_STACK = """terraform {{
  backend "local" {{}}
}}

resource "terraform_data" "service" {{
  input = {{
    name = "{name}"
  }}
}}
"""
_ANCHOR = '    name = "{name}"\n'


def measure(think: float = 10.0, numbers: tuple[int, ...] = NUMBERS) -> dict[str, Any]:
    """Wall seconds of the run for each n, and as multiples of that for the first; the outcomes of all TODOs."""
    limits = {
        "cage_test": "off",
        "side_by_side": max(numbers),
        "budget_usd": 100,
        "day_budget_usd": 10_000,
    }
    found: dict[str, Any] = {"think_seconds": think, "wall_seconds": {}, "ratio": {}, "outcomes": {}}
    with temporary_folder() as folder, World(folder, Options(changes={"agent": limits})) as world:
        names = [f"lane{chr(97 + n)}" for n in range(max(numbers))]
        _add_stacks(world, names)
        world.serve()
        for round_, n in enumerate(numbers):
            wall, outcomes = _run(world, round_, names[:n], think)
            found["wall_seconds"][str(n)] = round(wall, 1)
            found["ratio"][str(n)] = round(wall / found["wall_seconds"][str(numbers[0])], 2)
            found["outcomes"][str(n)] = outcomes
    return found


def _add_stacks(world: World, names: list[str]) -> None:
    """Trivial stacks, in the repository and applied, so that the next plan of each is empty."""
    world.forge.commit({f"stacks/{name}/main.tf": _STACK.format(name=name) for name in names}, "Add services")
    world.forge.push()
    for name in names:
        env = wrapper_environment(world.path, world.states, world.folder / "init" / name)
        plan = str(world.folder / f"{name}.plan")
        for words in (["plan", "-input=false", f"-out={plan}"], ["apply", "--non-interactive", plan]):
            done = tg(world.forge.checkout, name, words, env)
            if done.returncode:
                raise WorldError(f"scripts/tg {words[0]} of {name} failed:\n{(done.stdout + done.stderr)[-2000:]}")


def _run(world: World, round_: int, names: list[str], think: float) -> tuple[float, dict[str, int]]:
    """Seconds from the delivery to the end of the run, and how many TODOs came to each outcome."""
    actions = [(f"Tune {name} for round {round_}", "Config", f"stacks/{name}") for name in names]
    gate = Thinking(think)
    for (action, _, _), name in zip(actions, names, strict=True):
        path, anchor = f"stacks/{name}/main.tf", _ANCHOR.format(name=name)
        tries = [Attempt([read(path), edit(path, anchor, f"{anchor}    tuned_{round_} = 10\n")])]
        world.model.gates[action] = gate
        world.model.script = {**world.model.script, action: tries}
    begin = time.perf_counter()
    push(world, f"lanes-{round_}", [post_mortem(f"Lanes {round_}", actions)])
    end = wait_for("the end of the run", lambda: all_over(world, round_ + 1), 0.2)
    outcomes: dict[str, int] = {}
    for todo in world.get(f"/api/runs/{world.get('/api/runs')['runs'][0]['id']}")["todos"]:
        outcomes[todo["outcome"]] = outcomes.get(todo["outcome"], 0) + 1
    return end - begin, outcomes
