"""Alembic's entry: it runs on the connection that `app.ledger.database` hands over, so it needs no configuration."""

from __future__ import annotations

from alembic import context

from app.ledger.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
