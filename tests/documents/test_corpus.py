"""Real post-mortems with labels, where they are at hand: how much is found, and that edits leave the rest alone."""

from __future__ import annotations

import json
import pathlib
from collections import Counter
from typing import Any

import pytest

from app.documents.model import Document
from app.documents.parse import parse
from tests.documents.checks import check_filling, check_marking

CORPUS = pathlib.Path(__file__).parents[3] / "shared" / "corpus"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")


def documents() -> list[tuple[bytes, dict[str, Any]]]:
    found = []
    for label in sorted(CORPUS.glob("labels/*/*.json")):
        file = CORPUS / "files" / label.parent.name / (label.stem + ".md")
        found.append((file.read_bytes(), json.loads(label.read_text())))
    return found


def score(document: Document, labels: list[dict[str, Any]]) -> Counter[str]:
    """Counts as the labels' own scorer does: an item belongs to the nearest label at most a line away."""
    left, counts = list(labels), Counter(open=sum(one["status"] == "open" for one in labels))
    for item in (*document.todos, *document.skipped):
        near = sorted(
            (abs(one["line"] - item.line), n) for n, one in enumerate(left) if abs(one["line"] - item.line) < 2
        )
        label = left.pop(near[0][1]) if near else None
        counts["wrongly safe"] += item.safe and not (label and label["auto_safe"])
        counts["safe"] += item.safe and bool(label and label["auto_safe"])
        if not label or label["status"] != "unclear":
            counts["found"] += 1
            counts["right"] += bool(label and label["status"] == "open")
    counts["auto"] = sum(bool(one["auto_safe"]) for one in labels)
    return counts


def test_open_items_are_found_and_nothing_is_wrongly_safe() -> None:
    total: Counter[str] = Counter()
    for data, label in documents():
        total += score(parse(data, "x.md"), label["items"])
    assert total["wrongly safe"] == 0
    assert total["safe"] == total["auto"] > 0
    assert total["right"] >= 0.97 * total["open"] > 0
    assert total["right"] >= 0.97 * total["found"]


def test_titles_dates_and_done_items() -> None:
    wrong = []
    for data, label in documents():
        document = parse(data, pathlib.Path(label["file"]).name)
        if (document.title, document.date) != (label["title"], label["date"]):
            wrong.append((label["file"], document.title, document.date))
    assert wrong == []


@pytest.mark.parametrize("part", range(4))
def test_editing_real_documents_changes_what_it_should_and_no_more(part: int) -> None:
    for data, _ in documents()[part::4]:
        check_marking(data)
        check_filling(data)
        check_marking(data.replace(b"\n", b"\r\n"))
