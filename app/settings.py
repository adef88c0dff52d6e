"""Every knob, declared once: its default, its bounds and what it is for.

Read from followthrough.toml (or `--config FILE`), then FOLLOWTHROUGH_SECTION__KEY from the environment over it.
This is the only module that reads the environment. A key that is not declared here is an error: a misspelt guardrail
must not be a missing one.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.sources import TomlConfigSettingsSource

from app.documents.vocabulary import Vocabulary, vocabulary_with
from app.errors import BadInput
from app.guard.policy import DEFAULT_CREATES, checked_creates

CONFIG_FILE = "followthrough.toml"


def _command(text: str) -> str:
    if not shlex.split(text):
        raise ValueError("the command is empty")
    return text


def _relative_folder(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*", text):
        raise ValueError("must be a folder inside the repository, such as stacks")
    return text


# A repository may hand its wrapper more variables (KUBECONFIG, VAULT_ADDR), but none that changes what terraform
# does with the plan that we judge (SECURITY.md ENV-01).
_FORBIDDEN_VARIABLES = re.compile(r"(TF_.*|TG_.*|TERRAGRUNT_.*|LD_.*|BASH_ENV|ENV|GIT_.*|PATH|HOME)")


def _environment(values: dict[str, str]) -> dict[str, str]:
    for name in values:
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name) or _FORBIDDEN_VARIABLES.fullmatch(name):
            raise ValueError(f"{name} may not be set here: it could change what a judged plan does")
    return values


def _reason(text: str) -> str:
    if not text.strip():
        raise ValueError("a rule is turned off with a reason")
    return text


def _synonyms(values: dict[str, list[str]]) -> dict[str, list[str]]:
    vocabulary_with(values)
    return values


def _workspace(text: str) -> str:
    if not re.fullmatch(r"/[A-Za-z0-9._/ -]+", text) or text.startswith(("/home/", "/root/")):
        raise ValueError("must be an absolute folder of plain characters, not below /home or /root")
    return text.rstrip("/")


def _mirror(text: str) -> str:
    if text and not re.fullmatch(r"/[A-Za-z0-9._/-]+", text):
        raise ValueError("must be an absolute folder of plain characters on the DevVM")
    return text


Command = Annotated[str, AfterValidator(_command)]
Folder = Annotated[str, AfterValidator(_relative_folder)]
StackName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Section(BaseModel):
    """One table of the file: unknown keys are errors, values never change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ServerSettings(Section):
    """How the service listens, and who may read."""

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8080, ge=0, le=65535, description="port to listen on")
    public_url: str = Field("http://127.0.0.1:8080", description="how people reach this service; used in links")
    api_tokens: list[SecretStr] = Field([], description="bearer tokens; none: reads only, and only from loopback")
    max_body_bytes: int = Field(1_048_576, ge=1024, description="largest webhook body that is read, in bytes")
    data: Path = Field(Path("followthrough-data"), description="folder for repository mirrors")
    patience_minutes: float = Field(
        30, gt=0, description="how long a step waits for a Vault, DevVM or forge that does not answer, in minutes"
    )


class DatabaseSettings(Section):
    """Where everything is kept."""

    url: str = Field("sqlite:///followthrough.db", description="SQLite file, or postgresql://... for several workers")


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
    timeout_seconds: float = Field(10, gt=0, description="limit of one request, in seconds")


class DevVMSettings(Section):
    """One machine on which agents and plans run."""

    name: str = Field("devvm", pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", description="name in logs and pages")
    host: str = Field(description="address")
    port: int = Field(22, ge=1, le=65535, description="SSH port")
    user: str = Field(description="SSH user")
    host_key: str = Field(description="pinned public host key, as in known_hosts: type and base64")
    workspace: Annotated[str, AfterValidator(_workspace)] = Field(
        "/var/tmp/followthrough",  # noqa: S108 - a folder of ours on the DevVM, made 0700 and checked
        description="absolute folder for our clones and the agent's trees; outside HOME, which the agent may not read",
    )
    claude: str = Field("~/.local/bin/claude", description="the Claude Code CLI")
    path: str = Field(
        "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        description="PATH for the plan and apply commands",
    )


class AgentSettings(Section):
    """The agent's model and its limits."""

    model: str = Field("sonnet", description="model name or alias")
    budget_usd: float = Field(5.0, gt=0, description="one run, in US dollars")
    todo_budget_usd: float = Field(2.0, gt=0, description="one TODO, both tries together, in US dollars")
    day_budget_usd: float = Field(25.0, gt=0, description="one day (UTC), in US dollars")
    todo_minutes: float = Field(30, gt=0, le=24 * 60, description="one try of the agent, in minutes")
    max_turns: int = Field(40, ge=1, description="turns in one try")
    base_url: str = Field("", description="other address of the Messages API; empty: the CLI's own")
    cage_test: Literal["required", "off"] = Field(
        "required", description="off: agents run on a DevVM whose CLI was never shown to keep them in their cage"
    )


class SlackSettings(Section):
    """Who is told."""

    webhook_url: SecretStr = Field(SecretStr(""), description="incoming webhook; empty: no Slack")
    signing_secret: SecretStr = Field(SecretStr(""), description="for approve and decline buttons")


class DocumentsSettings(Section):
    """How post-mortems here are worded, beyond what is understood anyway."""

    synonyms: Annotated[dict[str, list[str]], AfterValidator(_synonyms)] = Field(
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

    off: dict[str, Annotated[str, AfterValidator(_reason)]] = Field(
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


class RepositorySettings(Section):
    """One infrastructure repository: what is a post-mortem, how to plan and apply, what is never touched."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", description="repository.full_name in the payload")
    clone_url: str = Field(description="where the service and the DevVM fetch")
    push_url: str = Field("", description="where the DevVM pushes; empty: clone_url")
    web_url: str = Field("", description="where people look at it; empty: made from clone_url when that is http(s)")
    branch: str = Field("master", pattern=r"^[A-Za-z0-9_][A-Za-z0-9._/-]*$", description="the branch that is deployed")
    post_mortems: str = Field("docs/post-mortems/*.md", description="glob of the post-mortems; * stays in a folder")
    mode: Literal["apply", "dry-run"] = Field("apply", description="what a push may cause")
    stacks: Folder = Field("stacks", description="a changed stack is a first-level folder here")
    init: str = Field("", description="run in the stack's folder before a plan; empty: the wrapper does it")
    plan: Command = Field("scripts/tg plan", description="run in the stack's folder")
    show: Command = Field("scripts/tg show -json", description="prints the JSON of the saved plan")
    apply: Command = Field("scripts/tg apply --non-interactive", description="the saved plan is its last argument")
    provider_mirror: Annotated[str, AfterValidator(_mirror)] = Field(
        "", description="folder on the DevVM; when set, terraform installs providers from there and nowhere else"
    )
    plan_minutes: float = Field(15, gt=0, description="limit of one plan or apply, in minutes")
    protected_stacks: list[StackName] = Field(
        ["vault", "dbaas", "traefik", "authentik", "kyverno"], description="never touched"
    )
    allowed_pushers: list[str] = Field([], description="logins; empty: anyone who can push")
    environment: Annotated[dict[str, str], AfterValidator(_environment)] = Field(
        {}, description="more variables for plan, show and apply; nothing of TF_*, TG_*, PATH or HOME"
    )


class Settings(BaseSettings):
    """The whole configuration, immutable. Made by `load`."""

    model_config = SettingsConfigDict(
        env_prefix="FOLLOWTHROUGH_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    server: ServerSettings = ServerSettings()
    database: DatabaseSettings = DatabaseSettings()
    github: GitHubSettings = GitHubSettings()
    vault: VaultSettings = VaultSettings()
    devvm: list[DevVMSettings] = []
    agent: AgentSettings = AgentSettings()
    slack: SlackSettings = SlackSettings()
    documents: DocumentsSettings = DocumentsSettings()
    lint: LintSettings = LintSettings()
    policy: PolicySettings = PolicySettings()
    repository: list[RepositorySettings] = []

    def repository_named(self, name: str) -> RepositorySettings | None:
        """The configured repository with this full name, or None. Names compare without case, as forges do."""
        return next((r for r in self.repository if r.name.lower() == name.lower()), None)

    def secrets(self) -> list[str]:
        """Every secret value in the configuration, for the redactor."""
        values = [*self.server.api_tokens, *self.github.webhook_secrets, self.github.token]
        values += [self.slack.webhook_url, self.slack.signing_secret]
        return [v.get_secret_value() for v in values if v.get_secret_value()]


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
            return (env_settings, TomlConfigSettingsSource(settings_cls, toml_file=file))

    try:
        return FromFile()
    except ValidationError as error:
        raise BadInput("config-invalid", f"reading the configuration {file}: {_explain(error.errors())}") from None
    except ValueError as error:
        raise BadInput("config-invalid", f"reading the configuration {file}: it is not TOML: {error}") from None


def _explain(errors: list[Any]) -> str:
    return "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in errors)
