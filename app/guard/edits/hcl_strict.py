"""What terraform's own parser insists on and tree-sitter's does not: a tree that passes is read by both alike.

Layout means something in HCL (an argument ends with its line), a heredoc ends at the first line that holds its word,
and escapes are few. A file that bends this is refused whole, even where terraform would refuse it too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from tree_sitter import Node

TEMPLATES = ("string_lit", "quoted_template", "heredoc_template")
_DEEPEST = 150  # of tree nodes; four or five make one level of brackets
_GAP = re.compile(rb"[ \t\r\n]*")
_LONE_RETURN = re.compile(rb"\r(?!\n)")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_COMMENT = re.compile(rb"(#|//)[^\n]*")
_BLOCK_COMMENT = re.compile(rb"/\*(?:(?!\*/).)*\*/", re.DOTALL)
_CODE_BEGINS = re.compile(r"(?<!\$)\$\{|(?<!%)%\{")
_QUOTED = re.compile(r'(?:[^"\\\r\n]|\\(?:[nrt"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}))*')
_HEREDOC = re.compile(r"<<-?([^\s]+)\r?\n")
# Within these a line may end anywhere; within the others only where the parent says so.
_LOOSE = frozenset({
    "tuple", "function_call", "function_arguments", "new_index", "full_splat", "for_tuple_expr", "for_object_expr",
    "template_interpolation", "template_directive", "template_for_start", "template_for_end", "template_if_intro",
    "template_else_intro", "template_if_end",
})  # fmt: skip
_CODE = frozenset({
    "template_interpolation", "template_for_start", "template_for_end", "template_if_intro", "template_else_intro",
    "template_if_end",
})  # fmt: skip
_STRICT = frozenset({"attribute", "object_elem"})
_OWN_LINES = frozenset({"config_file", "body", "object", "block"})


class Unreadable(Exception):
    """HCL that is not judged: the 1-based line, and what is wrong with it."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(f"line {line}: {what}")
        self.line = line
        self.what = what


def code_of(template: Node) -> Iterator[Node]:
    """The pieces of code in a template, in order: what stands between them is its literal text."""
    for child in template.children:
        if child.type in _CODE:
            yield child
        elif child.child_count and child.type.startswith("template_"):
            yield from code_of(child)


def check(root: Node, data: bytes) -> None:
    """Raises Unreadable unless terraform reads a parsed file as the tree says, or refuses it."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise Unreadable(1, "the file begins with a byte order mark")
    for pattern, what in ((_CONTROL, "a control character"), (_LONE_RETURN, "a carriage return without a line feed")):
        if bad := pattern.search(data):
            raise Unreadable(data[: bad.start()].count(b"\n") + 1, what)
    _check(root, data, 0, loose=False)
    if root.has_error:
        raise Unreadable(1, "the file does not parse")


def _check(node: Node, data: bytes, depth: int, *, loose: bool) -> None:
    line = node.start_point.row + 1
    if node.type == "ERROR" or node.is_missing:
        raise Unreadable(line, "this is no HCL")
    if depth > _DEEPEST:
        raise Unreadable(line, "it is nested too deeply")
    if node.type == "comment":
        _comment(node)
    children = node.children
    if node.type in TEMPLATES:
        _template(node, data)
    else:
        _gaps(node, children, data, loose=loose)
    if node.type == "body" or node.type == "config_file":
        _one_item_a_line(children, data)
    inside = node.type in _LOOSE or _parenthesised(node) or (loose and node.type not in _STRICT)
    if node.type in _OWN_LINES:
        inside = False
    for child in children:
        _check(child, data, depth + 1, loose=inside)


def _parenthesised(node: Node) -> bool:
    return node.type == "expression" and node.child_count > 0 and node.children[0].type == "("


def _gaps(node: Node, children: list[Node], data: bytes, *, loose: bool) -> None:
    """Between tokens there is nothing but blanks, and a line ends only where terraform lets it end."""
    free = loose or node.type in _LOOSE or _parenthesised(node)
    opened = False
    for left, right in pairwise(children):
        opened = opened or left.type in ("(", "block_start")
        gap = data[left.end_byte : right.start_byte]
        if not _GAP.fullmatch(gap):
            raise Unreadable(right.start_point.row + 1, "there is something between two words that is no blank")
        if b"\n" not in gap or left.type == "heredoc_template":
            continue
        if node.type in ("config_file", "body", "object"):
            continue
        allowed = opened if node.type == "block" or (node.type == "function_call" and not loose) else free
        if not allowed and not _ends_in_heredoc(left, data):
            raise Unreadable(left.end_point.row + 1, "a line ends where terraform expects more")


def _ends_in_heredoc(node: Node, data: bytes) -> bool:
    while node.children:
        node = node.children[-1]
    return node.type == "heredoc_identifier"


def _one_item_a_line(children: list[Node], data: bytes) -> None:
    last: Node | None = None
    for child in children:
        if child.type == "comment":
            continue
        if last is not None and not _line_between(last, child, children, data):
            raise Unreadable(child.start_point.row + 1, "two arguments or blocks stand on one line")
        last = child


def _line_between(left: Node, right: Node, children: list[Node], data: bytes) -> bool:
    """Whether a line ends between two items; one that ends inside of a /* comment */ does not count."""
    gap = data[left.end_byte : right.start_byte]
    if b"/*" not in gap:
        return b"\n" in gap
    inside = [n for n in children if n.type == "comment" and left.end_byte <= n.start_byte < right.start_byte]
    ends = [left.end_byte, *(n.end_byte for n in inside)]
    starts = [*(n.start_byte for n in inside), right.start_byte]
    return any(b"\n" in data[end:start] for end, start in zip(ends, starts, strict=True))


def _comment(node: Node) -> None:
    text = node.text or b""
    if not (_LINE_COMMENT.fullmatch(text) or _BLOCK_COMMENT.fullmatch(text)):
        raise Unreadable(node.start_point.row + 1, "this comment may end elsewhere for terraform")


def _template(node: Node, data: bytes) -> None:
    """The literal parts of a string or heredoc hold no code, no bad escape and no end of the whole."""
    code = list(code_of(node))
    ends = [node.start_byte, *(child.end_byte for child in code)]
    starts = [*(child.start_byte for child in code), node.end_byte]
    literals = [data[end:start].decode() for end, start in zip(ends, starts, strict=True)]
    line = node.start_point.row + 1
    if node.type == "heredoc_template":
        _heredoc(literals, line)
    else:
        if not all(_QUOTED.fullmatch(literal) for literal in "\0".join(literals)[1:-1].split("\0")):
            raise Unreadable(line, "this string holds a line end, a quote or an escape that HCL does not know")
    if any(_CODE_BEGINS.search(literal) for literal in literals):
        raise Unreadable(line, "this text holds ${ or %{ that may be code")


def _heredoc(literals: list[str], line: int) -> None:
    start = _HEREDOC.match(literals[0])
    if start is None:
        raise Unreadable(line, "a heredoc's word must end its line")
    body = "\0".join([literals[0][start.end() :], *literals[1:]])
    lines = body.split("\n")
    if lines[-1].strip() != start[1] or any(text.strip() == start[1] for text in lines[:-1]):
        raise Unreadable(line, "this heredoc may end elsewhere for terraform")
