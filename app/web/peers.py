"""Where a request comes from: this machine, a proxy that is believed, or an address."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from fastapi import Request

_LOOPBACK_NAMES = {"localhost", "127.0.0.1", "[::1]"}
# What proxies add, besides all that begins with x-forwarded.
_OF_PROXIES = {"forwarded", "via", "x-real-ip", "true-client-ip", "cf-connecting-ip"}
# Whoever has one address of IPv6 has all of its network.
_ONE_HOLDER = 64


class Peers:
    """What is known of the other side, with the networks whose word is believed."""

    def __init__(self, trusted: Sequence[str]) -> None:
        self._trusted = [ip_network(network) for network in trusted]

    def is_trusted(self, request: Request) -> bool:
        """Whether the connection comes from a proxy that is believed."""
        return self._believes(_address(request.client.host if request.client else ""))

    def address(self, request: Request) -> str:
        """Who asks: the peer, or what believed proxies say of it; for IPv6 the network. Empty when it is unknown."""
        found = _address(request.client.host if request.client else "")
        told = ",".join(request.headers.getlist("x-forwarded-for")).split(",")
        while self._believes(found) and told:
            further = _address(told.pop().strip())
            if further is None:
                break
            found = further
        if isinstance(found, IPv6Address):
            return str(ip_network((int(found), _ONE_HOLDER), strict=False))
        return str(found or "")

    def _believes(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def is_here(request: Request) -> bool:
    """Whether a request was made on this machine, not through a proxy, and names this machine.

    Else a page in the operator's browser could read by DNS rebinding.
    """
    forwarded = any(h in _OF_PROXIES or h.startswith("x-forwarded") for h in request.headers)
    peer = _address(request.client.host if request.client else "")
    named = is_this_machine(request.headers.get("host", ""))
    return named and not forwarded and peer is not None and peer.is_loopback


def is_this_machine(host: str) -> bool:
    """Whether a host with or without a port, as in a Host header or an address, names this machine."""
    return (host if host.endswith("]") else host.rpartition(":")[0] or host) in _LOOPBACK_NAMES


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        found = ip_address(text)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found
