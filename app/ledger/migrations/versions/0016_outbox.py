"""What Slack is to be told and has been told, which was told at once or not at all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row a message, and whose turn it is to send them."""
    op.create_table(
        "outbox",
        sa.Column("key", sa.String(300), primary_key=True),
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("parent", sa.String(300), nullable=False),
        sa.Column("channel", sa.String(32), nullable=False),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("wanted", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sent", sa.String(64), nullable=False),
        sa.Column("begun", sa.String(64), nullable=False),
        sa.Column("begun_at", sa.Float),
        sa.Column("ts", sa.String(32), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("since", sa.Float),
        sa.Column("next_at", sa.Float),
        sa.Column("ended_at", sa.Float),
        sa.Column("patience", sa.Integer, nullable=False),
    )
    op.create_index("outbox_by_time", "outbox", ["next_at"])
    op.create_index("outbox_by_run", "outbox", ["run_id"])
    op.create_index("outbox_by_end", "outbox", ["ended_at", "state"])
    op.create_table(
        "turns",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("holder", sa.String(100), nullable=False),
        sa.Column("until", sa.Float, nullable=False),
    )
