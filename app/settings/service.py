"""The service's own tables: how it listens, where it keeps things, who it talks to, what one TODO may do."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.documents.vocabulary import Vocabulary, vocabulary_with
from app.guard.policy import DEFAULT_CREATES, checked_creates
from app.settings import values
from app.settings.access import Network
from app.settings.values import Section

_LONGEST_DAYS = 36_500
HEADER = r"^([A-Za-z0-9][A-Za-z0-9-]*)?$"
SHORTEST_KEY = 32


class ServerSettings(Section):
    """How the service listens, and who may read."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    public_url: str = Field("http://127.0.0.1:8080", description="how people reach this service; used in links")
    api_tokens: list[SecretStr] = Field([], description="bearer tokens; none: reads only, and only from loopback")
    metrics_tokens: list[SecretStr] = Field([], description="bearer tokens that are good for /metrics and nothing else")
    session_secret: SecretStr = Field(
        SecretStr(""), description="signs cookies, at least 32 characters; empty: made once and kept in the database"
    )
    session_hours: float = Field(12, gt=0, le=24 * 31, description="after how long people log in again, in hours")
    trusted_proxies: list[Network] = Field(
        [], description="addresses or networks of proxies that are believed about who asks and from where"
    )
    proxy_user_header: str = Field(
        "", pattern=HEADER, description="the header in which they name who is logged in; empty: none"
    )
    proxy_groups_header: str = Field(
        "", pattern=HEADER, description="the header with the person's groups, commas between; empty: none"
    )
    max_body_bytes: int = Field(1_048_576, ge=1024, description="largest webhook body that is read, in bytes")
    data: Path = Field(Path("followthrough-data"), description="folder for repository mirrors")
    least_free_mib: int = Field(
        100, ge=0, description="no run begins with less room for database and mirrors, in MiB; 0: not asked"
    )
    patience_minutes: float = Field(
        30, gt=0, description="how long a step waits for a Vault, DevVM or forge that does not answer, in minutes"
    )
    reconcile_minutes: float = Field(
        10, ge=0, description="how often `serve` looks for pushes that no webhook told of, in minutes; 0: never"
    )
    probe_minutes: float = Field(
        5, ge=0, description="how often `serve` tries the DevVMs that no run has just used, in minutes; 0: never"
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.proxy_user_header and not self.trusted_proxies:
            raise ValueError("proxy_user_header needs trusted_proxies: anybody could send the header")
        if self.proxy_groups_header and not self.proxy_user_header:
            raise ValueError("proxy_groups_header needs proxy_user_header")
        if 0 < len(self.session_secret.get_secret_value()) < SHORTEST_KEY:
            raise ValueError(f"session_secret must have at least {SHORTEST_KEY} characters")
        return self


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: str = Field("sqlite:///followthrough.db", description="SQLite file, or postgresql://... for several workers")


class WorkersSettings(Section):
    """When one of several workers on PostgreSQL is taken for dead. The same for all of them."""

    beat_seconds: float = Field(3, gt=0, le=15, description="how often each worker says that it is alive, in seconds")
    dead_after_seconds: float = Field(
        15,
        gt=0,
        le=3600,
        description="a worker that was not heard of for so long is dead, and others go on with its runs",
    )

    @model_validator(mode="after")
    def _beats_in_time(self) -> Self:
        if self.dead_after_seconds < 4 * self.beat_seconds:
            raise ValueError("dead_after_seconds must be at least four times beat_seconds")
        return self


class GitHubSettings(Section):
    """The forge's secrets and API."""

    webhook_secrets: list[SecretStr] = Field([], description="at least one to serve; several while rotating")
    api_url: str = Field("https://api.github.com", description="address of the API")
    token: SecretStr = Field(SecretStr(""), description="for commit statuses and issues; empty: neither")


class VaultSettings(Section):
    """Where the DevVM's key comes from."""

    url: str = Field("http://127.0.0.1:8200", description="address of Vault or OpenBao")
    auth_mount: str = Field("kubernetes", description="mount of the Kubernetes auth method")
    role: str = Field("ci", description="role to log in with")
    jwt_file: Path = Field(
        Path("/var/run/secrets/kubernetes.io/serviceaccount/token"),
        description="service-account token; read afresh at every login",
    )
    kv_mount: str = Field("secret", description="mount of the KV v2 engine")
    path: str = Field("ci/infra", description="path of the secret under the mount")
    ssh_key_field: str = Field("devvm_ssh_key", description="field that holds the DevVM's private key")
    api_key_field: str = Field(
        "", description="field that holds the model's API key; empty: the DevVM user's own login is used"
    )
    prometheus_field: str = Field("", description="field that holds Prometheus's password or token; empty: none")
    uptime_kuma_user_field: str = Field("uptime_kuma_user", description="field that holds Uptime Kuma's user")
    uptime_kuma_password_field: str = Field("uptime_kuma_password", description="field that holds its password")
    slack_field: str = Field("", description="field that holds Slack's bot token; empty: slack.bot_token")
    timeout_seconds: float = Field(10, gt=0, description="limit of one request, in seconds")


class DevVMSettings(Section):
    """One machine on which agents and plans run."""

    name: str = Field(
        "devvm", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64, description="name in logs and pages"
    )
    host: str = Field(description="address")
    port: int = Field(22, ge=1, le=65535, description="SSH port")
    user: str = Field(description="SSH user")
    host_key: str = Field(description="pinned public host key, as in known_hosts: type and base64")
    workspace: Annotated[str, AfterValidator(values.workspace)] = Field(
        "/var/tmp/followthrough",  # noqa: S108 - a folder of ours on the DevVM, made 0700 and checked
        description="absolute folder for our clones and the agent's trees; outside HOME, which the agent may not read",
    )
    least_free_mib: int = Field(
        1024,
        ge=0,
        description="no run begins with less room in the workspace, in MiB, or a tenth of the inodes; 0: any",
    )
    claude: str = Field("~/.local/bin/claude", description="the Claude Code CLI")
    path: str = Field(
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        description="PATH for the plan and apply commands",
    )
    drained: bool = Field(False, description="true: it gets no new run, and keeps those that it has")


def distinct_names(devvms: list[DevVMSettings]) -> list[DevVMSettings]:
    """DevVMs that can be told apart: a run finds its own again by name. Raises ValueError."""
    names = [devvm.name for devvm in devvms]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"the name {', '.join(twice)} stands twice; give each DevVM one of its own")
    return devvms


class AgentSettings(Section):
    """The agent's model and its limits."""

    model: str = Field("sonnet", description="model name or alias")
    budget_usd: float = Field(5.0, gt=0, description="one run, in US dollars")
    todo_budget_usd: float = Field(
        2.0, gt=0, description="one TODO, both tries together, in US dollars; one lost with its DevVM is not counted"
    )
    day_budget_usd: float = Field(25.0, gt=0, description="one day (UTC), in US dollars")
    todo_minutes: float = Field(30, gt=0, le=24 * 60, description="one try of the agent, in minutes")
    max_turns: int = Field(40, ge=1, description="turns in one try")
    side_by_side: int = Field(3, ge=1, le=32, description="TODOs of a run at the same time, on stacks that differ")
    base_url: str = Field("", description="other address of the Messages API; empty: the CLI's own")
    cage_test: Literal["required", "off"] = Field(
        "required", description="off: agents run on a DevVM whose CLI was never shown to keep them in their cage"
    )


class DocumentsSettings(Section):
    """How post-mortems here are worded, beyond what is understood anyway."""

    synonyms: Annotated[dict[str, list[str]], AfterValidator(values.synonyms)] = Field(
        {},
        description=(
            'more words: {action = ["uppgift"], open = ["öppen"]}; also status, type, priority, owner, due, details, '
            "issue (headers of columns), done, heading (sections of actions)"
        ),
    )

    @property
    def vocabulary(self) -> Vocabulary:
        """The words to read post-mortems with."""
        return vocabulary_with(self.synonyms)


class LintSettings(Section):
    """Which rules on post-mortems do not hold here, and why."""

    off: dict[str, Annotated[str, AfterValidator(values.reason)]] = Field(
        {}, description='rules that are not asked, each with the reason: {review-date = "reviewed every Monday"}'
    )
    report_hours: float = Field(48, gt=0, description="how long after the incident a report may be written, in hours")


class PolicySettings(Section):
    """What one TODO may do without a person; what lies over it waits for approval."""

    most_files: int = Field(5, ge=0, description="changed files")
    most_added_lines: int = Field(200, ge=0, description="added lines")
    most_deleted_lines: int = Field(20, ge=0, description="deleted lines")
    most_creates: int = Field(3, ge=0, description="resources that a plan creates")
    most_updates: int = Field(3, ge=0, description="resources that a plan updates")
    creates: Annotated[dict[str, list[str]], AfterValidator(checked_creates)] = Field(
        DEFAULT_CREATES, description="TODO type to the resource types that it may create; * after a provider's name"
    )


class DriftSettings(Section):
    """Whether what post-mortems claim as done is still so."""

    every_hours: float = Field(24, ge=0, description="how often `serve` looks, in hours; 0: never")


class TelemetrySettings(Section):
    """Where traces go."""

    traces_url: Annotated[str, AfterValidator(values.web_address)] = Field(
        "",
        description="OTLP over HTTP, as http://127.0.0.1:4318/v1/traces; empty: none. Needs `pip install 'dbos[otel]'`",
    )


class RetentionSettings(Section):
    """How long what happened is kept; `serve` removes once a day what is older."""

    events_days: int = Field(
        90, ge=0, le=_LONGEST_DAYS, description="lines that people follow, agents' sessions among them; 0: for ever"
    )
    runs_days: int = Field(
        730,
        ge=0,
        le=_LONGEST_DAYS,
        description="runs and all that belongs to them; 0: for ever. One with a settled TODO (done, refused, unknown,"
        " waiting, landed) always stays, with its checks: it would be done again",
    )
    deliveries_days: int = Field(
        365,
        ge=0,
        le=_LONGEST_DAYS,
        description="deliveries whose runs are gone, and counts of requests that were not let in; 0: for ever",
    )
