"""The pool over real hosts: who takes a run, who keeps it, and what is said of those that cannot."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from app.errors import Failed, Transient
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.ledger.schema import todos
from app.settings import Settings
from pipelines import pool
from pipelines.bench import over
from tests.e2e.hosts import another, settings_of
from tests.e2e.test_ssh import OTHER_KEY
from tests.world.devvm import DevVM as Host

RUN = Run("r", "o/r", "p.md", "0" * 40)


class Pool:
    """Two hosts, a and b, and a ledger with one run; `options` is what the configuration says of them otherwise."""

    def __init__(self, ledger: Ledger, a: Host, b: Host) -> None:
        self.ledger, self.a, self.b = ledger, a, b
        self.options: dict[str, dict[str, object]] = {"a": {}, "b": {}}
        self.key, self.told = a.private_key, list[str]()
        ledger.runs.add(RUN)

    @property
    def settings(self) -> Settings:
        """The configuration, a first."""
        hosts = {"a": self.a, "b": self.b}
        return Settings(devvm=[settings_of(hosts[name], name=name, **self.options[name]) for name in ("a", "b")])

    def take(self, run_id: str = "r") -> str:
        """Which one a step of the run is on; it says something there."""
        with pool.taken(self.settings, self.ledger, run_id, self.key, self.told.append) as (devvm, client):
            assert over(client, devvm.name).run(["echo", "hello"]).text == "hello"
            assert self.ledger.runs.row(run_id)["devvm"] == devvm.name
            return devvm.name

    def state(self, name: str) -> tuple[str, str]:
        health = self.ledger.devvms.health(name)
        return health.state, health.reason


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Host, Host]]:
    folder = tmp_path_factory.mktemp("hosts")
    (folder / "a").mkdir()
    with Host(folder / "a") as a, another(a, folder / "b") as b:
        yield a, b


@pytest.fixture
def both(hosts: tuple[Host, Host], tmp_path: Path) -> Iterator[Pool]:
    """A pool in which nothing has happened; both hosts are up before and after."""
    ledger = open_ledger(f"sqlite:///{tmp_path}/l.db")
    with ExitStack() as undone:
        undone.callback(ledger.engine.dispose)
        for host in hosts:
            undone.callback(host.power_on)
            keys = host.workspace.parent / "authorized_keys"
            undone.callback(keys.write_text, keys.read_text())
        yield Pool(ledger, *hosts)


def test_the_next_one_takes_a_run_and_keeps_it_when_the_first_is_back(both: Pool) -> None:
    both.a.power_off()
    assert both.take() == "b"
    assert (both.state("a"), both.state("b")) == (("down", "devvm-unreachable"), ("up", ""))
    (said,) = both.told
    assert said.startswith("b takes the run; a is down since ")
    both.a.power_on()
    pool.reach(both.ledger, both.settings.devvm[0], both.key).close()
    assert both.take() == "b"
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    assert both.take("next") == "a", "it works again, and has no run"
    assert len(both.told) == 1


def test_one_that_dies_with_a_run_is_waited_for_and_another_run_goes_elsewhere(both: Pool) -> None:
    assert both.take() == "a"
    both.a.power_off()
    with pytest.raises(Transient) as failed:
        both.take()
    assert failed.value.reason == "devvm-unreachable"
    assert both.ledger.runs.row("r")["devvm"] == "a"
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    assert both.take("next") == "b"
    both.a.power_on()
    assert both.take() == "a"


def test_a_run_whose_todo_has_waited_in_vain_does_not_wait_again_in_each_step(both: Pool) -> None:
    """As long as nobody has reached the DevVM since."""
    assert both.take() == "a"
    both.ledger.runs.add_todos(RUN, [Todo("t", 0, 1, "a", "", "P1", "Config", True)])
    both.a.power_off()
    with pytest.raises(Transient):
        both.take()
    both.ledger.runs.finish_todo("r", "t", "failed", "devvm-unreachable", "")
    with pytest.raises(Failed) as failed:
        both.take()
    assert (type(failed.value), failed.value.reason) == (Failed, "devvm-unreachable")
    assert "has waited for it already" in str(failed.value)
    with both.ledger.engine.begin() as db:
        db.execute(sa.update(todos).values(finished_at="2026-04-14T17:12:00Z"))
    with pytest.raises(Transient):
        both.take()
    both.a.power_on()
    assert both.take() == "a"


def test_one_that_is_lost_in_the_first_step_loses_the_run(both: Pool) -> None:
    with (
        pytest.raises(Transient) as failed,
        pool.taken(both.settings, both.ledger, "r", both.key, both.told.append) as (devvm, client),
    ):
        both.a.power_off()
        over(client, devvm.name).run(["true"])
    assert failed.value.reason == "devvm-connection-lost"
    assert both.ledger.runs.row("r")["devvm"] == ""
    assert both.take() == "b"


@pytest.mark.parametrize(
    ("reason", "is_lost"), [("fetch-failed", False), ("devvm-connection-lost", True)], ids=["forge", "devvm"]
)
def test_what_else_goes_wrong_in_the_first_step_does_not_send_the_run_elsewhere(
    both: Pool, reason: str, is_lost: bool
) -> None:
    with pytest.raises(Transient), pool.taken(both.settings, both.ledger, "r", both.key, both.told.append):
        raise Transient(reason, "x")
    assert both.ledger.runs.row("r")["devvm"] == ("" if is_lost else "a")


def test_another_host_key_stops_what_is_there_and_is_said_by_who_takes_new_runs(
    both: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    assert both.take() == "a"
    both.options["a"]["host_key"] = OTHER_KEY
    with pytest.raises(Failed) as failed:
        both.take()
    assert (type(failed.value), failed.value.reason) == (Failed, "devvm-host-key-changed")
    assert [r.levelno for r in caplog.records if "pinned is" in r.getMessage()] == [logging.ERROR]
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    assert both.take("next") == "b"
    (said,) = both.told
    assert "b takes the run; a is down" in said and "find out why before you change devvm.host_key" in said


def test_another_host_key_everywhere_fails_at_once(both: Pool) -> None:
    both.options = {name: {"host_key": OTHER_KEY} for name in "ab"}
    with pytest.raises(Failed) as failed:
        both.take()
    assert (type(failed.value), failed.value.reason) == (Failed, "devvm-host-key-changed")
    assert both.ledger.runs.row("r")["devvm"] == ""


def test_another_host_key_is_said_while_the_others_are_waited_for(both: Pool) -> None:
    both.options["a"]["host_key"] = OTHER_KEY
    both.b.power_off()
    with pytest.raises(Transient, match="pinned is"):
        both.take()
    both.b.power_on()
    assert both.take() == "b"


def test_one_that_refuses_the_key_is_passed_over_and_a_key_that_is_none_is_nobody_s_fault(both: Pool) -> None:
    (both.a.workspace.parent / "authorized_keys").write_text("")
    assert both.take() == "b"
    assert both.state("a") == ("down", "devvm-key-refused")
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    both.key = "no key"
    with pytest.raises(Failed) as failed:
        both.take("next")
    assert failed.value.reason == "devvm-key-unreadable"
    assert both.state("b") == ("up", "")
    assert both.state("a") == ("down", "devvm-key-refused")


def test_a_drained_one_keeps_its_run_and_gets_no_other(both: Pool) -> None:
    assert both.take() == "a"
    both.ledger.devvms.drain("a", "me", "a new disk")
    assert both.take() == "a"
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    both.ledger.runs.add(Run("last", "o/r", "s.md", "2" * 40))
    assert both.take("next") == "b"
    both.options["b"]["drained"] = True
    with pytest.raises(Transient, match="a, b drained") as failed:
        both.take("last")
    assert failed.value.reason == "devvm-drained"
    both.ledger.devvms.undrain("a")
    assert both.take("last") == "a"


def test_one_that_failed_lately_is_not_tried_while_another_works(both: Pool) -> None:
    both.ledger.devvms.failed("a", "devvm-unreachable", "it was away")
    assert both.take() == "b"
    assert both.state("a") == ("down", "devvm-unreachable"), "it answers, and nobody has asked"
    both.ledger.runs.add(Run("next", "o/r", "q.md", "1" * 40))
    both.b.power_off()
    assert both.take("next") == "a", "rather that one than none"


def test_with_none_that_can_be_used_a_run_gets_none(both: Pool) -> None:
    both.a.power_off()
    both.b.power_off()
    with pytest.raises(Transient) as failed:
        both.take()
    assert failed.value.reason == "devvm-unreachable"
    assert "DevVM a" in str(failed.value) and "DevVM b" in str(failed.value)
    assert both.ledger.runs.row("r")["devvm"] == ""
    with pytest.raises(Failed, match="none is configured"):
        next(pool.taken(Settings(), both.ledger, "r", both.key, both.told.append).gen)  # type: ignore[attr-defined]


def test_a_run_whose_devvm_is_not_configured_any_more_has_failed(both: Pool) -> None:
    both.ledger.runs.describe("r", devvm="gone")
    with pytest.raises(Failed) as failed:
        both.take()
    assert failed.value.reason == "devvm-gone"
