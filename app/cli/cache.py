"""Answers about files that have not changed, kept in one file from one call to the next.

An answer is found again by everything that it was made from: the file's name and bytes, the options, and the reader
itself (its own source, mistune, Python). Nothing is found by a time or a size, and what is not whole is made afresh:
a cache can cost time, never a right answer. Whoever may write the file is trusted with what it says.
"""

from __future__ import annotations

import hashlib
import json
import platform
import tempfile
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path

from app import documents
from app.errors import BadInput

HEADER = b"followthrough cache 1\n"
# More slots than this are of files that are long gone; those of this call are always kept.
MOST_SLOTS = 100_000


@cache
def reader_fingerprint() -> str:
    """What stands for the code that reads documents: a change to any of it gives another value."""
    parts = [platform.python_version(), unicodedata.unidata_version, version("mistune")]
    folder = Path(documents.__file__ or "").parent
    parts += [hashlib.sha256(file.read_bytes()).hexdigest() for file in sorted(folder.rglob("*.py"))]
    return _digest(*(part.encode() for part in parts))


@dataclass
class Cache:
    """The kept answers to one question ("parse", "lint") under one set of options; `file` None keeps nothing.

    `made` and `kept` count the answers of this call; `notes` say what was wrong with the file.
    """

    file: Path | None
    question: str
    options: str
    made: int = 0
    kept: int = 0
    notes: list[str] = field(default_factory=list)
    _slots: dict[bytes, bytes] = field(default_factory=dict)
    _used: set[bytes] = field(default_factory=set)
    _ours: bool = True

    def __post_init__(self) -> None:
        """Read the file; one that is not a cache is neither used nor written."""
        try:
            data = self.file.read_bytes() if self.file else HEADER
        except FileNotFoundError:
            return
        except OSError as error:
            raise BadInput("file-unreadable", f"reading the cache {self.file}: {error.strerror}") from None
        self._ours = data.startswith(HEADER) or not data
        if not self._ours:
            self.notes.append(f"{self.file} is no cache of followthrough: it is left alone, everything is read afresh")
            return
        for line in data[len(HEADER) :].splitlines():
            slot, _, rest = line.partition(b" ")
            self._slots[slot] = rest

    def answer(self, name: str, data: bytes, make: Callable[[], str]) -> str:
        """The answer for a file of this name with these bytes: the kept one, else what `make` gives."""
        if not self.file:
            self.made += 1
            return make()
        slot = _digest(self.question.encode(), name.encode("utf-8", "surrogatepass")).encode()
        key = _digest(slot, self.options.encode(), reader_fingerprint().encode(), data).encode()
        self._used.add(slot)
        found = self._whole(slot, key)
        if found is not None:
            self.kept += 1
            return found
        text = make()
        self.made += 1
        literal = json.dumps(text).encode()
        self._slots[slot] = b" ".join((key, _digest(slot, key, literal).encode(), literal))
        return text

    def save(self) -> None:
        """Write the file as a whole or not at all, when something was made; what cannot be written is a note."""
        if not self.file or not self._ours or not self.made:
            return
        spare = MOST_SLOTS - len(self._used)
        others = [slot for slot in self._slots if slot not in self._used][: max(0, spare)]
        lines = [slot + b" " + self._slots[slot] + b"\n" for slot in (*others, *sorted(self._used & set(self._slots)))]
        target = self.file.resolve()
        try:
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                new = Path(folder, "cache")
                new.touch(mode=0o600)
                new.write_bytes(HEADER + b"".join(lines))
                new.replace(target)
        except OSError as error:
            self.notes.append(f"writing the cache {self.file}: {error.strerror}; the next call reads everything afresh")

    def _whole(self, slot: bytes, key: bytes) -> str | None:
        """What the slot holds for this key, None when it is for another or was damaged."""
        entry = self._slots.get(slot, b"")
        if entry[: len(key) + 1] != key + b" ":
            return None
        check, _, literal = entry[len(key) + 1 :].partition(b" ")
        if check != _digest(slot, key, literal).encode():
            self.notes.append(f"an answer in {self.file} is damaged: its file is read afresh")
            return None
        return str(json.loads(literal))


def _digest(*parts: bytes) -> str:
    """One value for several, which no other way of cutting the same bytes gives."""
    whole = hashlib.sha256()
    for part in parts:
        whole.update(len(part).to_bytes(8, "big"))
        whole.update(part)
    return whole.hexdigest()
