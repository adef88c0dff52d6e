"""Who may do what on the web face, besides whoever holds a token: people known by OpenID Connect or by a proxy."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from app.settings import values
from app.settings.values import Section


def network(text: str) -> str:
    """An address or a network. Raises ValueError."""
    ip_network(text)
    return text


def _person(text: str) -> str:
    kind, colon, value = text.partition(":")
    if not text.strip() or (colon and (kind not in ("sub", "group", "user") or not value)):
        raise ValueError("must be an e-mail address, or sub:, group: or user: and a name")
    if not colon and "@" not in text:
        raise ValueError(f"{text} is no e-mail address; write sub:, group: or user: before another kind of name")
    return text


Network = Annotated[str, AfterValidator(network)]
Person = Annotated[str, AfterValidator(_person)]
_WHO = "e-mail addresses (verified ones), sub:SUBJECT, group:GROUP, user:NAME of server.proxy_user_header"


class PeopleSettings(Section):
    """What people may do whom OpenID Connect or a proxy names. Who stands in no list may do nothing."""

    readers: list[Person] = Field([], description=f"may look: {_WHO}")
    approvers: list[Person] = Field([], description="may approve and decline, and look; named as readers are")
    operators: list[Person] = Field(
        [], description="may start, cancel, retry, replay, pause and resume, and look; named as readers are"
    )


class OIDCSettings(Section):
    """Logging in with OpenID Connect. The address to come back to is /login/oidc/return below `server.public_url`."""

    issuer: Annotated[str, AfterValidator(values.web_address)] = Field(
        "", description="the issuer, below which .well-known/openid-configuration lies; empty: none"
    )
    client_id: str = Field("", description="the client's id")
    client_secret: SecretStr = Field(SecretStr(""), description="the client's secret; empty: a public client")
    scopes: list[str] = Field(["openid", "email", "profile"], description="what is asked for")
    groups_claim: str = Field("groups", description="the claim that holds a person's groups")
    name: str = Field("OpenID Connect", max_length=40, description="what the button of the login page calls it")

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if self.issuer and not self.client_id:
            raise ValueError("client_id is needed beside issuer")
        if self.issuer and "openid" not in self.scopes:
            raise ValueError("scopes must hold openid")
        return self
