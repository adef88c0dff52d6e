"""A connection to a run's DevVM that one step leaves to the next, for seconds: opening one costs both sides as much as
several commands do, at the moment at which the agent's command needs the machine.

It is the connection that is left, not the key that opened it: whoever holds this process's memory may use it until it
is closed, and nobody can open another with it.
"""

from __future__ import annotations

import threading

from paramiko import SSHClient

# The next step begins within milliseconds; where it does not, nothing is kept for it.
IDLE_SECONDS = 3.0
_lock = threading.Lock()
_left: dict[str, tuple[SSHClient, threading.Timer]] = {}


def leave(run_id: str, client: SSHClient) -> None:
    """Leave a connection to the next step of a run; it is closed when nobody takes it. An earlier one goes."""
    timer = threading.Timer(IDLE_SECONDS, close, (run_id, client))
    timer.daemon = True
    before = take(run_id)
    with _lock:
        _left[run_id] = client, timer
    timer.start()
    if before is not None:
        before.close()


def take(run_id: str) -> SSHClient | None:
    """What was left to this run, for the caller to close; None when nothing was, or it is broken."""
    with _lock:
        client, timer = _left.pop(run_id, (None, None))
    if client is None or timer is None:
        return None
    timer.cancel()
    transport = client.get_transport()
    if transport is not None and transport.is_active():
        return client
    client.close()
    return None


def close(run_id: str, only: SSHClient | None = None) -> None:
    """Close what was left to a run, if it still is; with `only` nothing but that."""
    with _lock:
        if run_id not in _left or only not in (None, _left[run_id][0]):
            return
        client, timer = _left.pop(run_id)
    timer.cancel()
    client.close()
