"""PURE: server-sent events out of the bytes of a stream, as the HTML standard (section 9.2) says they are read."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.errors import Failed

# A stream whose events are longer than this is none of ours.
_LONGEST = 8 * 1024 * 1024
_LINE_END = re.compile(rb"\r\n|\n|\r")


@dataclass(frozen=True)
class Event:
    """One event: its name ("message" when the stream gives none), its data, and the id of the last that had one."""

    name: str
    data: str
    id: str


@dataclass
class Reader:
    """Takes bytes as they come and gives the events that are whole."""

    last_id: str = ""
    _rest: bytearray = field(default_factory=bytearray)
    _scanned: int = 0
    _name: str = ""
    _data: list[str] = field(default_factory=list)
    _size: int = 0

    def feed(self, data: bytes) -> list[Event]:
        """The events that these bytes complete. Raises Failed for one without an end."""
        self._rest += data
        found: list[Event] = []
        start = 0
        # What a CR at the very end is part of is known with the next byte.
        whole = len(self._rest) - self._rest.endswith(b"\r")
        for end in _LINE_END.finditer(self._rest, self._scanned, whole):
            event = self._line(self._rest[start : end.start()].decode("utf-8", "replace"))
            start = end.end()
            if event:
                found.append(event)
        self._rest = self._rest[start:]
        self._scanned = whole - start
        if len(self._rest) + self._size > _LONGEST:
            raise Failed("not-followthrough", "following a run: what the service sends does not end")
        return found

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._whole()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        self._size += len(line)
        if name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self.last_id = value
        return None

    def _whole(self) -> Event | None:
        made = Event(self._name or "message", "\n".join(self._data), self.last_id) if self._data else None
        self._name, self._data, self._size = "", [], 0
        return made
