"""YAML and JSON as plain trees: mappings, lists and scalars as they are written, with what was odd on the way.

Values are not interpreted (`yes` stays `yes`): a comparison of two trees compares what is written. Depth, size and what
aliases expand to are limited, and nothing here recurses on what is read.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

_DEEPEST = 60
_LARGEST = 512 * 1024
_MOST_NODES = 60_000
_MOST_EMBEDDED = 2
_EMBEDDED = re.compile(r"\.(ya?ml|json|rules)$", re.IGNORECASE)


@dataclass(frozen=True)
class Scalar:
    """A value as it is written; `plain` when it stands without quotes."""

    text: str
    plain: bool = True


Node: TypeAlias = "Scalar | dict[str, Node] | list[Node]"


class NotATree(Exception):
    """Text that is no YAML or JSON which is judged."""


@dataclass(frozen=True)
class Tree:
    """A file's documents, everything in it that readers may take differently (each oddity and how often), and how many
    values it has, aliases expanded."""

    documents: tuple[Node, ...]
    odd: Counter[str]
    size: int

    @property
    def root(self) -> Node:
        """The only document; several as a list."""
        return self.documents[0] if len(self.documents) == 1 else list(self.documents)


def empty(node: Node) -> bool:
    """Whether a node holds nothing: null in any spelling, an empty mapping or list."""
    if isinstance(node, Scalar):
        return node.plain and node.text.lower() in ("", "~", "null")
    return not node


def read_json(text: str) -> Tree:
    """JSON as a tree. Raises NotATree."""
    if len(text) > _LARGEST:
        raise NotATree(f"{len(text)} characters are more than {_LARGEST}")
    depth = deepest = 0
    for mark in re.findall(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', text):
        depth += (mark in "[{") - (mark in "]}")
        deepest = max(deepest, depth)
    if deepest > _DEEPEST:
        raise NotATree(f"it is nested deeper than {_DEEPEST}")
    odd: Counter[str] = Counter()

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Node]:
        keys = Counter(key for key, _ in items)
        odd.update(f"the key {key!r} stands twice" for key, times in keys.items() if times > 1)
        return {_sound(key): _node(value) for key, value in items}

    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_int=Scalar, parse_float=Scalar, parse_constant=_refuse)
    except ValueError as error:
        raise NotATree(f"it is no JSON: {error}") from None
    return Tree((_node(value),), odd, len(text))


def _refuse(word: str) -> Node:
    raise NotATree(f"{word} is no JSON")


def _node(value: Any) -> Node:
    if isinstance(value, str):
        return Scalar(_sound(value), plain=False)
    if value is None or isinstance(value, bool):
        return Scalar(json.dumps(value))
    if isinstance(value, list):
        return [_node(item) for item in value]
    return value if isinstance(value, dict | Scalar) else Scalar(str(value))


def _sound(text: str) -> str:
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise NotATree("it holds half of a character")
    return text


def read_yaml(text: str, embedded: int = 0) -> Tree:
    """YAML as a tree; rule files that stand in it as text (`x.yaml: |`) are read too. Raises NotATree.

    `embedded` says how many texts deep this one lies.
    """
    if len(text) > _LARGEST:
        raise NotATree(f"{len(text)} characters are more than {_LARGEST}")
    builder = _Builder(embedded)
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            builder.take(event)
    except yaml.YAMLError as error:
        raise NotATree(f"it is no YAML: {str(error).splitlines()[0]}") from None
    return Tree(tuple(builder.documents) or (Scalar(""),), builder.odd, builder.size)


class _Open:
    """A mapping or list that is being read."""

    def __init__(self, node: dict[str, Node] | list[Node], anchor: str | None, before: int) -> None:
        self.node = node
        self.anchor = anchor
        self.before = before
        self.key: str | None = None


class _Builder:
    """Puts a tree together from a parser's events."""

    def __init__(self, embedded: int) -> None:
        self._embedded = embedded
        self.documents: list[Node] = []
        self.odd: Counter[str] = Counter()
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self.size = 0

    def take(self, event: yaml.Event) -> None:
        """One event of the parser. Raises NotATree."""
        if isinstance(event, yaml.DocumentStartEvent) and (event.version or event.tags):
            self.odd["a directive"] += 1
        if isinstance(event, yaml.NodeEvent):
            self._node(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            done = self._open.pop()
            self._name(done.anchor, done.node, self.size - done.before)
            self._put(done.node)

    def _node(self, event: yaml.NodeEvent) -> None:
        if isinstance(event, yaml.AliasEvent):
            self.odd["an alias"] += 1
            name = str(event.anchor)
            if name not in self._anchors:
                raise NotATree(f"the alias {name!r} stands for nothing that is complete")
            node, size = self._anchors[name]
            self._grow(size)
            self._put(node)
            return
        self._grow(1)
        if event.anchor is not None:
            self.odd["an anchor"] += 1
        if getattr(event, "tag", None) is not None:
            self.odd[f"the tag {getattr(event, 'tag', '')}"] += 1
        if isinstance(event, yaml.ScalarEvent):
            scalar = self._scalar(event)
            self._name(event.anchor, scalar, 1)
            self._put(scalar)
            return
        if self._open and isinstance(self._open[-1].node, dict) and self._open[-1].key is None:
            raise NotATree("a key is no plain word")
        if len(self._open) >= _DEEPEST:
            raise NotATree(f"it is nested deeper than {_DEEPEST}")
        node = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._open.append(_Open(node, event.anchor, self.size))

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        text = event.value
        key = self._open[-1].key if self._open else None
        if event.style in ("|", ">") and key and _EMBEDDED.search(key) and self._embedded < _MOST_EMBEDDED:
            try:
                inner = read_yaml(text, self._embedded + 1)
            except NotATree:
                return Scalar(text, plain=False)
            self._grow(inner.size)
            if isinstance(inner.root, dict):
                self.odd += inner.odd
                return inner.root
        return Scalar(text, plain=event.style in (None, ""))

    def _grow(self, by: int) -> None:
        self.size += by
        if self.size > _MOST_NODES:
            raise NotATree(f"it expands to more than {_MOST_NODES} values")

    def _name(self, anchor: str | None, node: Node, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)

    def _put(self, node: Node) -> None:
        if not self._open:
            self.documents.append(node)
            return
        around = self._open[-1]
        if isinstance(around.node, list):
            around.node.append(node)
        elif around.key is None:
            if not isinstance(node, Scalar):
                raise NotATree("a key is no plain word")
            if node.text == "<<" and node.plain:
                self.odd["a merge key"] += 1
            if node.text in around.node:
                self.odd[f"the key {node.text!r} stands twice"] += 1
            around.key = node.text
        else:
            around.node[around.key] = node
            around.key = None
