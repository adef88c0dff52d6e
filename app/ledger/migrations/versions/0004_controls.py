"""What people have said to stop."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row for the pause, and one for each run to be cancelled."""
    op.create_table(
        "controls",
        sa.Column("name", sa.String(100), primary_key=True),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
    )
