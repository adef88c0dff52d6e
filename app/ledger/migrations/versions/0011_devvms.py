"""How each DevVM is, and whether a try of an agent went with its DevVM."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is known of any DevVM yet; no try was lost."""
    op.create_table(
        "devvms",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("since", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("checked_at", sa.String(20), nullable=False),
        sa.Column("drained_by", sa.Text, nullable=False),
        sa.Column("drained_at", sa.String(20), nullable=False),
        sa.Column("drained_why", sa.Text, nullable=False),
    )
    op.add_column("spend", sa.Column("lost", sa.Boolean, nullable=False, server_default=sa.false()))
