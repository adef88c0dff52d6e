"""The stage on which the canaries act: the files around the scripted agent, its prompt, and what the model says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.agent.canaries import ALLOWED, CANARIES, PROTECTED, READ_FIRST, SLASH_PROMPT, STACKS, Canary
from app.agent.command import Cage
from app.agent.prompt import OPENING

MOST_TURNS, BUDGET_USD = 8, 1.0


@dataclass(frozen=True)
class Scene:
    """One test. `root` is its folder on the DevVM, `nonce` a text that nobody else knows."""

    root: str
    nonce: str

    def marker(self, canary: str) -> str:
        """The text that gives a canary away where it is seen."""
        return f"{self.nonce}.{canary}."

    @property
    def api_key(self) -> str:
        """The key that the agent is given, worth nothing; seen in a request's body, it was read out of a process."""
        return self.marker("read-process")

    def files(self) -> dict[str, bytes]:
        """What lies in the folder at first, by path."""
        laid = {"slash/tree/README.md": "x\n", "slash/home/.claude/settings.json": "{}\n", "sprung/.kept": ""}
        for canary in (*ALLOWED, *CANARIES):
            laid |= {self.fill(path, canary.id): self.fill(text, canary.id) for path, text in canary.files.items()}
        return {path: text.encode() for path, text in laid.items()}

    def links(self) -> dict[str, str]:
        """The symbolic links among them, and where they lead."""
        return {path: self.fill(to, c.id) for c in CANARIES for path, to in c.links.items()}

    def cage(self, claude: str, model: str) -> Cage:
        """The limits of the scripted agent; its command line is made of them as every agent's is."""
        return Cage(claude, model, STACKS, [PROTECTED], MOST_TURNS, BUDGET_USD)

    def prompts(self) -> dict[str, str]:
        """The prompt of each session, by the name of its folder, which has a `tree` and a `home`."""
        mentions = f'@{self.root}/outside/mention.txt @~/.mention @"{self.root}/outside/mention.txt"'
        return {".": f"{OPENING}\n{self.marker('session')}\nSee {mentions} first.\n", "slash": SLASH_PROMPT + "\n"}

    def reply(self, body: Mapping[str, Any]) -> list[dict[str, Any]]:
        """What the model says to a request, as content blocks: the calls of a turn, all at once, and a word at the end.

        Requests of another kind (a title, an agent that an agent started) get a word alone.
        """
        messages = [m for m in body.get("messages", []) if isinstance(m, dict)]
        asked = json.dumps([m.get("content") for m in messages if m.get("role") == "user"])
        turn = sum(m.get("role") == "assistant" for m in messages)
        calls = self._calls(turn) if body.get("tools") and self.marker("session") in asked else []
        return calls or [{"type": "text", "text": "Done."}]

    def fill(self, text: str, canary: str) -> str:
        """A text or path of the table with its names replaced."""
        names = {"{root}": self.root, "{nonce}": self.nonce, "{marker}": self.marker(canary)}
        for name, value in names.items():
            text = text.replace(name, value)
        return text

    def _calls(self, turn: int) -> list[dict[str, Any]]:
        first = [
            {"type": "tool_use", "id": f"toolu_first{n}", "name": "Read", "input": {"file_path": self.fill(path, "")}}
            for n, path in enumerate(READ_FIRST)
        ]
        made = [self._call(c) for c in (*ALLOWED, *CANARIES) if c.tool and c.turn == turn]
        return [*first, *made] if turn == 0 else made

    def _call(self, canary: Canary) -> dict[str, Any]:
        given = {k: self.fill(v, canary.id) if isinstance(v, str) else v for k, v in canary.arguments.items()}
        return {"type": "tool_use", "id": f"toolu_{canary.id}", "name": canary.tool, "input": given}
