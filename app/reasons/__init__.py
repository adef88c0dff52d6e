"""PURE: every reason code in words. Code -> (what it means, what the reader can do); docs/reasons.md is made from it.

`tests/deploy/test_docs.py` walks the code: a code without an entry fails there, and so does an entry without a code.
"""

from __future__ import annotations

from app.reasons import access, agents, calls, documents, landing, places, requests, watchers

TABLES = {
    "Action items and documents": documents.TABLE,
    "Agents, money and people": agents.TABLE,
    "Plan, apply and push": landing.TABLE,
    "Vault, DevVM, forge, database": places.TABLE,
    "Prometheus, Uptime Kuma, Slack": watchers.TABLE,
    "Logging in": access.TABLE,
    "Webhooks and requests": requests.TABLE,
    "Commands and configuration": calls.TABLE,
}
REASONS = {code: words for table in TABLES.values() for code, words in table.items()}


def in_words(code: str) -> tuple[str, str] | None:
    """What a reason code means and what the reader can do, a sentence or two each; None for a code of nobody's."""
    return REASONS.get(code)
