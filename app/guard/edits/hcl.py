"""Terraform's language as plain data: blocks, arguments, and what stands in each expression.

The parser is tree-sitter-hcl: exact positions, every byte in the tree, about 10 ms for 2,000 lines. It reads more than
terraform does, so each file is read twice: `hcl_strict` refuses every tree that terraform would read otherwise. No rule
sees the library.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import takewhile

import tree_sitter_hcl
from tree_sitter import Language, Node, Parser

from app.guard.edits import hcl_strict
from app.guard.edits.hcl_strict import TEMPLATES, Unreadable

LARGEST = 512 * 1024
_LANGUAGE = Language(tree_sitter_hcl.language())
_ESCAPE = re.compile(r'\\(?:([nrt"\\])|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))')
_ESCAPED = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


@dataclass(frozen=True)
class Template:
    """A quoted string or a heredoc: its literal text, unescaped, with ${} for each piece of code."""

    text: str


@dataclass(frozen=True)
class Expression:
    """One expression.

    `text` is its source without comments and layout. The rest is everything in it at any depth: `references` as dotted
    paths (`var.x`, `data.aws_ami.a.id`, an index as `[]`), `calls` of functions, `templates`, and the names that its
    for expressions `bound`.
    """

    text: str
    line: int
    references: tuple[str, ...] = ()
    calls: tuple[Call, ...] = ()
    templates: tuple[Template, ...] = ()
    bound: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Call:
    """A call of a function, `core::` removed from its name."""

    name: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True)
class Block:
    """A block; two blocks with the same `shape` mean the same. Labels are unescaped."""

    type: str
    labels: tuple[str, ...]
    line: int
    attributes: tuple[tuple[str, Expression], ...]
    blocks: tuple[Block, ...]
    shape: str

    @property
    def name(self) -> str:
        """Type and labels in words, as terraform writes them in messages."""
        return " ".join((self.type, *(f'"{label}"' for label in self.labels)))

    def get(self, name: str) -> Expression | None:
        """The expression of an argument, None when it is not there."""
        return dict(self.attributes).get(name)

    def expressions(self) -> Iterator[Expression]:
        """Every argument's expression, those of nested blocks too."""
        yield from (expression for _, expression in self.attributes)
        for block in self.blocks:
            yield from block.expressions()


@lru_cache(maxsize=64)
def read(data: bytes) -> Block:
    """A file as a block of its own (type and labels empty). Raises Unreadable with the line and what is wrong."""
    if len(data) > LARGEST:
        raise Unreadable(1, f"{len(data)} bytes are more than {LARGEST}")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(data[: error.start].count(b"\n") + 1, "the text is not UTF-8") from None
    root = Parser(_LANGUAGE).parse(data).root_node
    hcl_strict.check(root, data)
    return _block("", (), root, data)


def _words(node: Node) -> str:
    return (node.text or b"").decode()


def _line(node: Node) -> int:
    return node.start_point.row + 1


def _block(kind: str, labels: tuple[str, ...], node: Node, data: bytes) -> Block:
    attributes: dict[str, Expression] = {}
    blocks: list[Block] = []
    body = next((child for child in node.children if child.type == "body"), None)
    for child in body.children if body else ():
        if child.type == "attribute":
            name, expression = _words(child.children[0]), child.children[-1]
            if name in attributes:
                raise Unreadable(_line(child), f"{name} is set twice")
            attributes[name] = _expression(expression, data)
        elif child.type == "block":
            head = [part for part in takewhile(lambda n: n.type != "block_start", child.children) if _names(part)]
            blocks.append(_block(_words(head[0]), tuple(_label(part) for part in head[1:]), child, data))
    inner = [f"{name}={expression.text}" for name, expression in sorted(attributes.items(), key=lambda item: item[0])]
    inner += [block.shape for block in sorted(blocks, key=lambda block: block.type)]
    shape = f"{kind} {' '.join(map(repr, labels))} {{" + "\x00".join(inner) + "}"
    return Block(kind, labels, _line(node), tuple(attributes.items()), tuple(blocks), shape)


def _names(node: Node) -> bool:
    return node.type in ("identifier", "string_lit")


def _label(node: Node) -> str:
    return _unescape(_words(node)[1:-1]) if node.type == "string_lit" else _words(node)


def _unescape(text: str) -> str:
    def meant(match: re.Match[str]) -> str:
        return _ESCAPED[match[1]] if match[1] else chr(int(match[2] or match[3], 16))

    return _ESCAPE.sub(meant, text) if "\\" in text else text


class _Found:
    """What a walk over an expression collects."""

    def __init__(self) -> None:
        self.references: list[str] = []
        self.calls: list[Call] = []
        self.templates: list[Template] = []
        self.bound: set[str] = set()


def _expression(node: Node, data: bytes) -> Expression:
    found = _Found()
    text = _walk(node, data, found)
    return Expression(
        text, _line(node), tuple(found.references), tuple(found.calls), tuple(found.templates), frozenset(found.bound)
    )


def _walk(node: Node, data: bytes, found: _Found) -> str:
    """Collect what stands below a node; returns its text without comments and layout."""
    children = node.children
    if node.type in TEMPLATES:
        return _template(node, data, found)
    if not children:
        return _words(node)
    if node.type in ("for_intro", "template_for_start"):
        found.bound.update(_words(child) for child in children if child.type == "identifier")
    if node.type == "function_call":
        return _call(node, data, found)
    texts = []
    for at, child in enumerate(children):
        if child.type == "comment":
            continue
        if child.type == "variable_expr" and not _plain_key(node):
            found.references.append(".".join([_words(child), *_steps(children[at + 1 :])]))
        texts.append(_walk(child, data, found))
    return " ".join(texts)


def _plain_key(node: Node) -> bool:
    """Whether an expression is the bare word before = or : in an object: a name, no reference."""
    parent = node.parent
    return (
        len(node.children) == 1
        and parent is not None
        and parent.type == "object_elem"
        and parent.child_by_field_name("key") == node
    )


def _steps(nodes: list[Node]) -> Iterator[str]:
    for node in nodes:
        if node.type == "get_attr":
            yield _words(node.children[-1])
        elif node.type == "index":
            yield _index(node)
        elif node.type == "splat":
            yield from _steps(node.named_children)
        elif node.type in ("attr_splat", "full_splat"):
            yield from ("[]", *_steps(node.named_children))
        elif node.type != "comment":
            return


def _index(node: Node) -> str:
    text = "".join(_words(node).split())
    quoted = re.fullmatch(r'\["([A-Za-z0-9_-]+)"\]', text)
    return quoted[1] if quoted else "[]"


def _call(node: Node, data: bytes, found: _Found) -> str:
    name = "".join(_words(node.children[0]).split()).removeprefix("core::")
    arguments = []
    for child in node.children:
        if child.type == "function_arguments":
            arguments = [_expression(part, data) for part in child.children if part.type == "expression"]
    found.calls.append(Call(name, tuple(arguments)))
    for argument in arguments:
        found.references += argument.references
        found.calls += argument.calls
        found.templates += argument.templates
        found.bound |= argument.bound
    spread = " ..." if any(n.type == "ellipsis" for child in node.children for n in child.children) else ""
    return f"{name} ( " + " , ".join(argument.text for argument in arguments) + f"{spread} )"


def _template(node: Node, data: bytes, found: _Found) -> str:
    texts, literals, at = [], [], node.start_byte
    for child in hcl_strict.code_of(node):
        literal = data[at : child.start_byte].decode()
        texts += [literal, _walk(child, data, found)]
        literals += [literal, "${}"]
        at = child.end_byte
    rest = data[at : node.end_byte].decode()
    literal = "".join([*literals, rest])
    quoted = node.type != "heredoc_template"
    found.templates.append(Template(_unescape(literal[1:-1]) if quoted else literal))
    return "".join([*texts, rest])
