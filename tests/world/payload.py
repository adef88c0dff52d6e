"""FAKE: GitHub's webhook. A push event, key by key as GitHub sends it for a push to a branch."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

LOGIN, PUSHER_ID, REPOSITORY_ID = "operator", 4171902, 77120
_EMAIL = f"{PUSHER_ID}+{LOGIN}@users.noreply.github.com"
_WEB, _API = "https://github.com", "https://api.github.com"

_USER_LINKS = ("followers", "following{/other_user}", "gists{/gist_id}", "starred{/owner}{/repo}", "subscriptions",
               "orgs", "repos", "events{/privacy}", "received_events")  # fmt: skip
_REPOSITORY_LINKS = {
    "forks": "forks", "keys": "keys{/key_id}", "collaborators": "collaborators{/collaborator}", "teams": "teams",
    "hooks": "hooks", "issue_events": "issues/events{/number}", "events": "events", "assignees": "assignees{/user}",
    "branches": "branches{/branch}", "tags": "tags", "blobs": "git/blobs{/sha}", "git_tags": "git/tags{/sha}",
    "git_refs": "git/refs{/sha}", "trees": "git/trees{/sha}", "statuses": "statuses/{sha}", "languages": "languages",
    "stargazers": "stargazers", "contributors": "contributors", "subscribers": "subscribers",
    "subscription": "subscription", "commits": "commits{/sha}", "git_commits": "git/commits{/sha}",
    "comments": "comments{/number}", "issue_comment": "issues/comments{/number}", "contents": "contents/{+path}",
    "compare": "compare/{base}...{head}", "merges": "merges", "archive": "{archive_format}{/ref}",
    "downloads": "downloads", "issues": "issues{/number}", "pulls": "pulls{/number}",
    "milestones": "milestones{/number}", "notifications": "notifications{?since,all,participating}",
    "labels": "labels{/name}", "releases": "releases{/id}", "deployments": "deployments",
}  # fmt: skip


@dataclass(frozen=True)
class Commit:
    """One pushed commit and the paths that it touched."""

    id: str
    tree: str
    message: str
    timestamp: str
    added: Sequence[str] = field(default=())
    removed: Sequence[str] = field(default=())
    modified: Sequence[str] = field(default=())


def push_payload(repository: str, branch: str, before: str, after: str, commits: Sequence[Commit]) -> bytes:
    """The body of the event, as JSON bytes. `repository` is OWNER/NAME; the last commit is the new head."""
    web = f"{_WEB}/{repository}"
    said = [_commit(commit, web) for commit in commits]
    event = {
        "ref": f"refs/heads/{branch}",
        "before": before,
        "after": after,
        "repository": _repository(repository, branch),
        "pusher": {"name": LOGIN, "email": _EMAIL},
        "sender": _user(LOGIN),
        "installation": {"id": 1, "node_id": "MDIzOkludGVncmF0aW9uSW5zdGFsbGF0aW9uMQ=="},
        "created": set(before) == {"0"},
        "deleted": set(after) == {"0"},
        "forced": False,
        "base_ref": None,
        "compare": f"{web}/compare/{before[:12]}...{after[:12]}",
        "commits": said,
        "head_commit": said[-1] if said else None,
    }
    return json.dumps(event).encode()


def signed_headers(body: bytes, secret: str, event: str = "push", delivery: str = "") -> dict[str, str]:
    """The headers of a delivery, with the signature over exactly this body. No `delivery`: a new one."""
    return {
        "Accept": "*/*",
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/0000000",
        "X-GitHub-Delivery": delivery or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-GitHub-Hook-ID": "1",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }


def _commit(commit: Commit, web: str) -> dict[str, Any]:
    who = {"name": LOGIN, "email": _EMAIL, "username": LOGIN}
    return {
        "id": commit.id,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.timestamp,
        "url": f"{web}/commit/{commit.id}",
        "author": who,
        "committer": who,
        "added": list(commit.added),
        "removed": list(commit.removed),
        "modified": list(commit.modified),
    }


def _user(login: str) -> dict[str, Any]:
    api = f"{_API}/users/{login}"
    links = {f"{link.partition('{')[0]}_url": f"{api}/{link}" for link in _USER_LINKS}
    links["organizations_url"] = links.pop("orgs_url")
    return {
        "login": login,
        "id": PUSHER_ID,
        "node_id": "MDQ6VXNlcjQxNzE5MDI=",
        "avatar_url": f"https://avatars.githubusercontent.com/u/{PUSHER_ID}?v=4",
        "gravatar_id": "",
        "url": api,
        "html_url": f"{_WEB}/{login}",
        **links,
        "type": "User",
        "site_admin": False,
    }


def _repository(full_name: str, branch: str) -> dict[str, Any]:
    owner, _, name = full_name.partition("/")
    web, api, now = f"{_WEB}/{full_name}", f"{_API}/repos/{full_name}", int(time.time())
    numbers = dict.fromkeys(("size", "stargazers_count", "watchers_count", "forks_count", "open_issues_count",
                             "forks", "open_issues", "watchers", "stargazers"), 0)  # fmt: skip
    flags = {"has_issues": True, "has_projects": True, "has_downloads": True, "has_wiki": True, "has_pages": False}
    return {
        "id": REPOSITORY_ID,
        "node_id": "MDEwOlJlcG9zaXRvcnk3NzEyMA==",
        "name": name,
        "full_name": full_name,
        "private": True,
        "owner": {"name": owner, "email": _EMAIL, **_user(owner)},
        "html_url": web,
        "description": None,
        "fork": False,
        "url": web,
        **{f"{link}_url": f"{api}/{path}" for link, path in _REPOSITORY_LINKS.items()},
        "created_at": now - 86400,
        "updated_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now)),
        "pushed_at": now,
        "git_url": f"git://github.com/{full_name}.git",
        "ssh_url": f"git@github.com:{full_name}.git",
        "clone_url": f"{web}.git",
        "svn_url": web,
        "homepage": None,
        "language": "HCL",
        **numbers,
        **flags,
        "mirror_url": None,
        "archived": False,
        "disabled": False,
        "license": None,
        "default_branch": branch,
        "master_branch": branch,
        "is_template": False,
        "topics": [],
        "visibility": "private",
        "web_commit_signoff_required": False,
        "custom_properties": {},
    }
