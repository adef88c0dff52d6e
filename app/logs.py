"""Logs: every line redacted and on one line; JSON for the service, words for people at a terminal.

Lines of JSON say what they are about in fields: run, todo, delivery, and whatever else `about` was given.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

from app.redact import redact

_LONGEST = 8000
# Libraries that tell of each request.
_CHATTY = ("httpx", "alembic", "httpcore")


_about: ContextVar[Mapping[str, str]] = ContextVar("about", default=MappingProxyType({}))


@contextmanager
def about(**fields: str) -> Iterator[None]:
    """Lines that are logged within, in this thread, have these fields too, beside those from further out."""
    token = _about.set({**_about.get(), **fields})
    try:
        yield
    finally:
        _about.reset(token)


class Words(logging.Formatter):
    """`2026-04-14T17:12:00Z WARNING name: message`, without any secret, control characters as escapes."""

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line, with its traceback on the lines below."""
        at = self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ")
        said = redact(record.getMessage()).replace("\n", "\\n")[:_LONGEST]
        return f"{at} {record.levelname} {record.name}: {said}" + (
            f"\n{_trace(self, record)}" if record.exc_info else ""
        )


class JsonLines(Words):
    """The same as one JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line."""
        told = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%SZ"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": redact(record.getMessage())[:_LONGEST],
        }
        # What a line is about never stands over what it is.
        told = {**{name: redact(value)[:_LONGEST] for name, value in _about.get().items()}, **told}
        return json.dumps({**told, "trace": _trace(self, record)} if record.exc_info else told)


def set_up(formatter: logging.Formatter) -> None:
    """Send everything from INFO on to standard error in this form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    return redact(formatter.formatException(record.exc_info))[-_LONGEST:] if record.exc_info else ""
