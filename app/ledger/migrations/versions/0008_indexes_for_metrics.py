"""Indexes that hold all that a scrape of /metrics counts, so that it does not read the texts beside it."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """By what deliveries, runs, TODOs, approvals and checks came to."""
    op.create_index("deliveries_by_decision", "deliveries", ["decision", "reason", "received_at"])
    op.create_index("runs_by_end", "runs", ["finished_at", "outcome", "reason"])
    op.create_index("todos_by_end", "todos", ["finished_at", "outcome", "reason", "type"])
    op.create_index("todos_by_outcome", "todos", ["outcome", "reason", "type"])
    op.create_index("approvals_by_decision", "approvals", ["decision", "asked_at"])
    op.create_index("checks_by_answer", "checks", ["ok", "kind", "reason"])
