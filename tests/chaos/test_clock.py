"""A clock that jumps decides nothing that matters: what was told is followed once, whatever time it is."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.ledger.approvals import is_over
from tests.chaos.alone import Alone
from tests.chaos.flood import Push, advance, forge
from tests.e2e.conftest import eventually

NAME, DAY = "example-org/infra", 86_400


@pytest.mark.thorough
def test_a_service_whose_clock_jumps_back_and_forth_follows_everything_once(tmp_path: Path) -> None:
    bare = tmp_path / "infra.git"
    pushes = [push for push in forge(bare, NAME, 160, random.Random(5)) if push.post_mortem]
    advance(bare, pushes[-1].after)
    alone = Alone(tmp_path, {NAME: bare})
    told: list[Push] = []
    try:
        for off in (0, 3 * DAY, -40 * DAY):
            alone.serve(off)
            for push in pushes[len(told) : len(told) + 4]:
                assert alone.tell(NAME, push.before, push.after, push.after) == 202
                told.append(push)
            alone.kill()
        alone.serve()

        def runs() -> list[tuple[str, str]]:
            with closing(sqlite3.connect(alone.database, timeout=30)) as db:
                return list(db.execute('SELECT "commit", outcome FROM runs WHERE finished_at IS NOT NULL ORDER BY 1'))

        expected = sorted((push.after, "nothing-to-do") for push in told)
        eventually(lambda: len(runs()) >= len(expected), 60)
        assert runs() == expected
        with closing(sqlite3.connect(alone.database)) as db:
            days = {row[0][:10] for row in db.execute("SELECT received_at FROM deliveries")}
        assert len(days) == 3, "the clock did jump"
    finally:
        alone.stop()


@pytest.mark.parametrize(
    ("asked", "over"),
    [
        (timedelta(hours=-25), True),
        (timedelta(hours=-23), False),
        (timedelta(minutes=5), False),
        (timedelta(hours=1), True),
        (timedelta(days=365), True),
    ],
)
def test_an_approval_s_day_is_a_day_by_a_clock_that_went_on(asked: timedelta, over: bool) -> None:
    assert is_over((datetime.now(UTC) + asked).strftime("%Y-%m-%dT%H:%M:%SZ")) is over
