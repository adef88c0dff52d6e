"""A ledger in which everything that came from a repository, an agent, a person or a webhook is hostile."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from app.ledger import Ledger
from app.ledger.schema import metadata

# What would tell on itself by running: each sets window.pwned, or asks a host that is not ours.
CORPUS = (
    "<script>pwned=1</script>",
    "\"'><img src=x onerror=pwned=1>",
    "<svg/onload=pwned=1>",
    "</textarea></title></style></script><script>pwned=1</script>",
    "javascript:pwned=1",
    "[a](javascript:pwned=1) ![b](http://192.0.2.7/x.png) <http://192.0.2.7>",
    "{{ 7*7 }} {% raw %} ${7*7} #{7*7}",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe><base href=http://192.0.2.7/>",
    "<meta http-equiv=refresh content='0;url=http://192.0.2.7/'><link rel=stylesheet href=http://192.0.2.7/x.css>",
    "<form action=http://192.0.2.7><button hx-get='http://192.0.2.7/' hx-trigger=load onclick=pwned=1>x</button>",
    "&lt;script&gt;pwned=1&lt;/script&gt; &#60;img src=x onerror=pwned=1&#62;",
    "\u202egnp.exe \x1b[31mred\x1b[0m \x00 \u2066hidden\u2069",
)
# Our own words: ids and hashes, times, codes, and what is compared with our own configuration. Everything else of the
# ledger's texts is somebody else's; a new column is, until it stands here.
OURS = {
    "deliveries": "id forge before after received_at decision",
    "rejections": "day reason last_at",
    "runs": "id commit delivery incident_date created_at finished_at outcome repository post_mortem",
    "todos": "run_id id repository post_mortem outcome commit started_at finished_at",
    "spend": "run_id todo_id day",
    "effects": "key run_id at",
    "holds": "run_id todo_id at repository subject",
    "approvals": "run_id todo_id commit tree base asked_at decision decided_at",
    "cages": "devvm fingerprint tested_at",
    "devvms": "name state since checked_at drained_at",
    "controls": "name at",
    "checks": "run_id todo_id kind at first_at",
    "evidence": "run_id todo_id kind at hash",
    "changes": "run_id todo_id kind at",
    "tips": "repository branch commit since at",
    "workers": "executor_id flow_version",
    "events": "run_id todo_id at",
    "tokens": "name hash scopes created_at expires_at used_at revoked_at",
    "sessions": "hash kind name proof created_at expires_at",
    "attempts": "key",
    "keys": "name value",
    "actions": "at how run_id todo_id outcome counted",
    "outbox": "key run_id parent channel about wanted digest sent begun ts state reason",
    "turns": "name holder",
    "documents": "repository path blob commit date words next_due seen_at gone_at",
    "document_items": "repository path id opened_at closed_at closed_by due type",
    "document_looks": "repository commit at",
}


def poison(ledger: Ledger, said: str) -> int:
    """Put `said` behind every text that is not ours, in JSON too; returns how many were changed.

    Columns have lengths, which SQLite does not heed and PostgreSQL does: what is longer is cut at the front.
    """
    changed = 0
    with ledger.engine.begin() as db:
        for table in metadata.sorted_tables:
            texts = [c for c in table.c if isinstance(c.type, sa.String) and c.name not in OURS[table.name].split()]
            for row in db.execute(sa.select(table)).mappings().all():
                values = {c.name: _with(row[c.name], said) for c in texts if row[c.name] is not None}
                if values:
                    same = sa.and_(*(key == row[key.name] for key in table.primary_key))
                    db.execute(sa.update(table).where(same).values(**values))
                    changed += len(values)
    return changed


def _with(text: str, said: str) -> str:
    try:
        value = json.loads(text)
    except ValueError:
        return text + said
    return json.dumps(_inside(value, said)) if isinstance(value, list | dict) else text + said


def _inside(value: Any, said: str) -> Any:
    if isinstance(value, list):
        return [_inside(one, said) for one in value]
    if isinstance(value, dict):
        kept = ("decision", "kind", "state", "status", "id", "type", "job", "sha256", "rule", "action")
        return {name: one if name in kept else _inside(one, said) for name, one in value.items()}
    return value + said if isinstance(value, str) else value
