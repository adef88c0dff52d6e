"""Makes the secrets of the compose stack: python setup.py FOLDER

Runs as root in a container without a network, once at each `up`. What is there is kept; what is missing is made. Each
container's part lies in a folder that its user alone can open, so one volume serves them all. The service's
configuration is written anew each time, from followthrough.toml beside this file.
"""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICE, POSTGRES, OPENBAO, DEVVM, STAND_IN, PROVISION = 10001, 999, 100, 1000, 10002, 10003
# No terminal, no forwarding but back from the loopback, which the test of the agent's cage needs.
_OPTIONS = 'restrict,port-forwarding,permitlisten="127.0.0.1:*"'
# Folder: (user, group, mode). In the last two the stand-in writes, and new files inherit the group that may read.
FOLDERS = {
    "kept": (0, 0, 0o700),
    "postgres": (POSTGRES, POSTGRES, 0o700),
    "openbao": (OPENBAO, OPENBAO, 0o700),
    "devvm": (DEVVM, DEVVM, 0o700),
    "provision": (PROVISION, PROVISION, 0o700),
    "service": (SERVICE, SERVICE, 0o700),
    "stand-in": (STAND_IN, STAND_IN, 0o700),
    "reviewer": (STAND_IN, PROVISION, 0o2750),
    "service-token": (STAND_IN, SERVICE, 0o2750),
}


def set_up(root: Path, template: str) -> None:
    """Make every folder and secret under `root`; `template` is the service's configuration."""
    for name, (user, group, mode) in FOLDERS.items():
        folder = root / name
        folder.mkdir(exist_ok=True)
        # Without the FSETID capability only the owner's own group may be made to be inherited: first ours, then theirs.
        os.chown(folder, 0, 0)
        folder.chmod(mode)
        os.chown(folder, user, group)
    password = _kept(root, "postgres_password", secrets.token_urlsafe)
    root_token = _kept(root, "openbao_root_token", secrets.token_urlsafe)
    host_key = _kept(root, "devvm_host_key", _new_key)
    client_key = _kept(root, "devvm_ssh_key", _new_key)
    names = {
        "postgres_password": password,
        "webhook_secret": _kept(root, "webhook_secret", secrets.token_urlsafe),
        "api_token": _kept(root, "api_token", secrets.token_urlsafe),
        "devvm_host_key": _public(host_key),
    }
    _give(root, "postgres", "password", password)
    _give(root, "openbao", "root_token", root_token)
    _give(root, "provision", "root_token", root_token)
    _give(root, "provision", "devvm_ssh_key", client_key)
    _give(root, "devvm", "ssh_host_ed25519_key", host_key)
    _give(root, "devvm", "authorized_keys", f"{_OPTIONS} {_public(client_key)} followthrough\n")
    _give(root, "service", "followthrough.toml", Template(template).substitute(names))


def _kept(root: Path, name: str, make: Callable[[], str]) -> str:
    """The secret of this name, made by `make` when it is not there."""
    path = root / "kept" / name
    if not path.exists():
        _write(path, make(), *FOLDERS["kept"][:2])
    return path.read_text()


def _give(root: Path, folder: str, name: str, text: str) -> None:
    user, group, _ = FOLDERS[folder]
    _write(root / folder / name, text, user, group)


def _write(path: Path, text: str, user: int, group: int) -> None:
    """Put a file in place at once: nobody ever sees half of it, nor one that others can read."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    new.touch(mode=0o600)
    new.write_text(text)
    os.chown(new, user, group)
    new.rename(path)


def _new_key() -> str:
    key = Ed25519PrivateKey.generate()
    form = serialization.PrivateFormat.OpenSSH
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _public(private: str) -> str:
    """The public half as known_hosts and authorized_keys write it: type and base64."""
    key = serialization.load_ssh_private_key(private.encode(), password=None).public_key()
    return key.public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH).decode()


if __name__ == "__main__":
    set_up(Path(sys.argv[1]), Path(__file__).with_name("followthrough.toml").read_text())
