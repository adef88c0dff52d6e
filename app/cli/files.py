"""From the paths of a command line to documents and their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from app.errors import BadInput


def documents_in(paths: Sequence[Path]) -> Iterator[Path]:
    """The files as they are named, and in place of a folder the Markdown files below it, sorted.

    Below a folder, hidden files and folders and symbolic links are left out: they are somebody else's.
    """
    for path in paths:
        if not path.is_dir():
            yield path
            continue
        below = (file for file in path.rglob("*.md") if file.is_file() and not file.is_symlink())
        yield from sorted(file for file in below if not any(p.startswith(".") for p in file.relative_to(path).parts))


def read_file(path: Path) -> bytes:
    """The bytes of a file, or BadInput `file-unreadable`."""
    try:
        return path.read_bytes()
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or error
        raise BadInput("file-unreadable", f"reading {path}: {said}") from None
