"""What an inventory asks of Uptime Kuma: what is made, and what is there already. Nothing is ever removed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from app.guard.monitors.inventory import Monitor, monitor_of, same_name

# A monitor with one of these is up while what it watches is not.
_OPPOSITE = ("upsideDown", "invertKeyword")
Action = Literal["create", "adopt", "same"]
_PORTS = {"http": 80, "https": 443}
# The fields that monitors of one type have besides those of all.
_OWN = {
    "http": ("target", "accepted_status_codes"),
    "keyword": ("target", "accepted_status_codes", "keyword"),
    "port": ("target",),
    "ping": ("target",),
    "dns": ("target", "resolver", "record_type"),
}


@dataclass(frozen=True)
class Known:
    """A monitor as Uptime Kuma has it. `type` is any of its types, `target` as an inventory would write it.

    `active` is False while it is paused. `beyond` names what it has and an inventory cannot say.
    """

    id: int
    name: str
    type: str
    target: str = ""
    keyword: str = ""
    interval: int = 60
    retries: int = 1
    active: bool = True
    notifications: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    description: str = ""
    accepted_status_codes: tuple[str, ...] = ("200-299",)
    resolver: str = "1.1.1.1"
    record_type: str = "A"
    beyond: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """What an entry comes to. `known` is the monitor that is there, `differs` in what it is not as the entry says.

    `elsewhere` is True when that monitor has the entry's name and watches something else, or is up when it is down.
    """

    action: Action
    monitor: Monitor
    known: Known | None = None
    differs: tuple[str, ...] = ()
    elsewhere: bool = False


def plan(wanted: Sequence[Monitor], known: Sequence[Known]) -> tuple[Step, ...]:
    """One step for each entry, in the inventory's order.

    What exists by name, or else by what it watches, is adopted and left as it is: a person made it so.
    """
    return tuple(step(monitor, known) for monitor in wanted)


def step(monitor: Monitor, known: Sequence[Known]) -> Step:
    """What one entry comes to."""
    found = match(monitor, known)
    if found is None:
        return Step("create", monitor)
    differs = tuple(_differences(monitor, found))
    elsewhere = watched(found) != watched(monitor) or any(sign in found.beyond for sign in _OPPOSITE)
    return Step("adopt" if differs else "same", monitor, found, differs, elsewhere)


def match(monitor: Monitor, known: Sequence[Known]) -> Known | None:
    """The monitor that an entry stands for: by name, then by what it watches; of several the oldest, the lowest id.

    Of several with the name, one that watches the same comes first.
    """
    key = watched(monitor)
    named = [k for k in known if same_name(k.name) == same_name(monitor.name)]
    alike = [k for k in named if watched(k) == key] or named
    if not alike and monitor.type != "push":
        alike = [k for k in known if watched(k) == key]
    return min(alike, key=lambda k: k.id, default=None)


def watched(one: Monitor | Known) -> tuple[str, ...]:
    """What a monitor watches, the same for two spellings of it; a push monitor watches whoever knows its address."""
    target = one.target
    if one.type in ("http", "keyword"):
        return (one.type, _address(target), *([one.keyword] if one.type == "keyword" else []))
    target = target.lower()
    if one.type == "port":
        host, _, port = target.rpartition(":")
        return (one.type, host.rstrip("."), port)
    if one.type == "dns":
        return (one.type, target.rstrip("."), one.resolver.lower(), one.record_type)
    return (one.type, target.rstrip("."))


def entry_of(known: Known) -> Monitor:
    """The entry that describes a monitor. Raises BadInput("monitor-invalid") where the inventory cannot say it."""
    names = ("name", "type", "interval", "retries", "notifications", "tags", "description", *_OWN.get(known.type, ()))
    values = ((name, getattr(known, name)) for name in names)
    return monitor_of({name: list(value) if isinstance(value, tuple) else value for name, value in values})


def _differences(monitor: Monitor, known: Known) -> Iterator[str]:
    if not known.active:
        yield "it is paused"
    if known.name != monitor.name:
        yield f"its name is {known.name!r}"
    if watched(known) != watched(monitor):
        yield f"it watches {known.type} {known.target}".rstrip()
    yield from (f"it has {sign}" for sign in _OPPOSITE if sign in known.beyond)
    for field in ("interval", "retries", "description"):
        if getattr(known, field) != getattr(monitor, field):
            yield f"{field} is {getattr(known, field)!r}"
    for field in (
        "notifications",
        "tags",
        *(name for name in _OWN.get(known.type, ()) if name == "accepted_status_codes"),
    ):
        there, asked = getattr(known, field), getattr(monitor, field)
        if asked is not None and set(there) != set(asked):
            yield f"{field} are {', '.join(there) or 'none'}"


def _address(target: str) -> str:
    try:
        parts = urlsplit(target)
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        return target
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.scheme}://{(parts.hostname or '').rstrip('.')}:{port}{parts.path or '/'}{query}"
