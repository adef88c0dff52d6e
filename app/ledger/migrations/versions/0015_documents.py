"""The post-mortems of each branch and when their items were opened and closed, for pages that have no mirror."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One row a document, an item, and a repository that was looked at; runs of one document, newest first."""
    op.create_table(
        "documents",
        sa.Column("repository", sa.String(200), primary_key=True),
        sa.Column("path", sa.String(500), primary_key=True),
        sa.Column("blob", sa.String(40), nullable=False),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("date", sa.String(10), nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("items", sa.Text, nullable=False),
        sa.Column("failure", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("open", sa.Integer, nullable=False),
        sa.Column("done", sa.Integer, nullable=False),
        sa.Column("next_due", sa.String(10), nullable=False),
        sa.Column("seen_at", sa.String(20), nullable=False),
        sa.Column("gone_at", sa.String(20), nullable=False),
    )
    op.create_index("documents_by_date", "documents", ["gone_at", "date", "repository", "path"])
    op.create_table(
        "document_items",
        sa.Column("repository", sa.String(200), primary_key=True),
        sa.Column("path", sa.String(500), primary_key=True),
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
        sa.Column("due", sa.String(10), nullable=False),
        sa.Column("opened_at", sa.String(20), nullable=False),
        sa.Column("closed_at", sa.String(20), nullable=False),
        sa.Column("closed_by", sa.String(8), nullable=False),
        sa.Column("lead_seconds", sa.Integer),
        sa.Column("gone_at", sa.String(20), nullable=False),
    )
    op.create_index("document_items_by_opening", "document_items", ["opened_at"])
    closing = ["closed_at", "closed_by", "type", "lead_seconds"]
    op.create_index("document_items_by_closing", "document_items", closing)
    op.create_index("document_items_open", "document_items", ["is_open", "gone_at", "opened_at", "due"])
    op.create_table(
        "document_looks",
        sa.Column("repository", sa.String(200), primary_key=True),
        sa.Column("commit", sa.String(40), nullable=False),
        sa.Column("at", sa.String(20), nullable=False),
    )
    op.create_index("runs_by_document", "runs", ["repository", "post_mortem", "created_at"])
