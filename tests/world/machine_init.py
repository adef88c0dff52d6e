"""Process 1 of the DevVM: starts one command, and when it is stopped ends everything that ever came of it.

Run as a file: `python machine_init.py COMMAND...`. Jobs on the DevVM leave their session on purpose, so that they
outlive the connection; as their adoptive parent (a "child subreaper", Linux) this process still has them all. Its
standard input is a pipe from whoever started it: the end of that pipe is a power cut too.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import psutil

_PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run until the command ends, TERM comes or standard input closes; then nothing is left."""
    if ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        print("machine_init: prctl(PR_SET_CHILD_SUBREAPER) was refused", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=_watch_for_power_cut, daemon=True).start()
    try:
        command = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
        while os.wait()[0] != command.pid:
            pass
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_everything()


def _watch_for_power_cut() -> None:
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _end_everything() -> None:
    """Kill all descendants, again until none is left: a process may fork while its parent is being killed."""
    deadline = time.monotonic() + 10
    while (left := psutil.Process().children(recursive=True)) and time.monotonic() < deadline:
        for process in left:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        time.sleep(0.01)


if __name__ == "__main__":
    try:
        code = main()
    except SystemExit:
        code = 0
    # An ordinary exit waits a second for the thread that reads standard input.
    os._exit(code)
