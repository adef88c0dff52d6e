"""Approvals, and room for what people write into a Type cell."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What waits for a person, and two columns without a length: PostgreSQL refuses what SQLite takes."""
    op.create_table(
        "approvals",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("todo_id", sa.String(32), primary_key=True),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("tree", sa.String(40), nullable=False),
        sa.Column("base", sa.String(40), nullable=False),
        sa.Column("branch", sa.Text, nullable=False),
        sa.Column("plans", sa.Text, nullable=False),
        sa.Column("asked_at", sa.String(20), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("decided_at", sa.String(20), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
    with op.batch_alter_table("todos") as todos:
        todos.alter_column("type", type_=sa.Text, existing_type=sa.String(40), existing_nullable=False)
        todos.alter_column("priority", type_=sa.Text, existing_type=sa.String(20), existing_nullable=False)
