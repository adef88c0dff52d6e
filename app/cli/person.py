"""Who sits at this terminal."""

from __future__ import annotations

import os
import pwd


def person() -> str:
    """The user as the system says, not as the environment does; in a container that may be a number."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
