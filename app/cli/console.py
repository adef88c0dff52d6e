"""Where commands print. In a pipe or a CI log lines are not cut to 80 columns."""

from __future__ import annotations

import sys

from rich.console import Console

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
