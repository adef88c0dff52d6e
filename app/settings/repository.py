"""One infrastructure repository's table: what is a post-mortem, how to plan and apply, how to see that it works."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from app.settings import values
from app.settings.values import Command, Folder, Section, StackName


class VerifySettings(Section):
    """How a change is seen to work in the running system, beyond a plan that is empty after it was applied."""

    prometheus: Annotated[str, AfterValidator(values.web_address)] = Field(
        "", description="address of Prometheus; empty: alerts are checked by promtool only"
    )
    prometheus_user: str = Field(
        "", description="user of its basic authentication; empty: vault.prometheus_field holds a bearer token"
    )
    promtool: str = Field("promtool", description="the command on the DevVM; empty: it is not asked")
    alertmanager_config: Annotated[str, AfterValidator(values.relative_file)] = Field(
        "", description="Alertmanager's configuration in the repository; amtool then says whom a new alert reaches"
    )
    amtool: str = Field("amtool", description="the command on the DevVM")
    alert_parts: list[Literal["for", "severity", "summary"]] = Field(
        ["for", "severity", "summary"], description="what a new alert must have"
    )
    config: Annotated[str, AfterValidator(values.maybe_command)] = Field(
        "", description="the operator's check after a Config TODO, run at the repository's root: scripts/check {stack}"
    )
    config_minutes: float = Field(5, gt=0, le=240, description="limit of that check, in minutes")
    uptime_kuma: Annotated[str, AfterValidator(values.web_address)] = Field(
        "", description="address of Uptime Kuma, which gets what repository.monitors adds"
    )
    minutes: float = Field(5, gt=0, le=240, description="how long after an apply an alert or a heartbeat is waited for")


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
    provider_mirror: Annotated[str, AfterValidator(values.mirror)] = Field(
        "", description="folder on the DevVM; when set, terraform installs providers from there and nowhere else"
    )
    plan_minutes: float = Field(15, gt=0, description="limit of one plan or apply, in minutes")
    lock_minutes: float = Field(5, ge=0, description="how long to wait for somebody else's lock on a stack's state")
    protected_stacks: list[StackName] = Field(
        ["vault", "dbaas", "traefik", "authentik", "kyverno"], description="never touched"
    )
    monitors: Annotated[str, AfterValidator(values.inventory)] = Field(
        "", description="the inventory of monitors, such as monitors.yaml; empty: monitors are Terraform's"
    )
    verify: VerifySettings = Field(VerifySettings(), description="how a change is seen to work")
    allowed_pushers: list[str] = Field([], description="logins; empty: anyone who can push")
    environment: Annotated[dict[str, str], AfterValidator(values.environment)] = Field(
        {}, description="more variables for plan, show and apply; nothing of TF_*, TG_*, PATH or HOME"
    )

    @model_validator(mode="after")
    def _monitors_have_a_place(self) -> Self:
        if self.monitors and not self.verify.uptime_kuma:
            raise ValueError("monitors needs verify.uptime_kuma: nobody would watch what the inventory lists")
        return self
