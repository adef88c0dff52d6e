"""What each part of a TODO came to: diff, plans, tree, policy and exit codes, which were in its events alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row a part of a try."""
    op.create_table(
        "evidence",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("todo_id", sa.String(32), primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("exit_code", sa.Integer),
        sa.Column("policy", sa.String(12), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
    )
