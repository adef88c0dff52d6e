"""What came of a delivery, without reading all runs."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Runs by the delivery that started them."""
    op.create_index("runs_by_delivery", "runs", ["delivery"])
