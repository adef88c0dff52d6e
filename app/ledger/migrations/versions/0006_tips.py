"""How far each branch was looked into."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row for each branch of each repository."""
    op.create_table(
        "tips",
        sa.Column("repository", sa.String(200), primary_key=True),
        sa.Column("branch", sa.String(300), primary_key=True),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("since", sa.String(40), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
    )
