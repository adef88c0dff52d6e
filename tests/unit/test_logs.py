"""Whatever is logged is one line without secrets or terminal escapes."""

from __future__ import annotations

import json
import logging

import pytest

from app.logs import JsonLines, Words

EVIL = "a\nb\x1b]0;x\x07 hvs.CAESIJ1234567890abcdefghij \ud800"


def record(message: str, broken: bool = False) -> logging.LogRecord:
    trace = None
    if broken:
        try:
            raise ValueError(EVIL)
        except ValueError as error:
            trace = (type(error), error, error.__traceback__)
    return logging.LogRecord("app", logging.WARNING, __file__, 1, "%s", (message,), trace)


@pytest.mark.parametrize("broken", [False, True])
def test_a_line_of_json_holds_everything_and_no_secret(broken: bool) -> None:
    line = JsonLines().format(record(EVIL, broken))
    assert line.isascii()
    assert "\n" not in line
    told = json.loads(line)
    assert told["level"] == "warning"
    assert "[redacted]" in told["message"]
    assert ("trace" in told) is broken
    assert "hvs.CAES" not in line
    assert "\x1b" not in told["message"] + told.get("trace", "")


def test_words_for_people_stay_on_their_line() -> None:
    line = Words().format(record(EVIL))
    assert line.count("\n") == 0
    assert "\x1b" not in line
    assert "hvs.CAES" not in Words().format(record(EVIL, broken=True))
