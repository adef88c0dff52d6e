"""YAML and JSON that stand as text inside a value: Helm values, manifests, rule files."""

from __future__ import annotations

import json
from collections.abc import Hashable
from typing import Any

import yaml

_LONGEST = 262_144
# Aliases are copies: more nodes than this, once they are written out, is a bomb.
_MOST_NODES = 200_000
_DEEPEST = 60


class _Strict(yaml.BaseLoader):
    """Every scalar stays the text that it is, and a key that stands twice is an error.

    The loader in C is not used: it has no bound on nesting and takes the process with it.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """The mapping. Raises YAMLError on a repeated key."""
        found = super().construct_mapping(node, deep=deep)
        if len(found) != len(node.value):
            raise yaml.YAMLError("a key is repeated")
        return found


def structured(text: str) -> Any:
    """The objects and lists that a text holds, scalars as texts; None when it is no YAML or JSON with structure.

    Only texts of several lines, and those that begin as JSON, are looked at: one line of prose with a colon is prose.
    """
    begins_as_json = text.lstrip()[:1] in ("{", "[")
    if not (begins_as_json or "\n" in text.strip()) or len(text) > _LONGEST:
        return None
    found = documents(text)
    if (
        found is None
        or _deeper_than(found, _DEEPEST)
        or not all(isinstance(document, dict | list) for document in found)
    ):
        return None
    return found[0] if len(found) == 1 else (found or None)


def documents(text: str) -> list[Any] | None:
    """Every document of a YAML or JSON text, scalars as texts; None when it cannot be read safely."""
    if len(text) > _LONGEST:
        return None
    try:
        return [_json(text)]
    except (ValueError, RecursionError):
        return _yaml(text)


def _deeper_than(value: Any, levels: int) -> bool:
    level = [value]
    for _ in range(levels):
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, dict | list)
        ]
    return bool(level)


def _json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_no_repeats, parse_int=str, parse_float=str, parse_constant=str)


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is repeated")
    return found


def _yaml(text: str) -> list[Any] | None:
    try:
        loader = _Strict(text)
        found = []
        while loader.check_node():
            node = loader.get_node()
            if node is None or _weight(node, {}) > _MOST_NODES:
                return None
            found.append(loader.construct_document(node))
    except (yaml.YAMLError, RecursionError, ValueError, TypeError):
        return None
    return [document for document in found if document not in (None, "")]


def _weight(node: yaml.Node, known: dict[int, int]) -> int:
    """How many nodes there are once aliases are written out."""
    if id(node) not in known:
        known[id(node)] = _MOST_NODES + 1  # an alias of what it stands in
        children: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            children = [child for pair in node.value for child in pair]
        elif isinstance(node, yaml.SequenceNode):
            children = node.value
        known[id(node)] = min(1 + sum(_weight(child, known) for child in children), _MOST_NODES + 1)
    return known[id(node)]
