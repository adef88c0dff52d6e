"""The policy: validated where the service reads it, narrowed by the repository, named in every verdict."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import BadInput
from app.guard.catalogue import NEVER_BY_MACHINE, matches, never_by_machine
from app.guard.plan import RULES
from app.guard.policy import DEFAULT_CREATES, LIMITS, checked_creates, describe, narrow, version_of
from app.guard.todo import SAFE_TYPES
from app.settings import load
from tests.guard.plan.made import POLICY, found, judged, plan, row


def test_nothing_said_changes_nothing() -> None:
    assert narrow(POLICY, b"") == POLICY
    assert narrow(POLICY, b"# later\n") == POLICY


def test_a_repository_takes_away() -> None:
    text = b"""
        most_creates = 0
        most_updates = 3
        protected_stacks = ["dns", "vault"]
        [creates]
        Alert = ["grafana_rule_group"]
        Monitor = []
    """
    narrower = narrow(POLICY, text)
    assert (narrower.most_creates, narrower.most_updates, narrower.most_files) == (0, 3, POLICY.most_files)
    assert narrower.protected_stacks == {"dns", "vault"}
    assert narrower.creates["Alert"] == ("grafana_rule_group",)
    assert narrower.creates["Monitor"] == ()
    assert narrower.creates["Config"] == POLICY.creates["Config"]
    assert found(judged(plan(row("create")), policy=narrower)) == {
        "PLAN-09": "needs-approval",
        "PLAN-10": "needs-approval",
    }


def test_a_glob_may_be_narrowed_to_what_it_names() -> None:
    wide = replace(POLICY, creates={"Alert": ("grafana_*",)})
    assert narrow(wide, b'creates = {Alert = ["grafana_rule_*"]}').creates == {"Alert": ("grafana_rule_*",)}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"most_creates = 4", "only allow less"),
        (b"most_files = 6", "only allow less"),
        (b"most_added_lines = 201", "only allow less"),
        (b"most_deleted_lines = 21", "only allow less"),
        (b"most_updates = 99", "only allow less"),
        (b"most_updates = -1", "whole number"),
        (b"most_updates = true", "whole number"),
        (b"most_updates = 1.0", "whole number"),
        (b'most_updates = "1"', "whole number"),
        (b"most_update = 1", "unknown key"),
        (b"[policy]\nmost_updates = 1", "unknown key"),
        (b'mode = "apply"', "unknown key"),
        (b'creates = {Alert = ["aws_instance"]}', "only takes away"),
        (b'creates = {Monitor = ["grafana_rule_group"]}', "only takes away"),
        (b'creates = {Alert = ["grafana_*"]}', "only takes away"),
        (b'creates = {Alert = ["*"]}', "bare *"),
        (b'creates = {Alert = [""]}', "empty"),
        (b'creates = {Migration = ["terraform_data"]}', "no TODO type"),
        (b'creates = {Alert = "terraform_data"}', "lists of resource types"),
        (b"creates = [1]", "lists of resource types"),
        (b"creates = {Alert = [1]}", "lists of resource types"),
        (b'protected_stacks = "vault"', "list of names"),
        (b'protected_stacks = ["../x"]', "list of names"),
        (b"protected_stacks = [1]", "list of names"),
        (b"most_updates = ", "not TOML"),
        (b"\xff\xfe", "not TOML"),
        (b"a = " + b"[" * 30_000, "not TOML"),
        (b"#" * 70_000, "64 KiB"),
    ],
)
def test_a_repository_never_widens(text: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=r"\.followthrough\.toml") as error:
        narrow(POLICY, text)
    assert says in str(error.value)


def test_the_version_names_rules_and_values() -> None:
    version = version_of(POLICY, RULES)
    assert len(version) == 12 and int(version, 16) >= 0
    assert version == version_of(replace(POLICY, todo_type="Config", known_stacks=frozenset(), version="x"), RULES)
    others = [version_of(replace(POLICY, **{limit: 1}), RULES) for limit in LIMITS]
    others += [version_of(replace(POLICY, creates={}), RULES), version_of(replace(POLICY, stacks="x"), RULES)]
    others += [version_of(replace(POLICY, protected_stacks=frozenset()), RULES), version_of(POLICY, RULES[1:])]
    others += [version_of(POLICY, [replace(RULES[0], decision="needs-approval"), *RULES[1:]])]
    assert len({version, *others}) == len(others) + 1


def test_the_description_is_json_and_says_it_all() -> None:
    said: dict[str, Any] = json.loads(json.dumps(describe(replace(POLICY, version="abc"))))
    assert said["version"] == "abc"
    assert said["creates"]["Config"] == ["terraform_data"]
    assert {key: said[key] for key in LIMITS} == {key: getattr(POLICY, key) for key in LIMITS}
    assert said["protected_stacks"] == ["vault"] and said["known_stacks"] == ["web"]
    assert "kubernetes_secret*" in said["never_by_machine"]


def test_the_defaults_are_valid_and_create_nothing_delicate() -> None:
    assert checked_creates(DEFAULT_CREATES) == DEFAULT_CREATES
    assert set(DEFAULT_CREATES) == SAFE_TYPES
    for globs in DEFAULT_CREATES.values():
        assert [g for g in globs if never_by_machine(g.rstrip("*") + "x")] == []
        assert [g for g in globs if never_by_machine(g)] == []


@pytest.mark.parametrize("pattern", NEVER_BY_MACHINE)
def test_the_catalogue_is_of_plain_globs(pattern: str) -> None:
    assert matches(pattern.replace("*", "x"), [pattern])
    assert pattern == pattern.lower()
    assert not set(pattern) & set("?[]") and pattern.strip("*_")


@pytest.mark.parametrize(
    "ordinary",
    ["helm_release", "kubernetes_deployment", "kubernetes_config_map", "kubernetes_cron_job_v1", "aws_instance",
     "kubernetes_persistent_volume", "cloudflare_record", "aws_db_instance", "grafana_dashboard", "terraform_data"],
)  # fmt: skip
def test_ordinary_types_may_be_changed(ordinary: str) -> None:
    assert never_by_machine(ordinary) is None


# --- what the service reads


def test_settings_hold_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_text('[policy]\nmost_creates = 1\ncreates = {Alert = ["grafana_rule_group", "uptimekuma_*"]}\n')
    policy = load(file).policy
    assert (policy.most_creates, policy.most_updates) == (1, POLICY.most_updates)
    assert policy.creates == {"Alert": ["grafana_rule_group", "uptimekuma_*"]}
    file.write_text("")
    defaults = load(file).policy
    assert defaults.creates == DEFAULT_CREATES
    assert {key: getattr(defaults, key) for key in LIMITS} == {key: getattr(POLICY, key) for key in LIMITS}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('creates = {Migration = ["a_b"]}', "no TODO type"),
        ('creates = {alert = ["a_b"]}', "no TODO type"),
        ('creates = {Alert = ["*"]}', "bare *"),
        ('creates = {Alert = ["**"]}', "bare *"),
        ('creates = {Alert = ["*_monitor"]}', "bare *"),
        ('creates = {Alert = ["gr*"]}', "bare *"),
        ('creates = {Alert = ["Grafana_rule"]}', "lower case"),
        ('creates = {Alert = ["a_[b]"]}', "lower case"),
        ('creates = {Alert = [""]}', "empty"),
        ("most_files = -1", "greater than or equal"),
        ("most_filez = 1", "most_filez"),
    ],
)
def test_settings_refuse_a_policy_that_is_none(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "f.toml"
    file.write_text(f"[policy]\n{text}\n")
    with pytest.raises(BadInput, match="policy") as error:
        load(file)
    assert says in str(error.value)
