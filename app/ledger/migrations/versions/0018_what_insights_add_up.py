"""What the page of insights adds up stands in indexes: rules that refused, landed changes, money by day."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The rules that each TODO's findings name, from the findings; indexes that hold what is added up."""
    op.add_column("todos", sa.Column("rules", sa.Text, nullable=False, server_default=""))
    _fill(op.get_bind())
    op.drop_index("todos_by_end", table_name="todos")
    op.create_index("todos_by_end", "todos", ["finished_at", "outcome", "reason", "type", "rules", "commit"])
    op.drop_index("spend_by_day", table_name="spend")
    op.create_index("spend_by_day", "spend", ["day", "spent_usd", "reserved_usd"])


def _fill(db: sa.Connection) -> None:
    names = ("run_id", "id", "findings", "rules")
    todos = sa.table("todos", *(sa.column(name, sa.Text) for name in names))
    found = db.execute(sa.select(todos.c.run_id, todos.c.id, todos.c.findings).where(todos.c.findings != "[]")).all()
    for row in found:
        rules = " ".join(sorted({finding.get("rule", "") for finding in json.loads(row.findings)} - {""}))
        one = (todos.c.run_id == row.run_id) & (todos.c.id == row.id)
        db.execute(sa.update(todos).where(one).values(rules=rules))
