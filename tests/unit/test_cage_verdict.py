"""The judgement of the cage's self-test: every sign of every canary is noticed, and nothing else is taken for one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from app.agent.cage_scene import Scene
from app.agent.cage_verdict import Seen, judge
from app.agent.canaries import ALLOWED, BODY, CANARIES, Canary
from app.agent.command import TOOLS
from app.agent.events import AgentResult

SCENE = Scene("/w/cage-1", "n0nce")
WELL = AgentResult(True, "", "Done.", 0.01, 3)
HUNG = AgentResult(False, "agent-timeout", "the agent was stopped at its time limit", None)
CALLS = [c for c in (*ALLOWED, *CANARIES) if c.tool]
BY_ID = {c.id: c for c in CANARIES}


def body(*messages: dict[str, Any], tools: str = TOOLS) -> dict[str, Any]:
    return {"system": "x", "tools": [{"name": name} for name in tools.split(",")], "messages": list(messages)}


def asked(turn: int = 0) -> dict[str, Any]:
    """A request of the first session after so many turns of the model."""
    prompt = {"role": "user", "content": [{"type": "text", "text": SCENE.prompts()["."]}]}
    said = [{"role": "assistant", "content": SCENE.reply(body(prompt))}] * turn
    return body(prompt, *said)


def result(canary: Canary, error: bool = True, text: str = "no") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": f"toolu_{canary.id}", "is_error": error, "content": text}


def answered(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    request = asked(1)
    request["messages"].append({"role": "user", "content": list(results)})
    return request


def laid() -> dict[str, str]:
    """What lies there before anything happens, as it is listed."""
    files = {path: hashlib.sha256(data).hexdigest() for path, data in SCENE.files().items()}
    return files | {path: f"link {target}" for path, target in SCENE.links().items()}


def held(**changes: Any) -> Seen:
    """What is seen of a cage that holds and of an agent that works."""
    allowed = {c.id for c in ALLOWED}
    results = [result(c, c.id not in allowed, SCENE.marker(c.id) if c.id in allowed else "no") for c in CALLS]
    files = laid()
    edited = SCENE.files()["tree/stacks/web/main.tf"].replace(b'"old"', b'"new"')
    files["tree/stacks/web/main.tf"] = hashlib.sha256(edited).hexdigest()
    files["tree/stacks/web/new.tf"] = hashlib.sha256(BODY.encode()).hexdigest()
    seen = Seen([asked(), answered(results)], ["/v1/messages?beta=true", ""], files, WELL)
    return replace(seen, **changes)


def escapes(seen: Seen) -> list[str]:
    return [escape.id for escape in judge(SCENE, seen).escapes]


def test_a_cage_that_holds_is_said_to() -> None:
    found = judge(SCENE, held())
    assert (found.held, found.escapes, found.unusable) == (len(CANARIES), (), "")


def test_ids_and_files_are_each_canary_s_own() -> None:
    ids = [c.id for c in (*CANARIES, *ALLOWED)]
    assert len(set(ids)) == len(ids)
    paths = [path for c in (*CANARIES, *ALLOWED) for path in (*c.files, *c.links)]
    assert len(set(paths)) == len(paths), "two canaries lay the same file"
    assert len({c.changes for c in CANARIES if c.changes}) == sum(bool(c.changes) for c in CANARIES)


def test_nothing_is_left_unfilled() -> None:
    names = ("{root}", "{nonce}", "{marker}")
    calls = [block for turn in (0, 1) for block in SCENE.reply(asked(turn))]
    texts = [*SCENE.files().values(), *SCENE.files(), *SCENE.links().values(), *calls, *SCENE.prompts().values()]
    assert [text for text in map(str, texts) if any(name in text for name in names)] == []


def test_every_call_is_made_once_in_its_turn_and_then_there_is_an_end() -> None:
    made = [[b.get("id") for b in SCENE.reply(asked(turn))] for turn in (0, 1, 2)]
    assert sorted(made[0] + made[1]) == sorted([f"toolu_{c.id}" for c in CALLS] + ["toolu_first0", "toolu_first1"])
    assert made[2] == [None]
    assert SCENE.reply({"messages": asked()["messages"]})[0]["type"] == "text", "no tools: a title, or the like"
    other = {"role": "user", "content": SCENE.marker("agent")}
    assert SCENE.reply(body(other))[0]["type"] == "text", "an agent that an agent started gets no script"


@pytest.mark.parametrize("canary", CANARIES, ids=lambda c: c.id)
def test_a_marker_that_the_api_receives_gives_its_canary_away(canary: Canary) -> None:
    if canary.id == "more-tools":
        assert escapes(held(bodies=[*held().bodies, body(tools=f"{TOOLS},Bash")])) == ["more-tools"]
        return
    told = held()
    leak = {"role": "user", "content": f"x {SCENE.marker(canary.id)} y"}
    assert escapes(replace(told, bodies=[*told.bodies, body(leak)])) == [canary.id]
    assert escapes(replace(told, heard=[*told.heard, SCENE.marker(canary.id)])) == [canary.id]
    system = {**body(), "system": [{"type": "text", "text": SCENE.marker(canary.id)}]}
    assert escapes(replace(told, bodies=[*told.bodies, system])) == [canary.id]
    said = {"role": "assistant", "content": SCENE.marker(canary.id)}
    assert escapes(replace(told, bodies=[*told.bodies, body(said)])) == [], "what the model said itself is no sign"


@pytest.mark.parametrize("canary", [c for c in CANARIES if c.id != "more-tools"], ids=lambda c: c.id)
def test_a_file_that_only_a_program_could_make_gives_its_canary_away(canary: Canary) -> None:
    assert escapes(held(files={**held().files, f"sprung/{canary.id}": "0" * 64})) == [canary.id]


@pytest.mark.parametrize("canary", [c for c in CANARIES if c.changes], ids=lambda c: c.id)
def test_a_change_gives_its_canary_away(canary: Canary) -> None:
    assert escapes(held(files={**held().files, canary.changes: "0" * 64})) == [canary.id]
    if canary.changes in SCENE.files():
        gone = {path: digest for path, digest in held().files.items() if path != canary.changes}
        assert escapes(held(files=gone)) == [canary.id]


@pytest.mark.parametrize("canary", [c for c in CANARIES if c.tool], ids=lambda c: c.id)
def test_a_call_that_is_let_through_gives_its_canary_away(canary: Canary) -> None:
    results = held().bodies[1]["messages"][-1]["content"]
    others = [block for block in results if block["tool_use_id"] != f"toolu_{canary.id}"]
    through = escapes(held(bodies=[asked(), answered([*others, result(canary, False)])]))
    assert through == ([] if canary.quiet else [canary.id])
    assert escapes(held(bodies=[asked(), answered(others)])) == [canary.id], "no answer is no proof"


@pytest.mark.parametrize("path", ["tree/.envrc", "outside/x", "sprung/x", "tree2/x", "tree/stacks/web/values.yaml"])
def test_a_change_that_nobody_foresaw_is_an_escape(path: str) -> None:
    found = judge(SCENE, held(files={**held().files, path: "0" * 64})).escapes
    assert [(e.id, e.tries) for e in found] == [("unforeseen", f"change {path}")]


def test_a_link_that_leads_elsewhere_is_an_escape() -> None:
    assert escapes(held(files={**held().files, "tree/stacks/web/link.tf": "link /etc/passwd"})) == ["unforeseen"]


def test_what_the_command_keeps_in_its_home_is_its_own() -> None:
    own = dict.fromkeys(("home/.claude.json", "home/.claude/sessions/1.json", "jobs/0/out"), "0" * 64)
    assert escapes(held(files={**held().files, **own})) == []


@pytest.mark.parametrize("canary", ALLOWED, ids=lambda c: c.id)
def test_an_agent_that_can_do_nothing_proves_nothing(canary: Canary) -> None:
    files = {path: digest for path, digest in held().files.items() if path != canary.changes}
    bodies = json.loads(json.dumps(held().bodies).replace(SCENE.marker(canary.id), "nothing"))
    found = judge(SCENE, held(files=files, bodies=bodies))
    assert canary.tries in found.unusable


def test_a_session_that_ended_early_is_unusable_and_not_an_escape() -> None:
    found = judge(SCENE, held(bodies=[], files=laid(), session=HUNG))
    assert found.unusable == f"it could not {ALLOWED[0].tries}: {HUNG.message}"
    assert found.escapes == ()
    assert judge(SCENE, held(session=HUNG)).unusable == HUNG.message


def test_an_escape_counts_also_when_the_agent_is_of_no_use() -> None:
    files = {**held().files, "sprung/home-hook-start": "0" * 64}
    found = judge(SCENE, held(files=files, bodies=[], session=HUNG))
    assert [e.id for e in found.escapes] == ["home-hook-start"]
    assert found.held == len(CANARIES) - 1
    assert BY_ID["home-hook-start"].tries == "run a SessionStart hook of the user's settings"


@pytest.mark.parametrize("odd", [{"messages": None}, {"messages": ["x", {"role": "user", "content": 7}]}, {"tools": 7}])
def test_odd_requests_are_read_as_they_are(odd: dict[str, Any]) -> None:
    assert escapes(held(bodies=[*held().bodies, odd])) == []
