"""The JSON of the two table formats that programs depend on: promised keys, in their order, with these values.

The first format declares a type for each row, the older one of three columns does not. Keys of ours may come between
and after; taken out, what is left has to be the promised text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WITH_TYPE = """\
# Post-Mortem: NFS server was away

| Field | Value |
|-------|-------|
| **Date** | 2026-04-14 |
| **Duration** | 50m |
| **Severity** | SEV2 |
| **Affected Services** | nextcloud, immich |
| **Status** | Draft |

## Summary

The NFS server was away, and every mount on it hung.

## Prevention Plan

| Priority | Action | Type | Details | Status |
|----------|--------|------|---------|--------|
| P2 | Add NFS alert | Alert | RPC retransmissions above 10 a second | TODO |
| P1 | Migrate Vault | Migration | from NFS to a block device | TODO |
| P0 | Mount with `soft` | Config | nfs module, `timeo=30` | TODO |
| P3 | Watch the export from outside | Monitor | a TCP check on 2049 | TODO |
| P1 | Find out why the kernel stalled | Investigation | dmesg of the 14th | TODO |
| P2 | Raise the number of NFS threads | Config | 16 to 64 | Done |

## Lessons Learned

- Hanging is worse than failing.

## Follow-up Implementation

| Date | Action | Priority | Type | Commit | Implemented By |
|------|--------|----------|------|--------|----------------|
"""
WITH_TYPE_JSON = """\
{
  "file": "2026-04-14-nfs.md",
  "todos": [
    {
      "priority": "P2",
      "action": "Add NFS alert",
      "type": "Alert",
      "details": "RPC retransmissions above 10 a second",
      "safe": true
    },
    {
      "priority": "P0",
      "action": "Mount with `soft`",
      "type": "Config",
      "details": "nfs module, `timeo=30`",
      "safe": true
    },
    {
      "priority": "P3",
      "action": "Watch the export from outside",
      "type": "Monitor",
      "details": "a TCP check on 2049",
      "safe": true
    }
  ],
  "skipped": [
    {
      "priority": "P1",
      "action": "Migrate Vault",
      "type": "Migration",
      "details": "from NFS to a block device",
      "safe": false
    },
    {
      "priority": "P1",
      "action": "Find out why the kernel stalled",
      "type": "Investigation",
      "details": "dmesg of the 14th",
      "safe": false
    }
  ],
  "total_todos_in_doc": 5,
  "safe_todos": 3,
  "skipped_todos": 2
}"""

# The older format: the type is inferred from the action, and an inferred type is no permission.
WITHOUT_TYPE = """\
# Post-Mortem: backup was empty

## Prevention Plan

| Action | Status | Details |
|--------|--------|---------|
| Add a Prometheus alert on the size of the backup | TODO | below 1 GB |
| Migrate the backup to another bucket | TODO | the old one is full |
| Increase the memory limit of the backup job | Done | 512 Mi |
"""
WITHOUT_TYPE_JSON = """\
{
  "file": "2026-03-02-backup.md",
  "todos": [],
  "skipped": [
    {
      "priority": null,
      "action": "Add a Prometheus alert on the size of the backup",
      "type": "Alert",
      "details": "below 1 GB",
      "safe": false
    },
    {
      "priority": null,
      "action": "Migrate the backup to another bucket",
      "type": "Migration",
      "details": "the old one is full",
      "safe": false
    }
  ],
  "total_todos_in_doc": 2,
  "safe_todos": 0,
  "skipped_todos": 2
}"""
KEYS = ("file", "todos", "skipped", "total_todos_in_doc", "safe_todos", "skipped_todos")
ITEM_KEYS = ("priority", "action", "type", "details", "safe")


def promised(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the promised keys only, each where it stands."""
    kept = {key: value for key, value in document.items() if key in KEYS}
    for name in ("todos", "skipped"):
        kept[name] = [{key: value for key, value in item.items() if key in ITEM_KEYS} for item in kept[name]]
    return kept


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("2026-04-14-nfs.md", WITH_TYPE, WITH_TYPE_JSON), ("2026-03-02-backup.md", WITHOUT_TYPE, WITHOUT_TYPE_JSON)],
)
def test_the_promised_json_key_for_key(name: str, text: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "app.cli", "parse", "--format", "json", "--", name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.dumps(promised(json.loads(done.stdout)), indent=2, ensure_ascii=False) == expected
