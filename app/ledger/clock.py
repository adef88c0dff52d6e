"""The ledger's time: UTC, to the second, as sortable text."""

from __future__ import annotations

from datetime import UTC, datetime


def now() -> str:
    """2026-04-14T17:12:00Z"""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def today() -> str:
    """2026-04-14"""
    return now()[:10]
