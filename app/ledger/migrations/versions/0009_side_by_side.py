"""TODOs of a run go side by side: what each touches, and who holds what while it lands."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A table of holds, and what a TODO touches."""
    op.create_table(
        "holds",
        sa.Column("repository", sa.String(200), primary_key=True),
        sa.Column("subject", sa.String(500), primary_key=True),
        sa.Column("run_id", sa.String(100), nullable=False),
        sa.Column("todo_id", sa.String(32), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
    )
    op.create_index("holds_by_todo", "holds", ["run_id", "todo_id"])
    with op.batch_alter_table("todos") as todos:
        todos.add_column(sa.Column("touches", sa.Text))
