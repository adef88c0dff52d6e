"""What was judged, for people: the diff of each try and its plans, which were on the DevVM alone. Lists by outcome."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row a diff and one a plan; runs of one outcome or repository, newest first."""
    op.create_table(
        "changes",
        sa.Column("run_id", sa.String(100), primary_key=True),
        sa.Column("todo_id", sa.String(32), primary_key=True),
        sa.Column("attempt", sa.Integer, primary_key=True),
        sa.Column("kind", sa.String(8), primary_key=True),
        sa.Column("subject", sa.String(300), primary_key=True),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
    )
    op.create_index("runs_by_outcome", "runs", ["outcome", "created_at"])
    op.create_index("runs_by_repository", "runs", ["repository", "created_at"])
