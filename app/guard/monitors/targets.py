"""Where a monitor may look: everywhere but at what answers only on the machine that Uptime Kuma itself runs on.

Cloud metadata services, loopback, link-local, unspecified and multicast addresses are refused in every spelling that
is known here. Private addresses and names inside a cluster are what monitors are for. A name whose record leads to a
refused address cannot be told from its text: nothing is looked up here, so a network policy has to keep Uptime Kuma
from such addresses (SECURITY.md).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_network
from urllib.parse import unquote, urlsplit

from app.guard.monitors.inventory import Monitor

_REFUSED = tuple(
    (ip_network(network), what)
    for what, networks in {
        "a cloud's metadata service": (
            "169.254.169.254/32", "169.254.170.2/32", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32",
            "fd00:ec2::/32", "fd20:ce::254/128", "fd00:42::42/128",
        ),
        "a loopback address": ("127.0.0.0/8", "::1/128"),
        "a link-local address": ("169.254.0.0/16", "fe80::/10"),
        "an unspecified address": ("0.0.0.0/8", "::/128"),
        "a multicast or reserved address": ("224.0.0.0/4", "240.0.0.0/4", "ff00::/8"),
    }.items()
    for network in networks
)  # fmt: skip
# IPv6 networks whose addresses hold an IPv4 address, and the bit at which it begins.
_HOLDING = tuple(
    (ip_network(network), shift)
    for network, shift in (
        ("::/96", 0), ("::ffff:0:0/96", 0), ("::ffff:0:0:0/96", 0), ("64:ff9b::/96", 0), ("64:ff9b:1::/48", 0),
        ("2002::/16", 80),
    )
)  # fmt: skip
_METADATA = re.compile(
    r"(.+\.)?(metadata|metadata\.google\.internal|metadata\.goog|metadata\.azure\.(internal|com)|metadata\.tencentyun\.com"
    r"|metadata\.packet\.net|metadata\.platformequinix\.com|instance-data(\..+)?|imds\.internal)"
)
_LOOPBACK = re.compile(
    r"(.+\.)?(localhost|localdomain|localhost[46]?(\.localdomain[46]?)?|ip6-(localhost|loopback)|localtest\.me|lvh\.me|vcap\.me"
    r"|lacolhost\.com|local\.gd|readme\.localtest\.me|loopback)|ip6-(allnodes|allrouters)"
)
# Services whose names are the addresses that they lead to.
_SPELT = re.compile(r".+\.(nip|sslip|xip|backname|ip)\.io|.+\.traefik\.me|.+\.plex\.direct")
_LABEL = re.compile(r"[\w](?:[\w-]{0,61}[\w])?")
_CODE = ("${", "%{", "{{", "$(", "`")
_FOUR = re.compile(r"(?=(?<![0-9])([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})[.-]([0-9]{1,3})(?![0-9]))")


def target_problem(monitor: Monitor) -> str | None:
    """Why a monitor may not look where it wants to, one clause; None when it may."""
    for text in (monitor.target, monitor.resolver):
        if any(code in text for code in _CODE):
            return "its target holds code of a template"
        if any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp", "Zs") for character in text):
            return "its target holds a blank, a control or an invisible character"
    if monitor.type == "push":
        return None
    if monitor.type in ("http", "keyword"):
        return _address_problem(monitor.target)
    host = monitor.target
    if monitor.type == "port":
        host, _, port = host.rpartition(":")
        if not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65535:
            return "its port is none"
        if ":" in host and not (host.startswith("[") and host.endswith("]")):
            return "an IPv6 address stands in brackets before a port"
    return host_problem(host) or (host_problem(monitor.resolver) if monitor.type == "dns" else None)


def host_problem(host: str) -> str | None:
    """Why nobody may look at a host name or address, None when it may be looked at."""
    plain = _folded(host)
    if (plain.startswith("[") and plain.endswith("]")) or ":" in plain:
        return _ipv6_problem(plain.removeprefix("[").removesuffix("]"))
    plain = plain.rstrip(".")
    labels = plain.split(".")
    if len(plain) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return "its host is no plain name or address"
    if re.fullmatch(r"[0-9]+|0x[0-9a-f]*", labels[-1]):
        try:
            return _refused(IPv4Address(plain))
        except ValueError:
            return "its host is a number that programs read as different addresses; write four decimal numbers"
    return _name_problem(plain) or next(
        (problem for label in labels if label.startswith("xn--") for problem in _unpacked(label, plain)), None
    )


def _address_problem(address: str) -> str | None:
    if "\\" in address:
        return "its address holds a backslash"
    try:
        parts = urlsplit(address)
        port, host = parts.port, parts.hostname
    except ValueError:
        return "its address cannot be read"
    if parts.scheme not in ("http", "https") or not address.startswith(f"{parts.scheme}://"):
        return "its address is neither http:// nor https://"
    if "@" in unquote(parts.netloc):
        return "its address holds a user or a password; credentials do not stand in an inventory"
    if port == 0 or not host:
        return "its address has no host, or port 0"
    return host_problem(f"[{host}]" if ":" in host else host)


def _folded(host: str) -> str:
    """A host as the most forgiving reader takes it: decoded, in one width, in lower case."""
    shown = unicodedata.normalize("NFKC", unquote(host)).replace("\u3002", ".").replace("\uff61", ".")
    return shown.casefold()


def _ipv6_problem(text: str) -> str | None:
    try:
        address = IPv6Address(text)
    except ValueError:
        return "its host is no IPv6 address"
    if address.scope_id is not None:
        return "its address names an interface"
    return _refused(address)


def _refused(address: IPv4Address | IPv6Address) -> str | None:
    for network, what in _REFUSED:
        if address in network:
            return f"its target is {what} ({address})"
    if isinstance(address, IPv6Address):
        for network, shift in _HOLDING:
            if address in network and (found := _refused(IPv4Address(int(address) >> shift & 0xFFFFFFFF))):
                return found
    return None


def _name_problem(name: str) -> str | None:
    if _METADATA.fullmatch(name):
        return f"its target is a cloud's metadata service ({name})"
    if _LOOPBACK.fullmatch(name):
        return f"its target is the machine itself ({name})"
    return next((found for address in _spelt(name) if not _common(address) and (found := _refused(address))), None)


def _common(address: IPv4Address | IPv6Address) -> bool:
    """Whether a name that spells this address more likely holds a version or a number: release-0-1-2-3.example."""
    return address.version == 4 and (address.is_multicast or address.is_reserved or 0 < int(address) < 1 << 24)


def _spelt(name: str) -> Iterator[IPv4Address | IPv6Address]:
    """The addresses that a name spells, as names of wildcard services do: 10-0-0-1.example, 7f000001.nip.io."""
    for match in _FOUR.finditer(name):
        numbers = [int(number) for number in match.groups()]
        if max(numbers) < 256:
            yield IPv4Address(bytes(numbers))
    if not _SPELT.fullmatch(name):
        return
    for label in name.split("."):
        for word in (label, label.rpartition("-")[2]):
            if re.fullmatch(r"[0-9a-f]{8}", word):
                yield IPv4Address(int(word, 16))
        try:
            yield IPv6Address(label.replace("-", ":"))
        except ValueError:
            continue


def _unpacked(label: str, name: str) -> Iterator[str]:
    """What is wrong with the letters that a label of punycode stands for."""
    try:
        shown = label.removeprefix("xn--").encode().decode("punycode")
    except UnicodeError:
        yield "its host holds a label that is no punycode"
        return
    folded = _folded(shown)
    if folded.isascii() or (problem := host_problem(name.replace(label, folded))):
        yield f"its host is written so that it hides what it is ({name})" if folded.isascii() else str(problem)
