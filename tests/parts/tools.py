"""The programs of the DevVM: terraform from PATH or from a package, and the Claude Code CLI."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from pathlib import Path

from tests.parts.processes import NotReady

ROOT = Path(__file__).parents[2]


def terraform_folder(folder: Path, packaged: bool = False) -> Path:
    """A folder with an executable `terraform`: a link to the one on PATH, else (or when `packaged`) a shim onto the
    library of the same program.
    """
    folder.mkdir(parents=True, exist_ok=True)
    found = None if packaged else shutil.which("terraform")
    if found:
        (folder / "terraform").symlink_to(found)
        return folder
    script = folder / "terraform"
    script.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.parts.terraform_shim "$@"\n')
    script.chmod(0o755)
    return folder


def claude() -> Path:
    """The Claude Code CLI that scripts/env installed: the native program, since its launcher needs an install step."""
    modules = ROOT / ".tools" / "node_modules" / "@anthropic-ai"
    machine = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}.get(platform.machine(), platform.machine())
    for variant in (f"claude-code-{sys.platform}-{machine}", f"claude-code-{sys.platform}-{machine}-musl"):
        program = modules / variant / "claude"
        if program.is_file() and os.access(program, os.X_OK):
            return program
    raise NotReady(f"there is no Claude Code CLI in {modules}; run scripts/env")


def github_examples() -> Path:
    """GitHub's own example payloads."""
    return ROOT / ".tools/node_modules/@octokit/webhooks-examples/api.github.com/index.json"
