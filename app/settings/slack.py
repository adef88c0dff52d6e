"""Slack's table: who is told where, and who may approve from there."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.settings import values
from app.settings.values import Section

ChannelId = Annotated[str, Field(pattern=r"^[CGD][A-Z0-9]{2,20}$")]
UserId = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]{2,20}$")]


class SlackSettings(Section):
    """Who is told, and who may answer."""

    webhook_url: SecretStr = Field(SecretStr(""), description="incoming webhook: one message at the end of a run")
    bot_token: SecretStr = Field(
        SecretStr(""),
        description="xoxb-...: one message a run, edited as it goes; or vault.slack_field. Needs channel",
    )
    channel: Annotated[str, Field(pattern=r"^([CGD][A-Z0-9]{2,20})?$")] = Field(
        "", description="id of the channel for the bot, as C0123456789; with one the webhook is not used"
    )
    channels: dict[str, ChannelId] = Field(
        {}, description='channels by severity, the others go to channel: {SEV1 = "C0123456789"}'
    )
    signing_secret: SecretStr = Field(
        SecretStr(""), description="of the app whose buttons approve and decline; without it no press is taken"
    )
    approvers: list[UserId] = Field(
        [], description='ids of users who may press them: ["U0123456789"]; empty: there are no buttons'
    )
    team: Annotated[str, Field(pattern=r"^(T[A-Z0-9]{2,20})?$")] = Field(
        "", description="id of the workspace that buttons are taken from; empty: any that signs with the secret"
    )
    api_url: Annotated[str, AfterValidator(values.web_address)] = Field(
        "https://slack.com/api", description="address of the Web API"
    )

    @model_validator(mode="after")
    def _bot_has_a_place(self) -> Self:
        if (self.bot_token.get_secret_value() or self.channels) and not self.channel:
            raise ValueError("bot_token and channels need channel: the bot must know where to write")
        return self

    def channel_for(self, severity: str) -> str:
        """The channel of a post-mortem of this severity; empty: there is no bot, the webhook is used."""
        known = {name.lower(): channel for name, channel in self.channels.items()}
        return known.get(severity.lower(), self.channel)

    @property
    def is_used(self) -> bool:
        """Whether anybody is told anything."""
        return bool(self.channel or self.webhook_url.get_secret_value())
