"""Every knob, declared once: its default, its bounds and what it is for.

Read from followthrough.toml (or `--config FILE`), then FOLLOWTHROUGH_SECTION__KEY from the environment over it. Only
this package reads the environment; FOLLOWTHROUGH_SERVER and FOLLOWTHROUGH_TOKEN are the command line's (`operator`).
A key that is not declared is an error: a misspelt guardrail must not be a missing one. The tables stand in `service`
and `repository`, the forms of values in `values`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import TomlConfigSettingsSource

from app.errors import BadInput
from app.settings.access import OIDCSettings, PeopleSettings
from app.settings.repository import RepositorySettings, VerifySettings
from app.settings.service import (
    AgentSettings,
    DatabaseSettings,
    DevVMSettings,
    DocumentsSettings,
    DriftSettings,
    GitHubSettings,
    LintSettings,
    PolicySettings,
    RetentionSettings,
    ServerSettings,
    TelemetrySettings,
    VaultSettings,
    WorkersSettings,
    distinct_names,
)
from app.settings.slack import SlackSettings

__all__ = [
    "CONFIG_FILE",
    "AgentSettings",
    "DatabaseSettings",
    "DevVMSettings",
    "DocumentsSettings",
    "DriftSettings",
    "GitHubSettings",
    "LintSettings",
    "OIDCSettings",
    "PeopleSettings",
    "PolicySettings",
    "RepositorySettings",
    "RetentionSettings",
    "ServerSettings",
    "Settings",
    "SlackSettings",
    "TelemetrySettings",
    "VaultSettings",
    "VerifySettings",
    "WorkersSettings",
    "load",
]

CONFIG_FILE = "followthrough.toml"


class Settings(BaseSettings):
    """The whole configuration, immutable. Made by `load`."""

    model_config = SettingsConfigDict(
        env_prefix="FOLLOWTHROUGH_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    server: ServerSettings = ServerSettings()
    people: PeopleSettings = PeopleSettings()
    oidc: OIDCSettings = OIDCSettings()
    database: DatabaseSettings = DatabaseSettings()
    workers: WorkersSettings = WorkersSettings()
    github: GitHubSettings = GitHubSettings()
    vault: VaultSettings = VaultSettings()
    devvm: Annotated[list[DevVMSettings], AfterValidator(distinct_names)] = []
    agent: AgentSettings = AgentSettings()
    slack: SlackSettings = SlackSettings()
    documents: DocumentsSettings = DocumentsSettings()
    lint: LintSettings = LintSettings()
    policy: PolicySettings = PolicySettings()
    drift: DriftSettings = DriftSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    retention: RetentionSettings = RetentionSettings()
    repository: list[RepositorySettings] = []

    def repository_named(self, name: str) -> RepositorySettings | None:
        """The configured repository with this full name, or None. Names compare without case, as forges do."""
        return next((r for r in self.repository if r.name.lower() == name.lower()), None)

    def secrets(self) -> list[str]:
        """Every secret value in the configuration, for the redactor."""
        values = [*self.server.api_tokens, *self.server.metrics_tokens]
        values += [*self.github.webhook_secrets, self.github.token]
        values += [self.server.session_secret, self.oidc.client_secret]
        values += [self.slack.webhook_url, self.slack.signing_secret, self.slack.bot_token]
        return [v.get_secret_value() for v in values if v.get_secret_value()]


class _Environment(EnvSettingsSource):
    """The environment without FOLLOWTHROUGH_SERVER, which is no table [server] but a service's address."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: value for name, value in super()._load_env_vars().items() if name != "followthrough_server"}


def load(config: Path | None = None) -> Settings:
    """Read the configuration from `config`, or from followthrough.toml in the working folder when it is there.

    Raises BadInput naming every key that is wrong; values are not echoed, since some are secrets.
    """
    if config is not None and not config.is_file():
        raise BadInput("config-missing", f"reading the configuration: there is no file {config}")
    file = config or Path(CONFIG_FILE)

    class FromFile(Settings):
        @classmethod
        def settings_customise_sources(
            cls,
            settings_cls: type[BaseSettings],
            init_settings: PydanticBaseSettingsSource,
            env_settings: PydanticBaseSettingsSource,
            dotenv_settings: PydanticBaseSettingsSource,
            file_secret_settings: PydanticBaseSettingsSource,
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return (_Environment(settings_cls), TomlConfigSettingsSource(settings_cls, toml_file=file))

    try:
        return FromFile()
    except ValidationError as error:
        raise BadInput("config-invalid", f"reading the configuration {file}: {_explain(error.errors())}") from None
    except ValueError as error:
        raise BadInput("config-invalid", f"reading the configuration {file}: it is not TOML: {error}") from None


def _explain(errors: list[Any]) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in errors)
