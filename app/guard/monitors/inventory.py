"""The inventory of monitors: YAML in, monitors out, and the other way round.

The file holds `monitors:`, a list of entries as `forms` describes them. What readers of YAML take differently is
refused, and so is every key that is not known: nothing in the file is passed over.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from app.errors import BadInput
from app.guard.edits.lines import text_of
from app.guard.edits.tree import NotATree, read_yaml
from app.guard.monitors.forms import ENTRY, MOST_MONITORS

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,9}")
_RESOLVER: Any = yaml.SafeLoader("")


@dataclass(frozen=True)
class Monitor:
    """One entry. Fields that its type does not have keep their defaults; `interval` is in seconds.

    `notifications` are names in Uptime Kuma, None for those that it gives to every new monitor.
    """

    name: str
    type: str
    target: str = ""
    keyword: str = ""
    interval: int = 60
    retries: int = 1
    notifications: tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    accepted_status_codes: tuple[str, ...] = ("200-299",)
    resolver: str = "1.1.1.1"
    record_type: str = "A"


def read(data: bytes) -> tuple[Monitor, ...]:
    """The monitors in the file's order. Raises BadInput("inventory-unreadable") naming line, entry and fault."""
    text = text_of(data)
    if text is None:
        raise _bad("it holds NUL or is not UTF-8")
    try:
        tree = read_yaml(text)
    except NotATree as error:
        raise _bad(str(error)) from None
    if tree.odd:
        raise _bad(f"it has {', '.join(sorted(tree.odd))}; write plain YAML, each key once")
    # Depth and size are known to be small now, so that composing it is safe.
    nodes = [node for node in yaml.compose_all(text, Loader=yaml.CSafeLoader) if node is not None]
    root = nodes[0] if len(nodes) == 1 else None
    keys = [key.value for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
    if not isinstance(root, yaml.MappingNode) or keys != ["monitors"]:
        raise _bad("it must be one mapping with the key monitors and no other")
    listed = root.value[0][1]
    if not isinstance(listed, yaml.SequenceNode):
        raise _bad("monitors must be a list; write [] for none")
    if len(listed.value) > MOST_MONITORS:
        raise _bad(f"it lists {len(listed.value)} monitors, at most {MOST_MONITORS} may be")
    return tuple(_read_entries(listed.value))


def monitor_of(fields: Mapping[str, Any]) -> Monitor:
    """A monitor of an entry's fields. Raises BadInput("monitor-invalid") that names every field that is wrong."""
    try:
        entry = ENTRY.validate_python(dict(fields))
    except ValidationError as error:
        raise BadInput("monitor-invalid", "; ".join(_said(fault) for fault in error.errors()[:5])) from None
    given = entry.model_dump()
    whole: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return Monitor(**whole)


def write(monitors: Sequence[Monitor]) -> bytes:
    """The file for these monitors, in their order: what `read` makes the same monitors of."""
    entries = [_entry(monitor) for monitor in monitors]
    text = yaml.safe_dump({"monitors": entries}, sort_keys=False, allow_unicode=True, width=4096)
    return text.encode()


def same_name(name: str) -> str:
    """A name as people compare names: upper and lower case and spellings of one letter are alike."""
    return unicodedata.normalize("NFKC", name).casefold()


def _read_entries(nodes: Sequence[yaml.Node]) -> Iterator[Monitor]:
    lines: dict[str, int] = {}
    for number, node in enumerate(nodes, 1):
        line = node.start_mark.line + 1
        where = f"line {line}, entry {number}"
        if not isinstance(node, yaml.MappingNode):
            raise _bad(f"{where}: it is no mapping")
        fields = {key.value: _value(value, f"{where}, {key.value[:40]!r}") for key, value in node.value}
        named = f"{where} ({fields['name'][:60]!r})" if isinstance(fields.get("name"), str) else where
        try:
            monitor = monitor_of(fields)
        except BadInput as error:
            raise _bad(f"{named}: {error}") from None
        if same_name(monitor.name) in lines:
            raise _bad(f"{named}: a monitor of this name exists, at line {lines[same_name(monitor.name)]}")
        lines[same_name(monitor.name)] = line
        yield monitor


def _value(node: yaml.Node, where: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, where) for item in node.value]
    if not isinstance(node, yaml.ScalarNode):
        raise _bad(f"{where}: it is a mapping; a value or a list of values stands here")
    if node.style:
        return node.value
    kind = _RESOLVER.resolve(yaml.ScalarNode, node.value, (True, False)).rpartition(":")[2]
    if kind == "str":
        return node.value
    if kind == "int" and _WHOLE.fullmatch(node.value):
        return int(node.value)
    if kind == "null":
        return None
    raise _bad(f"{where}: programs read {node.value[:40]!r} as {kind}, some of them; put text in quotes")


def _entry(monitor: Monitor) -> dict[str, Any]:
    """The fields of an entry: what must be there, and what differs from the defaults."""
    bare = Monitor("", monitor.type)
    fields = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in asdict(monitor).items()
        if name in ("name", "type") or value != getattr(bare, name)
    }
    if monitor.notifications is not None:
        fields["notifications"] = list(monitor.notifications)
    return fields


def _said(fault: Any) -> str:
    names = [str(part) for part in fault["loc"]]
    if names[:1] and names[0] in ("http", "keyword", "port", "ping", "dns", "push"):
        names = names[1:]
    if fault["type"] == "extra_forbidden":
        return f"{names[-1][:40]!r} is no field of this type"
    if fault["type"] in ("union_tag_not_found", "union_tag_invalid"):
        return "type must be http, keyword, port, ping, dns or push"
    return f"{'.'.join(names) or 'the entry'}: {_plain(fault['type'], fault['msg'])}"


def _plain(kind: str, message: str) -> str:
    said = {"missing": "it is missing", "string_pattern_mismatch": "it has not the form that the schema asks for"}
    return said.get(kind, message[:1].lower() + message[1:])


def _bad(what: str) -> BadInput:
    return BadInput("inventory-unreadable", what)
