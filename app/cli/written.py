"""Files that commands write: whole or not at all, for the user alone, in place of another only when told."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import BadInput


@contextmanager
def whole_file(path: Path, yes: bool) -> Iterator[Path]:
    """An empty file beside `path`, mode 0600, to be filled in: it becomes `path` when all went well, else it goes.

    `yes` lets it replace a file. Raises BadInput: `file-exists`, `not-writable`.
    """
    _must_be_free(path, yes)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise BadInput("not-writable", f"writing {path}: {error.strerror}") from None
    made = Path(name)
    try:
        yield made
        _to_disk(made)
        _must_be_free(path, yes)
        made.replace(path)
        _to_disk(path.parent)
    except OSError as error:
        raise BadInput("not-writable", f"writing {path}: {error.strerror}") from None
    finally:
        made.unlink(missing_ok=True)


def _must_be_free(path: Path, yes: bool) -> None:
    if path.is_dir():
        raise BadInput("not-writable", f"writing {path}: it is a folder; name a file in it")
    if not yes and (path.exists() or path.is_symlink()):
        raise BadInput("file-exists", f"writing {path}: it is there already; --yes replaces it")


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
