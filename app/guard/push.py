"""What a push may cause: which pushes are looked into, and which files in them are post-mortems."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

_SHA = re.compile(r"[0-9a-f]{40}")
# Names become arguments, commit subjects and links; SECURITY.md A12 lists what wider patterns let in.
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,150}\.md")
NO_COMMIT = "0" * 40


@dataclass(frozen=True)
class Push:
    """What a push event says. A hint only: content is always read from git (SECURITY.md, T1)."""

    repository: str
    ref: str
    before: str
    after: str
    pusher: str
    deleted: bool


@dataclass(frozen=True)
class Decision:
    """Whether a delivery is looked into; `reason` and `message` say why not."""

    accepted: bool
    reason: str = ""
    message: str = ""


def read_push(payload: Any) -> Push:
    """The fields that we use of a push payload. Raises ValueError naming what is missing or malformed."""
    if not isinstance(payload, dict):
        raise ValueError("the payload is not a JSON object")
    repository, pusher = payload.get("repository"), payload.get("pusher")
    name = repository.get("full_name") if isinstance(repository, dict) else None
    login = pusher.get("name") or pusher.get("login") if isinstance(pusher, dict) else ""
    ref, before, after = payload.get("ref"), payload.get("before"), payload.get("after")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9._-]{1,100}/[A-Za-z0-9._-]{1,100}", name):
        raise ValueError("repository.full_name is missing or not OWNER/NAME")
    if not isinstance(ref, str) or len(ref) > 300 or not ref.isprintable():
        raise ValueError("ref is missing or not a plain name")
    if not all(isinstance(sha, str) and _SHA.fullmatch(sha) for sha in (before, after)):
        raise ValueError("before and after must be 40 hexadecimal digits")
    if not isinstance(login or "", str) or not str(login or "").isprintable():
        raise ValueError("pusher.name is not a printable name")
    return Push(name, ref, str(before), str(after), str(login or "")[:100], payload.get("deleted") is True)


def decide_push(push: Push, branch: str | None, allowed_pushers: Collection[str]) -> Decision:
    """Whether a push is looked into. `branch` is that of the configured repository, None when it is not configured."""
    if branch is None:
        return Decision(False, "unknown-repository", f"{push.repository} is not configured here")
    if push.ref != f"refs/heads/{branch}":
        return Decision(False, "other-branch", f"{push.ref} is not the branch {branch}")
    if push.deleted or push.after == NO_COMMIT:
        return Decision(False, "branch-deleted", f"{push.ref} was deleted")
    if allowed_pushers and push.pusher.lower() not in {p.lower() for p in allowed_pushers}:
        return Decision(False, "pusher-not-allowed", f"{push.pusher or 'nobody'} is not among allowed_pushers")
    return Decision(True)


def is_post_mortem(path: str, pattern: str) -> bool:
    """Whether a path is a post-mortem by the configured glob (`*` stays within a folder) and a plain file name."""
    parts = [".*".join(re.escape(piece) for piece in part.split("*")) for part in pattern.split("/")]
    glob = "/".join(part.replace(".*", "[^/]*") for part in parts)
    return re.fullmatch(glob, path) is not None and _FILE_NAME.fullmatch(path.rpartition("/")[2]) is not None
