"""`followthrough retention`: remove now what was kept long enough."""

from __future__ import annotations

from datetime import UTC, datetime

from app.cli.console import console
from app.main import compose
from app.settings import Settings
from pipelines import retention


def remove_old(settings: Settings, dry_run: bool) -> int:
    """Remove what was kept as long as the settings say, or count it, and print how many of each. Returns 0."""
    compose(settings)
    now = datetime.now(UTC)
    counts = retention.would_remove(now) if dry_run else retention.remove(now)
    console.print(f"{'would remove' if dry_run else 'removed'}: {retention.told(counts)}", soft_wrap=True)
    return 0
