"""Requests to services of a world by one client: making one reads every certificate of the machine, 25 ms each."""

from __future__ import annotations

from typing import Any

import httpx

# No connection is kept: whoever is asked may have been killed and started again since.
_CLIENT = httpx.Client(verify=False, limits=httpx.Limits(max_keepalive_connections=0))


def get(url: str, **more: Any) -> httpx.Response:
    """As httpx.get."""
    return _CLIENT.get(url, **more)


def post(url: str, **more: Any) -> httpx.Response:
    """As httpx.post."""
    return _CLIENT.post(url, **more)
