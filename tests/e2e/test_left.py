"""The connection that a step leaves to the next: one for both, and none where nobody takes it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from paramiko import PKey, SSHClient

from app.edges import ssh
from app.errors import Refused, Transient
from pipelines import left, pool
from pipelines.bench import over
from tests.e2e.conftest import eventually
from tests.e2e.hosts import settings_of
from tests.e2e.test_pool import Pool, both, hosts

__all__ = ["both", "hosts"]


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    left.close("r")


def is_open(client: SSHClient) -> bool:
    transport = client.get_transport()
    return transport is not None and transport.is_active()


def step(pool_of_both: Pool, *, takes: bool = True, leaves: bool = True) -> SSHClient:
    """The connection that a step of the run had."""
    ways = (pool_of_both.settings, pool_of_both.ledger, "r", pool_of_both.key, pool_of_both.told.append)
    with pool.taken(*ways, takes=takes, leaves=leaves) as (devvm, client):
        assert over(client, devvm.name).run(["echo", "hello"]).text == "hello"
    return client


def test_a_step_goes_on_with_what_the_one_before_it_left(both: Pool) -> None:
    first = step(both)
    assert is_open(first)
    assert step(both, leaves=False) is first
    assert not is_open(first), "it was not left again"
    assert left.take("r") is None


def test_the_key_is_not_left_with_the_connection(both: Pool) -> None:
    client = step(both)
    gc.collect()
    keys = [found for found in gc.get_objects() if isinstance(found, PKey)]
    assert keys, "the host's own, which is pinned"
    assert not any(found.can_sign() for found in keys)
    assert is_open(client)


def test_a_step_that_does_not_ask_for_it_opens_its_own(both: Pool) -> None:
    first = step(both)
    other = step(both, takes=False, leaves=False)
    assert other is not first
    assert is_open(first)
    assert not is_open(other)


def test_nothing_is_left_after_an_error(both: Pool) -> None:
    ways = (both.settings, both.ledger, "r", both.key, both.told.append)
    step(both)
    with pytest.raises(Refused), pool.taken(*ways, takes=True, leaves=True) as (_, client):
        raise Refused("cancelled", "by somebody")
    assert not is_open(client)
    assert left.take("r") is None


def test_what_nobody_takes_is_closed(both: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(left, "IDLE_SECONDS", 0.1)
    client = step(both)
    eventually(lambda: not is_open(client))
    assert left.take("r") is None


def test_of_two_that_are_left_the_later_one_stays_and_the_end_of_the_run_closes_it(both: Pool) -> None:
    host = settings_of(both.a, name="a")
    first, second = (ssh.connect(host, both.key) for _ in range(2))
    left.leave("r", first)
    left.leave("r", second)
    assert (is_open(first), is_open(second)) == (False, True)
    left.close("r", first)
    assert is_open(second), "the idle time of the first is not that of the second"
    left.close("r")
    assert not is_open(second)


def test_one_that_broke_meanwhile_is_not_taken_and_the_step_is_tried_again(both: Pool) -> None:
    first = step(both)
    both.a.power_off()
    eventually(lambda: not is_open(first))
    with pytest.raises(Transient, match="connecting to DevVM a"):
        step(both)
    both.a.power_on()
    assert is_open(step(both))
