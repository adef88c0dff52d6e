"""The DevVMs as a pool: one takes a run, and keeps it; how each is gets known in passing and by a look now and then.

A connection that fails says something of that DevVM alone, so a new run goes to the next one, and says which ones it
passed over and why. That holds for a host key that is not the pinned one as well: each DevVM is trusted by its own
pin, nothing was sent to the one that failed, and a run that began there stops (SECURITY.md). Once a DevVM has taken a
run nothing else will do: its worktree, its agents and its plan files are there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from paramiko import SSHClient

from app.edges import ssh, vault
from app.errors import Failed, Transient
from app.ledger import Ledger
from app.pool import Standing, order
from app.redact import redact
from app.settings import DevVMSettings, Settings
from pipelines import left

HOST_KEY_CHANGED = "devvm-host-key-changed"
# What Vault gave is no key at all: no DevVM is worse for it.
_NOT_ITS_FAULT = ("devvm-key-unreadable", "devvm-key-encrypted")
# Reasons of a TODO whose steps have waited for the run's DevVM until their patience was over.
_WAITED_FOR = ("devvm-unreachable", "devvm-connection-lost", "apply-connection-lost")
log = logging.getLogger(__name__)


def standings(settings: Settings, ledger: Ledger) -> list[Standing]:
    """What is known of each configured DevVM, in the configuration's order."""
    open_runs = ledger.devvms.open_runs()
    found = []
    for devvm in settings.devvm:
        health = ledger.devvms.health(devvm.name)
        failed_ago = health.checked_ago if health.state == "down" else None
        is_drained = devvm.drained or bool(health.drained_at)
        found.append(Standing(devvm.name, failed_ago, open_runs.get(devvm.name, 0), is_drained))
    return found


@contextmanager
def taken(
    settings: Settings,
    ledger: Ledger,
    run_id: str,
    private_key: str,
    tell: Callable[[str], None],
    *,
    takes: bool = False,
    leaves: bool = False,
) -> Iterator[tuple[DevVMSettings, SSHClient]]:
    """A connection to the run's DevVM; for a run without one, to the first in order that can be used, which gets it.

    With `takes` it may be the one that was left to the run, with `leaves` it is left where nothing is raised within.
    `tell` hears why others were passed over. Where the connection is lost in the first step of a run, nothing that is
    worth keeping has begun, and the run has no DevVM again. Raises Failed("devvm-gone") for one that is not configured
    any more, else what the connection raises.
    """
    tied = ledger.runs.row(run_id)["devvm"]
    client: SSHClient | None
    if tied:
        named = [devvm for devvm in settings.devvm if devvm.name == tied]
        devvm, client = _keep_to(ledger, named, run_id, private_key, takes)
    else:
        devvm, client = _first(settings, ledger, private_key, tell)
    try:
        if not tied:
            ledger.runs.describe(run_id, devvm=devvm.name)
        yield devvm, client
        if leaves:
            left.leave(run_id, client)
            client = None
    except Transient as error:
        if not tied and error.reason == "devvm-connection-lost":
            ledger.runs.describe(run_id, devvm="")
        raise
    finally:
        if client is not None:
            client.close()


def reach(ledger: Ledger, devvm: DevVMSettings, private_key: str) -> SSHClient:
    """A connection to one DevVM; what comes of it is kept. Raises what `ssh.connect` raises."""
    try:
        client = ssh.connect(devvm, private_key)
    except Failed as error:
        if error.reason not in _NOT_ITS_FAULT:
            ledger.devvms.failed(devvm.name, error.reason, redact(str(error)))
        if error.reason == HOST_KEY_CHANGED:
            log.error("%s; nothing goes on there", error)
        raise
    ledger.devvms.answered(devvm.name)
    return client


def probe(settings: Settings, ledger: Ledger) -> None:
    """Try each DevVM that nobody has tried for a while, so that it is known how they are before a run needs one."""
    due = [devvm for devvm in settings.devvm if not _is_known(settings, ledger, devvm)]
    try:
        _try_each(settings, ledger, due)
    except Failed as error:
        log.warning("looking at the DevVMs: %s", error)


def try_all(settings: Settings, ledger: Ledger) -> None:
    """Try every DevVM now, and keep what comes of it. Raises what keeps Vault from giving the key."""
    _try_each(settings, ledger, settings.devvm)


def _try_each(settings: Settings, ledger: Ledger, devvms: Sequence[DevVMSettings]) -> None:
    if not devvms:
        return
    key = vault.field(vault.read_secret(settings.vault), settings.vault.ssh_key_field, settings.vault)
    for devvm in devvms:
        try:
            reach(ledger, devvm, key).close()
        except Failed as error:
            log.warning("looking at the DevVMs: %s", error)


def _is_known(settings: Settings, ledger: Ledger, devvm: DevVMSettings) -> bool:
    ago = ledger.devvms.health(devvm.name).checked_ago
    return ago is not None and 0 <= ago < settings.server.probe_minutes * 60


def _keep_to(
    ledger: Ledger, named: Sequence[DevVMSettings], run_id: str, private_key: str, takes: bool
) -> tuple[DevVMSettings, SSHClient]:
    if not named:
        raise Failed("devvm-gone", "opening the DevVM: none of that name is configured any more")
    if takes and (client := left.take(run_id)) is not None:
        return named[0], client
    try:
        return named[0], reach(ledger, named[0], private_key)
    except Transient as error:
        if _was_waited_for(ledger, run_id, named[0].name):
            message = f"{error}; this run has waited for it already, and nothing has reached it since"
            raise Failed(error.reason, message) from None
        raise


def _was_waited_for(ledger: Ledger, run_id: str, name: str) -> bool:
    """Whether a step of the run has given up on its DevVM, which nobody has reached since.

    Every step that is left would wait as long again, and the people who are to be told wait with them.
    """
    since = ledger.devvms.health(name).since
    given_up = [todo for todo in ledger.runs.todos(run_id) if todo["outcome"] and todo["reason"] in _WAITED_FOR]
    return any(since <= todo["finished_at"] for todo in given_up)


def _first(
    settings: Settings, ledger: Ledger, private_key: str, tell: Callable[[str], None]
) -> tuple[DevVMSettings, SSHClient]:
    """The first that can be used. Raises Transient while one of them may be usable later, else Failed."""
    if not settings.devvm:
        raise Failed("devvm-gone", "opening the DevVM: none is configured")
    by_name = {devvm.name: devvm for devvm in settings.devvm}
    problems: list[Failed] = []
    for name in order(standings(settings, ledger)):
        try:
            client = reach(ledger, by_name[name], private_key)
        except Failed as error:
            if error.reason in _NOT_ITS_FAULT:
                raise
            problems.append(error)
            continue
        _tell_of_others(settings, ledger, name, tell)
        return by_name[name], client
    raise _none(settings, ledger, problems)


def _none(settings: Settings, ledger: Ledger, problems: Sequence[Failed]) -> Failed:
    """Why no DevVM can take the run: a key that is not the pinned one is said before all else."""
    drained = [standing.name for standing in standings(settings, ledger) if standing.is_drained]
    said = [str(problem) for problem in problems]
    if drained:
        said.append(f"{', '.join(drained)} drained: followthrough devvms undrain NAME, or devvm.drained = false")
    message = "; ".join(said)
    if not problems:
        return Transient("devvm-drained", f"opening a DevVM: {message}")
    if any(isinstance(problem, Transient) for problem in problems):
        return Transient("devvm-unreachable", message)
    first = next((problem for problem in problems if problem.reason == HOST_KEY_CHANGED), problems[0])
    return Failed(first.reason, message)


def _tell_of_others(settings: Settings, ledger: Ledger, name: str, tell: Callable[[str], None]) -> None:
    """Say which DevVMs cannot be used now that one takes a run: nothing fails over in silence."""
    for other in settings.devvm:
        health = ledger.devvms.health(other.name)
        if other.name != name and health.state == "down":
            tell(f"{name} takes the run; {other.name} is down since {health.since}: {health.message}")
