"""Every way of writing action items down: marked documents in, the marked items and nothing else out."""

from __future__ import annotations

import pytest

from tests.documents import styles_exports, styles_tables, styles_text
from tests.documents.marked import found_in, read, unmark

STYLES = styles_text.STYLES | styles_tables.STYLES | styles_exports.STYLES


@pytest.mark.parametrize("style", STYLES)
def test_style_gives_the_marked_items_and_no_others(style: str) -> None:
    text, expected = unmark(STYLES[style])
    assert found_in(read(text)) == expected


def test_a_section_named_twice_counts_twice() -> None:
    text, expected = unmark("# A\n## Tasks\no>- Add a\n## Impact\n- Nothing\n## Tasks\no>- Add b\n")
    assert found_in(read(text)) == expected
