"""What a text wants watched: addresses, hosts and ports, and with which kind of check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal
from urllib.parse import urlsplit

CheckWord = Literal["http", "tcp", "ping", "dns", "keyword", "push", ""]

_LINK = re.compile(r"\[([^\[\]]{0,300})\](?:\(\s*<?[^()\s]{0,500}\s*\)|\[[^\[\]]{0,80}\])")
_WEB = re.compile(r"https?://[^\s<>\"'`|\\、。（）「」]{3,480}", re.IGNORECASE)
# Addresses that say where something is written about, not what is watched.
_WRITTEN = re.compile(
    r"/(?:issues?|pulls?|merge_requests|commits?|browse|wiki|blob|tree|discussions)(?:/|$)", re.IGNORECASE
)
_IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
_DOTTED = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}[a-z]{2,24}"
_IPV6 = r"\[[0-9a-f:.]{2,45}\]"
_BEFORE, _AFTER = r"(?<![\w./:@-])", r"(?![\w-]|[.:]\w)"
_PAIR = re.compile(
    rf"{_BEFORE}({_IPV4}|{_IPV6}|{_DOTTED}|[a-z][a-z0-9-]{{0,62}}(?=:\d{{3}})):(\d{{1,5}})(?![\w/-]|[.:]\w)",
    re.IGNORECASE | re.A,
)
_HOST = re.compile(rf"{_BEFORE}\.?({_IPV4}|{_DOTTED}){_AFTER}", re.IGNORECASE | re.A)
_FILE = re.compile(
    r"\.(?:ya?ml|tf|tfvars|tpl|j2|json|md|py|sh|go|js|ts|rs|toml|conf|cfg|ini|txt|log|service|timer|sock|lock|sql|html?"
    r"|hcl|db|pem|crt|key)$",
    re.IGNORECASE,
)
_PORT = re.compile(r"(?:\bports?\b|ポート|\bpuerto\b)\s{0,3}[`:#]?\s?(\d{1,5})(?!\w)", re.IGNORECASE | re.A)
_PUSH = r"\bheart-?beats?\b|\bpush monitor|\bdead[- ]?man|ハートビート"
_LOOKED_UP = (
    r"\bDNS\b.{0,60}(?:resol|look-?up|record|quer|名前解決|monitor|probe|check)|\b(?:probe|check) .{0,30}\bDNS\b"
)
_WEB_WORDS = (
    r"https?://|\bHTTPS?\b|\bend-?points?\b|\bweb ?(?:page|site|ui)s?\b|\bstatus 200\b|/healthz?\b|エンドポイント"
)
_CHECKS: dict[CheckWord, re.Pattern[str]] = {
    "push": re.compile(_PUSH, re.IGNORECASE),
    "keyword": re.compile(r"\bkeyword\b|キーワード", re.IGNORECASE),
    "dns": re.compile(_LOOKED_UP, re.IGNORECASE | re.A),
    "ping": re.compile(r"\bpings?\b|\bICMP\b", re.IGNORECASE | re.A),
    "tcp": re.compile(r"\bTCP\b", re.IGNORECASE | re.A),
    "http": re.compile(_WEB_WORDS, re.IGNORECASE | re.A),
}
_HTTP = re.compile(r"\bHTTPS?\b", re.IGNORECASE | re.A)


def without_links(text: str) -> str:
    """The text with what its links say, without where they lead."""
    return _LINK.sub(lambda link: f" {link[1]} ", text)


def check_in(text: str) -> CheckWord:
    """The kind of check that a text speaks of, empty for none; where it names a port and nothing else, tcp."""
    word: CheckWord = next((word for word, said in _CHECKS.items() if said.search(text)), "")
    ported = bool(_PORT.search(text) or any(_pairs(text)))
    # A web page behind a port, without an address or a word of HTTP, is asked by its port.
    return "tcp" if ported and (word == "" or (word == "http" and not _HTTP.search(text))) else word


def targets_in(text: str, check: CheckWord) -> list[str]:
    """Addresses, `host:port`, and bare hosts where the text names a port for them or the check needs none.

    Links to tickets and to the text of a change do not count.
    """
    found: dict[str, None] = {}
    for address in _addresses(text):
        found.setdefault(address)
    rest = _WEB.sub(" ", text)
    found.update(dict.fromkeys(_pairs(rest)))
    hosts = [m[1].lower() for m in _HOST.finditer(_PAIR.sub(" ", rest)) if not _FILE.search(m[1])]
    port = _PORT.search(rest)
    if check in ("ping", "dns"):
        found.update(dict.fromkeys(hosts))
    elif port and int(port[1]) in range(1, 65536) and not found:
        found.update(dict.fromkeys(f"{host}:{int(port[1])}" for host in hosts))
    elif check in ("http", "keyword", "tcp") and not found:
        found.update(dict.fromkeys(hosts))
    return list(found)


def _pairs(text: str) -> Iterator[str]:
    """Each `host:port`; a name with a number behind it that is a file's line is none."""
    for pair in _PAIR.finditer(text):
        if int(pair[2]) in range(1, 65536) and not _FILE.search(pair[1]):
            yield f"{pair[1].lower()}:{int(pair[2])}"


def _addresses(text: str) -> Iterator[str]:
    for match in _WEB.finditer(text):
        address = match[0].rstrip(".,;:!?*_")
        if address.count(")") > address.count("("):
            address = address.rstrip(")")
        try:
            parts = urlsplit(address)
            whole = bool(parts.hostname) and parts.port != 0 and "@" not in parts.netloc
        except ValueError:
            continue
        if whole and not _WRITTEN.search(parts.path):
            yield address
