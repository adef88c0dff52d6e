"""What an operator's environment says to the command line: which service afar it speaks to, and as whom."""

from __future__ import annotations

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class OperatorSettings(BaseSettings):
    """FOLLOWTHROUGH_SERVER, the address of a service, and FOLLOWTHROUGH_TOKEN, a token of its API.

    A token is never an argument: those of a process can be read by everybody on its machine.
    """

    model_config = SettingsConfigDict(env_prefix="FOLLOWTHROUGH_", extra="ignore", frozen=True)

    server: str = ""
    token: SecretStr = SecretStr("")
