"""What a scan of many files costs when few of them changed: `parse FOLDER --cache FILE`, cold and again.

    .venv/bin/python -m bench.scan [FILES [CHANGED]]

By default 10,000 documents of about 2 KiB, of which five change. The ratio to hold against is CHANGED / FILES; what is
above it is reading and hashing every file, which is the price of believing no time stamp.
"""

from __future__ import annotations

import contextlib
import io
import sys
import tempfile
import time
from pathlib import Path

from app.cli.parse import print_documents
from bench.parse import document

ROWS = 20


def main() -> None:
    """Write the documents, scan them twice, print both times and their ratio."""
    files, changed = (int(word) for word in (*sys.argv[1:], *("10000", "5")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as name:
        folder, kept = Path(name, "documents"), Path(name, "kept")
        paths = [folder / f"{n % 100:02}" / f"2026-04-14-{n:05}.md" for n in range(files)]
        for n, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(document(ROWS).replace("case", f"case {n}"))
        cold, told = _scan(folder, kept)
        print(f"all: {cold:.2f} s ({told})")
        for path in paths[:: max(1, files // changed)][:changed]:
            path.write_text(path.read_text().replace("TODO", "Done"))
        again, told = _scan(folder, kept)
        print(f"after {changed} changed: {again:.2f} s ({told})")
        print(f"ratio {again / cold:.3f}; {changed} of {files} are {changed / files:.4f}")


def _scan(folder: Path, kept: Path) -> tuple[float, str]:
    out, err = io.StringIO(), io.StringIO()
    begin = time.perf_counter()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        print_documents([folder], "json", cache=kept)
    return time.perf_counter() - begin, err.getvalue().strip()


if __name__ == "__main__":
    main()
