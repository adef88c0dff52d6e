"""Two ways to look things up that retention and the audit trail need."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Events by their age, effects by their run."""
    op.create_index("events_by_time", "events", ["at"])
    op.create_index("effects_by_run", "effects", ["run_id"])
