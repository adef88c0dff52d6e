"""The ledger's tables of post-mortems, which are made again from git. Times are as in `schema.py`."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, Text

from app.ledger.schema import metadata

# The post-mortems of each configured branch as they were when it was last looked at. Nothing here settles anything: it
# is made again from git.
documents = Table(
    "documents",
    metadata,
    Column("repository", String(200), primary_key=True),
    Column("path", String(500), primary_key=True),
    Column("blob", String(40), nullable=False),
    Column("commit", String(40), nullable=False, comment="the branch's tip when this blob was first seen there"),
    Column("title", Text, nullable=False),
    Column("date", String(10), nullable=False, comment="of the incident; empty: it says none"),
    Column("severity", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("items", Text, nullable=False, comment="JSON list of its action items"),
    Column("failure", Text, nullable=False, comment="why it could not be read; empty: it was"),
    Column("words", Text, nullable=False, comment="what a search looks in, case folded"),
    Column("open", Integer, nullable=False),
    Column("done", Integer, nullable=False),
    Column("next_due", String(10), nullable=False, comment="the first due date of an open item; empty: none has one"),
    Column("seen_at", String(20), nullable=False),
    Column("gone_at", String(20), nullable=False, comment="empty: it is on the branch"),
    Index("documents_by_date", "gone_at", "date", "repository", "path"),
)

# When each action item was opened and closed, as far as it was seen.
document_items = Table(
    "document_items",
    metadata,
    Column("repository", String(200), primary_key=True),
    Column("path", String(500), primary_key=True),
    Column("id", String(32), primary_key=True),
    Column("type", String(16), nullable=False, comment="Other where it is none of ours"),
    Column("is_open", Boolean, nullable=False),
    Column("due", String(10), nullable=False),
    Column("opened_at", String(20), nullable=False, comment="the document's date for what the first look found"),
    Column("closed_at", String(20), nullable=False, comment="empty: it is open, or nobody knows when"),
    Column("closed_by", String(8), nullable=False, comment="run, people, or empty: nobody knows"),
    Column("lead_seconds", Integer, comment="from opened to closed; null where one of them is not known"),
    Column("gone_at", String(20), nullable=False, comment="empty: it is in its document"),
    Index("document_items_by_opening", "opened_at"),
    Index("document_items_by_closing", "closed_at", "closed_by", "type", "lead_seconds"),
    Index("document_items_open", "is_open", "gone_at", "opened_at", "due"),
)

# The tip whose post-mortems are kept. Without a row, what is found was there before anybody looked.
document_looks = Table(
    "document_looks",
    metadata,
    Column("repository", String(200), primary_key=True),
    Column("commit", String(40), nullable=False),
    Column("at", String(20), nullable=False),
)
