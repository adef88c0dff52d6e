"""How many bytes the first request of a session is, with our command line and with the command's own defaults.

    .venv/bin/python -m bench.request_size

The real Claude Code command against a scripted model. Every turn sends the first request again, so its size is what a
session costs before it has done anything.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from app.agent.command import Cage, command_line, environment, message
from app.agent.prompt import Task, user_prompt
from tests.world.claude import claude_command
from tests.world.infra import STACKS
from tests.world.loopback import Answer, Loopback, Request, as_json
from tests.world.world import temporary_folder

KEY = "sk-ant-scripted"
MODEL = "sonnet"
# Ours, and nothing that makes a request smaller.
_OURS_ALONE = ("CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT", "CLAUDE_CODE_DISABLE_ATTACHMENTS")


@dataclass(frozen=True)
class Sizes:
    """Bytes of the first request for a message."""

    ours: int
    defaults: int


def main() -> None:
    """Print both sizes and their ratio."""
    found = sizes()
    print(f"first request, {MODEL}: ours {found.ours} bytes, the command's defaults {found.defaults} bytes")
    print(f"ratio {found.defaults / found.ours:.1f}")


def sizes() -> Sizes:
    """Run one session of each kind for one TODO of the sample and measure."""
    claude = str(claude_command())
    ours = command_line(Cage(claude, MODEL, "stacks", ["vault"], 40, 1.0))
    defaults = [claude, "--print", "--model", MODEL, "--output-format", "stream-json", "--verbose"]
    prompt = _prompt()
    return Sizes(_first_request(ours, message(prompt), ()), _first_request(defaults, prompt.encode(), _OURS_ALONE))


def _prompt() -> str:
    # A path as long as on a DevVM.
    tree = "/srv/followthrough/runs/example-org-infra-0123456789ab-01234567/agents/0123456789abcdef/tree"
    action, details = "Alert on NFS clients that retransmit", "more than five a second over five minutes"
    return user_prompt(Task(tree, "stacks", sorted(STACKS), action, "Alert", "P0", details))


def _first_request(argv: Sequence[str], given: bytes, without: Sequence[str]) -> int:
    taken: list[int] = []

    def answer(request: Request) -> Answer:
        if not request.path.startswith("/v1/messages"):
            return as_json(200, {})
        taken.append(len(request.body))
        refusal = {"type": "error", "error": {"type": "invalid_request_error", "message": "that was all"}}
        return as_json(400, refusal)

    with temporary_folder() as folder, Loopback(answer) as api:
        for name in ("home", "tree"):
            (folder / name).mkdir()
        variables = environment(os.defpath, str(folder / "home"), api.url) | {"ANTHROPIC_API_KEY": KEY}
        env = {name: value for name, value in variables.items() if name not in without}
        subprocess.run(argv, input=given, cwd=folder / "tree", env=env, capture_output=True, timeout=60)
    return taken[0]


if __name__ == "__main__":
    main()
