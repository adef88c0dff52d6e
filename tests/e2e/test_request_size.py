"""What every turn of a session sends again stays small."""

from __future__ import annotations

from bench.request_size import sizes


def test_the_first_request_is_a_small_part_of_what_the_command_sends_by_itself() -> None:
    found = sizes()
    assert found.ours <= 10_000
    assert found.defaults > 10 * found.ours
