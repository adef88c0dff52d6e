"""What the pages of post-mortems and insights have to show."""

from __future__ import annotations

from app.ledger import Ledger
from app.ledger.documents import Seen, Tracked

PATH = "docs/post-mortems/2026-11-18-disk.md"
TEXT = """# Post-Mortem: Disk of the database was full

**Date**: 2026-11-18
**Severity**: SEV2

## Summary

The disk of the *database* was full for 40 minutes.

## Prevention Plan

| Priority | Action | Type | Details | Status |
|---|---|---|---|---|
| P0 | Alert when a disk is full | Alert | Below 1 GB | Done |
| P1 | Raise the limits | Config | As said | TODO |
"""


def fill_documents(ledger: Ledger, said: str = "") -> None:
    """A post-mortem with an open and a closed item; `said` is put into every text of it."""
    names = (("t-1", "Alert when a disk is full", "Alert", False), ("t-2", "Raise the limits", "Config", True))
    told = {"priority": "P1", "owner": f"me{said}", "due": "2026-01-01", "safe": True, "reason": ""}
    items = [
        {**told, "id": key, "action": f"{action}{said}", "type": kind, "status": status, "line": line, "end_line": line}
        for line, status, (key, action, kind, _) in zip((14, 15), ("Done", "TODO"), names, strict=True)
    ]
    tracked = [Tracked(key, action, kind, is_open, "2026-01-01") for key, action, kind, is_open in names]
    title = f"Disk of the database was full{said}"
    text = TEXT.replace("As said", f"As said {said}").replace("40 minutes.", f"40 minutes.\n\n{said}\n\n<b>{said}</b>")
    seen = Seen("me/infra", PATH, "1" * 40, "2" * 40, text, title, "2026-11-18", f"SEV2{said}", items, tracked)
    ledger.documents.keep(seen, first=True)
