"""What an entry of the inventory may hold: the one source of both the validation and the published JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

_SHOWN = r"[^\x00-\x1f\x7f-\x9f]"
_EDGE = r"[^\s\x00-\x1f\x7f-\x9f]"
_HOST = r"[^\s/@\\?#\x00-\x1f\x7f]+"
_STATUS = r"^([1-5]00-[1-5]99|[1-5][0-9]{2})$"

Name = Annotated[str, Field(pattern=rf"^{_EDGE}({_SHOWN}*{_EDGE})?$", max_length=150)]
Text = Annotated[str, Field(pattern=rf"^({_EDGE}({_SHOWN}*{_EDGE})?)?$", max_length=500)]
WebTarget = Annotated[
    str, Field(pattern=r"^https?://[^\s@/\\?#\x00-\x1f\x7f]+([/?#][^\s\\\x00-\x1f\x7f]*)?$", max_length=500)
]
PortTarget = Annotated[str, Field(pattern=rf"^{_HOST}:[1-9][0-9]{{0,4}}$", max_length=300)]
HostTarget = Annotated[str, Field(pattern=rf"^{_HOST}$", max_length=300)]
RecordType = Literal["A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT"]


class _Entry(BaseModel):
    """What monitors of every type have."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    name: Name = Field(description="unique in the inventory, upper and lower case alike")
    description: Text = Field("", description="why it is there, for people")
    interval: int = Field(60, ge=20, le=86400, description="seconds between two looks")
    retries: int = Field(
        1, ge=0, le=10, description="how often it is tried again, an interval apart, before it is down"
    )
    notifications: list[Name] | None = Field(
        None,
        max_length=20,
        description="names of notifications in Uptime Kuma; left out: those that it gives to every new monitor",
    )
    tags: list[Name] = Field([], max_length=20, description="names of tags in Uptime Kuma; made when they are missing")


class _Web(_Entry):
    target: WebTarget = Field(description="an http or https address without credentials")
    accepted_status_codes: list[Annotated[str, Field(pattern=_STATUS)]] = Field(
        ["200-299"], min_length=1, max_length=20, description='such as "200-299" or "401"'
    )


class Http(_Web):
    """Up when the address answers with an accepted status code."""

    type: Literal["http"]


class Keyword(_Web):
    """Up when the answer holds the keyword as well."""

    type: Literal["keyword"]
    keyword: Annotated[str, Field(pattern=rf"^{_SHOWN}+$", max_length=200)] = Field(description="text in the answer")


class Port(_Entry):
    """Up when the TCP port takes a connection."""

    type: Literal["port"]
    target: PortTarget = Field(description="host:port; an IPv6 address in brackets")


class Ping(_Entry):
    """Up when the host answers a ping."""

    type: Literal["ping"]
    target: HostTarget = Field(description="host name or address")


class Dns(_Entry):
    """Up when the name has a record."""

    type: Literal["dns"]
    target: HostTarget = Field(description="the name that is looked up")
    resolver: HostTarget = Field("1.1.1.1", description="address of the server that is asked, at port 53")
    record_type: RecordType = Field("A", description="the kind of record")


class Push(_Entry):
    """Up while somebody calls the address that Uptime Kuma made for it."""

    type: Literal["push"]


Entry: TypeAlias = Annotated[Http | Keyword | Port | Ping | Dns | Push, Field(discriminator="type")]
ENTRY: TypeAdapter[Http | Keyword | Port | Ping | Dns | Push] = TypeAdapter(Entry)
MOST_MONITORS = 1000


class Inventory(BaseModel):
    """The monitors that this repository wants in Uptime Kuma."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, title="Inventory of monitors")

    monitors: list[Entry] = Field(max_length=MOST_MONITORS)


def schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the inventory."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Inventory.model_json_schema()}
