"""How changes were seen to work, and what became of it since."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row for each check of each TODO, as it came out last."""
    op.create_table(
        "checks",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("todo_id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("ok", sa.Boolean, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("reason", sa.String(64), nullable=False),
        sa.Column("link", sa.Text, nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("first_at", sa.String(20), nullable=False),
    )
