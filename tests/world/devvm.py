"""A real sshd as the door of the DevVM, which is this machine: same user, a home and a workspace of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import sys
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from tests.world.processes import Child, WorldError, free_port, start, wait_until

_INIT = Path(__file__).with_name("machine_init.py")

# The same as deploy/devvm sets up.
_KEY_OPTIONS = 'restrict,port-forwarding,permitlisten="127.0.0.1:*"'


class DevVM:
    """Running between `with` and its end, which is a power cut: no process that was started through it survives.

    `host`, `port`, `user`, `host_key` (type and base64) and `private_key` (OpenSSH PEM) are what a client needs;
    `home` is HOME in its sessions, `workspace` an empty folder for the service. `power_off` and `power_on` keep keys,
    port and files.
    """

    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._child: Child | None = None
        self.port = free_port()
        self.user = pwd.getpwuid(os.getuid()).pw_name
        self.home, self.workspace, self.log = folder / "home", folder / "workspace", folder / "sshd.log"
        for made in (self.home, self.workspace):
            made.mkdir(parents=True, mode=0o700)
        self.host_key, host_private = _key_pair()
        client_public, self.private_key = _key_pair()
        _write_private(folder / "host_key", host_private)
        _write_private(folder / "authorized_keys", f"{_KEY_OPTIONS} {client_public}\n")
        _write_private(folder / "sshd_config", self._config())

    def __enter__(self) -> Self:
        self.power_on()
        return self

    def __exit__(self, *_: object) -> None:
        self.power_off()

    def power_on(self) -> None:
        """Start sshd and wait for its greeting, unless it is on."""
        if self._child is not None:
            return
        argv: list[str | Path] = [sys.executable, _INIT, _sshd(), "-D", "-e", "-f", self._folder / "sshd_config"]
        self._child = start("sshd", argv, self.log, {"PATH": os.defpath}, tied=True)
        try:
            wait_until(self._greets, self._child, 15)
        except BaseException:
            self.power_off()
            raise

    def power_off(self) -> None:
        """End sshd, every session and every job, at once."""
        if self._child is not None:
            self._child.stop()
            self._child = None

    def _greets(self) -> bool:
        try:
            with socket.create_connection((self.host, self.port), timeout=2) as connection:
                return connection.recv(8).startswith(b"SSH-2.0")
        except OSError:
            return False

    def _config(self) -> str:
        options = {
            "Port": str(self.port),
            "ListenAddress": self.host,
            "HostKey": str(self._folder / "host_key"),
            "AuthorizedKeysFile": str(self._folder / "authorized_keys"),
            "PidFile": "none",
            "StrictModes": "no",
            "UsePAM": "yes" if _is_locked(self.user) else "no",
            "PasswordAuthentication": "no",
            "KbdInteractiveAuthentication": "no",
            "PermitRootLogin": "prohibit-password",
            "PermitTTY": "no",
            "AllowTcpForwarding": "remote",
            "PermitListen": "127.0.0.1:*",
            "AllowAgentForwarding": "no",
            "AllowStreamLocalForwarding": "no",
            "X11Forwarding": "no",
            "PermitTunnel": "no",
            "PrintMotd": "no",
            "PrintLastLog": "no",
            "UseDNS": "no",
            "MaxStartups": "100:30:200",
            "MaxSessions": "200",
            "Subsystem": "sftp internal-sftp",
            # A home of its own keeps the user's shell start files and git configuration out of it, and our traces out
            # of the user's home.
            "SetEnv": f"HOME={self.home}",
        }
        return "".join(f"{name} {value}\n" for name, value in options.items())


def _sshd() -> str:
    """The absolute path of sshd, which it insists on. As root it also insists on its empty folder."""
    found = shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"]))
    if found is None:
        raise WorldError("there is no sshd; run scripts/env, or install Debian's openssh-server")
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, parents=True, exist_ok=True)
    return found


def _is_locked(user: str) -> bool:
    """Whether the account's password is locked: without PAM sshd, as root, lets such a user in by no key either."""
    shadow = Path("/etc/shadow")
    if os.getuid() != 0 or not shadow.exists():
        return False
    fields = (line.split(":") for line in shadow.read_text().splitlines())
    return any(found[0] == user and found[1].startswith("!") for found in fields if len(found) > 1)


def _key_pair() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
    return public, key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def _write_private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text)
