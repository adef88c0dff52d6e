"""Files that TODOs side by side put in the same place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.world.here import Here


def test_those_who_write_the_same_file_at_once_are_not_in_each_other_s_way(tmp_path: Path) -> None:
    """Terraform's configuration is one file of the run, and each plan writes it."""
    file, text = tmp_path / "cli.tfrc", b"provider_installation {}\n"
    with ThreadPoolExecutor(8) as pool:
        for written in [pool.submit(Here().write, str(file), text) for _ in range(80)]:
            written.result()
    assert file.read_bytes() == text
    assert list(tmp_path.iterdir()) == [file]
    assert file.stat().st_mode & 0o777 == 0o600
