"""Debian's `webhook`, which scripts/bench has unpacked or which is on PATH: Go, the same HMAC check, keeps nothing."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.world.processes import ROOT, WorldError, free_port, start, wait_until

PATH = "/hooks/push"
_UNPACKED = ROOT / ".tools" / "webhook" / "usr" / "bin" / "webhook"


def program() -> Path:
    """Where it is. Raises WorldError when there is none."""
    found = _UNPACKED if _UNPACKED.exists() else shutil.which("webhook")
    if found is None:
        raise WorldError("there is no `webhook` to compare with: scripts/bench unpacks Debian's, or says why it cannot")
    return Path(found)


def version() -> str:
    """What it says that it is, such as 2.8.0."""
    said = subprocess.run([program(), "-version"], capture_output=True, text=True, check=True, timeout=10).stdout
    found = re.search(r"\d+(\.\d+)+", said)
    return found.group() if found else said.strip()


@contextmanager
def serving(folder: Path, secret: str) -> Iterator[int]:
    """It runs on the port that is given: a signed request to PATH is answered with 202, then /bin/true is run."""
    signature = {"source": "header", "name": "X-Hub-Signature-256"}
    hook = {
        "id": PATH.rpartition("/")[2],
        "execute-command": "/bin/true",
        "success-http-response-code": 202,
        "trigger-rule": {"match": {"type": "payload-hmac-sha256", "secret": secret, "parameter": signature}},
    }
    hooks, port = folder / "hooks.json", free_port()
    hooks.touch(mode=0o600)
    hooks.write_text(json.dumps([hook]))
    argv: list[str | Path] = [program(), "-hooks", hooks, "-ip", "127.0.0.1", "-port", str(port)]
    child = start("webhook", argv, folder / "webhook.log", {"PATH": os.environ.get("PATH", os.defpath)})
    try:
        wait_until(lambda: _answers(port), child)
        yield port
    finally:
        child.stop()


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=2).close()
    except OSError:
        return False
    return True
