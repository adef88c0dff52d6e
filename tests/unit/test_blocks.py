"""What Slack shows: escaped, within its limits, nothing left out uncounted; held to Slack's own SDK."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, HeaderBlock, SectionBlock

from app.blocks import Asked, Look, TodoLine, answer, drift_message, notice, run_message
from tests.world.block_kit import MOST_CHARACTERS, problem, texts

RUN: dict[str, Any] = {
    "id": "r-1", "repository": "me/infra", "title": "NFS is slow", "post_mortem": "docs/post-mortems/x.md",
    "commit": "a" * 40, "outcome": "partial", "message": "", "cost_usd": 0.5,
}  # fmt: skip
PLAIN = Look(public_url="http://ft")
LOOK = Look("SEV1", True, "https://forge/me/infra/commit", "http://ft", True)
# What others could write to call people, to fake a link or a sign, or to break out of where it stands.
HOSTILE = [
    "<!channel>", "<!here|x>", "<@U1>", "<#C1>", "<http://evil|text>", "&lt;!channel&gt;", "<!date^1^{date}|x>",
    "`code` ```x```", "*bold* _italic_ ~struck~", ":white_check_mark: :skull:", "\u202egnp.exe", "a\nb\r\n> quoted",
    "\x1b]0;x\x07", "&" * 5000, "x" * 5000, "<" * 5000, "\ud800", "xoxb-123456789012-abcdef",
    "https://me:password@forge.example/x", "|>", "", " ",
]  # fmt: skip


def everything(text: str, todos: int = 3) -> list[dict[str, Any]]:
    """Every message there is, with this text wherever somebody else's text can stand."""
    run = {**RUN, "title": text, "message": text, "outcome": "failed", "repository": f"me/{text}", "post_mortem": text}
    words = ("done", "refused", "awaiting-approval", "", "unknown")
    lines = [TodoLine(text, text, text, words[n % 5], text, "c" * 40 if n % 2 else "", 0.1, text) for n in range(todos)]
    asked = [Asked(f"t{n}", text, "c" * 40, [text] * 30) for n in range(min(todos, 9))]
    kinds = ("landed", "waits", "failed", "unknown")
    return [
        run_message(run, lines, asked, LOOK),
        run_message({**run, "outcome": None, "title": ""}, lines, [], PLAIN),
        *(notice(kind, run, lines[0], asked[0], LOOK) for kind in kinds),
        *(notice(kind, run, None, None, PLAIN) for kind in kinds),
        drift_message(text, [("gone", text, text)] * todos, "http://ft"),
    ]


def rich(part: Any) -> list[str]:
    """The texts in which Slack sees markup."""
    if isinstance(part, dict):
        return [part["text"]] if part.get("type") == "mrkdwn" else [text for v in part.values() for text in rich(v)]
    return [text for one in part for text in rich(one)] if isinstance(part, list) else []


def assert_taken(message: dict[str, Any]) -> None:
    """By Slack's published limits, and by the models of its own SDK."""
    assert problem(message["blocks"]) == ""
    assert sum(map(len, texts(message["blocks"]))) <= MOST_CHARACTERS
    assert 0 < len(message["text"]) <= 3000
    assert (message["unfurl_links"], message["unfurl_media"]) == (False, False)
    for block in Block.parse_all(message["blocks"]):
        block.validate_json()
    json.dumps(message).encode("utf-8")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: ascii(text[:20]))
def test_text_of_others_calls_nobody_and_breaks_nothing(text: str) -> None:
    for message in everything(text):
        assert_taken(message)
        links = r"<https?://[^<>|\s]+\|(?:c{7}|the run's page)>"
        for said in [*rich(message["blocks"]), message["text"]]:
            plain = re.sub(links, "", said)
            assert "<" not in plain
            assert ">" not in plain
            assert re.search(r"&(?!(?:amp|lt|gt);)", plain) is None, "an entity was cut"
        whole = message["text"] + "\n".join(texts(message["blocks"]))
        assert "xoxb-1" not in whole
        assert "password@" not in whole
        assert not set("\u202e\x1b\x07") & set(whole)


def test_markup_is_broken_and_words_stay() -> None:
    line = TodoLine("*a* `b` ~c~ _d_ :skull: node_memory_free", "P1", "Alert", "done")
    (said,) = [text for text in texts(run_message(RUN, [line], [], LOOK)["blocks"]) if "node" in text]
    assert "node_memory_free" in said
    for raw in ("*a*", "`b`", "~c~", "_d_", ":skull:"):
        assert raw not in said
    assert "*a* `b` ~c~ _d_ :skull:" in said.replace("\u200b", "")


def test_a_run_is_told_in_words_with_commit_and_cost() -> None:
    lines = [
        TodoLine("Add <!here> *alert*", "P1", "Alert", "done", commit="c" * 40, verified="prometheus health ok"),
        TodoLine("Drop it <@U1>", "P1", "Config", "refused", message="PLAN-02 it would be <destroyed>"),
        TodoLine("Redesign", "P2", "Architecture", "needs-human", reason="not-safe"),
    ]
    message = run_message(RUN, lines, [], LOOK)
    said = "\n".join(texts(message["blocks"]))
    assert "partial: 1 of 2 TODOs done, 1 need a person · SEV1 · post-mortem published" in said
    assert f"<https://forge/me/infra/commit/{'c' * 40}|ccccccc>: prometheus health ok" in said
    assert "PLAN-02 it would be &lt;destroyed&gt;" in said
    assert "$0.50" in said
    assert "<http://ft/runs/r-1|the run's page>" in said
    assert message["text"].startswith("me/infra: NFS is slow: partial: 1 of 2")
    assert message["blocks"][0]["text"] == {"type": "plain_text", "text": "🟡 me/infra: NFS is slow", "emoji": False}


@pytest.mark.parametrize(
    ("outcome", "lines", "told"),
    [
        (None, [TodoLine("a", "P1", "Alert", "", begun=True)], "investigating: 0 of 1 TODOs done so far"),
        ("nothing-to-do", [TodoLine("a", "P1", "Architecture", "needs-human")], "nothing to do, 1 need a person"),
        ("nothing-to-do", [], "nothing to do"),
        (
            "needs-human",
            [TodoLine("a", "P1", "Alert", "needs-human", "landed, and not seen to work", "a" * 40)],
            "needs-human: 0 of 1 TODOs done, 1 need a person",
        ),
        ("failed", [TodoLine("a", "P1", "Alert", "failed")], "failed: 0 of 1 TODOs done (vault is sealed)"),
    ],
)
def test_the_outcome_in_words(outcome: str | None, lines: list[TodoLine], told: str) -> None:
    message = run_message({**RUN, "outcome": outcome, "message": "vault is sealed"}, lines, [], LOOK)
    assert message["text"].endswith(told)
    assert told in texts(message["blocks"])[1]


def test_what_is_worked_on_and_what_waits_its_turn_can_be_told_apart() -> None:
    lines = [TodoLine("a", "P1", "Alert", "", begun=True), TodoLine("b", "P2", "Alert", "")]
    said = texts(run_message({**RUN, "outcome": None}, lines, [], LOOK)["blocks"])[1]
    assert said.splitlines()[1:] == ["🔧 P1 Alert: a — in work", "• P2 Alert: b — waits"]


def test_a_hundred_todos_fit_and_what_is_left_out_is_counted_those_for_people_last() -> None:
    lines = [TodoLine(f"Number {n}" + "x" * 200, "P1", "Alert", "done", "m" * 500, "c" * 40) for n in range(99)]
    lines.append(TodoLine("The last one", "P3", "Config", "unknown", "look at the stack"))
    message = run_message(RUN, lines, [], LOOK)
    assert_taken(message)
    said = "\n".join(texts(message["blocks"]))
    shown = len(re.findall(r"^✅ P1 Alert: Number", said, re.M))
    assert "The last one" in said
    assert 20 < shown < 99
    assert f"… and {99 - shown} more TODOs, on the run's page" in said


def buttons(message: dict[str, Any]) -> list[dict[str, Any]]:
    return [e for block in message["blocks"] if block["type"] == "actions" for e in block["elements"]]


def test_a_button_bears_the_commit_that_is_shown_and_asks_again() -> None:
    asked = [Asked("t1", "Raise it", "c" * 40, ["update aws_x.y"])]
    message = run_message(RUN, [TodoLine("Raise it", "P1", "Config", "awaiting-approval")], asked, LOOK)
    approve, decline, opens = buttons(message)
    assert [approve["action_id"], decline["action_id"], opens["action_id"]] == ["approve", "decline", "open"]
    assert (
        json.loads(approve["value"]) == {"run": "r-1", "todo": "t1", "commit": "c" * 40} == json.loads(decline["value"])
    )
    assert "ccccccc" in approve["confirm"]["text"]["text"]
    assert "confirm" in decline
    assert opens["url"] == "http://ft/runs/r-1"
    assert "update aws" in str(message["blocks"])
    assert buttons(run_message(RUN, [], asked, PLAIN)) == [], "nobody may press them"


def test_more_than_fit_wait_and_are_counted() -> None:
    asked = [Asked(f"t{n}", "<" * 500, "c" * 40, ["<" * 500] * 50) for n in range(40)]
    message = run_message(RUN, [TodoLine("a", "P1", "Config", "awaiting-approval")] * 40, asked, LOOK)
    assert_taken(message)
    assert "⏸ … and 35 more wait, on the run's page" in texts(message["blocks"])
    assert "more" in texts(message["blocks"])[2]


def test_what_drifted_is_counted_too() -> None:
    rows = [("gone", f"alert {n} is gone", "docs/a.md") for n in range(900)] + [("holds", "x", "docs/b.md")]
    message = drift_message("me/infra", rows, "http://ft")
    said = "\n".join(texts(message["blocks"]))
    assert said.startswith("*me/infra: 900 no longer as claimed, 1 as claimed again*\n❌ alert 0 is gone (docs/a.md)")
    assert_taken(message)
    assert f"… and {901 - said.count('(docs/')} more" in said


def test_an_answer_is_for_one_person_alone() -> None:
    assert answer("no <@U1>") == {"response_type": "ephemeral", "replace_original": False, "text": "no &lt;@U1&gt;"}


GOOD = {"type": "section", "text": {"type": "mrkdwn", "text": "x"}}
PRESS = {"type": "button", "text": {"type": "plain_text", "text": "x"}, "action_id": "a", "value": "v"}


@pytest.mark.parametrize(
    ("blocks", "why"),
    [
        ("x", "no list"),
        ([GOOD] * 51, "51 blocks"),
        ([{"type": "marquee"}], "no such block"),
        ([{"type": "section"}], "without text"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": ""}}], "1 to 3000"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x", "emoji": True}}], "no such field"),
        ([{"type": "section", "text": {"type": "mrkdwn", "text": "x", "verbatim": "yes"}}], "no boolean"),
        ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "no text"),
        ([{"type": "context", "elements": []}], "list of 1 to 10"),
        ([{**GOOD, "block_id": "a"}] * 2, "two blocks"),
        ([{"type": "actions", "elements": [PRESS, PRESS]}], "two elements"),
        ([{"type": "actions", "elements": [{**PRESS, "url": "javascript:x"}]}], "url"),
        ([{"type": "actions", "elements": [{**PRESS, "confirm": {"title": PRESS["text"]}}]}], "no text"),
        ([{**GOOD, "colour": "red"}], "no such field"),
    ],
)
def test_the_fake_refuses_what_slack_refuses(blocks: Any, why: str) -> None:
    assert why in problem(blocks)
    assert problem([GOOD, {"type": "divider"}, {"type": "actions", "elements": [PRESS]}]) == ""


@pytest.mark.parametrize("over", [0, 1])
def test_the_fake_s_limits_are_those_of_slack_s_own_sdk(over: int) -> None:
    """The same length on both sides of each limit: taken by both, or by neither."""
    limits = [
        ({"type": "section", "text": {"type": "mrkdwn", "text": "x" * (SectionBlock.text_max_length + over)}}),
        ({"type": "header", "text": {"type": "plain_text", "text": "x" * (HeaderBlock.text_max_length + over)}}),
        ({**GOOD, "block_id": "x" * (Block.block_id_max_length + over)}),
        ({"type": "actions", "elements": [{**PRESS, "text": {"type": "plain_text", "text": "x" * (75 + over)}}]}),
        ({"type": "actions", "elements": [{**PRESS, "value": "x" * (ButtonElement.value_max_length + over)}]}),
        (
            {
                "type": "actions",
                "elements": [{**PRESS, "action_id": f"a{n}"} for n in range(ActionsBlock.elements_max_length + over)],
            }
        ),
    ]
    for block in limits:
        assert bool(problem([block])) == bool(over), block["type"]
        parsed = Block.parse(block)
        assert parsed is not None
        if over:
            with pytest.raises(SlackObjectFormationError):
                parsed.validate_json()
                for element in getattr(parsed, "elements", []):
                    element.validate_json()
        else:
            parsed.validate_json()
