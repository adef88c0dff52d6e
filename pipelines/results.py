"""The post-mortem's own update: statuses, and the Follow-up Implementation table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.documents.edit import fill_follow_up, mark_done
from app.documents.model import FollowUpRow
from app.errors import Failed, Refused
from app.messages import follow_up_commit
from pipelines import documents
from pipelines.bench import Bench, ledger, settings
from pipelines.landing import incident_of

_PUSHES = 5


def write_back(bench: Bench) -> None:
    """Put the results into the post-mortem at the branch's tip and push it. Nothing to change: nothing is committed."""
    path = bench.run.post_mortem
    if not bench.workspace.is_open():
        bench.workspace.open()
    for _ in range(_PUSHES):
        bench.branch.to_tip()
        before = bench.workspace.file(path)
        after = _with_results(bench, before)
        if after == before:
            return
        message = follow_up_commit(incident_of(bench), bench.run.id)
        made = bench.branch.commit({path: bench.workspace.put_blob(after)}, message)
        if bench.branch.push():
            bench.say("write-back", f"{path} updated in {made[:7]}")
            documents.keep(bench.repository, fetch=True)
            return
    raise Failed("write-back-lost", f"updating {path}: the branch moved {_PUSHES} times in a row")


def _with_results(bench: Bench, before: bytes) -> bytes:
    data, rows, vocabulary = before, [], settings().documents.vocabulary
    for todo in map(dict, ledger().runs.todos(bench.run.id)):
        if todo["reason"] == "already-done":
            # Done in an earlier run whose update of the document was lost: it is made up for.
            todo = ledger().runs.done_before(bench.run, todo["id"]) or todo
        elif todo["reason"].startswith("already-"):
            continue
        if todo["outcome"] == "done":
            try:
                data = mark_done(data, todo["id"], vocabulary)
            except Refused as error:
                bench.say("write-back", str(error), todo["id"])
        rows.append(_row(bench, todo))
    try:
        return fill_follow_up(data, rows, vocabulary)
    except Refused as error:
        # The table is not one that we may edit; the statuses still are.
        bench.say("write-back", str(error))
        return data


def _row(bench: Bench, todo: Mapping[str, Any]) -> FollowUpRow:
    done = todo["outcome"] == "done"
    facts = (todo["action"], todo["priority"], todo["type"], done)
    landed = (todo["finished_at"][:10], todo["commit"], bench.commit_url(todo["commit"])) if done else ("", "", "")
    return FollowUpRow(todo["id"], *facts, *landed)
