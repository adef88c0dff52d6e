"""Charts are well-formed, say in words what they show, and are drawn from any numbers."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from app.web.pages.charts import Series, bars, columns, usd, whole
from tests.documents.fuzz import fuzzed

EVIL = "<script>alert(1)</script>\"'&"
SVG = "{*}"


def read(picture: Markup) -> ElementTree.Element:
    found = ElementTree.fromstring(str(picture))
    title, desc = found.find("title"), found.find("desc")
    assert title is not None and desc is not None and found.get("role") == "img"
    assert found.get("aria-labelledby") == f"{title.get('id')} {desc.get('id')}"
    names = {name for element in found.iter() for name in element.attrib}
    assert not any(name == "style" or name.startswith("on") or "href" in name for name in names)
    return found


def boxes(found: ElementTree.Element) -> list[tuple[str, float, float, float, float]]:
    return [
        (one.get("class", ""), *(float(one.get(name, "nan")) for name in ("x", "y", "width", "height")))
        for one in found.iter("rect")
    ]


def test_columns_are_as_high_as_their_values() -> None:
    found = read(columns("n", "Title", "In words.", ["a", "b"], [Series("in", [4, 0]), Series("out", [2, 1])]))
    heights = [(kind, height) for kind, _, _, _, height in boxes(found)]
    assert [kind for kind, _ in heights] == ["s0", "s1", "s1"]
    assert heights[0][1] == 2 * heights[1][1] == 4 * heights[2][1] == 130
    assert [text.text for text in found.iter("text")] == ["0", "2", "4", "a", "b"]
    assert [one.findtext("title") for one in found.iter("rect")] == ["a: in 4", "a: out 2", "b: out 1"]


def test_bars_fill_the_width_together() -> None:
    found = read(bars("n", "Title", "In words.", [("a", (3, 1)), ("b", (0, 2))], ["x", "y"]))
    assert [(kind, x, width) for kind, x, _, width, _ in boxes(found)] == [
        ("s0", 0, 270),
        ("s1", 270, 90),
        ("s1", 0, 180),
    ]
    assert [text.text for text in found.iter("text")] == ["a", "4", "b", "2"]


@pytest.mark.parametrize(
    ("most", "ends"), [(0, "2"), (1, "2"), (3, "4"), (13, "14"), (47, "50"), (95, "100"), (101, "120")]
)
def test_the_scale_ends_at_a_round_number_that_halves(most: int, ends: str) -> None:
    texts = [text.text for text in read(columns("n", "t", "d", ["a"], [Series("x", [most])])).iter("text")]
    assert texts[2] == ends and int(ends) == 2 * int(texts[1] or "")


def test_foreign_words_are_words() -> None:
    for picture in (
        columns("n", EVIL, EVIL, [EVIL], [Series(EVIL, [1])]),
        bars("n", EVIL, EVIL, [(EVIL, (1,))], [EVIL]),
    ):
        assert [one.tag for one in read(picture).iter() if "script" in str(one.tag)] == []


def test_money_and_counts_are_told_short() -> None:
    assert (whole(3.0), usd(0.5), usd(1234.5)) == ("3", "$0.50", "$1234")


NUMBERS = st.floats(allow_nan=True, allow_infinity=True) | st.integers(-5, 10**9)


@fuzzed(40)
@given(st.lists(st.lists(NUMBERS, max_size=5), max_size=4), st.integers(0, 60))
def test_any_numbers_can_be_drawn(values: list[list[float]], labels: int) -> None:
    series = [Series(str(n), one) for n, one in enumerate(values)]
    drawn = [read(columns("n", "t", "d", [str(n) for n in range(labels)], series, said)) for said in (whole, usd)]
    drawn.append(read(bars("n", "t", "d", [(str(n), one) for n, one in enumerate(values)], list("abcde"))))
    for found in drawn:
        for _, x, y, width, height in boxes(found):
            assert min(x, y, width, height) >= 0 and x + width <= 361 and height <= 131
