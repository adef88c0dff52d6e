"""A DevVM without the rest of the world: what a test of the connection, of jobs or of the cage needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from app.edges import ssh
from app.edges.devvm import DevVM
from app.settings import DevVMSettings
from pipelines.bench import over
from tests.world.devvm import DevVM as Host


def settings_of(host: Host, /, **changes: Any) -> DevVMSettings:
    """How the service would be configured for this host."""
    values = {
        "name": "devvm",
        "host": host.host,
        "port": host.port,
        "user": host.user,
        "host_key": host.host_key,
        "workspace": str(host.workspace),
        "path": os.defpath,
    }
    return DevVMSettings(**{**values, **changes})


@contextmanager
def connected(host: Host) -> Iterator[DevVM]:
    """The host, over SSH."""
    with over(ssh.connect(settings_of(host), host.private_key), "devvm") as machine:
        yield machine


def another(host: Host, folder: Path) -> Host:
    """A second host that lets in the same key; it has a host key, a home and a workspace of its own."""
    folder.mkdir()
    made = Host(folder)
    (folder / "authorized_keys").write_text((host.workspace.parent / "authorized_keys").read_text())
    made.private_key = host.private_key
    return made
