"""What can go wrong, as verbs: each does the real thing to a part of the world, and has one that takes it back.

`kill` is `World.service.kill`, `seal` and `unseal` are the vault's, `power_off` and `power_on` the DevVM's, `fail_next`
Slack's and `break_next` the model's own. Here is what is more than one call.

A full disk is a limit on the size of files (RLIMIT_FSIZE) of a process that runs: its writes fail, those of SQLite and
of every program that it starts too, and they work again when the limit is lifted. It needs no mount and no root; the
errno is EFBIG instead of ENOSPC, which nobody there tells apart.
"""

from __future__ import annotations

import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jwt
import psutil

from tests.world.devvm import DevVM
from tests.world.infra import wrapper_environment
from tests.world.processes import Child
from tests.world.world import World

_EXTRA = "of_a_test.tf"


@contextmanager
def full_disk(process: Child | psutil.Process) -> Iterator[None]:
    """No file that this process writes, or what it starts, can grow or be changed while the block lasts."""
    usual = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (0, usual[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, usual)


@contextmanager
def full_devvm(devvm: DevVM) -> Iterator[None]:
    """The same for every command of the service on the DevVM that begins while the block lasts; jobs go on."""
    keys, script = devvm._folder / "authorized_keys", devvm._folder / "full.sh"
    script.write_text("trap '' XFSZ\nulimit -f 0\nexec sh -c \"$SSH_ORIGINAL_COMMAND\"\n")
    usual = keys.read_text()
    keys.write_text(f'command="sh {script}",{usual}')
    try:
        yield
    finally:
        keys.write_text(usual)


def daemon(devvm: DevVM) -> psutil.Process:
    """The sshd that listens: the sessions to come are its children."""
    assert devvm._child is not None
    (found,) = (p for p in psutil.Process(devvm._child.pid).children() if p.name().startswith("sshd"))
    return found


def cut(devvm: DevVM) -> int:
    """Kill the sshd of every open session in mid-stream; what they started lives on. Returns how many there were."""
    sessions = [p for p in daemon(devvm).children(recursive=True) if p.name().startswith("sshd")]
    for session in sessions:
        session.kill()
    return len(sessions)


@contextmanager
def locked_state(world: World, stack: str) -> Iterator[None]:
    """An operator's terraform holds the lock on a stack's state while the block lasts: it waits for a yes."""
    data = world.folder / "operator-locks"
    data.mkdir(exist_ok=True)
    checkout = world.forge.checkout
    environment = wrapper_environment(world.path, world.states, data)
    argv = [str(checkout / "scripts" / "tg"), "apply", "-lock-timeout=60s"]
    holder = subprocess.Popen(
        argv,
        cwd=_with_a_change(checkout, stack),
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        assert holder.stdout is not None
        seen = b""
        while b"Enter a value" not in seen:
            piece = holder.stdout.read1(65536)  # type: ignore[attr-defined]
            assert piece, f"terraform ended instead of asking: {seen.decode()}"
            seen += piece
        yield
    finally:
        holder.communicate(b"no\n", timeout=60)
        (checkout / "stacks" / stack / _EXTRA).unlink()


def _with_a_change(checkout: Path, stack: str) -> Path:
    """The stack's folder, with something to apply: else terraform would not ask."""
    folder = checkout / "stacks" / stack
    (folder / _EXTRA).write_text('resource "terraform_data" "of_a_test" {}\n')
    return folder


def aged_token(world: World, **claims: int) -> str:
    """A service-account token of the cluster with other times in it (seconds since 1970): exp, nbf, iat."""
    usual = jwt.decode(world.bao.jwt(), options={"verify_signature": False})
    return jwt.encode({**usual, **claims}, world.bao.token_review._key, algorithm="RS256")
