"""A post-mortem's Markdown as HTML that is safe in a page, with what became of each action item beside its line.

The guarantee: whatever the text is, what comes out is balanced HTML of the tags in `TAGS` with the attributes in
`ATTRIBUTES` alone. Text is escaped, HTML in the document is shown as text, an address is http, https or mailto or a
place in the document itself, ids begin with `ID`, and nothing of it makes a browser ask for anything: an image is the
link to it. So the result is Markup, which templates put out as it is; nowhere else is markup made of foreign text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import mistune
from markupsafe import Markup, escape
from mistune.plugins.formatting import strikethrough
from mistune.plugins.url import url

from app.documents.front import cut_front_matter
from app.documents.markdown import parse_tokens
from app.documents.parse import FILE_LIMIT, LINE_LIMIT
from app.documents.tables import Row
from app.documents.text import fold
from app.redact import visible

ID = "pm-"
TAGS = frozenset(
    {"h2", "h3", "h4", "h5", "h6", "p", "br", "hr", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong"}
    | {"del", "a", "table", "thead", "tbody", "tr", "th", "td", "div", "span"}
)
ATTRIBUTES: Mapping[str, frozenset[str]] = {
    "a": frozenset({"href", "rel", "class"}),
    "div": frozenset({"class", "tabindex", "role", "aria-label"}),
    "ol": frozenset({"start"}),
    "pre": frozenset({"class", "tabindex"}),
    "span": frozenset({"class"}),
    "td": frozenset({"colspan"}),
    "th": frozenset({"scope"}),
    **dict.fromkeys(("h2", "h3", "h4", "h5", "h6"), frozenset({"id"})),
}
COLUMN = "State"
_INLINE = mistune.Markdown(plugins=[strikethrough, url]).inline
# A run of inline text that is longer is shown as it stands: nobody writes such a paragraph.
_INLINE_LIMIT = 20_000
_ABSOLUTE = re.compile(r"(?:https?://|mailto:)[A-Za-z0-9][!#-;=?-_a-z~%]{0,2000}", re.IGNORECASE)
_PLACE = re.compile(r"#[A-Za-z0-9_.%-]{1,200}")
_BREAK = re.compile(r"<br ?/?>", re.IGNORECASE)
_BOX = re.compile(r"\[([ xX])\][ \t]+")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]{1,200})\]:[ \t]*<?([^\s<>]{1,2000})>?(?:[ \t]+[\"'(].{0,300}[\"')])?[ \t]*")
_WORD = re.compile(r"[^\w]+")
_OUTCOME = re.compile(r"[a-z][a-z-]{0,30}")
_LOCAL = re.compile(r"/(?![/\\])[A-Za-z0-9_./#-]{0,300}")


@dataclass(frozen=True)
class Beside:
    """What stands beside the item that begins at a line: an outcome's word, and a page of ours that tells more."""

    line: int
    word: str
    link: str = ""


def rendered(text: str, beside: Iterable[Beside] = ()) -> Markup:
    """The document as HTML, its headings from h2 on; see the module for what may be in it.

    What is too large to be read as a post-mortem is shown as plain text. Raises nothing.
    """
    if len(text) > FILE_LIMIT or text.count("\n") > LINE_LIMIT:
        return plain(text)
    front, body = cut_front_matter(text.removeprefix("\ufeff"))
    try:
        tokens, items = parse_tokens(body)
        return _front(front) + _Page({one.line: one for one in beside}, items, _definitions(tokens)).blocks(tokens)
    except RecursionError:
        return plain(text)


def plain(text: str) -> Markup:
    """The text as it stands, in lines."""
    return Markup('<pre class="plain" tabindex="0">{}</pre>\n').format(visible(text))


@dataclass
class _Page:
    """One rendering: what is still to be shown beside lines, and the ids that are taken."""

    beside: dict[int, Beside]
    items: Mapping[int, int]
    links: dict[str, dict[str, str]]
    ids: Counter[str] = field(default_factory=Counter)
    in_link: bool = False
    tables: int = 0

    def blocks(self, tokens: list[dict[str, Any]]) -> Markup:
        return Markup("").join(self._block(token) for token in tokens)

    def _block(self, token: dict[str, Any]) -> Markup:
        kind = token["type"]
        if kind == "heading":
            return self._heading(token)
        if kind in ("paragraph", "block_text"):
            return self._paragraph(token)
        if kind == "table":
            return self._table(token["head"], token["rows"])
        if kind == "list":
            return self._list(token)
        if kind == "block_quote":
            return Markup("<blockquote>\n{}</blockquote>\n").format(self.blocks(token["children"]))
        if kind == "block_code":
            return Markup('<pre tabindex="0"><code>{}</code></pre>\n').format(visible(token["raw"]))
        if kind == "block_html":
            return self._html(token)
        return Markup("<hr>\n") if kind == "thematic_break" else Markup("")

    def _heading(self, token: dict[str, Any]) -> Markup:
        level = min(token["attrs"]["level"] + 1, 6)
        slug = _WORD.sub("-", fold(token["text"])).strip("-")[:80]
        self.ids[slug] += 1
        own = slug if self.ids[slug] == 1 else f"{slug}-{self.ids[slug]}"
        words = self._mark(token["line"], token["line"]) + self._inline(token["text"])
        return Markup('<h{} id="{}">{}</h{}>\n').format(level, ID + own, words, level)

    def _paragraph(self, token: dict[str, Any]) -> Markup:
        text = token["text"].rstrip("\n")
        last = token["line"] + text.count("\n")
        words = self._mark(token["line"], last) + self._inline(text)
        return Markup("<p>{}</p>\n").format(words) if token["type"] == "paragraph" else words + Markup("\n")

    def _html(self, token: dict[str, Any]) -> Markup:
        """HTML in the document, as the text that it is."""
        raw = token["raw"].strip("\n")
        mark = self._mark(token["line"], token["line"] + raw.count("\n"))
        return mark + Markup('<pre class="raw" tabindex="0">{}</pre>\n').format(visible(raw))

    def _list(self, token: dict[str, Any]) -> Markup:
        items = Markup("").join(self._item(child) for child in token["children"])
        if not token["attrs"].get("ordered"):
            return Markup("<ul>\n{}</ul>\n").format(items)
        first = token["attrs"].get("start", 1)
        start = Markup("") if first == 1 else Markup(' start="{}"').format(int(first))
        return Markup("<ol{}>\n{}</ol>\n").format(start, items)

    def _item(self, token: dict[str, Any]) -> Markup:
        line = self.items.get(id(token["children"]), 0)
        return Markup("<li>{}{}</li>\n").format(self._mark(line, line), self.blocks(token["children"]))

    def _table(self, head: Row, rows: list[Row]) -> Markup:
        """A table; where it holds items it gets a first column with what became of them."""
        self.tables += 1
        marked = any(row.line in self.beside for row in rows)
        width = len(head.cells)
        first = Markup('<th scope="col">{}</th>').format(COLUMN) if marked else Markup("")
        heads = Markup("").join(Markup('<th scope="col">{}</th>').format(self._inline(c.text)) for c in head.cells)
        lines = Markup("").join(self._row(row, width, marked) for row in rows)
        return Markup(
            '<div class="wide" tabindex="0" role="region" aria-label="Table {}">'
            "<table>\n<thead><tr>{}{}</tr></thead>\n<tbody>\n{}</tbody>\n</table></div>\n"
        ).format(self.tables, first, heads, lines)

    def _row(self, row: Row, width: int, marked: bool) -> Markup:
        cells = Markup("").join(Markup("<td>{}</td>").format(self._inline(c.text)) for c in row.cells[:width])
        # One cell for all that are missing, and one for all that are too many: short rows of a wide table cost nothing.
        missing, more = width - len(row.cells), row.cells[width:]
        if missing > 0:
            cells += Markup('<td colspan="{}"></td>').format(min(missing, 1000))
        if more:
            cells += Markup("<td>{}</td>").format(visible(" | ".join(cell.text for cell in more)))
        mark = Markup("<td>{}</td>").format(self._mark(row.line, row.line)) if marked else Markup("")
        return Markup("<tr>{}{}</tr>\n").format(mark, cells)

    def _mark(self, first: int, last: int) -> Markup:
        """What stands beside the items that begin in these lines, each once."""
        if not self.beside:
            return Markup("")
        here = [line for line in range(first, last + 1) if line in self.beside]
        return Markup("").join(_badge(self.beside.pop(line)) for line in here)

    def _inline(self, text: str) -> Markup:
        if len(text) > _INLINE_LIMIT:
            return escape(visible(text))
        box = _BOX.match(text)
        begin = Markup('<span class="box">{}</span> ').format("☐" if box[1] == " " else "☑") if box else Markup("")
        return begin + self._spans(_INLINE(text[box.end() if box else 0 :], {"ref_links": self.links}))

    def _spans(self, tokens: list[dict[str, Any]]) -> Markup:
        return Markup("").join(self._span(token) for token in tokens)

    def _span(self, token: dict[str, Any]) -> Markup:
        kind = token["type"]
        if kind == "linebreak" or (kind == "inline_html" and _BREAK.fullmatch(token["raw"])):
            return Markup("<br>")
        if kind == "softbreak":
            return Markup("\n")
        if kind == "codespan":
            return Markup("<code>{}</code>").format(visible(token["raw"]))
        if kind in ("link", "image"):
            return self._link(token)
        inner = self._spans(token["children"]) if "children" in token else escape(visible(_entities(token)))
        return Markup("<{}>{}</{}>").format(_SPANS[kind], inner, _SPANS[kind]) if kind in _SPANS else inner

    def _link(self, token: dict[str, Any]) -> Markup:
        """The words of a link or an image with its address behind them; one in another is its words alone."""
        address, outer, self.in_link = token["attrs"]["url"], self.in_link, True
        inner = self._spans(token["children"])
        self.in_link = outer
        words = inner if inner.striptags() else escape(visible(address))
        if outer or not (_PLACE.fullmatch(address) or _ABSOLUTE.fullmatch(address)):
            return words
        if address.startswith("#"):
            return Markup('<a href="#{}">{}</a>').format(ID + address[1:], words)
        return Markup('<a href="{}" rel="noopener noreferrer nofollow">{}</a>').format(address, words)


_SPANS = {"emphasis": Markup("em"), "strong": Markup("strong"), "strikethrough": Markup("del")}


def _entities(token: dict[str, Any]) -> str:
    """The characters that a text's entities stand for; HTML is shown as it is written."""
    raw: str = token.get("raw", "")
    return mistune.util.unescape(raw) if token["type"] == "text" else raw


def _badge(one: Beside) -> Markup:
    word = one.word if _OUTCOME.fullmatch(one.word) else "other"
    shown = word.replace("-", " ")
    if not _LOCAL.fullmatch(one.link):
        return Markup('<span class="outcome is-{}">{}</span> ').format(word, shown)
    return Markup('<a class="outcome is-{}" href="{}">{}</a> ').format(word, one.link, shown)


def _front(keys: Mapping[str, str]) -> Markup:
    """The front matter, as it would be read."""
    if not keys:
        return Markup("")
    return plain("\n".join(f"{key}: {value}" for key, value in keys.items()))


def _definitions(tokens: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """The addresses that the document's reference links name; their paragraphs are taken out of the tokens."""
    found: dict[str, dict[str, str]] = {}
    for token in tokens:
        if token["type"] != "paragraph" or not token["text"].lstrip(" ").startswith("["):
            continue
        lines = [_DEFINITION.fullmatch(line) for line in token["text"].rstrip("\n").split("\n")]
        if not all(lines):
            continue
        for line in filter(None, lines):
            label = mistune.util.unikey(line[1])
            found.setdefault(label, {"url": mistune.util.escape_url(line[2]), "label": line[1]})
        token["type"] = "blank_line"
    return found
