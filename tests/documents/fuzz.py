"""How many examples a property is tried with: a bounded number in the tests, many times that in `scripts/fuzz`."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from hypothesis import settings

TIMES = int(os.environ.get("FUZZ_TIMES", "1"))


def fuzzed(examples: int) -> Callable[[Any], Any]:
    """Try a property with that many examples, times FUZZ_TIMES; what fails prints how to reproduce it."""
    return settings(max_examples=examples * TIMES, deadline=None, print_blob=True)
