"""A real OpenSSH server as the door of the DevVM: the current user, keys made for the occasion."""

from __future__ import annotations

import getpass
import os
import shutil
import socket
import subprocess
from pathlib import Path

from tests.parts.processes import Child, NotReady, free_port, wait_until


class SSHD:
    """The server. `host_key` is the line to pin, `private_key` what Vault is to hold."""

    def __init__(self, folder: Path) -> None:
        binary = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if binary is None:
            raise NotReady("sshd is not installed; scripts/env installs openssh-server")
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(exist_ok=True)
        for name in ("host_key", "client_key"):
            if not (folder / name).exists():
                subprocess.run(
                    ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / name], check=True
                )
        self.port, self.user = free_port(), getpass.getuser()
        self.host_key = (folder / "host_key.pub").read_text().strip()
        self.private_key = (folder / "client_key").read_text()
        (folder / "client_key").unlink()
        settings = {
            "Port": self.port,
            "ListenAddress": "127.0.0.1",
            "HostKey": _quoted(folder / "host_key"),
            "AuthorizedKeysFile": _quoted(folder / "client_key.pub"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "MaxStartups": "100",
            "MaxSessions": "100",
        }
        config = folder / "sshd_config"
        config.write_text("".join(f"{name} {value}\n" for name, value in settings.items()))
        self._child = Child([binary, "-D", "-e", "-f", config], folder / "sshd.log")
        wait_until(self._answers, "sshd", log=self._child.log)

    def stop(self) -> None:
        """End the server and its sessions."""
        self._child.stop()

    def _answers(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return connection.recv(4) == b"SSH-"


def _quoted(path: Path) -> str:
    return f'"{path}"'
