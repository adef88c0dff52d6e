"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Deliveries, rejections, runs, TODOs, money, effects and events."""
    op.create_table(
        "deliveries",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("forge", sa.String(16), nullable=False),
        sa.Column("event", sa.String(64), nullable=False),
        sa.Column("repository", sa.String(200), nullable=False),
        sa.Column("ref", sa.String(300), nullable=False),
        sa.Column("before", sa.String(40), nullable=False),
        sa.Column("after", sa.String(40), nullable=False),
        sa.Column("pusher", sa.String(100), nullable=False),
        sa.Column("received_at", sa.String(20), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("deliveries_by_time", "deliveries", ["received_at"])
    op.create_table(
        "rejections",
        sa.Column("day", sa.String(10), primary_key=True),
        sa.Column("reason", sa.String(64), primary_key=True),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("last_at", sa.String(20), nullable=False),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String(100), primary_key=True),
        sa.Column("repository", sa.String(200), nullable=False),
        sa.Column("post_mortem", sa.String(500), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("delivery", sa.String(64), nullable=False),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("incident_date", sa.String(10), nullable=False),
        sa.Column("devvm", sa.String(100), nullable=False),
        sa.Column("created_at", sa.String(20), nullable=False),
        sa.Column("finished_at", sa.String(20)),
        sa.Column("outcome", sa.String(20)),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("runs_by_time", "runs", ["created_at"])
    op.create_table(
        "todos",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("repository", sa.String(200), nullable=False),
        sa.Column("post_mortem", sa.String(500), nullable=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("line", sa.Integer, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("details", sa.Text, nullable=False),
        sa.Column("priority", sa.String(20), nullable=False),
        sa.Column("type", sa.String(40), nullable=False),
        sa.Column("safe", sa.Boolean, nullable=False),
        sa.Column("outcome", sa.String(20)),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("findings", sa.Text, nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("started_at", sa.String(20)),
        sa.Column("finished_at", sa.String(20)),
    )
    op.create_index("todos_by_document", "todos", ["repository", "post_mortem", "id"])
    op.create_table(
        "spend",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("todo_id", sa.String(32), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("reserved_usd", sa.Float, nullable=False),
        sa.Column("spent_usd", sa.Float),
    )
    op.create_index("spend_by_day", "spend", ["day"])
    op.create_table(
        "effects",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("todo_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("phase", sa.String(32), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
    )
    op.create_index("events_by_run", "events", ["run_id", "id"])
