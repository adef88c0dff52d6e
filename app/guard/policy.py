"""The policy: what a machine may do by default, how a repository narrows it, and its version."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.errors import BadInput
from app.guard.catalogue import ALERT_TYPES, MONITOR_TYPES, NEVER_BY_MACHINE, matches
from app.guard.model import Policy, Rule
from app.guard.todo import SAFE_TYPES

FILE = ".followthrough.toml"
LIMITS = ("most_files", "most_added_lines", "most_deleted_lines", "most_creates", "most_updates")
DEFAULT_CREATES: dict[str, list[str]] = {
    "Alert": list(ALERT_TYPES),
    "Config": ["terraform_data"],
    "Monitor": list(MONITOR_TYPES),
}

_LARGEST_FILE = 65_536
_GLOB = re.compile(r"[a-z][a-z0-9]*_[a-z0-9_*]+")
_STACK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def checked_creates(creates: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The resource types that each TODO type may create, as they are. Raises ValueError naming what is wrong.

    TODO types are those that a machine takes at all; a glob is in lower case, with `*` only, and begins with the name
    of a provider: a bare `*` would let a machine create anything.
    """
    for todo_type, globs in creates.items():
        if todo_type not in SAFE_TYPES:
            raise ValueError(f"{todo_type!r} is no TODO type that a machine takes: {', '.join(sorted(SAFE_TYPES))}")
        for glob in globs:
            if not glob:
                raise ValueError(f"an empty resource type under {todo_type}")
            if not _GLOB.fullmatch(glob):
                raise ValueError(
                    f"{glob[:60]!r} under {todo_type}: a resource type in lower case, * only after the provider's name,"
                    " since a bare * would let a machine create anything"
                )
    return {todo_type: list(globs) for todo_type, globs in creates.items()}


def narrow(policy: Policy, text: bytes) -> Policy:
    """The policy with what `.followthrough.toml` of the infra repository says, which can only take away.

    `text` is the file at the base commit. Limits may get smaller, the types to create fewer, the protected stacks more.
    Raises BadInput for an unknown key, a wrong type, and a value that would widen: a file that does not do what its
    author thinks is worse than none.
    """
    if len(text) > _LARGEST_FILE:
        raise _bad("it is larger than 64 KiB")
    try:
        read = tomllib.loads(text.decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError):
        raise _bad("it is not TOML in UTF-8") from None
    for key in sorted(read.keys() - {*LIMITS, "creates", "protected_stacks"}):
        raise _bad(f"unknown key {key[:60]!r}; known are {', '.join((*LIMITS, 'creates', 'protected_stacks'))}")
    limits: dict[str, Any] = {key: _smaller(key, read[key], getattr(policy, key)) for key in LIMITS if key in read}
    creates = dict(policy.creates) | dict(_fewer(read.get("creates", {}), policy))
    protected = policy.protected_stacks | frozenset(_stacks(read.get("protected_stacks", [])))
    return replace(policy, creates=creates, protected_stacks=protected, **limits)


def version_of(policy: Policy, rules: Sequence[Rule[Any]]) -> str:
    """Twelve hex digits that name the rules and what the operator and the repository let through.

    The same for every TODO and commit: the TODO's type and the stacks that exist are not part of it.
    """
    said = {"rules": [[rule.id, rule.decision, rule.why] for rule in rules], **_values(policy)}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:12]


def describe(policy: Policy) -> dict[str, Any]:
    """The policy as plain JSON, for `followthrough guard policy`."""
    return {
        "version": policy.version,
        "todo_type": policy.todo_type,
        "known_stacks": sorted(policy.known_stacks),
        **_values(policy),
    }


def _values(policy: Policy) -> dict[str, Any]:
    return {
        "stacks": policy.stacks,
        "protected_stacks": sorted(policy.protected_stacks),
        "creates": {todo_type: sorted(globs) for todo_type, globs in sorted(policy.creates.items())},
        "never_by_machine": sorted(NEVER_BY_MACHINE),
        **{key: getattr(policy, key) for key in LIMITS},
        "monitors": policy.monitors,
        "alert_parts": list(policy.alert_parts),
    }


def _smaller(key: str, value: Any, most: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _bad(f"{key} must be a whole number, 0 or more")
    if value > most:
        raise _bad(f"{key} is {value} and the service allows {most}; a repository can only allow less")
    return value


def _fewer(creates: Any, policy: Policy) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not isinstance(creates, dict) or not all(_texts(globs) for globs in creates.values()):
        raise _bad("creates must be a table of lists of resource types")
    try:
        checked = checked_creates(creates)
    except ValueError as error:
        raise _bad(f"creates: {error}") from None
    for todo_type, globs in checked.items():
        allowed = policy.creates.get(todo_type, ())
        # A glob that another one takes for a name lets nothing through that the other does not.
        for glob in globs:
            if not matches(glob, allowed):
                raise _bad(
                    f"creates: {glob} under {todo_type} is not what the service allows; a repository only takes away"
                )
        yield todo_type, tuple(globs)


def _stacks(names: Any) -> list[str]:
    if not _texts(names) or not all(_STACK.fullmatch(name) for name in names):
        raise _bad("protected_stacks must be a list of names of stacks")
    return list(names)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _bad(what: str) -> BadInput:
    return BadInput("repository-policy-invalid", f"reading {FILE} of the repository: {what}")
