"""Vault or OpenBao: one login with the service-account token, one secret, token revoked."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Mapping
from contextlib import suppress

import requests
from hvac import Client
from hvac import exceptions as vault_errors

from app.errors import Failed, Transient
from app.settings import VaultSettings

# Vault's own words for a token's times; it allows for a few seconds by itself.
_TOO_EARLY, _TOO_LATE = ("claim: token not yet valid", "(iat) claim"), "claim: token is expired"
_EARLY = "the token {} is not valid yet by Vault's clock: set the clocks of Vault's machine and of the cluster right"
_LATE = "the token {} has expired and was not replaced; the kubelet does that, and a copy of it stays as it is"


def read_secret(vault: VaultSettings) -> dict[str, str]:
    """Log in, read the configured KV v2 secret, revoke the token; return the secret's fields.

    The caller keeps the result inside the step that uses it: it is never returned from a step, logged or stored.
    Raises Transient when Vault is sealed or cannot be reached, or when the service-account token is not valid yet or
    not any more: the next try reads the file again. Raises Failed for everything that waiting does not mend.
    """
    doing = f"fetching {vault.kv_mount}/{vault.path} from Vault at {vault.url}"
    try:
        jwt = vault.jwt_file.read_text().strip()
    except OSError as error:
        reason = f"{doing}: the service-account token {vault.jwt_file} cannot be read ({error.strerror})"
        raise Failed("vault-no-jwt", f"{reason}; mount it or set vault.jwt_file") from None
    except UnicodeError:
        reason = f"{doing}: {vault.jwt_file} is no text, so no service-account token; set vault.jwt_file"
        raise Failed("vault-no-jwt", reason) from None
    client = Client(url=vault.url, timeout=vault.timeout_seconds)
    try:
        return _login_and_read(client, vault, jwt, doing)
    except vault_errors.VaultDown:
        raise Transient("vault-sealed", f"{doing}: Vault is sealed or not ready; unseal it") from None
    except requests.exceptions.SSLError:
        raise Failed("vault-tls", f"{doing}: the TLS certificate is not trusted; check vault.url and its CA") from None
    except requests.exceptions.RequestException as error:
        raise Transient("vault-unreachable", f"{doing}: no answer ({type(error).__name__})") from None
    except vault_errors.VaultError as error:
        raise Failed("vault-error", f"{doing}: {type(error).__name__}") from None
    except (TypeError, KeyError, ValueError):
        # The client takes what it is given for an answer of Vault's: a web page, or a name that nobody could look up.
        reason = f"{doing}: what is there does not answer as Vault does; correct vault.url"
        raise Failed("vault-unreadable", reason) from None


def _login_and_read(client: Client, vault: VaultSettings, jwt: str, doing: str) -> dict[str, str]:
    try:
        client.auth.kubernetes.login(role=vault.role, jwt=jwt, mount_point=vault.auth_mount, use_token=True)
    except (vault_errors.Forbidden, vault_errors.InvalidRequest) as error:
        if any(claim in str(error) for claim in _TOO_EARLY):
            raise Transient("vault-clock-skew", f"{doing}: {_EARLY.format(vault.jwt_file)} ({error})") from None
        if _TOO_LATE in str(error) or _is_expired(jwt):
            raise Transient("vault-token-expired", f"{doing}: {_LATE.format(vault.jwt_file)}") from None
        raise Failed(
            "vault-login-refused",
            f"{doing}: the login as role {vault.role!r} at auth/{vault.auth_mount} was refused ({error}); check the "
            "role's bound service account, namespace and audience, and that the token review endpoint answers",
        ) from None
    try:
        answer = client.secrets.kv.v2.read_secret_version(
            vault.path, mount_point=vault.kv_mount, raise_on_deleted_version=True
        )
        return {str(k): str(v) for k, v in answer["data"]["data"].items()}
    except vault_errors.Forbidden:
        reason = f"{doing}: the policy of role {vault.role!r} does not let it read {vault.kv_mount}/data/{vault.path}"
        raise Failed("vault-read-refused", reason) from None
    except vault_errors.InvalidPath:
        reason = f"{doing}: there is no such secret, or {vault.kv_mount} is not a KV v2 mount"
        raise Failed("vault-no-secret", reason) from None
    finally:
        # It ends by its own lifetime too; what the read said is worth more than that it could not be ended early.
        with suppress(vault_errors.VaultError, requests.exceptions.RequestException):
            client.auth.token.revoke_self()


def _is_expired(jwt: str) -> bool:
    """Whether a token says of itself that its time is over: past Vault, the API server only answers no to it."""
    try:
        claims = jwt.split(".")[1]
        return float(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["exp"]) < time.time()
    except (IndexError, KeyError, TypeError, ValueError):
        return False


def field(secret: dict[str, str], name: str, vault: VaultSettings) -> str:
    """One field of the secret. Raises Failed naming the field and the path, never another field's value."""
    if not secret.get(name):
        where = f"{vault.kv_mount}/{vault.path}"
        raise Failed("vault-no-field", f"reading {where}: it has no field {name!r}; write it, or correct the setting")
    return secret[name]


def hidden(secret: Mapping[str, str], vault: VaultSettings) -> list[str]:
    """The values of a secret that nobody may see: all but the name of a user, which is an ordinary word."""
    return [value for name, value in secret.items() if name != vault.uptime_kuma_user_field]
