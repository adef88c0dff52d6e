"""What differs between two trees, by meaning: order of keys, layout and comments are no difference.

Entries of lists are known by what names them (alert, name, key ...), so that one more entry is one addition wherever it
stands. A list whose entries only changed places counts as changed: for some lists the order decides.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest

from app.guard.edits.tree import Node, Scalar, empty

_NAMES = ("alert", "record", "name", "alertname", "job_name", "id", "uid", "key", "mountPath", "kind", "url", "host")


@dataclass(frozen=True)
class Delta:
    """One difference: the path of keys (`[name=x]` for a list's entry), and both sides, None where absent."""

    path: tuple[str, ...]
    before: Node | None
    after: Node | None

    @property
    def where(self) -> str:
        return ".".join(self.path).replace(".[", "[") or "the whole file"


def canonical(node: Node) -> str:
    """A text that two nodes share when they mean the same."""
    if isinstance(node, Scalar):
        return repr((node.text, node.plain))
    if isinstance(node, dict):
        return "{" + ",".join(f"{key!r}:{canonical(node[key])}" for key in sorted(node)) + "}"
    return "[" + ",".join(canonical(item) for item in node) + "]"


def diff(before: Node, after: Node, path: tuple[str, ...] = ()) -> Iterator[Delta]:
    """Every difference; what was added or removed whole is one."""
    if before is after:
        return
    if isinstance(before, Scalar) and not isinstance(after, Scalar) and empty(before):
        before = {} if isinstance(after, dict) else []
    if isinstance(before, dict) and isinstance(after, dict):
        for key in dict.fromkeys([*before, *after]):
            if key not in before or key not in after:
                yield Delta((*path, key), before.get(key), after.get(key))
            else:
                yield from diff(before[key], after[key], (*path, key))
    elif isinstance(before, list) and isinstance(after, list):
        yield from _lists(before, after, path)
    elif before != after:
        yield Delta(path, before, after)


def flat(delta: Delta) -> Iterator[Delta]:
    """The same difference as one for each scalar; an empty mapping or list counts as an empty scalar."""
    if isinstance(delta.before, Scalar) and isinstance(delta.after, Scalar):
        yield delta
        return
    yield from (Delta(path, leaf, None) for path, leaf in _leaves(delta.before, delta.path))
    yield from (Delta(path, None, leaf) for path, leaf in _leaves(delta.after, delta.path))


def _leaves(node: Node | None, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Scalar]]:
    if isinstance(node, Scalar):
        yield path, node
    elif node is not None:
        for name, child in _children(node):
            yield from _leaves(child, (*path, name))
        if not node:
            yield path, Scalar("")


def _children(node: dict[str, Node] | list[Node]) -> Iterator[tuple[str, Node]]:
    if isinstance(node, dict):
        yield from node.items()
        return
    for at, item in enumerate(node):
        name = _name(item)
        yield (f"[{name}]" if name else f"[{at}]"), item


def _name(node: Node) -> str:
    if isinstance(node, dict):
        for key in _NAMES:
            value = node.get(key)
            if isinstance(value, Scalar):
                metadata = node.get("metadata")
                inner = metadata.get("name") if key == "kind" and isinstance(metadata, dict) else None
                return f"{key}={value.text}" + (f"/{inner.text}" if isinstance(inner, Scalar) else "")
    return ""


def _lists(before: list[Node], after: list[Node], path: tuple[str, ...]) -> Iterator[Delta]:
    old, new = _kinds(before), _kinds(after)
    for kind in dict.fromkeys([*old, *new]):
        same = Counter(canonical(n) for n in old[kind]) & Counter(canonical(n) for n in new[kind])
        gone, fresh = _without(old[kind], same), _without(new[kind], same)
        pairs = list(zip_longest(gone, fresh)) if kind[0] or gone == [] or fresh == [] else list(_similar(gone, fresh))
        for at, (left, right) in enumerate(pairs):
            label = f"[{kind[0] or at}]"
            if left is None or right is None:
                yield Delta((*path, label), left, right)
            else:
                yield from diff(left, right, (*path, label))
    if _moved(before, after):
        yield Delta((*path, "[order]"), Scalar("one"), Scalar("another"))


def _kinds(nodes: list[Node]) -> dict[tuple[str, str], list[Node]]:
    kinds: dict[tuple[str, str], list[Node]] = defaultdict(list)
    for node in nodes:
        kinds[_name(node), "" if isinstance(node, Scalar) else type(node).__name__].append(node)
    return kinds


def _without(nodes: list[Node], same: Counter[str]) -> list[Node]:
    left = same.copy()
    rest = []
    for node in nodes:
        text = canonical(node)
        if left[text] > 0:
            left[text] -= 1
        else:
            rest.append(node)
    return rest


def _similar(gone: list[Node], fresh: list[Node]) -> Iterator[tuple[Node | None, Node | None]]:
    """Pair entries without names: options by what stands before their =, other scalars not, containers in order."""
    waiting: dict[str, list[Node]] = defaultdict(list)
    for node in gone:
        waiting[_option(node)].append(node)
    for node in fresh:
        same = waiting[_option(node)]
        yield (same.pop(0) if same else None), node
    yield from ((node, None) for nodes in waiting.values() for node in nodes)


def _option(node: Node) -> str:
    if not isinstance(node, Scalar):
        return ""
    head, equals, _ = node.text.partition("=")
    return f"{head}=" if equals else ("number" if node.text.replace(".", "", 1).isdigit() else f" {node.text}")


def _moved(before: list[Node], after: list[Node]) -> bool:
    old, new = [canonical(n) for n in before], [canonical(n) for n in after]
    counts = Counter(old), Counter(new)
    once = {text for text in old if counts[0][text] == counts[1][text] == 1}
    return [text for text in old if text in once] != [text for text in new if text in once]
