"""What the names in an expression stand for: secrets, values that the edit changed, kinds of resources."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from app.guard.catalogue import matches
from app.guard.edits.hcl import Block, Expression
from app.guard.edits.hcl_delta import Folder

# Data sources and resources whose values are secret, whatever the provider marks.
SECRET_DATA = (
    "vault_*", "kubernetes_secret*", "kubernetes_resource*", "aws_secretsmanager_*", "aws_ssm_parameter*", "sops_*",
    "google_secret_manager_*", "azurerm_key_vault_*", "onepassword_*", "bitwarden*", "consul_keys", "external", "http",
    "terraform_remote_state", "local_*", "shell_*", "ssh_*", "remote_*", "*_token", "*_password", "*_kubeconfig",
)  # fmt: skip
SECRET_RESOURCES = (
    "random_password", "random_bytes", "tls_private_key", "tls_self_signed_cert", "vault_*", "*_access_key",
    "kubernetes_secret*", "kubernetes_token_request*", "aws_secretsmanager_*", "google_secret_manager_*", "*_api_token",
    "azurerm_key_vault_*", "*_service_account_key", "*_personal_access_token",
)  # fmt: skip
_SECRET_NAME = re.compile(
    r"(^|_)(pass|passwords?|passwd|passphrase|secrets?|tokens?|api_?keys?|private_?keys?|secret_?keys?|access_?keys?"
    r"|credentials?|kubeconfig|webhook_url|slack_api_url)$"
)
_SECRET_FLAGS = ("sensitive", "ephemeral")
_NO_RESOURCE = frozenset({"each", "count", "self", "path", "terraform"})


def secrets_of(folder: Folder) -> frozenset[str]:
    """`var.x` and `local.x` for every variable and local of a folder that is or holds a secret, before or after."""
    blocks = [placed.block for placed in folder.blocks()]
    secret = {f"var.{name}" for b in blocks for name in b.labels if b.type == "variable" and _marked(b)}
    local = [(f"local.{b.labels[0]}", b) for b in blocks if b.type == "locals" and b.labels]
    known = known_of(folder)
    tainted = {
        name for name, block in local if any(_holds_secret(e, secret, known, folder) for e in block.expressions())
    }
    return frozenset(secret | _spread(tainted, local))


def known_of(folder: Folder) -> frozenset[str]:
    """`var.x` and `local.x` for everything that a folder declares, before or after."""
    blocks = [placed.block for placed in folder.blocks()]
    prefix = {"variable": "var", "locals": "local"}
    return frozenset(f"{prefix[b.type]}.{name}" for b in blocks if b.type in prefix for name in b.labels)


def is_secret(reference: str, secrets: frozenset[str] | set[str], known: frozenset[str], folder: Folder) -> bool:
    """Whether a dotted reference may yield a secret. What nobody declares is taken for one."""
    parts = reference.removeprefix("resource.").split(".")
    root, name = parts[0], ".".join(parts[:2])
    if root == "var":
        return name in secrets or name not in known or bool(_SECRET_NAME.search(parts[1]))
    if root == "local":
        return name in secrets or (name not in known and folder.blind)
    if root == "ephemeral":
        return True
    if root == "data":
        return len(parts) < 3 or matches(parts[1], SECRET_DATA) or _secret_part(parts[3:])
    if root == "module":
        return _secret_part(parts[2:])
    if root in _NO_RESOURCE or len(parts) < 2:
        return False
    if root.startswith("kubernetes_secret") and parts[2:3] == ["metadata"]:
        return False
    return matches(root, SECRET_RESOURCES) or _secret_part(parts[2:])


def changed_names(folder: Folder) -> frozenset[str]:
    """`var.x` and `local.x` for every one whose value the edit may change, also by way of another local."""
    changed = set()
    for pair in folder.pairs:
        if not pair.above and pair.before and pair.after and pair.block.labels:
            prefix = {"variable": "var", "locals": "local"}.get(pair.block.type)
            changed |= {f"{prefix}.{pair.block.labels[0]}"} if prefix else set()
    local = [(f"local.{p.block.labels[0]}", p.block) for p in folder.after if p.block.type == "locals" and p.key[1:]]
    return frozenset(_spread(changed, local))


def added(before: Sequence[str], after: Sequence[str]) -> list[str]:
    """What stands in `after` more often than in `before`, each once."""
    more = Counter(after) - Counter(before)
    return list(more)


def names_of(expression: Expression) -> frozenset[str]:
    """The first two parts of every reference: `var.x`, `local.x`."""
    return frozenset(".".join(reference.split(".")[:2]) for reference in expression.references)


def _marked(variable: Block) -> bool:
    flags = [variable.get(name) for name in _SECRET_FLAGS]
    return any(flag is not None and flag.text != "false" for flag in flags)


def _secret_part(parts: Sequence[str]) -> bool:
    return any(_SECRET_NAME.search(part) for part in parts)


def _holds_secret(expression: Expression, secrets: set[str], known: frozenset[str], folder: Folder) -> bool:
    if any(call.name == "sensitive" for call in expression.calls):
        return True
    outer = {"var", "local"}
    return any(
        is_secret(reference, secrets, known, folder)
        for reference in expression.references
        if reference.split(".")[0] in outer or reference.split(".")[0] not in expression.bound
        if not (reference.startswith("var.") and ".".join(reference.split(".")[:2]) not in known)
    )


def _spread(names: set[str], local: Sequence[tuple[str, Block]]) -> set[str]:
    """The names, and every local that is made of one of them, through any number of locals."""
    users: dict[str, set[str]] = {}
    for name, block in local:
        for expression in block.expressions():
            for used in names_of(expression):
                users.setdefault(used, set()).add(name)
    found, todo = set(names), list(names)
    while todo:
        for user in users.get(todo.pop(), set()) - found:
            found.add(user)
            todo.append(user)
    return found
