"""How the agent is started: its command line and its whole environment.

The flag set is the one that was held against a hostile repository (SECURITY.md, The cage): file tools alone, nothing
of the repository's or the user's settings, hooks, memory files or MCP servers, edits by allow-list.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from app.agent.prompt import SYSTEM_PROMPT

# No Glob: it lists any folder that a pattern names by its absolute path. Grep lists the files of the tree as well.
TOOLS = "Read,Edit,Write,Grep"
EDITABLE = ("tf", "tpl", "yaml", "yml", "json")
_UNREADABLE = ("Read(~/**)", "Read(//home/**)", "Read(//root/**)", "Read(//etc/**)", "Read(//proc/**)")


@dataclass(frozen=True)
class Cage:
    """The limits of one try. `only` is the one file that may be edited, empty: what the stacks hold."""

    claude: str
    model: str
    stacks_folder: str
    protected_stacks: Sequence[str]
    max_turns: int
    budget_usd: float
    only: str = ""


def command_line(cage: Cage) -> list[str]:
    """The argument list; the prompt goes to standard input, so no text of a repository is ever an argument.

    The command gets ready before it has read anything, asks nothing of the model until a `message` has come, and ends
    when there is no more to read.
    """
    allowed = [f"Edit({cage.stacks_folder}/**/*.{ending})" for ending in EDITABLE]
    if cage.only:
        allowed = [f"Edit({cage.only})"]
    denied = [f"Edit({cage.stacks_folder}/{name}/**)" for name in cage.protected_stacks]
    return [
        cage.claude,
        "--print",
        "--setting-sources",
        "",
        "--strict-mcp-config",
        "--disable-slash-commands",
        "--no-session-persistence",
        "--permission-mode",
        "dontAsk",
        "--tools",
        TOOLS,
        "--allowedTools",
        *allowed,
        "--disallowedTools",
        *denied,
        *_UNREADABLE,
        "--system-prompt",
        SYSTEM_PROMPT,
        "--model",
        cage.model,
        "--max-turns",
        str(cage.max_turns),
        "--max-budget-usd",
        f"{cage.budget_usd:.4f}",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
        "--verbose",
    ]


def message(prompt: str) -> bytes:
    """A prompt as the command reads it from its standard input."""
    return json.dumps({"type": "user", "message": {"role": "user", "content": prompt}}).encode() + b"\n"


def environment(path: str, home: str, base_url: str) -> dict[str, str]:
    """Everything that the agent's process may see; started from an empty environment.

    `home` is an empty folder when an API key is handed over, the user's own when the CLI's login is used.
    """
    variables = {
        "PATH": path,
        "HOME": home,
        "LANG": "C.UTF-8",
        "DISABLE_AUTOUPDATER": "1",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_DISABLE_ATTACHMENTS": "1",
        # Shorter descriptions of the tools: every turn sends them again.
        "CLAUDE_CODE_SIMPLE_SYSTEM_PROMPT": "1",
        "API_TIMEOUT_MS": "120000",
        "CLAUDE_CODE_MAX_RETRIES": "3",
    }
    if base_url:
        variables["ANTHROPIC_BASE_URL"] = base_url
    return variables
