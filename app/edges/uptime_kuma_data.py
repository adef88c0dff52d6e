"""Uptime Kuma's own fields and ours: what is sent for a monitor, and what its answers say. No I/O."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.guard.monitors.inventory import Monitor
from app.guard.monitors.plan import Known

_LONGEST = 500
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:\.(\d+))?")
_VERSION = re.compile(r"(\d+)\.(\d+)")
# Values that a new monitor has by itself; others are more than an inventory can say.
_ORDINARY = {
    "method": "GET", "maxredirects": 10, "packetSize": 56, "resendInterval": 0, "dns_port": 53,
}  # fmt: skip
_SWITCHES = ("upsideDown", "ignoreTls", "expiryNotification", "invertKeyword", "parent", "proxyId", "body", "headers")


@dataclass(frozen=True)
class Beat:
    """One heartbeat. `status` is 0 down, 1 up, 2 failed and tried again, 3 maintenance; `at` UTC in ISO 8601."""

    status: int
    message: str
    at: str


def whole(value: Any) -> int:
    """A whole number that is one. Raises TypeError."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("no whole number")
    return value


def fields_of(monitor: Monitor, notifications: Sequence[int], version: str) -> dict[str, Any]:
    """What a server of this version is sent to make a monitor."""
    match = _VERSION.match(version)
    number = (int(match[1]), int(match[2])) if match else (1, 23)
    fields: dict[str, Any] = {
        "type": monitor.type,
        "name": monitor.name,
        "description": monitor.description or None,
        "interval": monitor.interval,
        "retryInterval": monitor.interval,
        "resendInterval": 0,
        "maxretries": monitor.retries,
        "upsideDown": False,
        "notificationIDList": {str(number): True for number in notifications},
        "accepted_statuscodes": list(monitor.accepted_status_codes),
        **_own_fields(monitor),
    }
    if number >= (1, 23):
        fields["timeout"] = min(monitor.interval * 4 // 5, 48)
    # From the first beta of version 2 on there is a column that may not be empty; before it there is none.
    if number >= (2, 0) and "-dev" not in version:
        fields["conditions"] = []
    return fields


def known_of(raw: Mapping[str, Any], notifications: Mapping[int, str]) -> Known:
    """A monitor from a server's answer. Raises KeyError, TypeError or ValueError when it is none."""
    kind = _text(getattr(raw["type"], "value", raw["type"]))
    tags = list(raw.get("tags") or [])
    numbers = [whole(number) for number in raw.get("notificationIDList") or []]
    return Known(
        id=whole(raw["id"]),
        name=_text(raw["name"]),
        type=kind,
        target=_target(kind, raw),
        keyword=_text(raw.get("keyword")) if kind == "keyword" else "",
        interval=whole(raw["interval"]),
        retries=whole(raw.get("maxretries") or 0),
        active=raw.get("active") in (True, 1),
        notifications=tuple(notifications.get(number, f"id {number}") for number in numbers),
        tags=tuple(dict.fromkeys(_text(tag["name"]) for tag in tags)),
        description=_text(raw.get("description")),
        accepted_status_codes=tuple(_text(code) for code in raw.get("accepted_statuscodes") or ["200-299"]),
        resolver=_text(raw.get("dns_resolve_server")) or "1.1.1.1",
        record_type=_text(raw.get("dns_resolve_type")) or "A",
        beyond=tuple(_beyond(kind, raw, tags)),
    )


def beat_of(raw: Mapping[str, Any]) -> Beat:
    """A heartbeat from what a server tells. Raises KeyError, TypeError or ValueError when it is none."""
    time = _TIME.match(_text(raw["time"]))
    if time is None:
        raise ValueError("no time")
    at = f"{time[1]}T{time[2]}.{(time[3] or '0').ljust(3, '0')[:3]}Z"
    return Beat(whole(raw["status"]), " ".join(_text(raw.get("msg")).split()), at)


def _own_fields(monitor: Monitor) -> dict[str, Any]:
    """What only monitors of this type have."""
    if monitor.type in ("http", "keyword"):
        more = {"keyword": monitor.keyword} if monitor.type == "keyword" else {}
        usual = {"url": monitor.target, "method": "GET", "maxredirects": 10, "httpBodyEncoding": "json"}
        return {**usual, "ignoreTls": False, "expiryNotification": False, **more}
    if monitor.type == "port":
        host, _, port = monitor.target.rpartition(":")
        return {"hostname": host.removeprefix("[").removesuffix("]"), "port": int(port)}
    if monitor.type == "dns":
        server = {"dns_resolve_server": monitor.resolver, "dns_resolve_type": monitor.record_type}
        return {"hostname": monitor.target, "port": 53, **server}
    if monitor.type == "push":
        # Whoever knows it can report in the monitor's name: it is made here and never shown.
        return {"pushToken": secrets.token_urlsafe(15)}
    return {"hostname": monitor.target, "packetSize": 56}


def _target(kind: str, raw: Mapping[str, Any]) -> str:
    if kind in ("http", "keyword"):
        return _text(raw["url"])
    host = _text(raw.get("hostname"))
    if kind == "port":
        return f"[{host}]:{whole(raw['port'])}" if ":" in host else f"{host}:{whole(raw['port'])}"
    return host if kind in ("ping", "dns") else ""


def _beyond(kind: str, raw: Mapping[str, Any], tags: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if raw.get("active") not in (True, 1):
        yield "paused"
    asked = kind in ("http", "keyword")
    yield from (name for name in _SWITCHES if raw.get(name) and (asked or name != "expiryNotification"))
    if getattr(raw.get("authMethod"), "value", raw.get("authMethod")):
        yield "authMethod"
    if raw.get("retryInterval") not in (None, raw["interval"]):
        yield "retryInterval"
    found = {**raw, "dns_port": raw.get("port") if kind == "dns" else None}
    yield from (name for name, usual in _ORDINARY.items() if found.get(name) not in (None, usual))
    yield from (f"value of the tag {_text(tag['name'])}" for tag in tags if tag.get("value"))


def _text(value: Any) -> str:
    if value is not None and not isinstance(value, str):
        raise TypeError("no text")
    return (value or "")[:_LONGEST]
