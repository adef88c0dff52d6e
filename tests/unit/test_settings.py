"""The configuration: fail closed, name the key, never echo a value."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import BadInput
from app.settings import load

GOOD = """
[github]
webhook_secrets = ["s3cret-value"]
[[devvm]]
host = "10.0.0.1"
user = "wizard"
host_key = "ssh-ed25519 AAAA"
[[repository]]
name = "me/infra"
clone_url = "https://forge/me/infra.git"
"""


def write(folder: Path, text: str) -> Path:
    file = folder / "followthrough.toml"
    file.write_text(text)
    return file


def test_defaults_are_the_contract(tmp_path: Path) -> None:
    settings = load(write(tmp_path, GOOD))
    repository = settings.repository[0]
    assert (repository.branch, repository.plan, repository.mode) == ("master", "scripts/tg plan", "apply")
    assert repository.protected_stacks == ["vault", "dbaas", "traefik", "authentik", "kyverno"]
    assert (settings.agent.budget_usd, settings.agent.todo_budget_usd, settings.agent.day_budget_usd) == (5, 2, 25)
    assert "s3cret-value" not in repr(settings)
    assert settings.secrets() == ["s3cret-value"]


def test_the_environment_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOLLOWTHROUGH_AGENT__MODEL", "opus")
    monkeypatch.setenv("FOLLOWTHROUGH_GITHUB__WEBHOOK_SECRETS", '["a-new-one"]')
    settings = load(write(tmp_path, GOOD))
    assert settings.agent.model == "opus"
    assert settings.secrets() == ["a-new-one"]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (GOOD + 'protected_stack = ["x"]\n', "protected_stack"),
        (GOOD.replace('host_key = "ssh-ed25519 AAAA"', ""), "host_key"),
        (GOOD + 'mode = "yolo"\n', "mode"),
        (GOOD + 'plan = ""\n', "plan"),
        (GOOD + 'stacks = "../x"\n', "stacks"),
        (GOOD + 'environment = { TF_CLI_ARGS_plan = "-destroy" }\n', "TF_CLI_ARGS_plan"),
        (GOOD + 'environment = { PATH = "/x" }\n', "PATH"),
        (GOOD.replace('user = "wizard"', 'user = "wizard"\nworkspace = "/home/wizard/ft"'), "workspace"),
        ("[agent]\nbudget_usd = 0\n", "budget_usd"),
        ("not toml", "TOML"),
    ],
)
def test_a_wrong_key_is_named(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(BadInput, match=key) as bad:
        load(write(tmp_path, text))
    assert "s3cret-value" not in str(bad.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="there is no file"):
        load(tmp_path / "none.toml")


def test_an_inventory_without_a_place_to_bring_it_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"monitors needs verify\.uptime_kuma"):
        load(write(tmp_path, GOOD + 'monitors = "monitors.yaml"\n'))
    told = GOOD + 'monitors = "monitors.yaml"\nverify = {uptime_kuma = "http://kuma:3001"}\n'
    assert load(write(tmp_path, told)).repository[0].verify.uptime_kuma == "http://kuma:3001"


@pytest.mark.parametrize("address", ["kuma:3001", "ftp://kuma", "http://user:password@kuma", "http://kuma?x=1"])
def test_an_address_of_a_server_holds_no_credentials(tmp_path: Path, address: str) -> None:
    with pytest.raises(BadInput, match=r"repository\.0\.verify\.prometheus: .* without credentials"):
        load(write(tmp_path, GOOD + f'verify = {{prometheus = "{address}"}}\n'))
