"""The tables of the outbox, beside the others of `app/ledger/schema.py`."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from app.ledger.schema import metadata

# What Slack is to be told: a row a message, its newest state and what Slack has of it. Times are seconds since 1970.
outbox = Table(
    "outbox",
    metadata,
    Column("key", String(300), primary_key=True, comment="run RUN, notice RUN TODO KIND, drift ..., answer ..."),
    Column("run_id", String(100), nullable=False, comment="empty: of no run"),
    Column("parent", String(300), nullable=False, comment="key of the message in whose thread it goes; empty: none"),
    Column("channel", String(32), nullable=False, comment="empty: the incoming webhook"),
    Column("about", Text, nullable=False, comment="JSON: what is known of the message beside its text"),
    Column("opened_at", Float, nullable=False),
    Column("wanted", Text, nullable=False, comment="JSON: the message as it is to be; empty: none yet"),
    Column("digest", String(64), nullable=False, comment="SHA-256 of what is wanted"),
    Column("sent", String(64), nullable=False, comment="of what Slack has; empty: it has none"),
    Column("begun", String(64), nullable=False, comment="of what is being posted; left: the answer was lost"),
    Column("begun_at", Float, comment="when that began"),
    Column("ts", String(32), nullable=False, comment="Slack's name of the message in its channel"),
    Column("state", String(16), nullable=False, comment="empty, given-up or unknown: what became of the last state"),
    Column("reason", Text, nullable=False, comment="why it was not sent when last tried"),
    Column("attempts", Integer, nullable=False),
    Column("since", Float, comment="since when its newest state waits"),
    Column("next_at", Float, comment="when it is sent; null: nothing is to be sent"),
    Column("ended_at", Float, comment="when its state was given up or became unknown"),
    Column("patience", Integer, nullable=False, comment="seconds after which it is given up"),
    Index("outbox_by_time", "next_at"),
    Index("outbox_by_run", "run_id"),
    Index("outbox_by_end", "ended_at", "state"),
)

# Whose turn something is that one process does for all of them.
turns = Table(
    "turns",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("until", Float, nullable=False, comment="seconds since 1970"),
)
