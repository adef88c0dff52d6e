"""Uptime Kuma: monitors listed, brought there once, their heartbeats waited for.

A monitor is adopted where one exists and made otherwise. The one thing that is ever deleted is the double that the
very same call made a moment before. Versions from 1.23 on, 2 included.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self, TypeVar

from app.edges.uptime_kuma_data import Beat, fields_of, known_of, whole
from app.edges.uptime_kuma_session import SETTLE_SECONDS, Lost, Session
from app.errors import Failed
from app.guard.monitors.inventory import Monitor
from app.guard.monitors.plan import Known, Step, match, step

T = TypeVar("T")
_LOOK_SECONDS = 1.0
_DOWN, _UP, _MAINTENANCE = 0, 1, 3
_TAG_COLOR = "#4B5563"


@dataclass(frozen=True)
class Brought:
    """What came of bringing a monitor. `differs` says in what an adopted one is not as the inventory wants it.

    `elsewhere` is True when it has the name and watches something else. `since` is the time of its newest heartbeat at
    that moment, for `heartbeat`; empty for none.
    """

    id: int
    how: Literal["created", "adopted", "same"]
    differs: tuple[str, ...] = ()
    elsewhere: bool = False
    since: str = ""


@dataclass(frozen=True)
class Heartbeat:
    """What a monitor saw. `up` is None when it saw nothing in time; `at` is UTC in ISO 8601, empty then."""

    up: bool | None
    message: str
    at: str = ""


class UptimeKuma:
    """A logged-in session between `with` and its end. `timeout` is the limit of one call, in seconds.

    Entering raises Transient("uptime-kuma-unreachable") or ("uptime-kuma-busy"), Failed("uptime-kuma-login-refused").
    Every other method raises the same, and Failed("uptime-kuma-unreadable") for an answer that makes no sense.
    """

    def __init__(self, url: str, user: str, password: str, timeout: float = 10) -> None:
        self._session = Session(url, user, password, timeout)
        # The library's client of a login, and the monitors that there were then.
        self._there: tuple[object, frozenset[int]] | None = None

    def __enter__(self) -> Self:
        self._session.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._session.__exit__()

    def __repr__(self) -> str:
        return f"UptimeKuma({self._session.url!r})"

    def link(self, monitor_id: int) -> str:
        """Where people look at a monitor."""
        return f"{self._session.url}/dashboard/{monitor_id}"

    def monitors(self) -> list[Known]:
        """Every monitor that there is, oldest first."""
        return self._session.again(self._listed)

    def notifications(self) -> dict[str, int]:
        """The notifications that there are: name to id, the lowest of several."""
        return {name: number for name, number, _ in reversed(self._session.again(self._notifications))}

    def bring(self, monitor: Monitor) -> Brought:
        """See to it that there is one such monitor; what exists is left as it is, paused or not.

        Raises Failed("uptime-kuma-unknown-notification") where it names one that there is not,
        Failed("uptime-kuma-refused") when the server does not take the monitor.
        """
        before = self.monitors()
        if match(monitor, before) is not None:
            return self._adopted(step(monitor, before))
        numbers = self._session.again(lambda: self._numbers(monitor))
        made = self._make(monitor, numbers, {known.id for known in before})
        after = self._until(self.monitors, lambda there: any(known.id == made for known in there))
        # Two callers at once both find nothing and both make one; the lower id stays, and each sees it here.
        first = match(monitor, [known for known in after if known.id < made])
        if first is not None:
            self._session.again(lambda: self._session.call("deleteMonitor", made))
            return self._adopted(step(monitor, [first]))
        self._session.again(lambda: self._tag(monitor, made))
        return Brought(made, "created")

    def heartbeat(
        self, monitor_id: int, within: float, look: Callable[[], None] = lambda: None, since: str = ""
    ) -> Heartbeat:
        """What a monitor says after the heartbeat `since`: up or down, the newest, waited for `within` seconds.

        `look` is called before every look, to tell progress or to raise. A check that failed and is tried again when
        time is up counts as down. A paused monitor is not waited for.
        """
        deadline = time.monotonic() + within
        while True:
            look()
            active, beats = self._session.again(lambda: self._seen(monitor_id, since))
            if settled := next((beat for beat in reversed(beats) if beat.status in (_DOWN, _UP)), None):
                return Heartbeat(settled.status == _UP, settled.message, settled.at)
            if not active:
                return Heartbeat(None, "it is paused in Uptime Kuma")
            left = deadline - time.monotonic()
            if left <= 0:
                break
            time.sleep(min(_LOOK_SECONDS, left))
        if not beats:
            return Heartbeat(None, f"no heartbeat within {within:.0f} seconds")
        if beats[-1].status == _MAINTENANCE:
            return Heartbeat(None, "under maintenance", beats[-1].at)
        return Heartbeat(False, f"not answered, tried again: {beats[-1].message}", beats[-1].at)

    def _seen(self, monitor_id: int, since: str) -> tuple[bool, list[Beat]]:
        """Whether a monitor is active, and its heartbeats after `since`, oldest first."""
        # Asked every time: it notices a session that is over, and a monitor that is gone.
        raw = self._session.call("getMonitor", monitor_id)["monitor"]
        return raw.get("active") in (True, 1), [beat for beat in self._beats(monitor_id) if beat.at > since]

    def _beats(self, monitor_id: int) -> list[Beat]:
        """The heartbeats that the server told of. Those before the login come by themselves, a moment after it."""
        session = self._session
        if self._there is None or self._there[0] is not session.api:
            self._listed()
        earlier = self._there is not None and monitor_id in self._there[1]
        deadline = time.monotonic() + session.timeout
        while earlier and monitor_id not in session.told and time.monotonic() < deadline:
            time.sleep(SETTLE_SECONDS)
        return list(session.beats.get(monitor_id, {}).values())

    def _adopted(self, found: Step) -> Brought:
        known = found.known
        if known is None:
            raise self._session.unreadable("a monitor that was listed is gone")
        beats = self._session.again(lambda: self._beats(known.id))
        if self._there is not None and known.id in self._there[1] and known.id not in self._session.told:
            # Without them an old heartbeat would be taken for the first one after this.
            raise self._session.unreachable(f"it does not tell the heartbeats of the monitor {known.id}")
        since = beats[-1].at if beats else ""
        return Brought(known.id, "adopted" if found.differs else "same", found.differs, found.elsewhere, since)

    def _make(self, monitor: Monitor, numbers: list[int], before: set[int]) -> int:
        """Make it and return its id. An answer that was lost is looked for before it is made again."""
        fields = fields_of(monitor, numbers, self._version())

        def add() -> int:
            return whole(self._session.call("add", fields)["monitorID"])

        try:
            return self._session.understood(add)
        except Lost:
            self._session.log_in()
        found = match(monitor, [known for known in self.monitors() if known.id not in before])
        return found.id if found else self._session.again(add)

    def _numbers(self, monitor: Monitor) -> list[int]:
        there = self._notifications()
        if monitor.notifications is None:
            return [number for _, number, default in there if default]
        known = {name: number for name, number, _ in reversed(there)}
        if missing := [name for name in monitor.notifications if name not in known]:
            raise Failed(
                "uptime-kuma-unknown-notification",
                f"bringing the monitor {monitor.name!r} to {self._session.url}: it has no notification {missing[0]!r}; "
                f"it has {', '.join(map(repr, known)) or 'none'}; make it in Uptime Kuma, or correct the inventory",
            )
        return [known[name] for name in monitor.notifications]

    def _tag(self, monitor: Monitor, monitor_id: int) -> None:
        if not monitor.tags:
            return
        on_it = next((k.tags for k in self._listed() if k.id == monitor_id), ())
        known = {str(tag["name"]): whole(tag["id"]) for tag in reversed(self._session.call("getTags")["tags"])}
        for name in dict.fromkeys(tag for tag in monitor.tags if tag not in on_it):
            if name not in known:
                made = self._session.call("addTag", {"new": True, "name": name, "color": _TAG_COLOR})
                known[name] = whole(made["tag"]["id"])
            self._session.call("addMonitorTag", (known[name], monitor_id, ""))

    def _listed(self) -> list[Known]:
        # The list comes as an event beside the answer, and the library keeps the newest one.
        self._session.call("getMonitorList")
        raw = self._session.library("get_monitors")
        names = {number: name for name, number, _ in self._notifications()}
        known = sorted((known_of(one, names) for one in raw), key=lambda known: known.id)
        if self._there is None or self._there[0] is not self._session.api:
            self._there = (self._session.api, frozenset(one.id for one in known))
        return known

    def _notifications(self) -> list[tuple[str, int, bool]]:
        """(name, id, given to every new monitor), oldest first."""
        raw = self._session.library("get_notifications")
        found = [(str(one["name"]), whole(one["id"]), one.get("isDefault") is True) for one in raw]
        return sorted(found, key=lambda one: one[1])

    def _version(self) -> str:
        return str(self._session.again(lambda: self._session.library("info")).get("version", ""))

    def _until(self, ask: Callable[[], T], enough: Callable[[T], bool]) -> T:
        deadline = time.monotonic() + self._session.timeout
        while not enough(found := ask()):
            if time.monotonic() > deadline:
                raise self._session.unreadable("a monitor that was just made is not listed")
            time.sleep(SETTLE_SECONDS)
        return found
