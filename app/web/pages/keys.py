"""The key of a list's page, as it stands in an address: the values of the last row that was shown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

_SIGN = "~"
# Times and ids: what else an address holds is nothing that a database should be asked about.
_KEY = re.compile(r"[A-Za-z0-9._:~-]{1,300}")
PAGE = 25


def read(text: str, parts: int) -> tuple[str, ...]:
    """The key in an address, empty for the first page and for what cannot be one."""
    key = tuple(text.split(_SIGN))
    return key if _KEY.fullmatch(text) and len(key) == parts else ()


def written(row: Mapping[str, Any], *names: str) -> str:
    """The key of a row, made of these columns."""
    return _SIGN.join(row[name] for name in names)


def older(path: str, rows: list[dict[str, Any]], limit: int, *names: str, **others: str) -> str:
    """The address of the page after these rows, empty when there is none: of `limit` rows that were asked for, one
    more than are shown, all came. The row too many is taken out of `rows`.
    """
    if len(rows) < limit:
        return ""
    del rows[limit - 1 :]
    last: Mapping[str, Any] = rows[-1]
    query = {**{name: value for name, value in others.items() if value}, "before": written(last, *names)}
    return f"{path}?{urlencode(query)}"
