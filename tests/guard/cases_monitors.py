"""MON rules: what trips each, in many spellings, and what passes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.guard.model import Decision
from tests.guard.edits import Case, Files

INVENTORY = "monitors.yaml"
BASE = """\
# What Uptime Kuma watches.
monitors:
  - name: Grafana
    type: http
    target: https://grafana.example.lan/login
    notifications: [slack]
  - name: NFS server
    type: port
    target: 192.168.1.127:2049
    interval: 30
    retries: 3
    tags: [storage]
"""
ADDED = """\
  - name: Vault is unsealed
    type: keyword
    target: https://vault.example.lan/v1/sys/health
    keyword: '"sealed":false'
"""
SECOND = "  - {name: DNS, type: dns, target: git.example.lan, resolver: 192.168.1.1}\n"
THIRD = "  - {name: Backup, type: push, interval: 86400}\n"
FOURTH = "  - {name: Gateway, type: ping, target: 192.168.1.1}\n"
LOCAL = "  - {name: Self, type: http, target: 'http://127.0.0.1:3001/'}\n"
_HEAD = "monitors:\n"
_ALONE = {"monitors": INVENTORY, "todo_type": "Monitor"}


def monitors(name: str, head: str, expected: Decision | None = "block", base: str = BASE, **policy: Any) -> Case:
    """A case of the inventory, for a TODO of type Monitor."""
    return Case(name, {INVENTORY: base} if base else {}, {INVENTORY: head}, expected, {**_ALONE, **policy})


def beside(name: str, base: Files, head: Files, expected: Decision | None = "block", **policy: Any) -> Case:
    """A case of any files where there is an inventory."""
    return Case(name, base, head, expected, {**_ALONE, **policy})


def target(kind: str, address: str, expected: Decision | None = "block", more: str = "") -> Case:
    """A case of one added monitor that looks at an address."""
    quoted = "'" + address.replace("'", "''") + "'"
    entry = f"  - name: New\n    type: {kind}\n    target: {quoted}\n{more}"
    return monitors(f"{kind} {address}{' ' + more.strip() if more else ''}", BASE + entry, expected)


_INSIDE = "stacks/monitoring/monitors.yaml"
_PLACES = (
    beside("a stack for a TODO of type Monitor", {"stacks/web/main.tf": ""}, {"stacks/web/main.tf": "# a\n"}),
    beside("values beside the inventory", {INVENTORY: BASE}, {INVENTORY: BASE + ADDED, "stacks/web/v.yaml": "a: 1\n"}),
    beside("the inventory for a TODO of type Config", {INVENTORY: BASE}, {INVENTORY: BASE + ADDED}, todo_type="Config"),
    beside("the inventory for a TODO of type Alert", {INVENTORY: BASE}, {INVENTORY: BASE + ADDED}, todo_type="Alert"),
    beside(
        "an inventory in a stack, for a TODO of type Config",
        {_INSIDE: BASE}, {_INSIDE: BASE + ADDED}, monitors=_INSIDE, todo_type="Config",
    ),
    beside("another inventory", {}, {"stacks/monitoring/monitors.yml": BASE}),
    monitors("an addition", BASE + ADDED, None),
    beside("an inventory in a stack", {_INSIDE: BASE}, {_INSIDE: BASE + ADDED}, None, monitors=_INSIDE),
    beside("a stack where there is no inventory", {}, {"stacks/web/v.yaml": "monitors: []\n"}, None, monitors=""),
    beside("a stack for a TODO of type Config", {}, {"stacks/web/v.yaml": "a: 1\n"}, None, todo_type="Config"),
)  # fmt: skip
_FORMS = (
    monitors("an anchor", BASE + "  - &new {name: New, type: push}\n"),
    monitors("an anchor and an alias", BASE.replace("[slack]", "&who [slack]") + ADDED + "    notifications: *who\n"),
    monitors("a merge key", BASE + "  - {<<: {type: push}, name: New}\n"),
    monitors("a key twice in an entry", BASE + "  - {name: New, type: push, type: ping, target: a}\n"),
    monitors("the list twice", BASE + "monitors: []\n"),
    monitors("a tag", BASE + "  - {name: !!str New, type: push}\n"),
    monitors("a tag that runs", BASE + "  - !!python/object/apply:os.system [id]\n"),
    monitors("two documents", BASE + "---\nmonitors: []\n"),
    monitors("a directive", "%YAML 1.1\n---\n" + BASE + ADDED),
    monitors("another key beside monitors", BASE + ADDED + "settings: {}\n"),
    monitors("no list", "monitors:\n  name: New\n", base=""),
    monitors("an unknown field", BASE + "  - {name: New, type: push, active: false}\n"),
    monitors("a field of another type", BASE + "  - {name: New, type: ping, target: a, keyword: b}\n"),
    monitors("an unknown type", BASE + "  - {name: New, type: docker, target: a}\n"),
    monitors("no type", BASE + "  - {name: New, target: a}\n"),
    monitors("no target", BASE + "  - {name: New, type: ping}\n"),
    monitors("an interval that is too short", BASE + "  - {name: New, type: push, interval: 5}\n"),
    monitors("an interval that is too long", BASE + "  - {name: New, type: push, interval: 86401}\n"),
    monitors("an interval in octal", BASE + "  - {name: New, type: push, interval: 0100}\n"),
    monitors("an interval as text", BASE + "  - {name: New, type: push, interval: '60'}\n"),
    monitors("too many retries", BASE + "  - {name: New, type: push, retries: 11}\n"),
    monitors("a name that some read as false", BASE + "  - {name: off, type: push}\n"),
    monitors("a name that exists", BASE + "  - {name: nfs server, type: push}\n"),
    monitors("a name twice", BASE + ADDED + ADDED),
    monitors("a name of 151 letters", BASE + f"  - {{name: {'n' * 151}, type: push}}\n"),
    monitors("a mapping for a value", BASE + "  - {name: {a: b}, type: push}\n"),
    monitors("no YAML", BASE + "  - {name: New\n"),
    monitors("nothing", ""),
    monitors("what was there cannot be read", BASE + ADDED, base="monitors:\n- {name: a}\n"),
    monitors("an addition", BASE + ADDED, None),
    monitors("the first of all", _HEAD + ADDED, None, base=""),
    monitors("the first in an empty list", _HEAD + ADDED, None, base="monitors: []\n"),
    monitors("every type", BASE + ADDED + SECOND + FOURTH + THIRD, None),
)
_THERE = (
    monitors("one was removed", BASE[: BASE.index("  - name: NFS")]),
    monitors("one was removed for another", BASE[: BASE.index("  - name: NFS")] + ADDED),
    monitors("one was renamed", BASE.replace("NFS server", "NFS") + ADDED),
    monitors("an interval grew", BASE.replace("interval: 30", "interval: 86400") + ADDED),
    monitors("a field went back to its default", BASE.replace("    interval: 30\n", "") + ADDED),
    monitors("a notification was taken away", BASE.replace("[slack]", "[]") + ADDED),
    monitors("a target moved", BASE.replace("192.168.1.127", "192.168.1.128") + ADDED),
    monitors("a type changed", BASE.replace("type: http", "type: keyword\n    keyword: ok") + ADDED),
    monitors(
        "two changed places",
        _HEAD + BASE[BASE.index("  - name: NFS") :] + BASE[BASE.index("  - name: Gr") : BASE.index("  - name: NFS")],
    ),
    monitors("the whole list was emptied", "monitors: []\n"),
    monitors("an addition at the end", BASE + ADDED, None),
    monitors("an addition between", BASE.replace("  - name: NFS", ADDED + "  - name: NFS"), None),
    monitors("other quotes", BASE.replace("name: Grafana", "name: 'Grafana'") + ADDED, None),
    monitors("a comment", BASE.replace("# What", "# All that") + ADDED, None),
)
_COUNTS = (
    monitors("four at once", BASE + ADDED + SECOND + THIRD + FOURTH, "needs-approval"),
    monitors("four in a new file", _HEAD + ADDED + SECOND + THIRD + FOURTH, "needs-approval", base=""),
    monitors("a comment and no monitor", BASE + "# more\n", "needs-approval"),
    monitors("other quotes and no monitor", BASE.replace("Grafana", "'Grafana'"), "needs-approval"),
    monitors(
        "twenty at once",
        BASE + "".join(f"  - {{name: N{n}, type: ping, target: n{n}.lan}}\n" for n in range(20)),
        "needs-approval",
    ),
    monitors("three at once", BASE + ADDED + SECOND + THIRD, None),
)
_REFUSED_WEB = (
    "http://169.254.169.254/latest/meta-data/", "http://localhost:8080/", "http://[fe80::1]/",
    "http://169.254.169.254", "http://169.254.169.254./",
    "http://2852039166/", "http://0xa9fea9fe/", "http://0xA9.0xFE.0xA9.0xFE/", "http://0251.0376.0251.0376/",
    "http://169.254.43518/", "http://[::ffff:169.254.169.254]/", "http://[::ffff:a9fe:a9fe]/",
    "http://[fd00:ec2::254]/", "http://[64:ff9b::a9fe:a9fe]/", "http://[2002:a9fe:a9fe::]/",
    "http://metadata.google.internal/computeMetadata/v1/", "http://METADATA.google.internal./", "http://metadata/",
    "http://instance-data/", "http://100.100.100.200/", "http://168.63.129.16/", "http://192.0.0.192/",
    "http://169.254.170.2/v2/credentials", "http://169.254.169.254.nip.io/", "http://169-254-169-254.sslip.io/",
    "http://a9fea9fe.nip.io/", "http://app-169-254-169-254.nip.io/", "http://１６９.254.169.254/",
    "http://①⑥⑨.254.169.254/", "http://169。254。169。254/", "http://%31%36%39.254.169.254/",
    "http://LOCALHOST/", "http://localhost./", "http://web.localhost/", "http://localhost.localdomain/",
    "http://127.0.0.1:3001/", "http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/",
    "http://0/", "http://0.0.0.0:9090/", "http://[::1]/", "http://[::]/", "http://[0:0:0:0:0:0:0:1]/",
    "http://[::ffff:127.0.0.1]/", "http://[::127.0.0.1]/", "http://[fe80::1%25eth0]/",
    "http://[ff02::1]/", "http://224.0.0.251/", "http://255.255.255.255/", "http://localtest.me/", "http://a.lvh.me/",
    "http://127-0-0-1.sslip.io/", "http://127.0.0.1.nip.io/", "http://7f000001.nip.io/", "http://0--1.sslip.io/",
    "http://ip6-localhost/", "http://xn--localhost-/", "http://xn--lcalhost-61g.-/", "http://ⓛocalhost/",
    "http://a..b/", "http://example.lan:0/", "http://example.lan/${env}", "http://example.lan/$(id)",
    "http://example.lan/{{token}}",
)  # fmt: skip
_REFUSED_ELSE = (
    ("port", "127.0.0.1:22"), ("port", "localhost:5432"), ("port", "[::1]:22"), ("port", "::1:22"),
    ("port", "0.0.0.0:80"), ("port", "169.254.169.254:80"), ("port", "metadata.google.internal:80"),
    ("port", "example.lan:70000"), ("ping", "127.0.0.1"), ("ping", "::1"), ("ping", "fe80::1%eth0"),
    ("ping", "169.254.1.1"), ("ping", "${host}"), ("ping", "localhost"), ("ping", "0x7f.1"), ("ping", "300.1.1.1"),
    ("dns", "metadata.google.internal"), ("dns", "localhost"),
)  # fmt: skip
_ALLOWED = (
    ("http", "https://192.168.1.127:8006/"), ("http", "http://10.0.0.1/"),
    ("http", "http://grafana.monitoring.svc:3000/api/health"), ("http", "https://example.com/a?b=c#d"),
    ("http", "https://wiki.müller.example/"), ("http", "https://xn--mller-kva.example/"),
    ("http", "http://[fd12:3456::1]:8080/"), ("http", "http://release-0-1-2-3.example.lan/"),
    ("http", "http://10-0-0-1.nip.io/"), ("http", "http://_dmarc.example.lan/"), ("http", "http://truenas/"),
    ("http", "http://metadata.monitoring.svc/"), ("port", "nfs.example.lan:2049"), ("port", "192.168.1.127:8006"),
    ("port", "[fd12:3456::1]:22"), ("ping", "192.168.1.1"), ("ping", "fd12:3456::1"), ("ping", "1.1.1.1"),
    ("dns", "example.lan"), ("http", "http://facade.nip.io/"),
)  # fmt: skip
_TARGETS = (
    *(target("http", address) for address in _REFUSED_WEB),
    *(target(kind, address) for kind, address in _REFUSED_ELSE),
    target("keyword", "http://127.0.0.1/", more="    keyword: ok\n"),
    target("dns", "example.lan", more="    resolver: 127.0.0.53\n"),
    target("dns", "example.lan", more="    resolver: 169.254.169.253\n"),
    *(target(kind, address, None) for kind, address in _ALLOWED),
    monitors("a push monitor", BASE + THIRD, None),
    monitors("a bad target that was there", BASE + LOCAL + ADDED, None, base=BASE + LOCAL),
)
_DOUBLES = (
    monitors("the same address", BASE + "  - {name: New, type: http, target: 'https://grafana.example.lan/login'}\n"),
    monitors(
        "its default port", BASE + "  - {name: New, type: http, target: 'https://grafana.example.lan:443/login'}\n"
    ),
    monitors(
        "its host in capitals", BASE + "  - {name: New, type: http, target: 'https://GRAFANA.example.lan./login'}\n"
    ),
    monitors("a fragment", BASE + "  - {name: New, type: http, target: 'https://grafana.example.lan/login#top'}\n"),
    monitors("the same host and port", BASE + "  - {name: New, type: port, target: '192.168.1.127:2049'}\n"),
    monitors("twice by one edit", BASE + FOURTH + FOURTH.replace("Gateway", "Router")),
    monitors("another path", BASE + "  - {name: New, type: http, target: 'https://grafana.example.lan/api'}\n", None),
    monitors("another port", BASE + "  - {name: New, type: port, target: '192.168.1.127:111'}\n", None),
    monitors("the same host by ping", BASE + "  - {name: New, type: ping, target: 192.168.1.127}\n", None),
    monitors(
        "the same address for a keyword",
        BASE + "  - {name: New, type: keyword, target: 'https://grafana.example.lan/login', keyword: Log in}\n",
        None,
    ),
    monitors("two push monitors", BASE + THIRD + THIRD.replace("Backup", "Other"), None),
)
MONITORS: Mapping[str, tuple[Case, ...]] = {
    "MON-01": _PLACES,
    "MON-02": _FORMS,
    "MON-03": _THERE,
    "MON-04": _COUNTS,
    "MON-05": _TARGETS,
    "MON-06": _DOUBLES,
}
