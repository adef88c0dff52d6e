"""The ledger's tables. They share a database with the durable-execution library's, whose names differ.

Times are ISO 8601 in UTC with seconds, as text: the same on SQLite and PostgreSQL, and they sort.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", String(64), primary_key=True, comment="the forge's delivery id; a redelivery repeats it"),
    Column("forge", String(16), nullable=False),
    Column("event", String(64), nullable=False),
    Column("repository", String(200), nullable=False),
    Column("ref", String(300), nullable=False),
    Column("before", String(40), nullable=False),
    Column("after", String(40), nullable=False),
    Column("pusher", String(100), nullable=False),
    Column("received_at", String(20), nullable=False),
    Column("decision", String(16), nullable=False, comment="accepted or ignored"),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Index("deliveries_by_time", "received_at"),
    Index("deliveries_by_decision", "decision", "reason", "received_at"),
)

# Requests that fail authentication are counted, not kept: anybody can send them.
rejections = Table(
    "rejections",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("reason", String(64), primary_key=True),
    Column("count", Integer, nullable=False),
    Column("last_at", String(20), nullable=False),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String(100), primary_key=True, comment="made from repository, commit and path: a push gives it once"),
    Column("repository", String(200), nullable=False),
    Column("post_mortem", String(500), nullable=False),
    Column("commit", String(40), nullable=False),
    Column("source", Text, nullable=False, comment="empty: our mirror; else a checkout's folder"),
    Column("delivery", String(64), nullable=False),
    Column("dry_run", Boolean, nullable=False),
    Column("title", Text, nullable=False),
    Column("incident_date", String(10), nullable=False),
    Column("devvm", String(100), nullable=False),
    Column("created_at", String(20), nullable=False),
    Column("finished_at", String(20)),
    Column("outcome", String(20)),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Index("runs_by_time", "created_at"),
    Index("runs_by_end", "finished_at", "outcome", "reason"),
    Index("runs_by_outcome", "outcome", "created_at"),
    Index("runs_by_repository", "repository", "created_at"),
    Index("runs_by_document", "repository", "post_mortem", "created_at"),
    Index("runs_by_delivery", "delivery"),
)

todos = Table(
    "todos",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("repository", String(200), nullable=False),
    Column("post_mortem", String(500), nullable=False),
    Column("position", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("action", Text, nullable=False),
    Column("details", Text, nullable=False),
    Column("priority", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("safe", Boolean, nullable=False),
    Column("outcome", String(20)),
    Column("reason", String(64), nullable=False),
    Column("message", Text, nullable=False),
    Column("findings", Text, nullable=False, comment="JSON list"),
    Column("commit", String(40), nullable=False),
    Column("started_at", String(20)),
    Column("finished_at", String(20)),
    Column("touches", Text, comment="JSON list of what its change touches; null while that is not known"),
    Column("rules", Text, nullable=False, default="", comment="those that its findings name, each once, in order"),
    Index("todos_by_document", "repository", "post_mortem", "id"),
    Index("todos_by_end", "finished_at", "outcome", "reason", "type", "rules", "commit"),
    Index("todos_by_outcome", "outcome", "reason", "type"),
)

spend = Table(
    "spend",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("todo_id", String(32), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("day", String(10), nullable=False),
    Column("reserved_usd", Float, nullable=False),
    Column("spent_usd", Float, comment="null while the try goes on: then the reservation counts"),
    Column("lost", Boolean, nullable=False, default=False, comment="it went with its DevVM: not counted for the TODO"),
    Index("spend_by_day", "day", "spent_usd", "reserved_usd"),
)

# Effects that may happen once only: a row is written before the effect begins.
effects = Table(
    "effects",
    metadata,
    Column("key", String(300), primary_key=True),
    Column("run_id", String(100), nullable=False),
    Column("at", String(20), nullable=False),
    Index("effects_by_run", "run_id"),
)

# Who holds a stack from plan to landing, or the branch while it is pushed to.
holds = Table(
    "holds",
    metadata,
    Column("repository", String(200), primary_key=True),
    Column("subject", String(500), primary_key=True, comment="a path in the repository, or a ref"),
    Column("run_id", String(100), nullable=False),
    Column("todo_id", String(32), nullable=False),
    Column("at", String(20), nullable=False),
    Index("holds_by_todo", "run_id", "todo_id"),
)

# What waits for a person: a commit kept on a branch of its own and the plan files that were judged with it.
approvals = Table(
    "approvals",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("todo_id", String(32), primary_key=True),
    Column("commit", String(40), nullable=False),
    Column("tree", String(40), nullable=False, comment="git tree id: what was judged and planned"),
    Column("base", String(40), nullable=False, comment="the branch's tip that it stands on"),
    Column("branch", Text, nullable=False),
    Column("plans", Text, nullable=False, comment="JSON list: stack, job, sha256 of the plan file, what it does"),
    Column("asked_at", String(20), nullable=False),
    Column("decision", String(16), nullable=False, comment="empty, approved, declined, void, landed"),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", String(20), nullable=False),
    Column("why", Text, nullable=False),
    Index("approvals_by_decision", "decision", "asked_at"),
)

# What the cage's self-test came to; the fingerprint names the installed command and how we start it.
cages = Table(
    "cages",
    metadata,
    Column("devvm", String(100), primary_key=True),
    Column("fingerprint", String(64), primary_key=True),
    Column("version", String(40), nullable=False),
    Column("held", Integer, nullable=False),
    Column("escapes", Text, nullable=False, comment="JSON list of sentences; empty: the cage held"),
    Column("tested_at", String(20), nullable=False),
)

# Whether each DevVM could be used when somebody tried last, the last failure, and whether it is to get no new run.
devvms = Table(
    "devvms",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("state", String(8), nullable=False, comment="up or down; empty: nobody has tried"),
    Column("since", String(20), nullable=False),
    Column("reason", String(64), nullable=False, comment="of the last failure; it stays when the DevVM is up again"),
    Column("message", Text, nullable=False),
    Column("checked_at", String(20), nullable=False),
    Column("drained_by", Text, nullable=False),
    Column("drained_at", String(20), nullable=False, comment="empty: it gets new runs"),
    Column("drained_why", Text, nullable=False),
)

# What people have said to stop: "pause", or the id of a run.
controls = Table(
    "controls",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", String(20), nullable=False),
    Column("why", Text, nullable=False),
)

# How a change was seen to work: the last answer to each question, and when it was first asked.
checks = Table(
    "checks",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("todo_id", String(32), primary_key=True),
    Column("kind", String(32), primary_key=True, comment="prometheus-rule, uptime-kuma, plan, command, ..."),
    Column("subject", String(300), primary_key=True, comment="the rule, monitor, stack or command"),
    Column("ok", Boolean, nullable=False),
    Column("answer", Text, nullable=False),
    Column("reason", String(64), nullable=False),
    Column("link", Text, nullable=False),
    Column("at", String(20), nullable=False),
    Column("first_at", String(20), nullable=False),
    Index("checks_by_answer", "ok", "kind", "reason"),
)

# What each part of a TODO came to: what was judged, by hash, and how commands ended.
evidence = Table(
    "evidence",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("todo_id", String(32), primary_key=True),
    Column("kind", String(16), primary_key=True, comment="agent, edits, plan, commit, apply, verify"),
    Column("attempt", Integer, primary_key=True),
    Column("subject", String(300), primary_key=True, comment="the stack, empty for the whole"),
    Column("at", String(20), nullable=False),
    Column("hash", String(64), nullable=False, comment="SHA-256 of the diff or the plan file, git tree of a commit"),
    Column("exit_code", Integer, comment="null where nothing tells it"),
    Column("policy", String(12), nullable=False),
    Column("verdict", String(16), nullable=False),
)

# The diff of each try and its plans as people see them: redacted, sensitive values masked, cut.
changes = Table(
    "changes",
    metadata,
    Column("run_id", String(100), primary_key=True),
    Column("todo_id", String(32), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("kind", String(8), primary_key=True, comment="diff or plan"),
    Column("subject", String(300), primary_key=True, comment="the stack of a plan, empty for a diff"),
    Column("at", String(20), nullable=False),
    Column("shown", Text, nullable=False, comment="JSON: see app/guard/shown.py"),
)

# How far each branch was looked into: what `commit` holds, but for what `since` holds, which was there before.
tips = Table(
    "tips",
    metadata,
    Column("repository", String(200), primary_key=True),
    Column("branch", String(300), primary_key=True),
    Column("commit", String(40), nullable=False),
    Column("since", String(40), nullable=False),
    Column("at", String(20), nullable=False),
)

# One row a boot of a process that executes on PostgreSQL. Times are seconds since 1970 by the database's own clock:
# they are subtracted, and the machines' clocks may differ.
workers = Table(
    "workers",
    metadata,
    Column("executor_id", String(100), primary_key=True, comment="never used again"),
    Column("name", String(100), nullable=False, comment="stays over boots"),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("flow_version", String(64), nullable=False),
    Column("started_at", Float, nullable=False),
    Column("heartbeat_at", Float, nullable=False),
    Column("dead_at", Float, comment="null while it lives; never taken back"),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", String(100), nullable=False),
    Column("todo_id", String(32), nullable=False),
    Column("at", String(20), nullable=False),
    Column("phase", String(32), nullable=False),
    Column("text", Text, nullable=False),
    Index("events_by_run", "run_id", "id"),
    Index("events_by_time", "at"),
)
