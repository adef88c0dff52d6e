"""What the answers of Prometheus and Uptime Kuma come to, and what a document's words let us ask them."""

from __future__ import annotations

from typing import Any

import pytest

from app.blocks import drift_message
from app.checks import Check
from app.documents.parse import parse
from app.edges import vault
from app.edges.prometheus import LoadedRule
from app.edges.uptime_kuma import Heartbeat
from app.errors import Failed
from app.settings import RepositorySettings, Settings, VaultSettings, VerifySettings
from pipelines.claims import NOTHING_RECORDED, look_at, of_document, recorded, state_of, told
from pipelines.watching import monitor_check, open_prometheus, open_uptime_kuma, rule_check, same_expression

VAULT = VaultSettings(prometheus_field="prometheus_password")


def rule(name: str = "A", query: str = "x > 1", health: str = "ok", error: str = "") -> LoadedRule:
    return LoadedRule(name, "g", query, health, error, "inactive", "alerting")


def repository(**verify: Any) -> RepositorySettings:
    return RepositorySettings(
        name="me/infra", clone_url="https://git.example/me/infra", verify=VerifySettings(**verify)
    )


@pytest.mark.parametrize(
    ("loaded", "expr", "reason", "answer"),
    [
        ([rule()], "", "", "health ok"),
        ([rule()], "x>1", "", "health ok"),
        ([rule("B")], "", "alert-not-loaded", "is not loaded"),
        ([], "x > 1", "alert-not-loaded", "is not loaded"),
        ([rule(health="unknown")], "", "alert-not-evaluated", "is loaded, and not evaluated yet"),
        ([rule(health="err", error="many\nmany")], "", "alert-unhealthy", "health err: many many"),
        ([rule(health="err")], "", "alert-unhealthy", "health err: without a reason"),
        ([rule(query="x > 2")], "x > 1", "alert-differs", "has another expression: x > 2"),
        ([rule(query="x > 2"), rule()], "x > 1", "", "health ok"),
        ([rule(), rule(health="err", error="no")], "", "alert-unhealthy", "health err: no"),
        ([rule(), rule(health="unknown")], "", "alert-not-evaluated", "is loaded, and not evaluated yet"),
        ([rule(health="unknown"), rule(health="err", error="no")], "", "alert-unhealthy", "health err: no"),
    ],
)  # fmt: skip
def test_a_rule_is_well_when_it_is_loaded_evaluated_and_the_same(
    loaded: list[LoadedRule], expr: str, reason: str, answer: str
) -> None:
    check = rule_check("A", loaded, expr)
    assert (check.ok, check.reason, check.answer) == (reason == "", reason, answer)
    assert check.said == f"prometheus rule A {answer}"


@pytest.mark.parametrize(
    ("beat", "reason", "answer"),
    [
        (Heartbeat(True, "200 - OK"), "", "id=66 up"),
        (Heartbeat(False, "connect\nECONNREFUSED"), "monitor-down", "id=66 down: connect ECONNREFUSED"),
        (Heartbeat(False, ""), "monitor-down", "id=66 down"),
        (Heartbeat(None, "it is paused"), "monitor-silent", "id=66 has no heartbeat: it is paused"),
    ],
)  # fmt: skip
def test_a_monitor_is_well_when_it_is_up(beat: Heartbeat, reason: str, answer: str) -> None:
    assert monitor_check("Vault", 66, beat, "http://k/66") == Check(
        "uptime-kuma", "Vault", reason == "", answer, reason, "http://k/66"
    )


def test_answers_are_one_short_line_without_secrets() -> None:
    noise = "a\x1b[31m\r\nb\u202e https://me:abcdefghijklmnop@server " + "x" * 9000
    for check in (
        rule_check("A" * 900, [rule("A" * 900, health="err", error=noise)]),
        rule_check("A", [rule(query=noise)], "x > 1"),
        monitor_check("M\n" * 900, 1, Heartbeat(False, noise), ""),
    ):
        assert check.answer.isprintable()
        assert len(check.answer) < 260
        assert len(check.subject) <= 300
        assert check.subject.isprintable()
        assert "abcdefghijklmnop" not in check.answer


def test_expressions_that_nobody_can_read_are_compared_as_they_stand() -> None:
    assert same_expression("new_syntax{ ( )", "new_syntax{()")
    assert not same_expression("new_syntax{ ( )", "new_syntax{(]")
    assert not same_expression("", "x")


def test_servers_are_opened_with_the_fields_of_the_secret() -> None:
    both = repository(prometheus="http://p:9090", uptime_kuma="http://k:3001")
    open_prometheus(both, {"prometheus_password": "x"}, VAULT).close()
    open_prometheus(both, {}, VaultSettings()).close()
    assert repr(open_uptime_kuma(both, {"uptime_kuma_user": "u", "uptime_kuma_password": "pw"}, VAULT)).count("pw") == 0
    for missing in (lambda: open_prometheus(both, {}, VAULT), lambda: open_uptime_kuma(both, {}, VAULT)):
        with pytest.raises(Failed) as failed:
            missing()
        assert failed.value.reason == "vault-no-field"
    for missing in (
        lambda: open_prometheus(repository(), {}, VAULT),
        lambda: open_uptime_kuma(repository(), {}, VAULT),
    ):
        with pytest.raises(Failed, match="me/infra") as failed:
            missing()
        assert failed.value.reason.endswith("-not-configured")


DOCUMENT = b"""# Post-Mortem: A test

**Date**: 2026-04-14

## Prevention Plan

| Priority | Action | Type | Details | Status |
|---|---|---|---|---|
| P1 | Add alert `NFSMountFailing` | Alert | by hand | Done |
| P1 | Add alert on the pool | Alert | nameless | Done |
| P1 | Add Uptime Kuma monitor for Vault | Monitor | port 8200 of 10.0.0.7 | Done |
| P1 | Let the mounts give up | Config | soft | Done |
| P1 | Add alert `NotYetThere` | Alert | open | TODO |
"""


def test_what_was_done_by_hand_is_asked_about_by_its_words() -> None:
    document = parse(DOCUMENT, "docs/x.md")
    found = of_document(document, "docs/x.md", [])
    assert [(c.kind, c.subject if c.kind == "prometheus-rule" else "", c.targets) for c in found] == [
        ("prometheus-rule", "NFSMountFailing", ()),
        ("", "", ()),
        ("uptime-kuma", "", ("10.0.0.7:8200",)),
        ("", "", ()),
    ]
    assert {c.incident for c in found} == {"PM-2026-04-14"}


def test_what_is_recorded_counts_more_than_the_words() -> None:
    document = parse(DOCUMENT, "docs/x.md")
    alert, _, _, config = document.done
    about = {"post_mortem": "docs/x.md", "incident_date": "2026-04-14", "run_id": "r", "action": "a"}
    rows = [
        {**about, "todo_id": alert.id, "kind": "prometheus-rule", "subject": "Renamed", "answer": "health ok"},
        {**about, "todo_id": alert.id, "kind": "promtool", "subject": "Renamed", "answer": "would be loaded"},
        {**about, "todo_id": alert.id, "kind": "uptime-kuma", "subject": "Extra", "answer": "id=66 up"},
        {**about, "todo_id": config.id, "kind": "plan", "subject": "nfs", "answer": "is empty"},
        {**about, "todo_id": "gone-from-text", "kind": "prometheus-rule", "subject": "Old", "answer": "health ok"},
    ]
    found = of_document(document, "docs/x.md", rows)
    assert [(c.kind, c.subject, c.number, c.run_id) for c in found if c.run_id] == [
        ("prometheus-rule", "Old", 0, "r"),
        ("prometheus-rule", "Renamed", 0, "r"),
        ("uptime-kuma", "Extra", 66, "r"),
    ]
    assert [c.action for c in found if not c.kind] == ["Add alert on the pool", "Let the mounts give up"]


def test_where_nothing_is_configured_nothing_is_asked_and_nothing_holds() -> None:
    claims = of_document(parse(DOCUMENT, "docs/x.md"), "docs/x.md", [])
    found = look_at(claims, repository(), Settings())
    assert {one.state for one in found} == {"not-checked"}
    assert [one.sentence == NOTHING_RECORDED for one in found] == [False, True, False, True]
    assert "repository.verify.prometheus is not set" in found[0].sentence


def test_what_an_answer_says_of_a_claim() -> None:
    row = {"post_mortem": "d/x.md", "incident_date": "2026-04-14", "run_id": "r", "action": "a", "todo_id": "t"}
    claim = recorded([{**row, "kind": "prometheus-rule", "subject": "NFSMountFailing", "answer": "health ok"}])[0]
    gone, well = rule_check("NFSMountFailing", []), rule_check("NFSMountFailing", [rule("NFSMountFailing")])
    assert told(claim, gone) == (
        "the alert NFSMountFailing that closed PM-2026-04-14 is gone: no rule of that name is loaded in Prometheus"
    )
    assert told(claim, well, " again").endswith("holds again: health ok")
    assert state_of(rule_check("A", [rule(health="unknown")])) == "not-checked"
    assert state_of(monitor_check("M", 1, Heartbeat(False, ""), "")) == "unwell"


def test_the_drift_message_counts_and_takes_the_markup_out_of_what_others_wrote() -> None:
    message = drift_message(
        "me/infra",
        [
            ("gone", "the alert <!channel> *X* is gone\n> quoted", "docs/x.md"),
            ("holds", "the monitor Y holds again", "y"),
        ],
        "http://f",
    )
    assert message["text"] == "me/infra: 1 no longer as claimed, 1 as claimed again"
    text = message["blocks"][0]["text"]["text"]
    assert [line[:1] for line in text.splitlines()] == ["*", "❌", "✅", "h"]
    assert "<!" not in text
    assert "*X*" not in text
    assert len(drift_message("r", [("gone", "x" * 900, "p" * 500)] * 300, "u")["blocks"]) <= 48


def test_all_of_a_vault_secret_is_hidden_but_the_name_of_a_user() -> None:
    secret = {
        "devvm_ssh_key": "a-private-key",
        "uptime_kuma_user": "followthrough",
        "uptime_kuma_password": "p4ssword",
    }
    assert vault.hidden(secret, VaultSettings()) == ["a-private-key", "p4ssword"]
