"""What the cage's self-test came to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row for each command that was tested on a DevVM."""
    op.create_table(
        "cages",
        sa.Column("devvm", sa.String(100), primary_key=True),
        sa.Column("fingerprint", sa.String(64), primary_key=True),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("held", sa.Integer, nullable=False),
        sa.Column("escapes", sa.Text, nullable=False),
        sa.Column("tested_at", sa.String(20), nullable=False),
    )
