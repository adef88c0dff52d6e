"""Slack from the beginning to the end: a run is told as it goes, a button approves what waits, and it lands in git."""

from __future__ import annotations

from dataclasses import replace

from tests.e2e.conftest import FIX, FOLLOW_UP, PATH, deliver, eventually, finished, log, post_mortem, push
from tests.world.slack import TEAM
from tests.world.world import World

ALICE, MALLORY = "U0ALICE", "U0MALLORY"


def test_what_waits_is_approved_by_a_button_and_the_run_s_message_tells_how_it_ended(fresh: World) -> None:
    """A kill in between loses nothing: what was not told is told by the next start."""
    slack = fresh.slack
    table = {"webhook_url": "", "bot_token": slack.token, "channel": "C0GENERAL1", "api_url": slack.api_url}
    table |= {"signing_secret": slack.signing_secret, "approvers": [ALICE], "team": TEAM}
    fresh.options = replace(fresh.options, changes={"slack": table, "policy": {"most_updates": 0}})
    fresh.write_config()
    commits = push(fresh, {PATH: post_mortem()})
    service = fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: slack.messages)
    slack.fail_next(500, 100)
    run = finished(fresh)
    service.kill()
    slack._failures.clear()
    fresh.serve()
    eventually(lambda: any("waits for approval" in text for text in slack.texts[1:]))
    message, waits = slack.messages
    assert (message["channel"], waits["thread_ts"]) == ("C0GENERAL1", message["ts"])
    assert "needs-human: 0 of 1 TODOs done" in slack.texts[0]

    place = f"{fresh.url}/webhooks/slack"
    assert slack.press(place, "approve", MALLORY).status_code == 200
    eventually(lambda: slack.answers)
    assert "You may not approve here" in slack.answers[0]["text"]
    assert slack.press(place, "approve", ALICE).status_code == 200
    eventually(lambda: "done: 1 of 1 TODOs done" in slack.texts[0])
    assert log(fresh, commits[1]) == [FOLLOW_UP, FIX, FOLLOW_UP]
    assert "You approved" in slack.answers[1]["text"]
    commit = fresh.get(f"/api/runs/{run['id']}")["todos"][0]["commit"]
    assert f"https://forge.example/infra/commit/{commit}|{commit[:7]}" in slack.texts[0]
    assert any(text.startswith("fix applied") for text in slack.texts[1:])
    assert slack.rejected == []
    told = str(slack.messages) + (fresh.folder / "service.log").read_text()
    assert slack.token not in told
