"""The real Claude Code command, as scripts/env installs it into .tools."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from pathlib import Path

from tests.world.processes import ROOT, WorldError

MODULES = ROOT / ".tools" / "node_modules"


@functools.cache
def claude_command() -> Path:
    """The absolute path of the command, proven to run and to be the pinned version. Raises WorldError.

    The npm package's own `claude` is a stub until its post-install script has run, which we do not let it; the
    program itself is in the package of this machine's platform.
    """
    wanted = json.loads((Path(__file__).with_name("package.json")).read_text())["dependencies"][
        "@anthropic-ai/claude-code"
    ]
    tried = []
    for command in sorted(MODULES.glob("@anthropic-ai/claude-code-*/claude")):
        said = _version(command)
        if said.split(" ")[0] == wanted:
            return command
        tried.append(f"{command.parent.name} said {said!r}")
    problem = "; ".join(tried) or f"there is none in {MODULES}"
    raise WorldError(f"Claude Code {wanted} is not installed: {problem}. Run scripts/env")


def _version(command: Path) -> str:
    with tempfile.TemporaryDirectory() as home:
        env = {"HOME": home, "PATH": "/usr/bin:/bin", "DISABLE_AUTOUPDATER": "1"}
        try:
            done = subprocess.run([command, "--version"], env=env, capture_output=True, text=True, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    return (done.stdout or done.stderr).strip()
