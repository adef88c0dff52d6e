"""The policy in force: what the service allows, narrowed by the repository, with its version."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from app.guard import change, plan
from app.guard.model import Policy, Rule
from app.guard.policy import narrow, version_of
from app.settings import RepositorySettings, Settings

ALL: tuple[Rule[Any], ...] = (*change.RULES, *plan.RULES)


def policy_for(
    settings: Settings,
    repository: RepositorySettings,
    known_stacks: Collection[str],
    todo_type: str | None,
    narrower: bytes = b"",
) -> Policy:
    """What may be done in this repository for a TODO of this type (None: not known).

    `narrower` is the repository's own .followthrough.toml at the base commit. Raises BadInput when it is not one, or
    would allow more.
    """
    limits = settings.policy
    policy = Policy(
        stacks=repository.stacks,
        known_stacks=frozenset(known_stacks),
        protected_stacks=frozenset(repository.protected_stacks),
        todo_type=todo_type,
        creates={name: tuple(globs) for name, globs in limits.creates.items()},
        most_files=limits.most_files,
        most_added_lines=limits.most_added_lines,
        most_deleted_lines=limits.most_deleted_lines,
        most_creates=limits.most_creates,
        most_updates=limits.most_updates,
        monitors=repository.monitors,
        alert_parts=tuple(repository.verify.alert_parts),
    )
    narrowed = narrow(policy, narrower) if narrower else policy
    return Policy(**{**narrowed.__dict__, "version": version_of(narrowed, ALL)})
