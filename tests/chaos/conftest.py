"""The worlds of the end-to-end tests, here for faults."""

from tests.e2e.conftest import fresh, parked

__all__ = ["fresh", "parked"]
